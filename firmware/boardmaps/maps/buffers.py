"""What a map asks of the buffers that it is given: bytes are counted, not items, and nothing here needs heap.

A buffer is any object with MicroPython's buffer protocol but str: bytes, bytearray, memoryview, array, uctypes.struct. The kernels
look at the first two by themselves; whatever else comes, and whatever they refuse, is looked at here, with an exception that
takes heap where there is some.
"""

from struct import pack_into, unpack_from


def whole(number):
    """Return whether this is a whole number. True and False are 1 and 0, as everywhere in Python."""
    return isinstance(number, int) or isinstance(number, bool)


def room(buffer, writable=False):
    """Return the bytes of a buffer. Raises TypeError for what is none, or must be writable and is not."""
    if _plain(buffer, writable):
        return len(buffer)
    low, high = 0, 1
    while _has(buffer, high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _has(buffer, middle):
            low = middle
        else:
            high = middle
    return low


def holds(buffer, size, writable=False):
    """Return whether a buffer has exactly `size` bytes, above -1. Raises TypeError as room() does."""
    if _plain(buffer, writable):
        return len(buffer) == size
    return _has(buffer, size) and not _has(buffer, size + 1)


def index_of(key):
    """Return the index that an int or 4 bytes stand for, one that no pool's array has for all above 65,535 and below 0."""
    if isinstance(key, int):
        return key if 0 <= key >> 16 < 1 else 0x3FFFFFFF
    if len(key) != 4:  # an array of larger items: a copy, which takes heap
        key = bytes(key)
    return 0x3FFFFFFF if key[2] or key[3] else key[0] | key[1] << 8


def _plain(buffer, writable):
    """Return whether len() counts the bytes of a buffer. Raises TypeError for what is none, or cannot be written to."""
    kind = type(buffer)
    if kind is bytearray or (kind is bytes and not writable):
        return True
    if isinstance(buffer, str):
        raise TypeError("bytes are wanted, not str")
    if writable:
        pack_into("", buffer, 0)
    return False


def _has(buffer, n):
    try:
        unpack_from("", buffer, n)
    except ValueError:
        return False
    return True

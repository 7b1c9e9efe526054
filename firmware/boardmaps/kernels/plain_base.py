"""What all plain Python kernels stand on: words of a slice and bytes of a buffer. clear() is the pool's own kernel.

The plain kernels are the readable reference. A port without machine code runs them, and so does a computer: nothing here is
MicroPython's own. They take heap, and they are many steps of bytecode: whatever may come in between, an interrupt or a thread, must
leave these maps alone, so no guard goes with them.
"""

from struct import pack_into, unpack_from

from ..flags import const

_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes


def word(view, index):
    """Return a word of a slice's header."""
    return unpack_from("<I", view, 4 * index)[0]


def put_word(view, index, number):
    """Set a word of a slice's header; numbers wrap."""
    pack_into("<I", view, 4 * index, number & 0xFFFFFFFF)


def begin(view):
    """Set the mark, before anything in a slice changes."""
    view[_MARK_AT] = 1


def end(view):
    """Clear the mark, behind the change, on every way out."""
    view[_MARK_AT] = 0


def known(buffer, size, writable=False):
    """Return whether a buffer is one that kernels know, bytes or bytearray, of this size; maps/buffers.py looks at all others."""
    kind = type(buffer)
    return (kind is bytearray or (kind is bytes and not writable)) and len(buffer) == size


def raw(buffer):
    """Return the bytes of any buffer, to read."""
    return buffer if type(buffer) is bytes or type(buffer) is bytearray else bytes(buffer)


def fill(buffer, data):
    """Write bytes to the begin of any buffer."""
    if len(data):
        pack_into("<%ds" % len(data), buffer, 0, bytes(data))


def clear(view, size):
    """Set the first `size` bytes to zero."""
    for i in range(size):
        view[i] = 0

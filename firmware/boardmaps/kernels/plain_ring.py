"""A ring's kernels in plain Python.

A record is a word with its length and two flags, a word with its running number, and its bytes; it begins at a multiple of 8 and
may go on at the ring's start. Positions are bytes since the map was made, modulo 2**32.
"""

from struct import pack_into, unpack_from

from ..flags import const
from .plain_base import fill, put_word, raw, word

# Words of a slice's header
_MAP_FLAGS = const(3)
_SIZE = const(6)  # max_entries: the ring's bytes
_COUNT = const(7)  # records that are submitted and not read
_CONSUMER = const(8)
_PRODUCER = const(9)
_DROPPED = const(10)
_ENTRIES = const(12)
_NUMBER = const(15)  # of the next record
_LAST = const(16)  # number of the record that was read last
_PEAK = const(18)  # the most bytes that were in use

# Flags beside a record's length
_RESERVED = const(1 << 29)
_DISCARDED = const(1 << 28)
_LENGTH = const((1 << 28) - 1)

_OVERWRITE = const(1 << 19)  # BPF_F_RB_OVERWRITE


def taken_by(length):
    """Return the bytes that a record of this length takes."""
    return (length + 15) & ~7


def used(view):
    """Return the bytes in use."""
    return (word(view, _PRODUCER) - word(view, _CONSUMER)) & 0xFFFFFFFF


def record_at(view, position):
    """Return where the record at a position is, from the slice's start."""
    return word(view, _ENTRIES) + (position & (word(view, _SIZE) - 1))


def head_at(view, at):
    """Return the first word of the record at `at`."""
    return unpack_from("<I", view, at)[0]


def make_room(view, taken):
    """Let old records go until `taken` bytes fit, where they may; return whether they do."""
    while used(view) + taken >= word(view, _SIZE):
        consumer = word(view, _CONSUMER)
        head = head_at(view, record_at(view, consumer))
        if taken >= word(view, _SIZE) or not word(view, _MAP_FLAGS) & _OVERWRITE or head & _RESERVED:
            return False
        put_word(view, _CONSUMER, consumer + taken_by(head & _LENGTH))
        if not head & _DISCARDED:
            put_word(view, _COUNT, word(view, _COUNT) - 1)
            put_word(view, _DROPPED, word(view, _DROPPED) + 1)
    return True


def claim(view, length):
    """Reserve a record of `length` bytes; return where it is, from the slice's start, or 0."""
    number = word(view, _NUMBER)
    put_word(view, _NUMBER, number + 1)
    if length >= word(view, _SIZE) or not make_room(view, taken_by(length)):
        put_word(view, _DROPPED, word(view, _DROPPED) + 1)
        return 0
    producer = word(view, _PRODUCER)
    at = record_at(view, producer)
    pack_into("<II", view, at, length | _RESERVED, number)
    put_word(view, _PRODUCER, producer + taken_by(length))
    put_word(view, _PEAK, max(word(view, _PEAK), used(view)))
    return at


def finish(view, at, data, discard):
    """Copy `data` into the record at `at`, or mark it as discarded."""
    n = head_at(view, at) & _LENGTH
    if discard:
        pack_into("<I", view, at, n | _DISCARDED)
        return
    data = raw(data)
    begin = at + 8
    first = min(n, word(view, _ENTRIES) + word(view, _SIZE) - begin)
    view[begin : begin + first] = data[:first]
    begin = word(view, _ENTRIES)
    view[begin : begin + n - first] = data[first:n]
    pack_into("<I", view, at, n)
    put_word(view, _COUNT, word(view, _COUNT) + 1)


def passed(view):
    """Pass discarded records; return where the next record is, from the slice's start, 0 when there is none."""
    while word(view, _CONSUMER) != word(view, _PRODUCER):
        at = record_at(view, word(view, _CONSUMER))
        head = head_at(view, at)
        if head & _RESERVED:
            return 0
        if not head & _DISCARDED:
            return at
        put_word(view, _CONSUMER, word(view, _CONSUMER) + taken_by(head & _LENGTH))
    return 0


def clear(view, force):
    """Throw away all records; 0, and nothing happens, while one is reserved, but by force."""
    at, end = word(view, _CONSUMER), word(view, _PRODUCER)
    while at != end:
        head = head_at(view, record_at(view, at))
        if head & _RESERVED and not force:
            return 0
        at = (at + taken_by(head & _LENGTH)) & 0xFFFFFFFF
    put_word(view, _CONSUMER, end)
    put_word(view, _COUNT, 0)
    return 1


def output(view, data):
    """Add a record with these bytes; False, and counted, when there is no room for it."""
    data = raw(data)
    at = claim(view, len(data))
    if at:
        finish(view, at, data, 0)
    return at != 0


def read_into(view, out, most):
    """Take the next record into `out`, `most` bytes; its length, -1 when there is none, -2 when it is longer, and it stays."""
    at = passed(view)
    if not at:
        return -1
    n, number = unpack_from("<II", view, at)
    if n > most:
        return -2
    begin = at + 8
    first = min(n, word(view, _ENTRIES) + word(view, _SIZE) - begin)
    behind = word(view, _ENTRIES)
    fill(out, bytes(view[begin : begin + first]) + bytes(view[behind : behind + n - first]))
    put_word(view, _CONSUMER, word(view, _CONSUMER) + taken_by(n))
    put_word(view, _LAST, number)
    put_word(view, _COUNT, word(view, _COUNT) - 1)
    return n


def drive(m):
    """Give a RingBuf its functions."""

    def own_output(data):
        m._room_in("output", data)
        return output(m._slice, data)

    def own_read_into(out):
        n = read_into(m._slice, out, m._room_in("read_into", out))
        if n == -2:
            m._too_short(out)
        return n

    m.output = own_output
    m.read_into = own_read_into

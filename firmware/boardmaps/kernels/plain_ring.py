"""A ring's kernels in plain Python.

A record is a word with its length and two flags, a word with its running number, and its bytes; it begins at a multiple of 8 and
may go on at the ring's start. Positions are bytes since the map was made, modulo 2**32.
"""

from struct import pack_into, unpack_from

from ..flags import const
from .plain_base import begin, end, fill, put_word, raw, word

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
    begin(view)
    at = _claimed(view, length)
    end(view)
    return at


def _claimed(view, length):
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
    begin(view)
    if discard:
        pack_into("<I", view, at, head_at(view, at) & _LENGTH | _DISCARDED)
    else:
        _submit(view, at, raw(data))
    end(view)


def _submit(view, at, data):
    n = head_at(view, at) & _LENGTH
    to = at + 8
    first = min(n, word(view, _ENTRIES) + word(view, _SIZE) - to)
    view[to : to + first] = data[:first]
    to = word(view, _ENTRIES)
    view[to : to + n - first] = data[first:n]
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
        begin(view)
        put_word(view, _CONSUMER, word(view, _CONSUMER) + taken_by(head & _LENGTH))
        end(view)
    return 0


def clear(view, force):
    """Throw away all records; 0, and nothing happens, while one is reserved, but by force."""
    at, last = word(view, _CONSUMER), word(view, _PRODUCER)
    while at != last:
        head = head_at(view, record_at(view, at))
        if head & _RESERVED and not force:
            return 0
        at = (at + taken_by(head & _LENGTH)) & 0xFFFFFFFF
    begin(view)
    put_word(view, _CONSUMER, last)
    put_word(view, _COUNT, 0)
    end(view)
    return 1


def output(view, data):
    """Add a record with these bytes; False, and counted, when there is no room for it."""
    data = raw(data)
    begin(view)
    at = _claimed(view, len(data))
    if at:
        _submit(view, at, data)
    end(view)
    return at != 0


def read_into(view, out, most):
    """Take the next record into `out`, `most` bytes; its length, -1 when there is none, -2 when it is longer, and it stays."""
    at = passed(view)
    if not at:
        return -1
    n, number = unpack_from("<II", view, at)
    if n > most:
        return -2
    at += 8
    first = min(n, word(view, _ENTRIES) + word(view, _SIZE) - at)
    behind = word(view, _ENTRIES)
    fill(out, bytes(view[at : at + first]) + bytes(view[behind : behind + n - first]))
    begin(view)
    put_word(view, _CONSUMER, word(view, _CONSUMER) + taken_by(n))
    put_word(view, _LAST, number)
    put_word(view, _COUNT, word(view, _COUNT) - 1)
    end(view)
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

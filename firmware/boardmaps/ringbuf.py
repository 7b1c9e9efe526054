"""RingBuf: records of any length from many producers to one reader, in the order of their reservation.

A record is a word with its length and two flags, a word with its running number, and its bytes; it begins at a multiple of 8
and may go on at the ring's start. Positions are bytes since the map was made, modulo 2**32.
"""

from collections import namedtuple
from struct import unpack_from

import micropython
from micropython import const

from .abi import RINGBUF
from .definition import MapDef
from .errors import InvalidValueSize, NotPermitted, NotSupported
from .guard import GUARD, enter, guarded, leave
from .pool import Map

# Words of a slice's header
_FLAGS = const(3)
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
_LEVEL = const((1 << 30) - 1)  # producer - consumer, whatever signs a board's words have

_OVERWRITE = const(1 << 19)  # BPF_F_RB_OVERWRITE
_TOO_SHORT = const(-2)

RingState = namedtuple("RingState", ("waiting", "size", "consumer", "producer", "dropped"))


@micropython.viper
def _make_room(base: int, taken: int) -> int:
    """Let old records go until `taken` bytes fit, where they may. 0: they do not, and that is counted."""
    h = ptr32(base)
    size = h[_SIZE]
    if taken < size and h[_FLAGS] & _OVERWRITE:
        while True:
            consumer = h[_CONSUMER]
            if (h[_PRODUCER] - consumer & _LEVEL) + taken < size:
                return 1
            head = ptr32(base + h[_ENTRIES] + (consumer & size - 1))[0]
            if head & _RESERVED:
                break
            h[_CONSUMER] = consumer + ((head & _LENGTH) + 15 & ~7)
            if not head & _DISCARDED:
                h[_COUNT] -= 1
                h[_DROPPED] += 1
    h[_DROPPED] += 1
    return 0


@micropython.viper
def _claim(base: int, length: int) -> int:
    """Reserve a record of `length` bytes; return where it is, from the slice's start, or 0."""
    h = ptr32(base)
    size = h[_SIZE]
    number = h[_NUMBER]
    h[_NUMBER] = number + 1
    if length < 0 or length >= size:
        h[_DROPPED] += 1
        return 0
    taken = length + 15 & ~7
    producer = h[_PRODUCER]
    if (producer - h[_CONSUMER] & _LEVEL) + taken >= size and not int(_make_room(base, taken)):
        return 0
    at = h[_ENTRIES] + (producer & size - 1)
    record = ptr32(base + at)
    record[0] = length | _RESERVED
    record[1] = number
    producer += taken
    h[_PRODUCER] = producer
    producer = producer - h[_CONSUMER] & _LEVEL
    if producer > h[_PEAK]:
        h[_PEAK] = producer
    return at


@micropython.viper
def _finish(base: int, at: int, data, discard: int):
    """Copy `data` into the record at `at`, or mark it as discarded."""
    h = ptr32(base)
    record = ptr32(base + at)
    n = record[0] & _LENGTH
    if discard:
        record[0] = n | _DISCARDED
        return
    mask = h[_SIZE] - 1
    ring = ptr8(base + h[_ENTRIES])
    i = at - h[_ENTRIES] + 8
    s = ptr8(data)
    end = int(s) + n
    while int(s) < end:
        ring[i & mask] = s[0]
        s = ptr8(int(s) + 1)
        i += 1
    record[0] = n
    h[_COUNT] += 1


@micropython.viper
def _pass(base: int) -> int:
    """Pass discarded records; return where the next record is, from the slice's start, 0 when there is none."""
    h = ptr32(base)
    while True:
        consumer = h[_CONSUMER]
        if consumer == h[_PRODUCER]:
            return 0
        at = h[_ENTRIES] + (consumer & h[_SIZE] - 1)
        head = ptr32(base + at)[0]
        if head & _RESERVED:
            return 0
        if not head & _DISCARDED:
            return at
        h[_CONSUMER] = consumer + ((head & _LENGTH) + 15 & ~7)


@micropython.viper
def _clear(base: int) -> int:
    """Throw away all records; 0, and nothing happens, while one is reserved."""
    h = ptr32(base)
    at = h[_CONSUMER]
    end = h[_PRODUCER]
    while at != end:
        head = ptr32(base + h[_ENTRIES] + (at & h[_SIZE] - 1))[0]
        if head & _RESERVED:
            return 0
        at += (head & _LENGTH) + 15 & ~7
    h[_CONSUMER] = end
    h[_COUNT] = 0
    return 1


_claim = guarded(_claim, 2)
_finish = guarded(_finish, 4)
_next = guarded(_pass, 1)
_clear = guarded(_clear, 1)


def _functions(base, length, make_room, skip, fail):
    """Return (move, output, read_into) of the map whose slice is at address `base`; move() takes them to another.

    make_room and skip are the functions above: names of the module cost more, as then a call saves and restores its
    globals. fail(op, out) raises StaleMap if the map is gone, else that `out` is too short. A closure of more than five
    names and arguments in all would take heap at every call.
    """

    def move(to):
        nonlocal base
        base = to

    @micropython.viper
    def output(data) -> bool:
        b = int(base)
        h = ptr32(b)
        size = h[_SIZE]
        n = int(length(data))
        taken = n + 15 & ~7
        producer = h[_PRODUCER]
        used = (producer - h[_CONSUMER] & _LEVEL) + taken
        if used >= size:
            if not size:
                fail("output", data)
                return False
            if not int(make_room(b, taken)):
                h[_NUMBER] += 1
                return False
            used = (producer - h[_CONSUMER] & _LEVEL) + taken
        if used > h[_PEAK]:
            h[_PEAK] = used
        i = producer & size - 1
        h[_PRODUCER] = producer + taken
        h[_COUNT] += 1
        d = ptr32(b + h[_ENTRIES] + i)
        d[0] = n
        d[1] = h[_NUMBER]
        h[_NUMBER] += 1
        s = ptr32(data)
        i += 8
        if i + n <= size:
            d = ptr32(int(d) + 8)
            if not int(s) & 3:  # else bytes: a Cortex-M0+ faults on words that are not aligned
                while n >= 16:
                    d[0] = s[0]
                    d[1] = s[1]
                    d[2] = s[2]
                    d[3] = s[3]
                    s = ptr32(int(s) + 16)
                    d = ptr32(int(d) + 16)
                    n -= 16
                while n >= 4:
                    d[0] = s[0]
                    s = ptr32(int(s) + 4)
                    d = ptr32(int(d) + 4)
                    n -= 4
            s8 = ptr8(int(s))
            d8 = ptr8(int(d))
            i = 0
            while i < n:
                d8[i] = s8[i]
                i += 1
            return True
        size -= 1
        d8 = ptr8(b + h[_ENTRIES])
        s8 = ptr8(int(s))
        while n:
            d8[i & size] = s8[0]
            s8 = ptr8(int(s8) + 1)
            i += 1
            n -= 1
        return True

    @micropython.viper
    def read_into(out) -> int:
        b = int(base)
        h = ptr32(b)
        consumer = h[_CONSUMER]
        size = h[_SIZE]
        if consumer == h[_PRODUCER]:
            if not size:
                fail("read_into", out)
            return -1
        i = consumer & size - 1
        s = ptr32(b + h[_ENTRIES] + i)
        n = s[0]
        if n > _LENGTH:
            n = int(skip(b))
            if not n:
                return -1
            consumer = h[_CONSUMER]
            i = consumer & size - 1
            s = ptr32(b + n)
            n = s[0]
        if int(length(out)) < n:
            fail("read_into", out)
            return _TOO_SHORT
        h[_CONSUMER] = consumer + (n + 15 & ~7)
        h[_COUNT] -= 1
        h[_LAST] = s[1]
        taken = n
        d = ptr32(out)
        i += 8
        if i + n <= size:
            s = ptr32(int(s) + 8)
            if not int(d) & 3:
                while n >= 16:
                    d[0] = s[0]
                    d[1] = s[1]
                    d[2] = s[2]
                    d[3] = s[3]
                    s = ptr32(int(s) + 16)
                    d = ptr32(int(d) + 16)
                    n -= 16
                while n >= 4:
                    d[0] = s[0]
                    s = ptr32(int(s) + 4)
                    d = ptr32(int(d) + 4)
                    n -= 4
            s8 = ptr8(int(s))
            d8 = ptr8(int(d))
            i = 0
            while i < n:
                d8[i] = s8[i]
                i += 1
            return taken
        size -= 1
        s8 = ptr8(b + h[_ENTRIES])
        d8 = ptr8(int(d))
        while n:
            d8[0] = s8[i & size]
            d8 = ptr8(int(d8) + 1)
            i += 1
            n -= 1
        return taken

    return move, output, read_into


@micropython.native
def _ignore(op, out):
    """Stand in for fail() while a guard holds the maps: no bytecode may run then."""


def _within_guard(output, read_into, m):
    """Return output() and read_into() that hold the board's guard."""

    @micropython.native
    def guarded_output(data):
        if m._value_size:  # -1: the pool was reset
            m._alive("output")
        state = enter()
        try:
            return output(data)
        finally:
            leave(state)

    @micropython.native
    def guarded_read_into(out):
        if m._value_size:
            m._alive("read_into")
        state = enter()
        try:
            n = read_into(out)
        finally:
            leave(state)
        if n == -2:
            m._failed("read_into", out)
        return n

    return guarded_output, guarded_read_into


class Record:
    """A reserved record: write its bytes to `data`, then submit() or discard() it. Until then later ones wait."""

    def __init__(self, ring, at, length):
        self.number = ring._number_at(at)
        # Not the pool itself: what is held of it after submit() must reach no other record.
        self._buffer = bytearray(length)
        self.data = memoryview(self._buffer)
        self._ring = ring
        self._at = at

    def submit(self):
        """Let the reader have it. Raises NotPermitted when it was submitted or discarded before."""
        self._finish("submit", 0)

    def discard(self):
        """Throw it away: its space stays taken until the reader has passed it."""
        self._finish("discard", 1)

    def _finish(self, op, discard):
        ring = self._ring
        ring._alive(op)
        if not self._at:
            raise NotPermitted("%s %r: record %d was submitted or discarded before" % (op, ring.name, self.number))
        at, self._at = self._at, 0
        _finish(ring._base, at, self._buffer, discard)
        self.data = memoryview(bytes(self._buffer))


class RingBuf(Map):
    """A ring of `size` bytes, a power of two, in the static pool. A record takes its length and 8 bytes, rounded up to 8.

    Takes 96 bytes and the size. At most size - 1 bytes are in use. What does not fit is dropped and counted, or, with
    BPF_F_RB_OVERWRITE, makes the oldest records go, which are counted too. Each record has a running number, below 2**32,
    that a dropped one uses up as well: a reader that sees a gap knows how many it missed (or that a reserved record was
    discarded).

    output(data) adds a record with these bytes and returns False, and counts, when there is no room for it. read_into(out)
    takes the next record into `out`, which may be longer, and returns its length, -1 when there is none; when `out` is too
    short it raises InvalidValueSize and the record stays. Neither allocates.
    """

    def __init__(self, size, map_flags=0, name=""):
        if GUARD == "none":
            self._functions_at, self.output, self.read_into = _functions(0, len, _make_room, _pass, self._failed)
        else:
            self._functions_at, output, read_into = _functions(0, len, _make_room, _pass, _ignore)
            self.output, self.read_into = _within_guard(output, read_into, self)
        Map.__init__(self, MapDef(RINGBUF, 0, 0, size, map_flags, name))

    def _move(self, to):
        self._base = to
        self._functions_at(to)

    def reserve(self, length):
        """Reserve a record of `length` bytes, zeroed; None, and counted, when there is no room for it."""
        self._alive("reserve")
        if not isinstance(length, int) or length < 0 or length >> 32:
            raise InvalidValueSize("reserve %r: length is %r, not a number from 0 to 2**32 - 1" % (self.name, length))
        at = _claim(self._base, length)
        return Record(self, at, length) if at else None

    def read(self):
        """Take the next record: (its number, its bytes). None when there is none, or the next one is still reserved."""
        self._alive("read")
        while True:
            at = _next(self._base)
            if not at:
                return None
            out = bytearray(unpack_from("<I", self._view, at)[0])
            try:
                n = self.read_into(out)
            except InvalidValueSize:  # it was overwritten meanwhile, and the next one is longer
                continue
            if n >= 0:
                return unpack_from("<I", self._view, _LAST * 4)[0], bytes(out[:n])

    def query(self):
        """Return the bytes waiting, the size, the positions of consumer and producer, and the records dropped."""
        self._alive("query")
        consumer, producer, dropped = unpack_from("<3I", self._view, _CONSUMER * 4)
        return RingState(producer - consumer & 0xFFFFFFFF, self.definition.max_entries, consumer, producer, dropped)

    def clear(self):
        """Throw away every record that is waiting, counting none. Raises NotPermitted while one is reserved."""
        self._alive("clear")
        if not _clear(self._base):
            raise NotPermitted("clear %r: a record is reserved; submit or discard it first" % self.name)

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _failed(self, op, out):
        self._alive(op)
        raise InvalidValueSize("%s %r: the next record is longer than %d bytes" % (op, self.name, len(out)))

    def _number_at(self, at):
        return unpack_from("<I", self._view, at + 4)[0]

    def _none(self, op):
        self._alive(op)
        raise NotSupported("%s %r: a ring has no such operation; use output, reserve and read" % (op, self.name))

    def lookup(self, key=None):
        """Raise NotSupported, as update, delete and next_key do: a ring has records, not entries."""
        self._none("lookup")

    def update(self, key=None, value=None, flags=0):
        """Raise NotSupported."""
        self._none("update")

    def delete(self, key=None):
        """Raise NotSupported."""
        self._none("delete")

    def next_key(self, key=None):
        """Raise NotSupported."""
        self._none("next_key")

    def lookup_and_delete(self, key=None):
        """Raise NotSupported."""
        self._none("lookup_and_delete")

    def _at(self, cursor):
        self._none("walk")

"""A ring's kernels as MicroPython compiles them: viper, for firmware without the C ones.

drive(m) gives a RingBuf its functions; claim, finish, passed and clear take the view of a ring's slice. A record is a word with
its length and two flags, a word with its running number, and its bytes; it begins at a multiple of 8 and may go on at the
ring's start. Positions are bytes since the map was made, modulo 2**32.

More than 300 lines: the closures share a slice's address, and each repeats the loops that a call would make slow.
"""

import micropython
from micropython import const

from .viper_base import address, guarded, held, identity, inside, place

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

_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes

# Flags beside a record's length
_RESERVED = const(1 << 29)
_DISCARDED = const(1 << 28)
_LENGTH = const((1 << 28) - 1)
_LEVEL = const((1 << 30) - 1)  # producer - consumer, whatever signs a board's words have

_OVERWRITE = const(1 << 19)  # BPF_F_RB_OVERWRITE
_TOO_SHORT = const(-2)


@micropython.viper
def _make_room(eighth: int, taken: int) -> int:
    """Let old records go until `taken` bytes fit, where they may. 0: they do not, and that is counted. The mark is set.

    The slice is at address 8 * `eighth`: a number on its way from one viper function to another becomes an object, which
    takes heap from 2**30 up, and there is RAM at such addresses.
    """
    base = eighth << 3
    h = ptr32(base)
    size = h[_SIZE]
    if taken < size and h[_MAP_FLAGS] & _OVERWRITE:
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
def claim(view, length: int) -> int:
    """Reserve a record of `length` bytes; return where it is, from the slice's start, or 0."""
    h = ptr32(view)
    base = int(h)
    size = h[_SIZE]
    number = h[_NUMBER]
    ptr8(int(h))[_MARK_AT] = 1
    h[_NUMBER] = number + 1
    if length < 0 or length >= size:
        h[_DROPPED] += 1
        ptr8(int(h))[_MARK_AT] = 0
        return 0
    taken = length + 15 & ~7
    producer = h[_PRODUCER]
    if (producer - h[_CONSUMER] & _LEVEL) + taken >= size and not int(_make_room(base >> 3, taken)):
        ptr8(int(h))[_MARK_AT] = 0
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
    ptr8(int(h))[_MARK_AT] = 0
    return at


@micropython.viper
def finish(view, at: int, data, discard: int):
    """Copy `data` into the record at `at`, or mark it as discarded."""
    h = ptr32(view)
    base = int(h)
    record = ptr32(base + at)
    n = record[0] & _LENGTH
    ptr8(int(h))[_MARK_AT] = 1
    if discard:
        record[0] = n | _DISCARDED
        ptr8(int(h))[_MARK_AT] = 0
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
    ptr8(int(h))[_MARK_AT] = 0


@micropython.viper
def _passed(eighth: int) -> int:
    """Pass discarded records; return where the next record is, from the slice's start, 0 when there is none.

    The slice is at address 8 * `eighth`.
    """
    base = eighth << 3
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
        ptr8(int(h))[_MARK_AT] = 1
        h[_CONSUMER] = consumer + ((head & _LENGTH) + 15 & ~7)
        ptr8(int(h))[_MARK_AT] = 0


@micropython.viper
def passed(view) -> int:
    """Do _passed() in the slice of this view."""
    return int(_passed(int(ptr8(view)) >> 3))


@micropython.viper
def clear(view, force: int) -> int:
    """Throw away all records; 0, and nothing happens, while one is reserved, but by force."""
    h = ptr32(view)
    base = int(h)
    at = h[_CONSUMER]
    end = h[_PRODUCER]
    while at != end:
        head = ptr32(base + h[_ENTRIES] + (at & h[_SIZE] - 1))[0]
        if head & _RESERVED and not force:
            return 0
        at += (head & _LENGTH) + 15 & ~7
    ptr8(int(h))[_MARK_AT] = 1
    h[_CONSUMER] = end
    h[_COUNT] = 0
    ptr8(int(h))[_MARK_AT] = 0
    return 1


claim = guarded(claim, 2)
finish = guarded(finish, 4)
passed = guarded(passed, 1)
clear = guarded(clear, 2)


@micropython.viper
def _take(view, out, most: int) -> int:
    """Do read_into() with the `most` bytes of a buffer of any kind: its length, -1: there is none, _TOO_SHORT: it is longer."""
    b = int(ptr8(view))
    at = int(_passed(b >> 3))
    if not at:
        return -1
    h = ptr32(b)
    s = ptr32(b + at)
    n = s[0]
    if n > most:
        return _TOO_SHORT
    mask = h[_SIZE] - 1
    ring = ptr8(b + h[_ENTRIES])
    i = at - h[_ENTRIES] + 8
    d = ptr8(out)
    end = int(d) + n
    while int(d) < end:
        d[0] = ring[i & mask]
        d = ptr8(int(d) + 1)
        i += 1
    ptr8(int(h))[_MARK_AT] = 1
    h[_CONSUMER] += n + 15 & ~7
    h[_COUNT] -= 1
    h[_LAST] = s[1]
    ptr8(int(h))[_MARK_AT] = 0
    return n


_take = guarded(_take, 3)


def _functions(at, identity, make_room, skip, slow):
    """Return (output, read_into) of a map; `at` is the address of its place, as viper_base.py has it.

    make_room and skip are the functions above: names of the module cost more, as then a call saves and restores its
    globals. slow(what, buffer) does output (0) or read_into (1) with any buffer, or raises why not. A closure of more than
    five names and arguments in all would take heap at every call.
    """

    @micropython.viper
    def output(data) -> bool:
        p = ptr32(int(at))
        i = int(identity(data))
        if i & 3:
            return int(slow(0, data)) != 0
        s = ptr32(i)
        if s[0] != p[3] and s[0] != p[2]:
            return int(slow(0, data)) != 0
        n = ptr32(i + p[4])[0]
        b = p[0] | p[1] << 32
        h = ptr32(b)
        size = h[_SIZE]
        s = ptr32(data)
        taken = n + 15 & ~7
        producer = h[_PRODUCER]
        used = (producer - h[_CONSUMER] & _LEVEL) + taken
        if used >= size:
            if not size:
                return int(slow(0, data)) != 0
            ptr8(int(h))[_MARK_AT] = 1
            if not int(make_room(b >> 3, taken)):
                h[_NUMBER] += 1
                ptr8(int(h))[_MARK_AT] = 0
                return False
            used = (producer - h[_CONSUMER] & _LEVEL) + taken
        ptr8(int(h))[_MARK_AT] = 1
        if used > h[_PEAK]:
            h[_PEAK] = used
        i = producer & size - 1
        h[_PRODUCER] = producer + taken
        h[_COUNT] += 1
        d = ptr32(b + h[_ENTRIES] + i)
        d[0] = n
        d[1] = h[_NUMBER]
        h[_NUMBER] += 1
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
            ptr8(int(h))[_MARK_AT] = 0
            return True
        size -= 1
        d8 = ptr8(b + h[_ENTRIES])
        s8 = ptr8(int(s))
        while n:
            d8[i & size] = s8[0]
            s8 = ptr8(int(s8) + 1)
            i += 1
            n -= 1
        ptr8(int(h))[_MARK_AT] = 0
        return True

    @micropython.viper
    def read_into(out) -> int:
        p = ptr32(int(at))
        i = int(identity(out))
        if i & 3 or ptr32(i)[0] != p[3]:
            return int(slow(1, out))
        most = ptr32(i + p[4])[0]
        b = p[0] | p[1] << 32
        h = ptr32(b)
        consumer = h[_CONSUMER]
        size = h[_SIZE]
        if consumer == h[_PRODUCER]:
            if not size:
                return int(slow(1, out))
            return -1
        i = consumer & size - 1
        s = ptr32(b + h[_ENTRIES] + i)
        n = s[0]
        if n > _LENGTH:
            n = int(skip(b >> 3))
            if not n:
                return -1
            consumer = h[_CONSUMER]
            i = consumer & size - 1
            s = ptr32(b + n)
            n = s[0]
        if most < n:
            return int(slow(1, out))
        d = ptr32(out)
        ptr8(int(h))[_MARK_AT] = 1
        h[_CONSUMER] = consumer + (n + 15 & ~7)
        h[_COUNT] -= 1
        h[_LAST] = s[1]
        ptr8(int(h))[_MARK_AT] = 0
        taken = n
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

    return output, read_into


def _any(m):
    """Return what does output and read_into with buffers of any kind."""

    def slow(what, buffer):
        if not what:
            n = m._room_in("output", buffer)
            at = claim(m._slice, n)
            if at:
                finish(m._slice, at, buffer, 0)
            return at != 0
        n = _take(m._slice, buffer, m._room_in("read_into", buffer))
        if n == _TOO_SHORT:
            m._too_short(buffer)
        return n

    return slow


def drive(m):
    """Give a RingBuf its functions, within the board's guard."""
    m._words, m._move = place()
    slow = _any(m)
    output, read_into = _functions(address(m._words), identity, _make_room, _passed, inside(slow))
    m.output, m.read_into = held(output, slow, 0), held(read_into, slow, 1)

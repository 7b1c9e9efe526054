"""The kernels of queues and stacks as MicroPython compiles them: viper, for firmware without the C ones.

drive(m) gives a map its functions; empty(view) forgets all values. The slots form a ring. A map has its own little
functions over the address of its slice: that saves each call the look at an attribute, which costs as much as the copying.
"""

import micropython
from micropython import const

from .viper_base import address, guarded, held, identity, inside, place

# Words of a slice's header
_MAP_TYPE = const(2)
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_FIRST = const(8)  # index of the slot that holds the oldest value
_ENTRIES = const(12)
_STRIDE = const(14)
_PEAK = const(18)

_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes

_STACK = const(23)
_ANY = const(0)  # BPF_ANY

# What put() answers
_FULL = const(3)
_WRONG_SIZE = const(4)

_LOOKED_AT = const(16)  # beside `over`: the value is right


@micropython.viper
def empty(view):
    """Forget all values."""
    h = ptr32(view)
    ptr8(int(h))[_MARK_AT] = 1
    h[_COUNT] = 0
    h[_FIRST] = 0
    ptr8(int(h))[_MARK_AT] = 0


empty = guarded(empty, 1)


def _functions(at, identity, slow):
    """Return (put, pop_into, peek_into) of a map; `at` is the address of its place, as viper_base.py has it.

    slow(op, out) does pop_into or peek_into with any buffer, or raises why not. A closure of more than five names and arguments in
    all would take heap at every call.
    """

    @micropython.viper
    def put(value, over: int) -> int:
        """Copy the value behind the newest one; in a full map over the oldest one, if `over`. 0: done, _WRONG_SIZE: look at it."""
        p = ptr32(int(at))
        h = ptr32(p[0] | p[1] << 32)
        n = h[_VALUE_SIZE]
        if over < _LOOKED_AT:
            i = int(identity(value))
            if i & 3 or ptr32(i + p[4])[0] != n:
                return _WRONG_SIZE
            i = ptr32(i)[0]
            if i != p[3] and i != p[2]:
                return _WRONG_SIZE
        s = ptr32(value)
        count = h[_COUNT]
        most = h[_MAX_ENTRIES]
        slot = h[_FIRST]
        if count == most:
            if not over & 15:
                return _FULL
            i = slot + 1
            if i == most:
                i = 0
            ptr8(int(h))[_MARK_AT] = 1
            h[_FIRST] = i
        else:
            slot += count
            if slot >= most:
                slot -= most
            count += 1
            ptr8(int(h))[_MARK_AT] = 1
            h[_COUNT] = count
            if count > h[_PEAK]:
                h[_PEAK] = count
        d = ptr32(int(h) + h[_ENTRIES] + slot * h[_STRIDE])
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
        return 0

    @micropython.viper
    def pop_into(out) -> bool:
        p = ptr32(int(at))
        h = ptr32(p[0] | p[1] << 32)
        n = h[_VALUE_SIZE]
        i = int(identity(out))
        if i & 3 or ptr32(i)[0] != p[3] or ptr32(i + p[4])[0] != n:
            return int(slow("pop_into", out)) != 0
        d = ptr32(out)
        count = h[_COUNT]
        if not count:
            return False
        count -= 1
        ptr8(int(h))[_MARK_AT] = 1
        h[_COUNT] = count
        slot = h[_FIRST]
        most = h[_MAX_ENTRIES]
        if h[_MAP_TYPE] == _STACK:
            slot += count
            if slot >= most:
                slot -= most
        else:
            i = slot + 1
            if i == most:
                i = 0
            h[_FIRST] = i
        ptr8(int(h))[_MARK_AT] = 0
        s = ptr32(int(h) + h[_ENTRIES] + slot * h[_STRIDE])
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
        return True

    @micropython.viper
    def peek_into(out) -> bool:
        p = ptr32(int(at))
        h = ptr32(p[0] | p[1] << 32)
        n = h[_VALUE_SIZE]
        i = int(identity(out))
        if i & 3 or ptr32(i)[0] != p[3] or ptr32(i + p[4])[0] != n:
            return int(slow("peek_into", out)) != 0
        count = h[_COUNT]
        if not count:
            return False
        slot = h[_FIRST]
        if h[_MAP_TYPE] == _STACK:
            slot += count - 1
            if slot >= h[_MAX_ENTRIES]:
                slot -= h[_MAX_ENTRIES]
        d8 = ptr8(out)
        s8 = ptr8(int(h) + h[_ENTRIES] + slot * h[_STRIDE])
        i = 0
        while i < n:
            d8[i] = s8[i]
            i += 1
        return True

    return put, pop_into, peek_into


def _front(put, failed):
    """Return push() over put(); failed(value, flags) does again what put() refused, or has flags, and says why."""

    @micropython.native
    def push(value, flags=0):
        if flags is _ANY:  # "is not" would be two calls
            if not put(value, 0):
                return
        failed(value, flags)

    return push


@micropython.viper
def _take(view, out, remove: int) -> bool:
    """Do pop_into or peek_into with any buffer that has been looked at."""
    h = ptr32(view)
    count = h[_COUNT]
    if not count:
        return False
    count -= 1
    most = h[_MAX_ENTRIES]
    first = h[_FIRST]
    slot = first
    if h[_MAP_TYPE] == _STACK:
        slot += count
        if slot >= most:
            slot -= most
    else:
        first += 1
        if first == most:
            first = 0
    d = ptr8(out)
    s = ptr8(int(h) + h[_ENTRIES] + slot * h[_STRIDE])
    n = h[_VALUE_SIZE]
    i = 0
    while i < n:
        d[i] = s[i]
        i += 1
    if remove:
        ptr8(int(h))[_MARK_AT] = 1
        h[_COUNT] = count
        h[_FIRST] = first
        ptr8(int(h))[_MARK_AT] = 0
    return True


_take = guarded(_take, 3)


def drive(m):
    """Give a Queue or a Stack its functions, within the board's guard."""

    def slow(op, out):
        m._check_out(op, b"", out)
        return _take(m._slice, out, 1 if op == "pop_into" else 0)

    m._words, m._move = place()
    put, pop_into, peek_into = _functions(address(m._words), identity, inside(slow))
    m.pop_into = held(pop_into, slow, "pop_into")
    m.peek_into = held(peek_into, slow, "peek_into")
    m._put = guarded(put, 2)
    m.push = _front(m._put, m._push_failed)

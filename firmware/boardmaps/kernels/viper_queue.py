"""The kernels of queues and stacks as MicroPython compiles them: viper, for firmware without the C ones.

drive(m) gives a map its functions; empty(view) forgets all values. The slots form a ring. A map has its own little
functions over the address of its slice: that saves each call the look at an attribute, which costs as much as the copying.
"""

import micropython
from micropython import const

from ..settings import GUARD
from .viper_base import address, enter, guarded, leave

# Words of a slice's header
_MAP_TYPE = const(2)
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_FIRST = const(8)  # index of the slot that holds the oldest value
_ENTRIES = const(12)
_STRIDE = const(14)
_PEAK = const(18)

_STACK = const(23)

# What put() answers
_FULL = const(3)
_WRONG_SIZE = const(4)


@micropython.viper
def empty(view):
    """Forget all values."""
    h = ptr32(view)
    h[_COUNT] = 0
    h[_FIRST] = 0


empty = guarded(empty, 1)


def _functions(base, length, refuse):
    """Return (move, put, pop_into, peek_into) of the map whose slice is at address `base`.

    `refuse(op, value)` raises what is wrong with a value. move() takes them all to another address. A closure of more than
    five names and arguments in all would take heap at every call.
    """

    def move(view):
        nonlocal base
        base = address(view)

    @micropython.viper
    def put(value, over: int) -> int:
        """Copy the value behind the newest one; in a full map over the oldest one, if `over`. 0: done."""
        h = ptr32(int(base))
        n = h[_VALUE_SIZE]
        if int(length(value)) != n:
            return _WRONG_SIZE
        s = ptr32(value)  # raises TypeError for what has a length and no bytes: before anything has changed
        count = h[_COUNT]
        most = h[_MAX_ENTRIES]
        slot = h[_FIRST]
        if count == most:
            if not over:
                return _FULL
            i = slot + 1
            if i == most:
                i = 0
            h[_FIRST] = i
        else:
            slot += count
            if slot >= most:
                slot -= most
            count += 1
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
        return 0

    @micropython.viper
    def pop_into(out) -> bool:
        h = ptr32(int(base))
        n = h[_VALUE_SIZE]
        if int(length(out)) != n:
            refuse("pop_into", out)
        d = ptr32(out)
        count = h[_COUNT]
        if not count:
            return False
        count -= 1
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
        h = ptr32(int(base))
        n = h[_VALUE_SIZE]
        if int(length(out)) != n:
            refuse("peek_into", out)
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

    return move, put, pop_into, peek_into


def _front(put, failed):
    """Return push() over put(); failed(value, flags) does again what put() refused, or has flags, and says why."""

    @micropython.native
    def push(value, flags=0):
        if flags or put(value, 0):
            failed(value, flags)

    return push


def _guarded_take(take, m, op):
    """Return pop_into or peek_into within the guard, with the size checked before: no bytecode runs inside."""

    @micropython.native
    def guarded_take(out):
        if len(out) != m._value_size:
            m._refuse(op, b"", out)
        state = enter()
        try:
            return take(out)
        finally:
            leave(state)

    return guarded_take


def drive(m):
    """Give a Queue or a Stack its functions, within the board's guard."""

    def wrong_size(op, value):
        m._refuse(op, b"", value)

    m._move, put, m.pop_into, m.peek_into = _functions(0, len, wrong_size)
    if GUARD != "none":
        m.pop_into = _guarded_take(m.pop_into, m, "pop_into")
        m.peek_into = _guarded_take(m.peek_into, m, "peek_into")
    m._put = guarded(put, 2)
    m.push = _front(m._put, m._push_failed)

"""What the viper kernels of maps with keys share: checked lookups, and atomics that are one step each.

`op(key, value, what)` is such a map's kernel. It answers 0 done, 1 a miss, 4 a wrong length, and to 6 (find) minus the offset
of the key's value in the slice. Nothing here runs bytecode while a guard holds the maps: a scheduled function might come
in between, and wait for ever.
"""

import micropython
from micropython import const

from ..settings import GUARD
from .guard import enter, leave

_VALUE_SIZE = const(5)  # a word of a slice's header

_length = len


def checked_lookup(op, refuse):
    """Return lookup_into(key, out) over a map's op."""

    @micropython.viper
    def lookup_into(key, out) -> bool:
        done = int(op(key, out, 3))
        if done > 1:
            refuse("lookup_into", key, out)
        return done == 0

    return lookup_into


@micropython.native
def joined(a, b, c, d):
    """Return the number of four 16-bit digits, the lowest first. Takes heap from 2**30 up on a 32-bit board."""
    if c or d:
        return (d << 16 | c) << 32 | b << 16 | a
    return b << 16 | a if b else a


@micropython.viper
def _add(find, view, key, low: int, high: int, field: int):
    """Add low and high (32 bits each) to the number of `field & 15` bytes at `field >> 4` in the value; return the new one.

    No width means to the value's end. None, and nothing done, when there is no such number or no such key. Byte by byte: a
    field may lie anywhere in a value.
    """
    width = field & 15
    at = field >> 4
    size = ptr32(view)[_VALUE_SIZE]
    if not width:
        width = size - at
    if (width != 4 and width != 8 and width != 1 and width != 2) or at < 0 or at > size - width:
        return None
    at = int(find(key, key, 6))
    if at >= 0:
        return None
    p = ptr8(int(ptr8(view)) - at + (field >> 4))
    i = 0
    carry = 0
    while i < width:
        if i == 4:
            low = high
        carry += p[i] + (low & 0xFF)
        p[i] = carry
        carry >>= 8
        low >>= 8
        i += 1
    if width == 1:
        return joined(p[0], 0, 0, 0)
    b = 0
    c = 0
    d = 0
    if width >= 4:
        b = p[2] | p[3] << 8
    if width == 8:
        c = p[4] | p[5] << 8
        d = p[6] | p[7] << 8
    return joined(p[0] | p[1] << 8, b, c, d)


@micropython.viper
def _swap(find, view, key, expected, new) -> int:
    """Copy new over the value when that equals expected; 1 when it did, 0 when not, -1 on a miss. The lengths are right."""
    at = int(find(key, key, 6))
    if at >= 0:
        return -1
    p = ptr8(int(ptr8(view)) - at)
    e = ptr8(expected)
    n = int(_length(new))
    i = 0
    while i < n:
        if p[i] != e[i]:
            return 0
        i += 1
    v = ptr8(new)
    i = 0
    while i < n:
        p[i] = v[i]
        i += 1
    return 1


if GUARD != "none":
    _bare_add, _bare_swap = _add, _swap

    @micropython.native
    def _add(find, view, key, low, high, field):
        state = enter()
        try:
            return _bare_add(find, view, key, low, high, field)
        finally:
            leave(state)

    @micropython.native
    def _swap(find, view, key, expected, new):
        state = enter()
        try:
            return _bare_swap(find, view, key, expected, new)
        finally:
            leave(state)


def atomics(m):
    """Return add() and compare_and_swap() of the map m, whose _find is its op without a guard."""

    @micropython.native
    def add(key, delta, offset=0, width=None):
        bits = 0
        if width is not None:
            bits = width if 0 < width < 9 else 15
        new = _add(m._find, m._slice, key, delta, delta >> 32, offset << 4 | bits)
        if new is None:
            m._field("add", offset, width)
            m._missing("add", key)
        return new

    def compare_and_swap(key, expected, new):
        size = m._value_size
        if len(expected) != size or len(new) != size:
            m._both("compare_and_swap", expected, new)
        done = _swap(m._find, m._slice, key, expected, new)
        if done < 0:
            m._missing("compare_and_swap", key)
        return done == 1

    return add, compare_and_swap

"""The kernels of a Bloom filter as MicroPython compiles them. SPEC.md draws the bytes, and says which bits are a value's."""

import micropython
from micropython import const

from .viper_base import guarded

# Words of a slice's header
_VALUE_SIZE = const(5)
_COUNT = const(7)
_SEED = const(8)
_MULTIPLIER = const(9)
_MASK = const(10)
_ENTRIES = const(12)
_FUNCTIONS = const(15)
_PEAK = const(18)

_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes


@micropython.viper
def _bits(view, value, adds: int) -> int:
    """Set a value's bits, or look whether they are: return 0 when all were set before, 1 when one was not."""
    h = ptr32(view)
    n = h[_VALUE_SIZE]
    v = ptr8(value)
    by = h[_MULTIPLIER]
    x = h[_SEED]
    y = by
    i = 0
    while i < n:
        w = v[i]
        i += 1
        if i < n:
            w |= v[i] << 8
            i += 1
        x = ((x ^ w) * by) & 0x3FFFFFFF
        x ^= x >> 15
        y = ((y + x) * by) & 0x3FFFFFFF
        y ^= y >> 15
    bits = ptr8(int(h) + h[_ENTRIES])
    fresh = 0
    n = h[_FUNCTIONS]
    while n:
        x = ((x ^ y) * by) & 0x3FFFFFFF
        x ^= x >> 15
        w = x & h[_MASK]
        i = 1 << (w & 7)
        w >>= 3
        if not bits[w] & i:
            fresh = 1
            if not adds:
                return fresh
            bits[w] |= i
        n -= 1
    return fresh


@micropython.viper
def push(view, value):
    """Set a value's bits. The map has looked at it."""
    h = ptr32(view)
    ptr8(int(h))[_MARK_AT] = 1
    n = h[_COUNT] + int(_bits(view, value, 1))
    h[_COUNT] = n
    if n > h[_PEAK]:
        h[_PEAK] = n
    ptr8(int(h))[_MARK_AT] = 0


@micropython.viper
def peek(view, value) -> int:
    """Return _DONE when all of a value's bits are set, _MISS when one is not. The map has looked at it."""
    return int(_bits(view, value, 0))


@micropython.viper
def clear(view):
    """Forget every value."""
    h = ptr32(view)
    at = int(h) + h[_ENTRIES]
    end = at + (h[_MASK] >> 3) + 1
    ptr8(int(h))[_MARK_AT] = 1
    while at < end:  # words: there are at least 64 bits
        ptr32(at)[0] = 0
        at += 4
    h[_COUNT] = 0
    ptr8(int(h))[_MARK_AT] = 0


push = guarded(push, 2)
peek = guarded(peek, 2)
clear = guarded(clear, 1)

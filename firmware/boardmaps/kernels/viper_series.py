"""The kernels of a time series as MicroPython compiles them. A slot is a 64-bit timestamp and the value."""

import micropython
from micropython import const

from .viper_base import guarded

# Words of a slice's header
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_FIRST = const(8)  # index of the slot that holds the oldest sample
_ENTRIES = const(12)
_STRIDE = const(14)
_GONE = const(15)  # number of the oldest sample: how many were overwritten
_PEAK = const(18)

_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes

_SAMPLE_NUMBERS = const((1 << 30) - 1)  # a board's small ints; numbers of samples are compared modulo this


@micropython.viper
def push(view, value, low: int, high: int):
    """Write a sample behind the newest one, in a full series over the oldest. low and high are the timestamp's
    halves. The value's size is right.
    """
    h = ptr32(view)
    s8 = ptr8(value)
    count = h[_COUNT]
    most = h[_MAX_ENTRIES]
    slot = h[_FIRST]
    ptr8(int(h))[_MARK_AT] = 1
    if count == most:
        i = slot + 1
        if i == most:
            i = 0
        h[_FIRST] = i
        h[_GONE] += 1
    else:
        slot += count
        if slot >= most:
            slot -= most
        count += 1
        h[_COUNT] = count
        if count > h[_PEAK]:
            h[_PEAK] = count
    d = ptr32(int(h) + h[_ENTRIES] + slot * h[_STRIDE])
    d[0] = low
    d[1] = high
    d8 = ptr8(int(d) + 8)
    n = h[_VALUE_SIZE]
    i = 0
    while i < n:
        d8[i] = s8[i]
        i += 1
    ptr8(int(h))[_MARK_AT] = 0


@micropython.viper
def get(view, number: int, out) -> int:
    """Copy timestamp and value of the sample with this number to `out`; 0 when it is not there (any more)."""
    h = ptr32(view)
    i = number - h[_GONE] & _SAMPLE_NUMBERS
    if i >= h[_COUNT]:
        return 0
    slot = h[_FIRST] + i
    if slot >= h[_MAX_ENTRIES]:
        slot -= h[_MAX_ENTRIES]
    s = ptr8(int(h) + h[_ENTRIES] + slot * h[_STRIDE])
    d = ptr8(out)
    n = h[_VALUE_SIZE] + 8
    i = 0
    while i < n:
        d[i] = s[i]
        i += 1
    return 1


push = guarded(push, 4)
get = guarded(get, 3)

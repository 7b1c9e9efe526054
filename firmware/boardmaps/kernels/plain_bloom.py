"""The kernels of a Bloom filter in plain Python. SPEC.md draws the bytes, and says which bits are a value's."""

from ..flags import const
from .plain_base import begin, end, put_word, raw, word

# What peek() answers
_DONE = const(0)
_MISS = const(1)

# Words of a slice's header
_COUNT = const(7)
_SEED = const(8)
_MULTIPLIER = const(9)
_MASK = const(10)
_ENTRIES = const(12)
_FUNCTIONS = const(15)
_PEAK = const(18)


def bits_of(view, value):
    """Return (place in the slice, its bit) of each of a value's bits. What is multiplied stays below 2**30."""
    by = word(view, _MULTIPLIER)
    x, y = word(view, _SEED), by
    for i in range(0, len(value), 2):
        x = ((x ^ int.from_bytes(value[i : i + 2], "little")) * by) & 0x3FFFFFFF
        x ^= x >> 15
        y = ((y + x) * by) & 0x3FFFFFFF
        y ^= y >> 15
    found = []
    for _ in range(word(view, _FUNCTIONS)):
        x = ((x ^ y) * by) & 0x3FFFFFFF
        x ^= x >> 15
        bit = x & word(view, _MASK)
        found.append((word(view, _ENTRIES) + (bit >> 3), 1 << (bit & 7)))
    return found


def push(view, value):
    """Set a value's bits. The map has looked at it."""
    fresh = 0
    bits = bits_of(view, bytes(raw(value)))
    begin(view)
    for at, bit in bits:
        if not view[at] & bit:
            view[at] |= bit
            fresh = 1
    count = word(view, _COUNT) + fresh
    put_word(view, _COUNT, count)
    put_word(view, _PEAK, max(word(view, _PEAK), count))
    end(view)


def peek(view, value):
    """Return _DONE when all of a value's bits are set, else _MISS. The map has looked at it."""
    for at, bit in bits_of(view, bytes(raw(value))):
        if not view[at] & bit:
            return _MISS
    return _DONE


def clear(view):
    """Forget every value."""
    at = word(view, _ENTRIES)
    begin(view)
    for i in range(at, at + (word(view, _MASK) >> 3) + 1):
        view[i] = 0
    put_word(view, _COUNT, 0)
    end(view)

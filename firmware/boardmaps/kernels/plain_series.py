"""The kernels of a time series in plain Python. A slot is a 64-bit timestamp and the value."""

from struct import pack_into

from ..flags import const
from .plain_base import begin, end, fill, put_word, raw, word
from .plain_queue import room, slot_at

# Words of a slice's header
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_GONE = const(15)  # number of the oldest sample: how many were overwritten

_SAMPLE_NUMBERS = const((1 << 30) - 1)  # a board's small ints; numbers of samples are compared modulo this


def push(view, value, low, high):
    """Write a sample behind the newest one, in a full series over the oldest; low and high are the timestamp's halves."""
    value = raw(value)
    begin(view)
    if word(view, _COUNT) == word(view, _MAX_ENTRIES):
        put_word(view, _GONE, word(view, _GONE) + 1)
    at = room(view)
    pack_into("<II", view, at, low & 0xFFFFFFFF, high & 0xFFFFFFFF)
    view[at + 8 : at + 8 + len(value)] = value
    end(view)


def get(view, number, out):
    """Copy timestamp and value of the sample with this number to `out`; 0 when it is not there (any more)."""
    i = number - word(view, _GONE) & _SAMPLE_NUMBERS
    if i >= word(view, _COUNT):
        return 0
    at = slot_at(view, i)
    fill(out, view[at : at + 8 + word(view, _VALUE_SIZE)])
    return 1

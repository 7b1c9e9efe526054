"""What is in a map's slice, read from its bytes alone: entries, values, records, samples. SPEC.md draws them.

Runs unchanged on the board and on the computer. The slice is one that maps/check.py found whole: nothing is looked at twice here.
A board loads it when a map that was kept has another definition than the one that the firmware makes (migrate.py).
"""

from struct import unpack_from

from .flags import const
from .kinds import find

# Columns, traits and operations of kinds.py
_NUMBER_OF = const(0)
_TRAITS = const(4)
_OPERATIONS = const(10)
_PER_CPU = const(4)
_CHAINS = const(16)
_NODES = const(64)
_OPS_QUEUED = const(16)
_OPS_RECORDS = const(32)
_OPS_SAMPLES = const(64)
_OPS_MEMBERS = const(512)

# Words of a slice's header
_MAP_TYPE = const(2)
_KEY_SIZE = const(4)
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_FIRST = const(8)
_CONSUMER = const(8)
_PRODUCER = const(9)
_LINKS = const(11)
_ENTRIES = const(12)
_VALUE = const(13)
_STRIDE = const(14)
_FRESH = const(16)

_FREE_BIT = const(0x8000)
_RECORD_HEAD = const(8)
_RESERVED = const(1 << 29)
_DISCARDED = const(1 << 28)
_LENGTH = const((1 << 28) - 1)

# What is in a map of a type, as what() says it
OF_ENTRIES = "entries"
OF_VALUES = "values"
OF_RECORDS = "records"
OF_SAMPLES = "samples"
OF_BITS = "bits"


def what(map_type):  # type: ignore[no-untyped-def]
    """Return what is in maps of this type: OF_ENTRIES, OF_VALUES, OF_RECORDS, OF_SAMPLES or OF_BITS."""
    operations = find(_NUMBER_OF, map_type)[_OPERATIONS]
    for group, found in (
        (_OPS_QUEUED, OF_VALUES),
        (_OPS_RECORDS, OF_RECORDS),
        (_OPS_SAMPLES, OF_SAMPLES),
        (_OPS_MEMBERS, OF_BITS),
    ):
        if operations & group:
            return found
    return OF_ENTRIES


def _word(view, index) -> int:  # type: ignore[no-untyped-def]
    word: int
    (word,) = unpack_from("<I", view, 4 * index)
    return word


def entries(view):  # type: ignore[no-untyped-def]
    """Yield (key, value) of each entry, by slot. An array's keys are indices as 4 bytes, a per-CPU value is a row."""
    traits = find(_NUMBER_OF, _word(view, _MAP_TYPE))[_TRAITS]
    start, at_value, stride = _word(view, _ENTRIES), _word(view, _VALUE), _word(view, _STRIDE)
    # a row's bytes are all that lie behind the key; else the padding behind the value is left out
    size = stride - at_value if traits & _PER_CPU else _word(view, _VALUE_SIZE)
    keyed = traits & (_CHAINS | _NODES)
    for slot in range(_word(view, _FRESH) if keyed else _word(view, _MAX_ENTRIES)):
        if keyed and unpack_from("<H", view, _word(view, _LINKS) + 2 * slot)[0] & _FREE_BIT:
            continue
        at = start + slot * stride
        key = bytes(view[at : at + _word(view, _KEY_SIZE)]) if keyed else slot.to_bytes(4, "little")
        yield key, bytes(view[at + at_value : at + at_value + size])


def values(view):  # type: ignore[no-untyped-def]
    """Yield the values of a queue or a stack, the oldest first."""
    most, size = _word(view, _MAX_ENTRIES), _word(view, _VALUE_SIZE)
    for i in range(_word(view, _COUNT)):
        at = _word(view, _ENTRIES) + (_word(view, _FIRST) + i) % most * _word(view, _STRIDE)
        yield bytes(view[at : at + size])


def samples(view):  # type: ignore[no-untyped-def]
    """Yield (timestamp, value) of each sample of a time series, the oldest first."""
    most, size = _word(view, _MAX_ENTRIES), _word(view, _VALUE_SIZE)
    for i in range(_word(view, _COUNT)):
        at = _word(view, _ENTRIES) + (_word(view, _FIRST) + i) % most * _word(view, _STRIDE)
        yield unpack_from("<Q", view, at)[0], bytes(view[at + 8 : at + 8 + size])


def all_records(view):  # type: ignore[no-untyped-def]
    """Yield (offset in the slice, number, bytes, whether it is submitted) of each record of a ring, the oldest first."""
    size, start = _word(view, _MAX_ENTRIES), _word(view, _ENTRIES)
    at, end = _word(view, _CONSUMER), _word(view, _PRODUCER)
    while at != end:
        begin = start + (at & (size - 1))
        head, number = unpack_from("<II", view, begin)
        length = head & _LENGTH
        behind = begin + _RECORD_HEAD
        here = min(length, start + size - behind)
        data = bytes(view[behind : behind + here]) + bytes(view[start : start + length - here])
        yield begin, number, data, not head & (_RESERVED | _DISCARDED)
        at = (at + ((length + _RECORD_HEAD + 7) & ~7)) & 0xFFFFFFFF


def records(view):  # type: ignore[no-untyped-def]
    """Yield (running number, bytes) of each record that waits in a ring, the oldest first."""
    for _, number, data, submitted in all_records(view):
        if submitted:
            yield number, data

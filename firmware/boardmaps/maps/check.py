"""Whether a map's slice is whole, from its bytes alone: loaded with the first check, a board that never checks pays nothing for it.

The header is held against kinds.py and definition.py here, for all kernels alike; what it leads to is looked at by the kernels of
the kind "check". A slice that is whole can be given to every kernel: each stays within it, and ends.
"""

from struct import calcsize, pack, unpack_from

from ..definition import (
    HEADER_SIZE,
    LAYOUT,
    MAGIC,
    MapDef,
    check_entries,
    check_word,
    filter_bits,
    layout,
    schema_of,
    slice_size,
)
from ..errors import MapError
from ..flags import const
from ..kinds import find

# Columns and traits of kinds.py
_NUMBER_OF = const(0)
_TRAITS = const(4)
_PARAMETERS = const(9)
_BOARD = const(1)
_PER_CPU = const(4)
_INDEXED = const(8)
_CHAINS = const(16)
_BYTES = const(32)
_NODES = const(64)
_BITS = const(128)

# Words of a slice's header
_COUNT = const(7)
_FIRST = const(8)
_SEED = const(8)
_CONSUMER = const(8)
_MULTIPLIER = const(9)
_PRODUCER = const(9)
_FIELD = const(9)
_FIELD_OFFSET = const(10)
_MASK = const(10)
_FUNCTIONS = const(15)
_STATE = const(17)
_PEAK = const(18)
_CHECK = const(19)

_MARK_AT = const(69)  # a byte of the word of the state
_COMMITTING = const(2)  # a bit of the state itself

_CPUS_MOST = const(64)  # as in percpu.py

# The words from count on that a kind may have, bits
_FIXED = const(0xA7800)  # links, entries, value, stride; state, mark and schema; check
_QUEUED = const(0x40180)  # count, first, peak
_OF_SAMPLES = const(0x8600)  # beside those of a queue: field, its offset, gone
_OF_FILTERS = const(0x48780)  # count, seed, multiplier, mask, functions, peak
_OF_OTHERS = const(0x58780)

# By the number that a kernel answers
_WRONG = (
    "",  # whole
    "count, fresh and the words beside them do not fit each other (%d)",
    "a link in chain or node %d leads to no entry",
    "there are more entries than are counted, at chain or node %d: it loops",
    "slot or node %d is in the place of another key",
    "the key of slot %d is there twice",
    "there are entries that nothing leads to, or a wrong count (%d)",
    "the chain of free slots is broken, at slot %d",
    "the chain of free nodes is broken, at node %d",
    "record %d has a wrong length or wrong flags",
)


def check(m):
    """Return None when the slice of a map is whole and is the map's, else what is wrong."""
    d, wrong = examined(m._slice)
    if d and not (d == m.definition and d.cpus == m.definition.cpus):
        wrong = "the header is another map's: %r" % d
    return wrong


def examined(view, own=None):
    """Return (the definition, None) of a slice that is whole, else (None, what is wrong). Any bytes may be given.

    `own` are the kernels of the kind "check": the board's, unless the computer gives those that it has.
    """
    d, wrong = _definition(view)
    if d:
        traits = find(_NUMBER_OF, d.map_type)[_TRAITS]
        wrong = _word(view, d, traits)
        if wrong == _STATE and view[4 * _STATE] & _COMMITTING:
            wrong = "a commit was under way, and did not end"
        elif wrong is not None:
            wrong = "the header's word at %d is %d" % (4 * wrong, unpack_from("<I", view, 4 * wrong)[0])
        elif unpack_from("<I", view, 4 * _CHECK)[0] != check_word(view):
            wrong = "the header's check is not that of its bytes"
        elif view[_MARK_AT]:
            wrong = "a change of the map was under way, and did not end"
        elif traits & (_CHAINS | _NODES | _BYTES):
            if own is None:
                from ..settings import kernels  # not at the top: the computer has no such module

                own = kernels("check")
            look = own.chains if traits & _CHAINS else own.nodes if traits & _NODES else own.records
            found = look(view)
            if found:
                wrong = _WRONG[found & 15] % (found >> 4)
    return (None, wrong) if wrong else (d, None)


def _definition(view):
    """Return the definition that a header has, and None; None, and what is wrong, when it has none of a slice of this length."""
    magic = bytes(view[:4])
    if len(view) < HEADER_SIZE or magic[:2] != MAGIC[:2]:
        return None, "no map begins here"
    if magic != MAGIC:
        version = 1 if magic == b"BMAP" else magic[2]
        return None, "the slice has layout %d, and this boardmaps reads layout %d: make the map again" % (
            version,
            LAYOUT,
        )
    size, kind, flags, key_size, value_size, most = unpack_from("<6I", view, 4)
    places = unpack_from("<4I", view, 44)
    row = find(_NUMBER_OF, kind)
    if row is None or not row[_TRAITS] & _BOARD:
        return None, "the header has a map type that no board has: %d" % kind
    cpus = 1
    if row[_TRAITS] & _PER_CPU and value_size:
        cpus = (places[3] - places[2]) // ((value_size + 7) // 8 * 8)
    functions = unpack_from("<I", view, 4 * _FUNCTIONS)[0] if row[_TRAITS] & _BITS else 0
    name = bytes(view[80:96]).rstrip(b"\0")
    n = view[70] | view[71] << 8
    if len(view) - (n + 7) // 8 * 8 < HEADER_SIZE:
        return None, "the header says a schema of %d bytes, and the slice has %d" % (n, len(view))
    try:
        schema = str(bytes(schema_of(view)), "utf-8")
        d = MapDef(kind, key_size, value_size, most, flags, str(name, "utf-8"), cpus, functions, schema)
        check_entries(d)
    except (MapError, ValueError) as why:  # the latter of a name that is no text
        return None, "the header's definition is none: %s" % why
    if not 0 < cpus <= _CPUS_MOST or d.functions != functions or layout(d) != places:
        return None, "the header's offsets or functions are not those of its definition"
    needs = slice_size(d)
    if not size == len(view) == needs:
        return None, "the header says %d bytes, its definition %d, and the slice has %d" % (size, needs, len(view))
    return d, None


def unchanging(head, map_type):
    """Return what in a header follows from definition, schema and type parameters of a map of this type. Any bytes may be given."""
    row = find(_NUMBER_OF, map_type)
    first, end = (60, 64) if row[_TRAITS] & _BITS else (36, 44) if row[_PARAMETERS] else (0, 0)
    return b"".join([bytes(part) for part in (head[:28], head[44:60], head[70:72], head[80:96], head[first:end])])


def parameters(head):
    """Return the type parameters in the header of a sound slice, as its map's host_parameters() does."""
    row = find(_NUMBER_OF, head[8])
    if row[_TRAITS] & _BITS:
        return bytes(head[4 * _FUNCTIONS : 4 * _FUNCTIONS + 1])
    letter, offset = unpack_from("<II", head, 4 * _FIELD)
    return pack("<BI", letter, offset) if row[_PARAMETERS] and letter else b""


def _word(view, d, traits):
    """Return the index of a header's word that cannot be as it is, None when all may be."""
    w = unpack_from("<20I", view)
    samples = find(_NUMBER_OF, d.map_type)[_PARAMETERS] and not traits & _BITS
    may = _FIXED
    if traits & _BITS:
        may |= _OF_FILTERS
    elif traits & (_CHAINS | _NODES | _BYTES):
        may |= _OF_OTHERS
    elif not traits & _INDEXED:
        may |= _QUEUED | _OF_SAMPLES if samples else _QUEUED
    for i in range(_COUNT, _CHECK + 1):
        if w[i] and not may >> i & 1:
            return i
    if w[_STATE] & 0xFE:
        return _STATE
    if traits & _INDEXED:
        return None
    if traits & _BYTES:
        return _PEAK if not w[_PRODUCER] - w[_CONSUMER] & 0xFFFFFFFF <= w[_PEAK] < d.max_entries else None
    if w[_COUNT] > w[_PEAK] or (w[_PEAK] > d.max_entries and not traits & _BITS):
        return _PEAK
    if traits & (_CHAINS | _BITS) and w[_SEED] >> 30:
        return _SEED
    if traits & (_CHAINS | _BITS) and (w[_MULTIPLIER] >> 30 or not w[_MULTIPLIER] & 1):
        return _MULTIPLIER
    if traits & _BITS and w[_MASK] != filter_bits(d.max_entries, d.functions) - 1:
        return _MASK
    if not traits & (_CHAINS | _NODES | _BITS) and w[_FIRST] >= d.max_entries:
        return _FIRST
    if samples and not _is_field(w[_FIELD], w[_FIELD_OFFSET], d.value_size):
        return _FIELD
    return None


def _is_field(letter, offset, value_size):
    """Return whether a value has such a field. None is 0 at 0."""
    if not letter:
        return not offset
    return letter < 128 and chr(letter) in "bBhHiIqQfd" and offset <= value_size - calcsize("<" + chr(letter))

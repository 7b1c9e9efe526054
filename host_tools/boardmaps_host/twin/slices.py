"""A twin's map as the slice that a board has of such a map, and the other way: what snapshots and pins are made of.

A map that is as it was loaded, or as it was in the last snapshot, gives the very same bytes again; another one is laid out anew,
with the kernels in plain Python that a board runs too, so that a board takes it.
"""

from __future__ import annotations

import os
from collections import deque
from importlib import import_module
from struct import pack_into, unpack, unpack_from
from typing import TYPE_CHECKING, Any

from boardmaps import slices as parts
from boardmaps.definition import HEADER_SIZE, MAGIC, buckets_for, check_entries, check_word, layout, slice_size
from boardmaps.errors import MapError, NotSupported, OutOfMemory
from boardmaps.kernels import plain_hash, plain_lpm
from boardmaps_host.kinds import by_number
from boardmaps_host.state.slices import FROZEN, SCHEMA_AT, STATE_AT, Slice, read

from .ringbuf import Entry

if TYPE_CHECKING:
    from boardmaps.definition import MapDef

    from .base import CloudMap

# Words of a slice's header
_COUNT, _FIRST, _FIELD, _FUNCTIONS, _GONE, _PEAK = 7, 8, 9, 15, 15, 18
_CONSUMER, _PRODUCER, _DROPPED, _NUMBER, _LAST = 8, 9, 10, 15, 16
_CPUS_MOST = 64
_LARGEST = 1 << 26  # bytes: a slice is taken whole
_RESERVED, _DISCARDED = 1 << 29, 1 << 28
_STATES = {0: _RESERVED, 1: 0, 2: _DISCARDED}  # of twin.ringbuf.Entry


def blank(d: MapDef, parameters: bytes = b"") -> bytearray:
    """Return the slice of a new, empty map. Raises MapError for one that no board can have."""
    kind = by_number(d.map_type)
    if not kind.on_boards:
        raise NotSupported(f"snapshot {d.name!r}: boards have no {kind.class_name}, so it has no slice")
    check_entries(d)
    if d.cpus > _CPUS_MOST:
        raise NotSupported(f"snapshot {d.name!r}: it has values of {d.cpus} CPUs, a slice of at most {_CPUS_MOST}")
    if slice_size(d) > _LARGEST:
        raise OutOfMemory(f"snapshot {d.name!r}: its slice would have {slice_size(d):,} bytes, above {_LARGEST:,}")
    view = bytearray(slice_size(d))
    view[:4] = MAGIC
    pack_into("<6I", view, 4, len(view), d.map_type, d.map_flags, d.key_size, d.value_size, d.max_entries)
    pack_into("<4I", view, 44, *layout(d))
    view[80 : 80 + len(d.name)] = d.name.encode()
    schema = d.schema.encode()
    pack_into("<H", view, SCHEMA_AT, len(schema))
    end = len(view) - (len(schema) + 7) // 8 * 8
    view[end : end + len(schema)] = schema
    if parts.what(d.map_type) == parts.OF_SAMPLES and parameters:
        pack_into("<II", view, 4 * _FIELD, *unpack_from("<BI", parameters))
    if kind.hashed:
        seed, multiplier = unpack("<II", os.urandom(8))
        words = seed & 0x3FFFFFFF, multiplier & 0x3FFFFFFF | 0x10000001
        pack_into("<3I", view, 32, *words, buckets_for(d.max_entries) - 1)
    return view


def to_slice(m: CloudMap) -> bytes:
    """Return the slice of a twin's map, in one step for all others. Raises MapError when it can have none."""
    return m._alone(_make, m)


def _make(m: CloudMap) -> bytes:
    origin = m._origin
    view = _lay_out(m, origin)
    pack_into("<I", view, 4 * _PEAK, 0 if by_number(m.definition.map_type).indexed else max(m._most, _in_use(m)))
    view[STATE_AT] = FROZEN * m.frozen
    pack_into("<I", view, 76, check_word(bytes(view)))
    if origin is not None and _same(view, origin):
        return origin
    m._origin = bytes(view)
    return bytes(view)


def _in_use(m: Any) -> int:
    if parts.what(m.definition.map_type) == parts.OF_RECORDS:
        return int(m._producer() - m._consumer())
    return int(m.host_count())


def _same(a: bytes | bytearray, b: bytes) -> bool:
    """Whether two slices of one map hold the same, however it lies."""
    one, other = read(bytes(a)), read(b)
    if isinstance(one, str) or isinstance(other, str) or one.wrong or other.wrong:
        return False
    same = (one.definition, one.parameters, one.frozen, one.peak) == (
        *(other.definition, other.parameters, other.frozen, other.peak),
    )
    same = same and one.definition.cpus == other.definition.cpus
    if one.what == parts.OF_RECORDS:  # also what was dropped, and the number of the next one
        words = (_COUNT, _CONSUMER, _PRODUCER, _DROPPED, _NUMBER)
        same = same and all(a[4 * w : 4 * w + 4] == b[4 * w : 4 * w + 4] for w in words)
        return same and list(parts.all_records(a)) == list(parts.all_records(b))
    if one.what == parts.OF_SAMPLES:
        same = same and a[4 * _GONE : 4 * _GONE + 4] == b[4 * _GONE : 4 * _GONE + 4]
    mine, theirs = one.contents(), other.contents()
    return same and (sorted(mine) == sorted(theirs) if one.what == parts.OF_ENTRIES else mine == theirs)


def _lay_out(m: Any, origin: bytes | None) -> bytearray:
    d = m.definition
    d.cpus = m.cpus
    what = parts.what(d.map_type)
    if what == parts.OF_BITS:
        return _filter(m)
    view = blank(d, m.host_parameters())
    if origin is not None and by_number(d.map_type).hashed:
        view[32:44] = origin[32:44]  # the same seed: an outsider learns nothing from two snapshots
    start, stride = unpack_from("<I", view, 48)[0], unpack_from("<I", view, 56)[0]
    if what == parts.OF_RECORDS:
        _ring(m, view)
    elif what == parts.OF_ENTRIES and by_number(d.map_type).indexed:
        _array(m, view, start, stride)
    elif what == parts.OF_ENTRIES:
        prefixed = by_number(d.map_type).prefixed
        kernel = plain_lpm if prefixed else plain_hash
        pack_into("<I", view, 20, m._value_size)  # a per-CPU map's kernels take rows
        entries = m._data.values() if prefixed else m._data.items()
        for key, value in list(entries):
            kernel.op(view, key, value, 0)
        pack_into("<I", view, 20, d.value_size)
    elif what == parts.OF_VALUES:
        held = list(m._values)
        for i, value in enumerate(held):
            view[start + i * stride : start + i * stride + len(value)] = value
        pack_into("<I", view, 4 * _COUNT, len(held))
    else:
        for i, (at, value, _) in enumerate(m._samples):
            pack_into("<Q", view, start + i * stride, at)
            view[start + i * stride + 8 : start + i * stride + 8 + len(value)] = value
        pack_into("<I", view, 4 * _COUNT, len(m._samples))
        pack_into("<I", view, 4 * _GONE, m.first_number() & 0xFFFFFFFF)
    return view


def _array(m: Any, view: bytearray, start: int, stride: int) -> None:
    size = m._value_size
    for i in range(m.definition.max_entries):
        view[start + i * stride : start + i * stride + size] = m._block[i * size : (i + 1) * size]


def _ring(m: Any, view: bytearray) -> None:
    size = m.definition.max_entries
    for entry in m._records:
        at = entry.start & (size - 1)
        record = bytearray(entry.end - entry.start)
        pack_into("<II", record, 0, len(entry.data) | _STATES[entry.state], entry.number)
        record[8 : 8 + len(entry.data)] = entry.data
        here = min(len(record), size - at)
        view[HEADER_SIZE + at : HEADER_SIZE + at + here] = record[:here]
        view[HEADER_SIZE : HEADER_SIZE + len(record) - here] = record[here:]
    words = len(m), m._consumer() & 0xFFFFFFFF, m._producer() & 0xFFFFFFFF, m._dropped & 0xFFFFFFFF
    pack_into("<4I", view, 4 * _COUNT, *words)
    pack_into("<II", view, 4 * _NUMBER, m._number, m._last)


def _filter(m: Any) -> bytearray:
    if m._words is None:
        text = "the twin's filters have hash functions of their own, which no slice can say"
        raise NotSupported(f"snapshot {m.name!r}: {text}; one that was loaded from a board has the board's")
    d = m.definition
    view = blank(d)
    pack_into("<I", view, 4 * _FUNCTIONS, d.functions)
    pack_into("<3I", view, 32, *m._words, m._mask)
    view[HEADER_SIZE : HEADER_SIZE + len(m._block)] = m._block[:]
    pack_into("<I", view, 4 * _COUNT, m._added)
    return view


def make_empty(d: MapDef, parameters: bytes, cpus: int) -> CloudMap:
    """Make a map of the twin by its definition, its type's parameters, and how many values an entry of a per-CPU map has."""
    kind = by_number(d.map_type)
    cls = getattr(import_module(f"{__package__}.{kind.home}"), kind.class_name)
    if kind.parameters:
        found: CloudMap = cls.from_definition(d, parameters)
        return found
    given: dict[str, Any] = {"cpus": cpus} if kind.per_cpu else {}
    made: CloudMap = cls(*[getattr(d, size) for size in kind.sizes], d.map_flags, d.name, schema=d.schema, **given)
    return made


def make(one: Slice) -> CloudMap:
    """Make a map of the twin that holds what a slice does. Raises MapError when the slice is not whole."""
    m = make_empty(one.definition, one.parameters, one.definition.cpus)
    fill(m, one)
    return m


def fill(m: CloudMap, one: Slice) -> None:
    """Have a map of the same definition hold what a slice does, and nothing else, in one step. Raises MapError."""
    if one.wrong or one.hidden:
        why = one.wrong or "the map is write-only, and its content is not in it"
        raise MapError(f"load {m.name!r}: its slice cannot be used: {why}")
    if (m.definition, m.host_parameters()) != (one.definition, one.parameters):
        raise MapError(f"load {m.name!r}: the map is {m.definition!r}, and the slice that of {one.definition!r}")
    m._alone(_fill, m, one)


def _fill(m: Any, one: Slice) -> None:
    if one.kind.per_cpu:
        m.cpus, m._value_size = one.definition.cpus, one.definition.value_size
    m._set_up()
    if one.what == parts.OF_BITS:
        m._words = unpack_from("<II", one.data, 32)
        m._block[:] = one.data[HEADER_SIZE : HEADER_SIZE + len(m._block)]
        m._added = one.count
    elif one.what == parts.OF_RECORDS:
        _fill_ring(m, one.data)
    elif one.what == parts.OF_VALUES:
        m._values.extend(one.values())
    elif one.what == parts.OF_SAMPLES:
        number = unpack_from("<I", one.data, 4 * _GONE)[0]
        m._cleared = number
        held = [(at, value, number + i) for i, (at, value) in enumerate(one.samples())]
        m._samples = deque(held, maxlen=m.definition.max_entries)
    elif one.kind.indexed:
        size = m._value_size
        for i, (_, value) in enumerate(one.entries()):
            m._block[i * size : (i + 1) * size] = value
    elif one.kind.prefixed:
        for key, value in one.entries():
            m._store("load", m._place("load", key), key, value, 0)
    else:
        for key, value in one.entries():
            m._store("load", key, value, 0)
    m._most = 0 if one.kind.indexed else one.peak
    m.frozen = one.frozen
    m._origin = one.data


def _fill_ring(m: Any, data: bytes) -> None:
    consumer, producer, dropped = unpack_from("<3I", data, 4 * _CONSUMER)
    m._behind, m._dropped, (m._number, m._last) = producer, dropped, unpack_from("<II", data, 4 * _NUMBER)
    at = consumer
    entries = []
    for begin, number, content, submitted in parts.all_records(data):
        # Whoever had reserved it is not here to finish it: else it would hold up the reader for good.
        entry = Entry(number, content, at, 1 if submitted else 2)
        del begin
        at = entry.end
        entries.append(entry)
    m._records = deque(entries)

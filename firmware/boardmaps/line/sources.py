"""What the events of a map come from: a ring's records, a series's samples, a key or all entries that are watched.

Each has next(now), which gives one event as (what, data), or None when there is nothing; `now` is in milliseconds. It raises
StaleMap when the map is gone, and never waits. Loaded with events.py.
"""

from binascii import crc32
from struct import pack, unpack_from

from ..abi import ARRAY, EVENT_ENTRY, EVENT_GONE, EVENT_RECORD, HASH, RINGBUF, TIME_SERIES, TYPE_NAMES
from ..errors import InvalidKeySize, NotSupported

_SLOTS = 32  # of a watched map that one look examines
_TICKS = 0x3FFFFFFF  # times are milliseconds that wrap at a multiple of this


def source(m, every, key):  # type: ignore[no-untyped-def]
    """Return what tells the events of map m: an object whose next(now) gives (what, data), or None when there is nothing."""
    kind = m.definition.map_type
    on_board = hasattr(m, "_view")
    if kind == RINGBUF and not key:
        return _Ring(m)
    if kind == TIME_SERIES and not key and on_board:
        return _Series(m)
    if not m.definition.key_size or kind == TIME_SERIES or not hasattr(m, "lookup_into"):
        raise NotSupported("subscribe %r: a %s cannot be watched so" % (m.name, TYPE_NAMES[kind]))
    if key:
        if len(key) != m.definition.key_size:
            raise InvalidKeySize("subscribe %r: key is %d bytes, not %d" % (m.name, len(key), m.definition.key_size))
        return _Key(m, every, key)
    if not on_board:
        return _Entries(m, every)
    if kind not in (HASH, ARRAY):
        raise NotSupported("subscribe %r: only a hash or an array can be watched whole; watch a key" % m.name)
    return _Slots(m, every)


class _Ring:
    """Takes the records out of a ring. Cost of a look at an empty one: one call."""

    def __init__(self, ring):  # type: ignore[no-untyped-def]
        self._ring = ring

    def next(self, now):  # type: ignore[no-untyped-def]
        found = self._ring.read()
        return found and (EVENT_RECORD, pack("<I", found[0]) + found[1])


class _Series:
    """Reads the samples of a series, from the oldest that is there. Cost of a look without a new one: two words read."""

    def __init__(self, series):  # type: ignore[no-untyped-def]
        # saves heap: only a subscription to a series needs it
        from ..maps.timeseries import _get

        self._get = _get
        self._series = series
        self._out = bytearray(8 + series.definition.value_size)
        self._number = 0

    def next(self, now):  # type: ignore[no-untyped-def]
        series = self._series
        count = len(series)  # raises StaleMap
        oldest = unpack_from("<I", series._view, 60)[0]
        if not oldest <= self._number <= oldest + count:  # overwritten before they were told, or cleared
            self._number = oldest
        number = self._number
        if number == oldest + count or not self._get(series._view, number & _TICKS, self._out):
            return None
        self._number = number + 1
        return EVENT_RECORD, pack("<I", number) + self._out


class _Paced:
    """Looks at most once in `every` milliseconds."""

    def __init__(self, m, every):  # type: ignore[no-untyped-def]
        self._map = m
        self._every = every
        self._looked = -1

    def _due(self, now: int) -> bool:
        if self._looked >= 0 and now - self._looked & _TICKS < self._every:
            return False
        self._looked = now
        return True


class _Key(_Paced):
    """Watches one key: a look is one lookup_into and a comparison with the value told last, which is kept."""

    def __init__(self, m, every, key):  # type: ignore[no-untyped-def]
        _Paced.__init__(self, m, every)
        self._key = key
        self._told = bytearray(m.definition.value_size)
        self._value = bytearray(m.definition.value_size)
        self._there = None

    def next(self, now):  # type: ignore[no-untyped-def]
        if not self._due(now):
            return None
        there = self._map.lookup_into(self._key, self._value)
        if there == self._there and (not there or self._value == self._told):
            return None
        self._there = there
        if not there:
            return EVENT_GONE, b"\1\0"
        self._told, self._value = self._value, self._told
        return EVENT_ENTRY, b"\1\0" + self._key + self._told


class _Slots(_Paced):
    """Watches a whole map of a board through its slice: a CRC over all of it, then, when that has changed, one a slot.

    Costs 4 bytes of heap a slot. A look without a change is one CRC-32 over the slice, in C.
    """

    def __init__(self, m, every):  # type: ignore[no-untyped-def]
        # saves heap: only a watch of a whole map needs it
        from array import array

        _Paced.__init__(self, m, every)
        self._links, self._entries, self._value, self._stride = unpack_from("<4I", m._view, 44)
        self._hashed = m.definition.map_type == HASH
        self._crcs = array("I", bytes(4 * m.definition.max_entries))  # 0: the host knows the slot as empty
        self._crc = -1
        self._slot = 0
        self._top = 0

    def next(self, now):  # type: ignore[no-untyped-def]
        m = self._map
        if self._slot == self._top:
            if not self._due(now):
                return None
            len(m)  # raises StaleMap
            crc = crc32(m._view)
            if crc == self._crc:
                return None
            # A change behind this line makes the next look's CRC another one: none is missed.
            self._crc = crc
            self._slot = 0
            self._top = unpack_from("<I", m._view, 64)[0] if self._hashed else m.definition.max_entries
        for _ in range(min(_SLOTS, self._top - self._slot)):
            slot = self._slot
            self._slot = slot + 1
            if self._hashed and m._view[self._links + 2 * slot + 1] & 0x80:
                if self._crcs[slot]:
                    self._crcs[slot] = 0
                    return EVENT_GONE, pack("<H", slot + 1)
                continue
            at = self._entries + slot * self._stride
            entry = bytes(m._view[at : at + self._stride])
            crc = crc32(entry) | 1
            if crc != self._crcs[slot]:
                self._crcs[slot] = crc
                d = m.definition
                key = entry[: d.key_size] if self._hashed else slot.to_bytes(4, "little")
                return EVENT_ENTRY, pack("<H", slot + 1) + key + entry[self._value : self._value + d.value_size]
        return None


class _Entries(_Paced):
    """Watches a whole map of the twin: compares all entries with those told last."""

    def __init__(self, m, every):  # type: ignore[no-untyped-def]
        _Paced.__init__(self, m, every)
        self._told = {}  # type: ignore[var-annotated] # key: (slot, value)
        self._free = []  # type: ignore[var-annotated]
        self._todo = []  # type: ignore[var-annotated]

    def next(self, now):  # type: ignore[no-untyped-def]
        if not self._todo and self._due(now):
            there = dict(self._map.items())
            gone = [k for k in self._told if k not in there]
            self._todo = [(k, None) for k in gone]
            self._todo += [(k, v) for k, v in there.items() if k not in self._told or self._told[k][1] != v]
            self._todo.reverse()
        if not self._todo:
            return None
        key, value = self._todo.pop()
        if value is None:
            slot = self._told.pop(key)[0]
            self._free.append(slot)
            return EVENT_GONE, pack("<H", slot)
        slot = self._told[key][0] if key in self._told else self._free.pop() if self._free else len(self._told) + 1
        self._told[key] = (slot, value)
        return EVENT_ENTRY, pack("<H", slot) + key + value

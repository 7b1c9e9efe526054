"""What a map's host_subscribe(every, key) returns: a ring's records, a series's samples, a key or all entries that are watched.

Each has next(now), which gives one event as (what, data), or None when there is nothing; `now` is in milliseconds. It raises
StaleMap when the map is gone, and never waits. An event is made before it counts as told: where memory ends, none is lost.
Loaded with the first subscription.
"""

from binascii import crc32
from struct import pack, unpack_from

from ..errors import InvalidKeySize, InvalidValueSize, NotSupported
from ..flags import const

# Numbers of abi.py, restated
_EVENT_ENTRY = const(1)
_EVENT_GONE = const(2)
_EVENT_RECORD = const(0)

_SLOTS = const(32)  # of a watched map that one look examines
_TICKS = const(0x3FFFFFFF)  # times are milliseconds that wrap at a multiple of this


def watch(m, every, key, whole):  # type: ignore[no-untyped-def]
    """Return what tells the changes of a key, or of all entries: whole(m, every), None where that cannot be."""
    if not key:
        if whole is None:
            raise NotSupported("subscribe %r: this type cannot be watched whole; watch a key" % m.name)
        return whole(m, every)
    if len(key) != m.definition.key_size:
        raise InvalidKeySize("subscribe %r: key is %d bytes, not %d" % (m.name, len(key), m.definition.key_size))
    return Key(m, every, key)


class Records:
    """Takes the records out of a ring. Cost of a look at an empty one: three calls."""

    def __init__(self, ring):  # type: ignore[no-untyped-def]
        self._ring = ring

    def next(self, now):  # type: ignore[no-untyped-def]
        n = self._ring.host_next()
        return self._taken(n) if n else None

    def _taken(self, n):  # type: ignore[no-untyped-def]
        ring = self._ring
        while n:
            record = memoryview(bytearray(n))
            item = _EVENT_RECORD, record[4:]
            try:
                got = ring.host_read(record)
            except InvalidValueSize:  # it was overwritten meanwhile, and the next one is longer
                n = ring.host_next()
                continue
            if not got:
                return None
            if got < n:  # and here shorter
                item = _EVENT_RECORD, record[4:got]
            for i in range(4):  # the number stands before the data, the length between them goes
                record[4 + i] = record[i]
            return item
        return None


class Samples:
    """Reads the samples of a series, from the oldest that is there. Cost of a look without a new one: two words read."""

    def __init__(self, series):  # type: ignore[no-untyped-def]
        self._series = series
        self._out = bytearray(8 + series.definition.value_size)
        self._number = 0

    def next(self, now):  # type: ignore[no-untyped-def]
        series = self._series
        count = len(series)  # raises StaleMap
        oldest = series.first_number()
        if not oldest <= self._number <= oldest + count:  # overwritten before they were told, or cleared
            self._number = oldest
        number = self._number
        if number == oldest + count or not series.copy_sample(number, self._out):
            return None
        item = _EVENT_RECORD, pack("<I", number) + self._out
        self._number = number + 1
        return item


class Paced:
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


class Key(Paced):
    """Watches one key: a look is one lookup_into and a comparison with the value told last, which is kept."""

    def __init__(self, m, every, key):  # type: ignore[no-untyped-def]
        Paced.__init__(self, m, every)
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
        item = (_EVENT_ENTRY, b"\1\0" + self._key + self._value) if there else (_EVENT_GONE, b"\1\0")
        self._there = there
        if there:
            self._told, self._value = self._value, self._told
        return item


class Slots(Paced):
    """Watches a whole map of a board through its slice: a CRC over all of it, then, when that has changed, one a slot.

    Costs 4 bytes of heap a slot. A look without a change is one CRC-32 over the slice, in C.
    """

    def __init__(self, m, every):  # type: ignore[no-untyped-def]
        # saves heap: only a watch of a whole map needs it
        from array import array

        Paced.__init__(self, m, every)
        self._links, self._entries, self._value, self._stride = unpack_from("<4I", m._view, 44)
        # Then an entry begins with its key, and links say which slots are in use; else all are.
        self._keyed = self._value != 0
        self._crcs = array("I", bytes(4 * m.definition.max_entries))  # 0: the host knows the slot as empty
        self._crc = -1
        self._slot = 0
        self._top = 0

    def next(self, now):  # type: ignore[no-untyped-def]
        if self._slot == self._top:
            if not self._due(now):
                return None
            self._begin(self._map)
        return self._changed() if self._slot < self._top else None

    def _begin(self, m):  # type: ignore[no-untyped-def]
        """Go over the slots once more if something has changed."""
        len(m)  # raises StaleMap
        crc = crc32(m._view)
        if crc != self._crc:
            top = unpack_from("<I", m._view, 64)[0] if self._keyed else m.definition.max_entries
            # A change behind the CRC makes the next look's another one: none is missed.
            self._crc = crc
            self._slot = 0
            self._top = top

    def _changed(self):  # type: ignore[no-untyped-def]
        for _ in range(min(_SLOTS, self._top - self._slot)):
            slot = self._slot
            crc, item = self._look(slot)
            self._slot = slot + 1
            if item:
                self._crcs[slot] = crc
                return item
        return None

    def _look(self, slot):  # type: ignore[no-untyped-def]
        """Return what is to be kept of a slot, and its event, None when nothing has changed."""
        m = self._map
        known = self._crcs[slot]
        if self._keyed and m._view[self._links + 2 * slot + 1] & 0x80:
            return 0, (_EVENT_GONE, pack("<H", slot + 1)) if known else None
        at = self._entries + slot * self._stride
        entry = bytes(m._view[at : at + self._stride])
        crc = crc32(entry) | 1
        if crc == known:
            return crc, None
        d = m.definition
        key = entry[: d.key_size] if self._keyed else slot.to_bytes(4, "little")
        return crc, (_EVENT_ENTRY, pack("<H", slot + 1) + key + entry[self._value : self._value + d.value_size])

"""Events: what a board tells a host unasked. Records of rings and series, changes of a key or of a whole map.

Runs unchanged on the board and on the twin; a board loads it with the first subscription. A session has its own Events. It
keeps what it has sent until the host has taken it, so a bad line loses nothing, and takes no more from its sources than the
host has room for: what a slow host cannot take stays in the ring or the series, and is dropped there, counted. A watch then
skips values, never the last one. Nothing here waits.
"""

from binascii import crc32
from struct import pack, unpack_from

from .abi import (
    ARRAY,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    EVENT_ENDED,
    EVENT_ENTRY,
    EVENT_GONE,
    EVENT_MORE,
    EVENT_RECORD,
    HASH,
    OP_SUBSCRIBE,
    RINGBUF,
    TIME_SERIES,
    TYPE_NAMES,
)
from .errors import InvalidKeySize, KeyNotFound, MapError, NotSupported, OutOfMemory
from .frame import EVENT, encode, pieces

_MOST = 8  # subscriptions of a session
_WINDOW = 4  # frames that may be with the host and not taken: 1 KB, which any host's buffers hold while it sleeps
_PAYLOAD = 240  # most bytes of a payload: short frames need no large piece of the heap, and get through a bad line
_AGAIN_MS = 200  # after this time without a TAKEN the oldest frame is sent again, then after twice as long
_AGAIN_MOST = 4  # times; then only the host's word starts it again
_SLOTS = 32  # of a watched map that one look examines
_TICKS = 0x3FFFFFFF  # times are milliseconds that wrap at a multiple of this


class Events:
    """The subscriptions of one session, a ServerSession: poll() it often."""

    def __init__(self, session):  # type: ignore[no-untyped-def]
        self._session = session
        self._number = session.session
        self._limit = min(session.limit, _PAYLOAD)
        self._sources = {}  # type: ignore[var-annotated]
        self._next_id = 1
        self._turn = 0
        self._rest = None  # what no frame had room for: (id, what, data)
        self._kept = []  # type: ignore[var-annotated] # payloads that the host has not taken yet, the first is number _first
        self._first = 1
        self._room = _WINDOW
        self._at = 0
        self._wait = _AGAIN_MS
        self._again = 0
        self._gap = 0
        session.taken = self._taken

    def __len__(self) -> int:
        return len(self._sources)

    def handle(self, request, map_of):  # type: ignore[no-untyped-def]
        """Execute SUBSCRIBE or UNSUBSCRIBE; `map_of(request, op, need)` gives the map, after a look at the host's rights."""
        if request[0] != OP_SUBSCRIBE:
            if self._sources.pop(request[1], None) is None:
                raise KeyNotFound("unsubscribe: there is no subscription %d" % request[1])
            if self._rest and self._rest[0] == request[1]:
                self._rest = None
            return b"\0"
        if len(self._sources) >= _MOST:
            raise OutOfMemory("subscribe: a session has at most %d subscriptions" % _MOST)
        m = map_of(request)
        kind = m.definition.map_type
        if kind == RINGBUF:
            map_of(request, "read", BPF_F_RDONLY | BPF_F_WRONLY)  # records are taken out, which is a write too
        else:
            map_of(request, "last" if kind == TIME_SERIES else "lookup", BPF_F_WRONLY)
        every = unpack_from("<H", request, 3)[0]
        source = _source(m, every, request[5:])
        while self._next_id in self._sources:
            self._next_id = self._next_id % 255 + 1
        given = self._next_id
        self._sources[given] = source
        self._next_id = given % 255 + 1
        return bytes((0, given))

    def poll(self, now: int) -> bytes:
        """Return the frames that are to be sent now, at `now` milliseconds."""
        out = b""
        while len(self._kept) < self._room:
            payload = self._collect(now)
            if not payload:
                break
            if not self._kept:
                self._at = now
            self._kept.append(payload)
            try:
                out += encode(EVENT, self._number, (self._first + len(self._kept) - 1) & 0xFFFF, 0, payload)
            except MemoryError:  # the firmware needs the heap now; what is kept is sent later
                break
        if self._kept and self._again < _AGAIN_MOST and now - self._at & _TICKS > self._wait:
            if self._again or self._gap > 1:  # the line is bad: short frames come through
                out += b"".join(pieces(EVENT, self._number, self._first, 0, self._kept[0]))
            else:
                out += encode(EVENT, self._number, self._first, 0, self._kept[0])
            self._at = now
            self._wait = max(self._wait * 2, _AGAIN_MS)
            self._again += 1
        return out

    def _taken(self, seq: int, room: int) -> None:
        """The host waits for number `seq` and takes `room` frames from there; 0x80 in `room`: what followed came, it did not."""
        n = (seq - self._first) & 0xFFFF
        if n > len(self._kept):
            return  # an old one, overtaken
        del self._kept[:n]
        self._first = seq
        self._room = min(room & 0x7F, _WINDOW)
        self._again = 0
        self._wait = 0 if room & 0x80 else _AGAIN_MS
        self._gap = self._gap + 1 if room & 0x80 and not n else 0
        if n and self._kept:
            self._at = self._at + 1 & _TICKS

    def _collect(self, now):  # type: ignore[no-untyped-def]
        """Return as many items as fit one frame: id u8, what u8, length u16, data."""
        out = b""
        limit = self._limit
        while len(out) + 16 <= limit:
            item = self._rest or self._next(now)
            if item is None:
                break
            given, what, data = item
            n = min(len(data), limit - len(out) - 4)
            self._rest = None
            if n < len(data):
                self._rest = (given, what, data[n:])
                what |= EVENT_MORE
            out += pack("<BBH", given, what, n) + data[:n]
        return out

    def _next(self, now):  # type: ignore[no-untyped-def]
        """Return the next item as (id, what, data), the subscriptions in turn, or None."""
        ids = list(self._sources)
        for _ in ids:
            self._turn += 1
            given = ids[self._turn % len(ids)]
            try:
                item = self._sources[given].next(now)
            except MapError as e:
                del self._sources[given]
                return given, EVENT_ENDED, bytes((e.code,)) + str(e).encode()[:200]
            if item:
                return given, item[0], item[1]
        return None


def _source(m, every, key):  # type: ignore[no-untyped-def]
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
        from .timeseries import _get

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

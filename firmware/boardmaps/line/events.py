"""Events: what a board tells a host unasked. Records of rings and series, changes of a key or of a whole map.

Runs unchanged on the board and on the twin; a board loads it with the first subscription. A session has its own Events. It
keeps what it has sent until the host has taken it, so a bad line loses nothing, and takes no more from its sources than the
host has room for: what a slow host cannot take stays in the ring or the series, and is dropped there, counted. A watch then
skips values, never the last one. Nothing here waits.
"""

from struct import pack, unpack_from

from ..errors import KeyNotFound, MapError, OutOfMemory
from ..flags import const
from ..line import collect
from .frame import EVENT

# Numbers of abi.py, restated
_EVENT_ENDED = const(3)
_EVENT_MORE = const(128)
_OP_SUBSCRIBE = const(64)

_MOST = const(8)  # subscriptions of a session
_WINDOW = const(4)  # frames that may be with the host and not taken: any buffer of a host holds them while it sleeps
# Most bytes of a payload: no large piece of the heap is needed, and short frames get through a bad line
_PAYLOAD = const(120)
_AGAIN_MS = const(200)  # after this time without a TAKEN the oldest frame is sent again, then after twice as long
_AGAIN_MOST_MS = const(500)  # at most: a line that was half open for seconds is found whole soon
_AGAIN_MOST = const(12)  # times, in 5.6 seconds; then only the host's word starts it again
_TICKS = const(0x3FFFFFFF)  # times are milliseconds that wrap at a multiple of this
_END = (_EVENT_ENDED, b"")  # the last item of a subscription that the host has ended


class Events:
    """The subscriptions of one session, a ServerSession: poll() it often."""

    def __init__(self, session):  # type: ignore[no-untyped-def]
        self._session = session
        self._encode = session.encode
        self._number = session.session
        self._limit = min(session.limit, _PAYLOAD)
        self._sources = {}  # type: ignore[var-annotated]
        self._next_id = 1
        self._turn = 0
        self._item = None  # what is in no frame yet, or the rest of it: (what, data), taken out of its source
        self._given = 0  # the subscription that it belongs to
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
        if request[0] != _OP_SUBSCRIBE:
            if request[1] not in self._sources:
                raise KeyNotFound("unsubscribe: there is no subscription %d" % request[1])
            self._sources[request[1]] = None  # its end is told behind what was taken out of its ring
            return b"\0"
        if len(self._sources) >= _MOST:
            raise OutOfMemory("subscribe: a session has at most %d subscriptions" % _MOST)
        m = map_of(request)
        map_of(request, *m.subscribe_needs)
        told = m.host_subscribe(unpack_from("<H", request, 3)[0], request[5:])
        while self._next_id in self._sources:
            self._next_id = self._next_id % 255 + 1
        given = self._next_id
        reply = bytes((0, given))  # had before the subscription begins
        self._sources[given] = told
        self._next_id = given % 255 + 1
        return reply

    def poll(self, now: int) -> bytes:
        """Return the frames that are to be sent now, at `now` milliseconds; none while the firmware needs the heap itself."""
        try:
            return self._due(now)
        except MemoryError:
            return b""  # what was collected is kept, and sent later

    # A board that has nothing to tell comes through here each turn: where it can, with frames on the C stack (serving/server.py).

    def _due(self, now: int) -> bytes:
        out = b""
        while len(self._kept) < self._room and (self._item or self._next(now)):
            out += self._frame(now)
        if self._kept and self._again < _AGAIN_MOST and now - self._at & _TICKS > self._wait:
            out += self._said_again(now)
        return out

    def _frame(self, now: int) -> bytes:
        """Return a frame of what is there to tell."""
        payload = self._collect(now)
        if not self._kept:
            self._at = now
        self._kept.append(payload)
        return self._encode(EVENT, self._number, (self._first + len(self._kept) - 1) & 0xFFFF, 0, payload)  # type: ignore[no-any-return]

    def _said_again(self, now: int) -> bytes:
        """Return the oldest frame that was not taken."""
        in_pieces = self._again or self._gap > 1  # the line is bad: short frames come through
        self._at = now
        self._wait = min(max(self._wait * 2, _AGAIN_MS), _AGAIN_MOST_MS)
        self._again += 1
        if in_pieces:
            collect("boardmaps.line.pieces")
            # saves heap: only a bad line needs it
            from .pieces import pieces

            return b"".join(pieces(self._encode, EVENT, self._number, self._first, 0, self._kept[0]))
        return self._encode(EVENT, self._number, self._first, 0, self._kept[0])  # type: ignore[no-any-return]

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
        """Return as many items as fit one frame: id u8, what u8, length u16, data. Where memory ends, those before that."""
        out = b""
        limit = self._limit
        try:
            while len(out) + 16 <= limit and (self._item or self._next(now)):
                what, data = self._item
                n = min(len(data), limit - len(out) - 4)
                rest = None
                if n < len(data):
                    rest = (what, data[n:])
                    what |= _EVENT_MORE
                out += pack("<BBH", self._given, what, n) + data[:n]
                self._item = rest
        except MemoryError:
            if not out:
                raise
        return out

    def _next(self, now):  # type: ignore[no-untyped-def]
        """Take the next item, of the subscriptions in turn, into _given and _item; return whether there is one.

        Nothing behind a source's next() takes heap: what it gives is taken out of the ring.
        """
        ids = list(self._sources)
        for _ in ids:
            self._turn += 1
            given = ids[self._turn % len(ids)]
            told = self._sources[given]
            ended = True
            try:
                item = _END
                if told is not None:
                    item = told.next(now)
                    ended = False
            except MapError as e:
                item = _EVENT_ENDED, bytes((e.code,)) + str(e).encode()[:200]
            except MemoryError:
                raise
            except Exception as e:  # an error in a map's code ends this subscription, not the firmware
                item = _EVENT_ENDED, b"\1" + ("subscription: %s: %s" % (type(e).__name__, e)).encode()[:200]
            if item:
                self._given = given
                self._item = item
                if ended:
                    del self._sources[given]
                return True
        return False

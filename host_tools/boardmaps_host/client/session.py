"""The computer's end of the line, without I/O: bytes and the time in, bytes and events out.

Sends requests in order, several at once as far as the board's window and credit allow, and repeats what gets no answer; the
board executes each once (boardmaps.session). Times are seconds of any monotonic clock.
"""

import random
from dataclasses import dataclass, field

from boardmaps.frame import BYE, EVENT, HELLO, LOST, NAK, REPLY, REPLY_FLAG, REQUEST, TAKEN, Decoder, encode
from boardmaps.session import PROTOCOL, frame_limit, pack_hello, unpack_hello

HOST_MTU = 4096  # payload bytes that we take in one frame
_RTO_FIRST = 0.25
_RTO_MIN = 0.03
_RTO_MAX = 1.0
_HARMLESS = frozenset(range(256)) - {0, 1, 2, 3, 4, 5, 10, 13}


@dataclass(frozen=True)
class Text:
    """Console output of the board."""

    data: bytes


@dataclass(frozen=True)
class Opened:
    """The board has answered HELLO; `fields` are its terms."""

    fields: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """The answer to request `seq`."""

    seq: int
    payload: bytes


@dataclass(frozen=True)
class Lost:
    """The board does not know our session (any more); `boot` is the id of its present boot."""

    boot: str


@dataclass(frozen=True)
class Closed:
    """The board has answered BYE."""


@dataclass(frozen=True)
class Pushed:
    """EVENT frame `seq`: what the board tells unasked; client/events.py reads it."""

    seq: int
    payload: bytes


Event = Text | Opened | Reply | Lost | Closed | Pushed


@dataclass
class _InFlight:
    frame: bytes
    sent: float
    tries: int = 1


@dataclass
class ClientSession:
    """One end of the line that asks. Feed it what arrives with receive(), send what send(), hello(), bye() and due() return."""

    rng: random.Random = field(default_factory=random.SystemRandom)
    fields: dict[str, str] = field(default_factory=dict)
    mtu: int = 64
    resent: int = 0

    def __post_init__(self) -> None:
        self._decoder = Decoder(frame_limit(HOST_MTU), text=True)
        self._flight: dict[int, _InFlight] = {}
        self._window = 1
        self._credit = 64
        self._opened = False
        self._srtt = 0.0
        self._rttvar = 0.0
        self._rto = _RTO_FIRST
        self._nak_at = -1.0
        self.renew()

    def renew(self) -> None:
        """Start over with a session number that the board has not seen; requests in flight are forgotten."""
        self._hello = self._make_hello()
        self._seq = 0  # the last request sent
        self._acked = 0  # the last reply received with all before it
        self._flight.clear()
        self._opened = False

    def _make_hello(self) -> bytes:
        """Return a HELLO whose bytes harm no REPL that it may reach: none of them is Ctrl-A to Ctrl-E or a line's end."""
        while True:
            self.session = self.rng.randrange(0x20, 0x100)
            self._nonce = self.rng.randrange(0x20, 0x7F) << 8 | self.rng.randrange(0x20, 0x7F)
            frame = encode(HELLO, self.session, self._nonce, 0x20, pack_hello({"v": PROTOCOL, "mtu": HOST_MTU}))
            if _HARMLESS.issuperset(frame[:-1]):
                return frame

    @property
    def in_flight(self) -> list[int]:
        """The numbers of the requests without a reply, oldest first."""
        return list(self._flight)

    def hello(self) -> bytes:
        """Return the frame that opens the session; sent again it does no harm, and tells whether the session still lives."""
        return b"\0" + self._hello

    def bye(self) -> bytes:
        """Return the frame that ends the session."""
        return encode(BYE, self.session, self._seq, self._acked & 0xFF)

    def taken(self, seq: int, room: int) -> bytes:
        """Return the frame that says which EVENT we wait for and how many (at most 255) we take from there."""
        return encode(TAKEN, self.session, seq, room)

    def room(self, size: int) -> bool:
        """Whether a request of `size` bytes may be sent now, by the board's window and its credit in bytes."""
        if not self._flight:
            return True
        oldest = next(iter(self._flight))
        if (self._seq + 1 - oldest) & 0xFFFF >= self._window:
            return False
        return sum(len(f.frame) for f in self._flight.values()) + frame_limit(size) + 1 <= self._credit

    def send(self, payload: bytes, now: float) -> tuple[int, bytes]:
        """Return (number, frame) for one request of at most `mtu` bytes."""
        seq = (self._seq + 1) & 0xFFFF
        self._seq = seq
        frame = encode(REQUEST, self.session, seq, self._acked & 0xFF, payload)
        self._flight[seq] = _InFlight(frame, now)
        return seq, frame

    def next_due(self) -> float | None:
        """Return when due() will have something to send, or None when nothing is in flight."""
        if not self._flight:
            return None
        oldest = next(iter(self._flight.values()))
        return oldest.sent + self._rto

    def due(self, now: float) -> bytes:
        """Return what must be sent again because its answer is overdue."""
        when = self.next_due()
        if when is None or now < when:
            return b""
        self._rto = min(self._rto * 2, _RTO_MAX)
        return self._resend(now)

    def _resend(self, now: float) -> bytes:
        out = []
        for flight in self._flight.values():
            flight.sent = now
            flight.tries += 1
            out.append(flight.frame)
        self.resent += len(out)
        return b"".join(out)

    def receive(self, data: bytes, now: float) -> tuple[list[Event], bytes]:
        """Take what came over the line; return what it means and what must be sent at once."""
        events: list[Event] = []
        out = b""
        for found in self._decoder.feed(data):
            if isinstance(found, bytes):
                events.append(Text(found))
                continue
            kind, session, seq, _, payload = found
            if session != self.session:
                continue
            if kind == REPLY:
                flight = self._flight.pop(seq, None)
                if flight is not None:
                    if flight.tries == 1:
                        self._measure(now - flight.sent)
                    self._acked = (next(iter(self._flight), (self._seq + 1) & 0xFFFF) - 1) & 0xFFFF
                    events.append(Reply(seq, payload))
            elif kind == NAK:
                if (
                    seq in self._flight and now - self._nak_at > self._srtt
                ):  # once for a burst that followed the lost one
                    self._nak_at = now
                    out += self._resend(now)
            elif kind == HELLO | REPLY_FLAG and seq == self._nonce:
                fields = unpack_hello(payload)
                if fields is not None:
                    self._open(fields)
                    events.append(Opened(fields))
            elif kind == EVENT:
                events.append(Pushed(seq, payload))
            elif kind == LOST:
                events.append(Lost(payload.decode("ascii", "replace")))
            elif kind == BYE | REPLY_FLAG:
                events.append(Closed())
        return events, out

    def held(self) -> bytes:
        """Return what has come and that no zero has ended yet: part of a frame, or the board's output."""
        return self._decoder.held()

    def idle(self) -> Text | None:
        """The line has been quiet: what is pending is no frame but the board's output."""
        data = self._decoder.idle()
        return Text(data) if data else None

    def retried(self, seq: int) -> bool:
        """Whether request `seq` is in flight and was sent more than once."""
        return seq in self._flight and self._flight[seq].tries > 1

    def continues(self, fields: dict[str, str]) -> bool:
        """Whether a board that answers HELLO with `fields` is where we left it: the same boot, the same next number."""
        return fields.get("boot") == self.fields.get("boot") and fields.get("next") == str((self._seq + 1) & 0xFFFF)

    def _open(self, fields: dict[str, str]) -> None:
        if self._opened:
            return
        self.fields = fields
        self._opened = True
        self.mtu = _number(fields, "mtu", 64, 32, HOST_MTU)
        self._window = _number(fields, "win", 1, 1, 256)
        self._credit = _number(fields, "credit", 64, 32, 1 << 20)

    def _measure(self, rtt: float) -> None:
        """RFC 6298: a smoothed round trip and its variation give the time after which an answer is overdue."""
        if self._srtt:
            self._rttvar += (abs(rtt - self._srtt) - self._rttvar) / 4
            self._srtt += (rtt - self._srtt) / 8
        else:
            self._srtt, self._rttvar = rtt, rtt / 2
        self._rto = min(max(self._srtt + 4 * self._rttvar, _RTO_MIN), _RTO_MAX)


def _number(fields: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    """Return a number that the peer announced, held between bounds: it may announce anything."""
    try:
        return max(low, min(int(fields.get(name, default)), high))
    except ValueError:
        return default

"""The computer's end of the line, without I/O: bytes and the time in, bytes and events out.

Sends requests in order, several at once as far as the board's window and credit allow, and repeats what gets no answer; the
board executes each once (boardmaps.line.session). Times are seconds of any monotonic clock.

More than 300 lines: one end of the line; its parts share the numbers in flight.
"""

import random
from dataclasses import dataclass, field
from math import inf
from struct import unpack_from
from typing import Protocol

from boardmaps.line.frame import (
    BYE,
    EVENT,
    HELLO,
    INTERRUPT,
    LOST,
    NAK,
    OVERHEAD,
    PIECE_FLAG,
    REPLY,
    REPLY_FLAG,
    REQUEST,
    TAKEN,
    Decoder,
    Plain,
    encode,
)
from boardmaps.line.pieces import PIECE, Joiner, pieces
from boardmaps.line.seal import CHALLENGE, SEALED
from boardmaps.line.session import NUMBERS, PROTOCOL, frame_limit, pack_hello, unpack_hello
from boardmaps_host.client.roundtrip import RoundTrip

HOST_MTU = 4096  # payload bytes that we take in one frame
_PROBE = 4  # every so many tries of a request HELLO is said in its place
_RARER = 10  # a board that is silent is asked again after that part of its silence
# Kinds of what a board says, without the flags for pieces and seals
_FROM_BOARD = (REPLY, NAK, LOST, EVENT, *(kind | REPLY_FLAG for kind in (HELLO, CHALLENGE, BYE, INTERRUPT)))
SHOWN = frozenset(range(0x20, 0x7F))  # bytes that a REPL or input() takes for typing, and shows
_TYPED = max(SHOWN)
PASSED = frozenset(range(0x80, 0x100))  # bytes that it passes over
_CTRL_D = 4
_LOOKED_UP = 6  # where a look-up's frame has that byte, its operation: behind session and ack, which are typing
_TYPING_LEFT = 2  # of those a REPL deletes one for each Ctrl-D, where the cursor is at the front
_OTHER_ACKS = (0x7D, 0x7C, 0x7B)
_BEFORE = 8  # bytes that may stand before a frame, as a rule


class Codec(Protocol):
    """What makes frames bytes and bytes frames: boardmaps.line.frame.Plain, or client.lock.HostLock on a locked line."""

    sealed: bool
    longer: int
    answer: bytes

    def encode(self, kind: int, session: int, seq: int, ack: int, payload: bytes = b"", /) -> bytes: ...

    def decode(self, chunk: bytes, /) -> tuple[int, int, int, int, bytes] | tuple[()] | None: ...


@dataclass(frozen=True)
class Text:
    """Console output of the board."""

    data: bytes


@dataclass(frozen=True)
class Opened:
    """The board has answered HELLO; `fields` are its terms."""

    fields: dict[str, str]


@dataclass(slots=True)  # not frozen: one is made for each request, and that would take four times as long
class Reply:
    """The answer to request `seq`."""

    seq: int
    payload: bytes


@dataclass(frozen=True)
class Lost:
    """The board does not know our session (any more).

    `boot` is the id of its present boot; `executed` the last request that it executed in our session, when it remembers that.
    """

    boot: str
    executed: int | None = None

    def untouched(self, seq: int) -> bool:
        """Whether request `seq` is known not to have been executed."""
        return self.executed is not None and 0 < (seq - self.executed) & NUMBERS <= NUMBERS >> 1


@dataclass(frozen=True)
class Closed:
    """The board has answered BYE, or INTERRUPT."""


@dataclass(frozen=True)
class Pushed:
    """EVENT frame `seq`: what the board tells unasked; client/events.py reads it."""

    seq: int
    payload: bytes | None  # None: it came in pieces, not all of which came


@dataclass(frozen=True)
class Told:
    """A frame of our session that says nothing else: a NAK, a piece of what is not whole yet, a reply that came again."""


@dataclass(frozen=True)
class Echoed:
    """Our HELLO came back as it went: what has the line shows every byte of what is typed."""


Event = Text | Opened | Reply | Lost | Closed | Pushed | Told | Echoed


@dataclass(slots=True)
class _InFlight:
    payload: bytes
    size: int  # bytes of its frame
    sent: float  # the last time
    first: float
    tries: int = 1
    copies: int = 1  # those of them that the board answers, if they come
    turn: int = 0  # the next piece to send, once it goes in pieces


@dataclass
class ClientSession:
    """One end of the line that asks. Feed it what arrives with receive(), send what send(), hello(), bye() and due() return.

    On a locked line `codec` comes between: the first hello() of a session is then a challenge, and receive() returns what
    follows it.
    """

    rng: random.Random = field(default_factory=random.SystemRandom)
    codec: Codec = field(default_factory=Plain)
    fields: dict[str, str] = field(default_factory=dict)
    mtu: int = 64
    silence: float = 10  # seconds of silence after which the board ends the session
    resent: int = 0

    def __post_init__(self) -> None:
        self._decoder = Decoder(frame_limit(HOST_MTU) + self.codec.longer, text=True, codec=self.codec)
        self._flight: dict[int, _InFlight] = {}
        self._joiners: dict[int, Joiner] = {}
        self._event = Joiner(HOST_MTU)
        self._window = 1
        self._credit = 64
        self._under_way = 0  # bytes of the frames in flight
        self._trip = RoundTrip()
        self._nak_at = -1.0
        self._heard = -1.0  # when the end of a frame came last
        self.session = 0
        self.echo = b""  # what a REPL or input() shows of the last HELLO; nobody can know it who has not read that
        self.renew()

    def renew(self) -> None:
        """Start over with a session number that the board has not seen; requests in flight are forgotten."""
        self._make_hello()
        self._seq = 0  # the last request sent
        self._flight.clear()
        self._joiners.clear()
        self._under_way = 0
        self.opened = False

    def _make_hello(self) -> None:
        """Choose a HELLO that does no harm where it is taken for typing: but for its kind, Ctrl-F, it is shown or passed over."""
        last = self.session
        while True:
            self.session = self.rng.randrange(0x20, 0x7F)
            self._nonce = self.rng.randrange(0x20, 0x7F) << 8 | self.rng.randrange(0x20, 0x7F)
            frame = encode(*self._hello())
            if self.session != last and (SHOWN | PASSED).issuperset(frame[:1] + frame[2:-1]):
                self.echo = _shown(frame)
                return

    def _encode(self, kind: int, session: int, seq: int, ack: int, payload: bytes = b"") -> bytes:
        frame = self.codec.encode(kind, session, seq, ack, payload)
        if frame.count(_CTRL_D) == (frame[_LOOKED_UP] == _CTRL_D) or self.codec.sealed:
            return frame  # nearly always
        return self._mild(frame, kind, session, seq, payload)

    def _mild(self, frame: bytes, kind: int, session: int, seq: int, payload: bytes) -> bytes:
        """Return what stands for a frame that could reset the board: a REPL may take it for typing, for what runs may have ended.

        Ctrl-D resets it on an empty line. Where the CRC says that, another ack has another CRC. Where it is the first byte, or
        there are more than the frame has typing before, Ctrl-B goes before it, which leads from a raw REPL to the friendly one,
        and the beginning of a comment: the first two bytes may be backspaces, and each Ctrl-D may delete one. To a server that is
        a broken frame, of no effect.
        """
        for ack in _OTHER_ACKS if kind & ~PIECE_FLAG == REQUEST else ():
            if _CTRL_D not in frame[-6:-1]:
                break
            frame = self.codec.encode(kind, session, seq, ack, payload)
        fours = frame.count(_CTRL_D)
        if frame[0] == _CTRL_D or fours > _TYPING_LEFT:
            return b"\x02" + b"#" * (fours + 2) + b"\0" + frame
        return frame

    def _hello(self) -> tuple[int, int, int, int, bytes]:
        return HELLO, self.session, self._nonce, 0x20, pack_hello({"v": PROTOCOL, "mtu": HOST_MTU})

    @property
    def in_flight(self) -> list[int]:
        """The numbers of the requests without a reply, oldest first."""
        return list(self._flight)

    @property
    def expecting(self) -> bool:
        """Whether a request has no reply yet."""
        return bool(self._flight)

    def hello(self) -> bytes:
        """Return the frame that opens the session; sent again it does no harm, and tells whether the session still lives.

        Behind it go backspaces: where it was taken for typing, the line is as it was.
        """
        frame = self.codec.encode(*self._hello())
        self.echo = _shown(frame) or self.echo
        return b"\0" + frame + taken_back(frame)

    def bye(self) -> bytes:
        """Return the frame that ends the session."""
        return self._encode(BYE, self.session, self._seq, self._acked())

    def interrupt(self) -> bytes:
        """Return the frame that ends the session and interrupts the program; a board obeys it on a locked line only."""
        return self._encode(INTERRUPT, self.session, self._seq, self._acked())

    def _acked(self) -> int:
        """The low byte of the last number up to which all replies are here, or of one before it.

        One that a REPL takes for typing, for what runs may have ended: a look-up is 4 and comes behind it, and that is Ctrl-D,
        which on an empty line resets the board.
        """
        acked = (next(iter(self._flight), self._seq + 1) - 1) & 0xFF
        return acked if acked in SHOWN else _TYPED

    def taken(self, seq: int, room: int) -> bytes:
        """Return the frame that says which EVENT we wait for and how many (at most 255) we take from there."""
        return self._encode(TAKEN, self.session, seq, room)

    def room(self, size: int) -> bool:
        """Whether a request of `size` bytes may be sent now, by the board's window and its credit in bytes."""
        for oldest in self._flight:
            size += OVERHEAD + self.codec.longer
            most = self._under_way + size + size // 254 + _BEFORE
            return (self._seq + 1 - oldest) & NUMBERS < self._window and most <= self._credit
        return True

    def send(self, payload: bytes, now: float) -> tuple[int, bytes]:
        """Return (number, frame) for one request of at most `mtu` bytes."""
        acked = self._acked()
        self._seq = seq = (self._seq + 1) & NUMBERS
        frame = self._encode(REQUEST, self.session, seq, acked, payload)
        self._flight[seq] = _InFlight(payload, len(frame), now, now)
        self._under_way += len(frame)
        return seq, frame

    def next_due(self) -> float:
        """Return when due() will have something to send; infinite when nothing is in flight."""
        for oldest in self._flight.values():
            return self._due(oldest)
        return inf

    def _due(self, oldest: _InFlight) -> float:
        """Return when an answer is overdue: ever later while the board says nothing, for it may be starting, and what it cannot
        take meanwhile waits on the line for it.
        """
        silence = oldest.sent - max(self._heard, oldest.first)
        return oldest.sent + max(self._trip.overdue, silence / _RARER)

    @property
    def overdue(self) -> float:
        """Seconds after which an answer is overdue, by the round trips measured till now."""
        return self._trip.overdue

    @property
    def round_trip(self) -> float:
        """Seconds that an answer takes, smoothed; 0 before one has come."""
        return self._trip.smoothed

    def due(self, now: float) -> bytes:
        """Return what must be sent again because its answer is overdue: the oldest, the others follow when it is answered.

        HELLO is said instead where nothing that ends a frame has come since, for the board may have been reset, and to a program
        that starts a 3 in a request is Ctrl-C; and every few tries, should the board be at its REPL by now.
        """
        for seq, oldest in self._flight.items():
            if now < self._due(oldest):
                return b""
            self._trip.unanswered(oldest.sent, now)
            if self._heard < oldest.sent or oldest.tries % _PROBE == _PROBE - 1:
                oldest.sent = now
                oldest.tries += 1
                return self.hello()
            return self._again(seq, oldest, now)
        return b""

    def _again(self, seq: int, flight: _InFlight, now: float) -> bytes:
        """Return the frame once more; from the second time on in pieces, as many as the board has room for."""
        flight.sent = now
        flight.tries += 1
        self.resent += 1
        if flight.copies < 2 or len(flight.payload) <= PIECE:
            flight.copies += 1
            return self._encode(REQUEST, self.session, seq, self._acked(), flight.payload)
        parts = pieces(lambda *frame: frame, REQUEST, self.session, seq, self._acked(), flight.payload)
        out = b""
        for _ in parts:
            part = self._encode(*parts[flight.turn % len(parts)])
            if out and len(out) + len(part) > self._credit:
                break
            out += part
            flight.copies += not flight.turn % len(parts)  # a board answers the first piece
            flight.turn += 1
        return out

    def _on_nak(self, seq: int, now: float) -> bytes:
        """The board has dropped all that came behind request `seq`: send it again, and them."""
        if (
            seq not in self._flight or now - self._nak_at <= self._trip.smoothed
        ):  # once for the burst that followed the lost one
            return b""
        self._nak_at = now
        out = b""
        for number, flight in self._flight.items():
            if out and flight.tries > 1:
                break  # a bad line: one at a time
            out += self._again(number, flight, now)
        return out

    def receive(self, data: bytes, now: float) -> tuple[list[Event], bytes]:  # noqa: PLR0912 - one branch a kind
        """Take what came over the line; return what it means and what must be sent at once."""
        events: list[Event] = []
        out = b""
        if 0 in data:
            self._heard = now
        for found in self._decoder.feed(data):
            if isinstance(found, bytes):
                events.append(Text(found))
                continue
            kind, session, seq, _, payload = found
            if session != self.session:
                continue
            if kind == REPLY:
                self._on_reply(seq, payload, now, events)
            elif kind == REPLY | PIECE_FLAG:
                events.append(Told())
                if seq in self._flight:
                    whole = self._joiners.setdefault(seq, Joiner(HOST_MTU)).add(seq, payload)
                    if whole is not None:
                        self._on_reply(seq, whole, now, events)
                elif payload[:2] == b"\0\0":
                    self._trip.answered_again(seq)
            elif kind == NAK:
                events.append(Told())
                out += self._on_nak(seq, now)
            elif kind == HELLO | REPLY_FLAG and seq == self._nonce:
                fields = unpack_hello(payload)
                if fields is not None:
                    out += self._on_hello(fields, now, events)
            elif kind == EVENT:
                events.append(Pushed(seq, payload))
            elif kind == EVENT | PIECE_FLAG:
                events.append(Told())
                whole = self._event.add(seq, payload)
                at, size = unpack_from("<HH", payload.ljust(4, b"\0"))
                if whole is not None or at + PIECE >= size:  # the last of them has come, and some may be missing
                    events.append(Pushed(seq, whole))
            elif kind == LOST and (seq in self._flight or seq == self._nonce):
                boot, _, after = payload.decode("ascii", "replace").partition(" ")
                events.append(Lost(boot, (int(after) - 1) & NUMBERS if after.isdecimal() else None))
            elif kind in (BYE | REPLY_FLAG, INTERRUPT | REPLY_FLAG):
                events.append(Closed())
            elif kind == HELLO and seq == self._nonce:
                events.append(Echoed())
        if self.codec.answer:
            out += self.codec.answer
            self.codec.answer = b""
        return events, out

    def _on_reply(self, seq: int, payload: bytes, now: float, events: list[Event]) -> None:
        flight = self._flight.pop(seq, None)
        if flight is None:
            events.append(Told())
            self._trip.answered_again(seq)
            return
        if self._joiners:
            self._joiners.pop(seq, None)
        self._under_way -= flight.size
        if flight.copies > 1:
            self._trip.answered_late(seq, flight.copies, now - flight.first)
        else:
            self._trip.answered(flight.first, now)
        events.append(Reply(seq, payload))

    def _on_hello(self, fields: dict[str, str], now: float, events: list[Event]) -> bytes:
        """Take the answer to HELLO: the first has the terms, a later one tells whether the session still lives."""
        if not self.opened:
            self._open(fields)
        elif self._flight and fields.get("boot") != self.fields.get("boot"):
            events.append(Lost(fields.get("boot", "")))
            return b""
        events.append(Opened(fields))
        for seq, oldest in self._flight.items():
            if oldest.tries > 1:
                return self._again(seq, oldest, now)
            break
        return b""

    def held(self) -> bytes:
        """Return what has come that no zero has ended yet: the board's output, or the start of a frame."""
        return self._decoder.held()

    def begun(self) -> bool:
        """Whether what is held may be the beginning of a frame of this session: a busy board's rest comes late."""
        held = self._decoder.held()
        if len(held) < 2:
            return bool(held)
        code, kind = held[0], held[1] & ~(PIECE_FLAG | SEALED)
        return code > 1 and kind in _FROM_BOARD and (code == 2 or held[2:3] in (b"", bytes((self.session,))))

    def idle(self) -> Text | None:
        """The line has been quiet: what is pending is no frame but the board's output."""
        data = self._decoder.idle()
        return Text(data) if data else None

    def continues(self, fields: dict[str, str]) -> bool:
        """Whether a board that answers HELLO with `fields` is where we left it: the same boot, the same next number."""
        return fields.get("boot") == self.fields.get("boot") and fields.get("next") == str((self._seq + 1) & NUMBERS)

    def _open(self, fields: dict[str, str]) -> None:
        self.fields = fields
        self.opened = True
        self.mtu = int(_number(fields, "mtu", 64, 32, HOST_MTU))
        self.silence = _number(fields, "idle", 10, 1, 1e9)
        self._window = int(_number(fields, "win", 1, 1, 256))
        self._credit = int(_number(fields, "credit", 64, 32, 1 << 20))
        self._seq = (int(_number(fields, "next", 1, 0, 0xFFFF)) - 1) & NUMBERS


def _shown(typed: bytes) -> bytes:
    return bytes(byte for byte in typed if byte in SHOWN)


def taken_back(typed: bytes) -> bytes:
    """Return what undoes `typed` where it was taken for typing; to a server of maps it is a broken frame, of no effect."""
    return b"\b" * len(_shown(typed)) + b"\0"


_TERMS = (("mtu", 32, 0xFFFF), ("win", 1, 256), ("credit", 32, 1 << 30), ("next", 0, 0xFFFF))


def wrong_terms(fields: dict[str, str]) -> str:
    """Return what in a board's answer to HELLO cannot be, "" when all can."""
    wrong = [
        f"{name}={fields.get(name, '')[:20]}" for name, low, high in _TERMS if not _between(fields, name, low, high)
    ]
    if not fields.get("boot"):
        wrong.append("no boot id")
    return ", ".join(wrong)


def _between(fields: dict[str, str], name: str, low: int, high: int) -> bool:
    text = fields.get(name, "")
    return text.isascii() and text.isdecimal() and len(text) < 12 and low <= int(text) <= high


def _number(fields: dict[str, str], name: str, default: float, low: float, high: float) -> float:
    """Return a number that the peer announced, held between bounds: it may announce anything."""
    try:
        return max(low, min(float(fields.get(name, default)), high))
    except ValueError:
        return default

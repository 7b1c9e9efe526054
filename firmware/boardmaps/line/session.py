"""The board's end of the line, without I/O and without a clock: bytes in, bytes out.

A request is executed once. Its reply is kept until the host has moved past it, and a request that comes again gets the kept
reply again, in pieces if it is long. Requests are executed in the order of their numbers; one that comes too early is answered
with the number that is missing. SPEC.md has the rules.
"""

from binascii import crc32

from ..abi import VERSION
from .frame import (
    BYE,
    HELLO,
    INTERRUPT,
    LOST,
    NAK,
    PIECE_FLAG,
    REPLY,
    REPLY_FLAG,
    REQUEST,
    TAKEN,
    Decoder,
    Joiner,
    Plain,
    pieces,
)

PROTOCOL = 1  # the only version so far
_ACCEPTED = (PROTOCOL, PROTOCOL)
_REMEMBERED = 8  # sessions that have ended


def frame_limit(mtu: int) -> int:
    """Return the most bytes, without the zero, that a frame with `mtu` bytes of payload takes on the wire."""
    return mtu + 9 + (mtu + 9) // 254 + 1


def pack_hello(fields: "dict[str, object]") -> bytes:
    """Return the payload of a HELLO: text, so that it harms no REPL that it may reach, and grows without a new version."""
    return ("boardmaps " + " ".join(["%s=%s" % item for item in fields.items()])).encode()


def unpack_hello(payload: bytes) -> "dict[str, str] | None":
    """Return the fields of a HELLO, or None when the payload is something else."""
    if payload[:10] != b"boardmaps ":
        return None
    try:
        return dict([part.split("=", 1) for part in str(payload[10:], "utf-8").split(" ")])
    except (ValueError, UnicodeError):
        return None


def common_version(theirs: str) -> int:
    """Return the highest protocol version in both ranges ("1-3"), 0 when there is none."""
    low, _, high = theirs.partition("-")
    try:
        best = min(int(high or low), _ACCEPTED[1])
        return best if best >= max(int(low), _ACCEPTED[0]) else 0
    except ValueError:
        return 0


class ServerSession:
    """One end of the line that executes requests.

    `handle(payload, limit)` executes one and returns the reply's payload, at most `limit` bytes. `terms` are fields for the
    answer to HELLO (the board's boot id, profile, machine); `mtu` bounds a payload each way, `window` (a power of two) the
    requests in flight, `credit` the bytes that the host may have under way, all as told in that answer. `codec` makes frames
    bytes and bytes frames (frame.Plain, or seal.BoardLock on a locked line).
    """

    def __init__(self, handle, terms, mtu=480, window=4, credit=511, codec=None):  # type: ignore[no-untyped-def]
        self._handle = handle
        self.codec = codec or Plain()
        self.encode = self.codec.encode
        self._terms = terms
        self.mtu = mtu
        self.window = window
        self.credit = credit
        self.session = 0  # 0: none is open
        self.done = False  # the host has said BYE
        self.interrupted = False  # the host has said INTERRUPT, which only one with the line's key can
        self.served = 0  # requests executed since boot
        self.replayed = 0  # requests that came again and got their kept reply
        self.taken = None  # called with (seq, room) of the host's TAKEN frames; events.py sets it
        self.limit = mtu  # the most payload bytes that this host takes in a frame
        self.decoder = Decoder(frame_limit(mtu) + self.codec.longer, codec=self.codec)
        self._hello = -1
        self._kept = [None] * window
        self._next = 0
        self._joiner = Joiner(mtu)
        self._ended = []  # type: ignore[var-annotated] # (session, next) of the last sessions, the newest at the end

    def receive(self, data: bytes) -> bytes:
        """Take what came over the line; return what is to be sent."""
        found = self.decoder.feed(data)
        codec = self.codec
        if len(found) == 1 and not codec.answer:
            return self._answer(found[0])
        answer, codec.answer = codec.answer, b""
        return answer + b"".join([self._answer(frame) for frame in found])

    def close(self) -> None:
        """End the session, as after a BYE: the line has been silent for too long. How far it came is remembered."""
        if self.session:
            self._ended = self._ended[1 - _REMEMBERED :] + [(self.session, self._next)]
        self.session = 0
        self._hello = -1
        self._kept = [None] * self.window
        self.taken = None

    def _answer(self, frame) -> bytes:  # type: ignore[no-untyped-def]
        kind, session, seq, ack, payload = frame
        if kind == REQUEST and session == self.session and seq == self._next:  # nearly always
            return self._execute(seq, payload)
        if kind & ~PIECE_FLAG == REQUEST:
            if session != self.session or not session:
                return self._lost(session, seq)
            if kind != REQUEST:
                if seq != self._next:  # one answer to all pieces
                    return self._out_of_turn(seq) if payload[:2] == b"\0\0" else b""
                whole = self._joiner.add(seq, payload)
                return b"" if whole is None else self._execute(seq, whole)
            return self._out_of_turn(seq)
        if kind == TAKEN and session == self.session and self.taken:
            self.taken(seq, ack)
        if kind == HELLO:
            return self._open(session, seq, payload)
        if kind == BYE and session == self.session:
            self.close()
            self.done = True
        if kind == INTERRUPT and session == self.session and self.codec.sealed:
            self.close()
            self.interrupted = True
            return self.encode(INTERRUPT | REPLY_FLAG, session, seq, ack)
        if kind == BYE:  # said again when the answer was lost, it is answered again
            return self.encode(BYE | REPLY_FLAG, session, seq, ack)
        return b""

    def _execute(self, seq: int, payload: bytes) -> bytes:
        self._next = (seq + 1) & 0xFFFF
        self.served += 1
        reply = self._handle(payload, self.limit)
        self._kept[seq % self.window] = reply
        return self.encode(REPLY, self.session, seq, seq & 0xFF, reply)

    def _out_of_turn(self, seq: int) -> bytes:
        expected = self._next
        if (seq - expected) & 0xFFFF < 0x8000:
            return self.encode(NAK, self.session, expected, (expected - 1) & 0xFF)
        kept = self._kept[seq % self.window]
        if (expected - seq) & 0xFFFF > self.window or kept is None:
            return b""
        self.replayed += 1
        return b"".join(pieces(self.encode, REPLY, self.session, seq, seq & 0xFF, kept))

    def _lost(self, session: int, seq: int) -> bytes:
        """Refuse what belongs to a session that is not open; tell how far it came, if that is known."""
        text = self._terms["boot"]
        for number, after in self._ended:
            if number == session:
                text = "%s %d" % (self._terms["boot"], after)
        return self.encode(LOST, session, seq, 0, text.encode())

    def _open(self, session: int, seq: int, payload: bytes) -> bytes:
        fields = unpack_hello(payload)
        if fields is None or not session:
            return b""
        version = common_version(fields.get("v", ""))
        answer = {"v": version or "%d-%d" % _ACCEPTED, "fw": VERSION}
        if version:
            if session != self.session or seq != self._hello:  # else the same HELLO again: its answer was lost
                # A number that was in use not long ago is refused: frames that still bear it may come late.
                if session == self.session or session in [number for number, _ in self._ended]:
                    return self._lost(session, seq)
                self.close()
                self.session = session
                self._hello = seq
                # Not always the same number: a request of another boot's session, come late, is out of turn.
                self._next = crc32(("%s %d %d" % (self._terms["boot"], session, seq)).encode()) & 0xFFFF
                self.done = False
            try:
                self.limit = max(64, min(self.mtu, int(fields.get("mtu", self.mtu))))
            except ValueError:
                self.limit = self.mtu
            answer["mtu"] = self.mtu
            answer["win"] = self.window
            answer["credit"] = self.credit
            answer["next"] = self._next
        answer.update(self._terms)
        return self.encode(HELLO | REPLY_FLAG, session, seq, 0, pack_hello(answer))

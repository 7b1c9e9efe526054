"""The board's end of the line, without I/O and without a clock: bytes in, bytes out.

A request is executed once. Its reply is kept until the host has moved past it, and a request that comes again gets the kept
reply again. Requests are executed in the order of their numbers; one that comes too early is answered with the number that
is missing. SPEC.md has the rules.
"""

from .abi import VERSION
from .frame import BYE, HELLO, LOST, NAK, REPLY, REPLY_FLAG, REQUEST, TAKEN, Decoder, encode

PROTOCOL = 1  # the only version so far
_ACCEPTED = (PROTOCOL, PROTOCOL)


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
    requests in flight, `credit` the bytes that the host may have under way, all as told in that answer.
    """

    def __init__(self, handle, terms, mtu=480, window=4, credit=511):  # type: ignore[no-untyped-def]
        self._handle = handle
        self._terms = terms
        self.mtu = mtu
        self.window = window
        self.credit = credit
        self.session = 0  # 0: none is open
        self.done = False  # the host has said BYE
        self.served = 0  # requests executed since boot
        self.replayed = 0  # requests that came again and got their kept reply
        self.taken = None  # called with (seq, room) of the host's TAKEN frames; events.py sets it
        self.decoder = Decoder(frame_limit(mtu))
        self._hello = -1
        self._kept = [b""] * window
        self._next = 0
        self._limit = mtu

    def receive(self, data: bytes) -> bytes:
        """Take what came over the line; return what is to be sent."""
        out = b""
        for frame in self.decoder.feed(data):
            out += self._answer(frame)
        return out

    def close(self) -> None:
        """Forget the session, as after a BYE: the line has been silent for too long."""
        self.session = 0
        self._hello = -1
        self._kept = [b""] * self.window
        self.taken = None

    def _answer(self, frame) -> bytes:  # type: ignore[no-untyped-def]
        kind, session, seq, ack, payload = frame
        if kind == HELLO:
            return self._open(session, seq, payload)
        if kind == REQUEST:
            if session != self.session or not session:
                return encode(LOST, session, seq, 0, str(self._terms["boot"]).encode())
            self._forget(ack)
            expected = self._next
            slot = seq % self.window
            ahead = (seq - expected) & 0xFFFF
            if ahead == 0:
                self._next = (seq + 1) & 0xFFFF
                self.served += 1
                reply = encode(REPLY, session, seq, seq & 0xFF, self._handle(payload, self._limit))
                self._kept[slot] = reply
                return reply
            if ahead < 0x8000:
                return encode(NAK, session, expected, (expected - 1) & 0xFF)
            if (expected - seq) & 0xFFFF <= self.window:
                self.replayed += 1
                return self._kept[slot]
            return b""
        if kind == TAKEN and session == self.session and self.taken:
            self.taken(seq, ack)
        if kind == BYE and session == self.session:
            self.close()
            self.done = True
        if kind == BYE:  # said again when the answer was lost, it is answered again
            return encode(BYE | REPLY_FLAG, session, seq, ack)
        return b""

    def _forget(self, ack: int) -> None:
        """Drop the replies that the host has: all up to the one whose number ends in `ack`."""
        behind = (self._next - 1 - ack) & 0xFF
        for i in range(behind, self.window):
            self._kept[(self._next - 1 - i) % self.window] = b""

    def _open(self, session: int, seq: int, payload: bytes) -> bytes:
        fields = unpack_hello(payload)
        if fields is None or not session:
            return b""
        version = common_version(fields.get("v", ""))
        answer = {"v": version or "%d-%d" % _ACCEPTED, "fw": VERSION}
        if version:
            if session != self.session or seq != self._hello:  # else the same HELLO again: its answer was lost
                self.close()
                self.session = session
                self._hello = seq
                self._next = 1
                self.done = False
            try:
                self._limit = max(64, min(self.mtu, int(fields.get("mtu", self.mtu))))
            except ValueError:
                self._limit = self.mtu
            answer["mtu"] = self.mtu
            answer["win"] = self.window
            answer["credit"] = self.credit
            answer["next"] = self._next
        answer.update(self._terms)
        return encode(HELLO | REPLY_FLAG, session, seq, 0, pack_hello(answer))

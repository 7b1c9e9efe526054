"""The board's end of the line, without I/O and without a clock: bytes in, bytes out.

A request is executed once. Its reply is kept until the host has moved past it, and a request that comes again gets the kept
reply again, in pieces if it is long. Requests are executed in the order of their numbers; one that comes too early is answered
with the number that is missing. SPEC.md has the rules.

A request's number, its effect and its kept reply move together, whatever fails: before a request is executed its place has a
constant reply, which is true until the right one takes its place, and nothing between the two can leave another request's
reply there. Where there is no memory to send something, nothing is sent, as if the line had lost it.
"""

from binascii import crc32

from ..errors import MapError, OutOfMemory
from ..flags import VERSION, const
from ..line import collect
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
    Plain,
)

# Numbers of abi.py, restated
_OP_MORE = const(14)
_OP_PART = const(13)
_STATUS_GONE = const(126)
_PIECE = const(64)  # bytes, as in pieces.py

PROTOCOL = 2
NUMBERS = 0xFFFF  # the bits of a request's number; a test has fewer, so that they wrap
_ACCEPTED = (PROTOCOL, PROTOCOL)
_REMEMBERED = const(8)  # sessions that have ended
NO_MEMORY = bytes((OutOfMemory.code,)) + b"request: the board has no memory for it; nothing was changed"
GONE = bytes((_STATUS_GONE,)) + b"request: it was executed, but there is no memory for its reply"
_CUT_SHORT = (
    bytes((MapError.code,)) + b"request: a part of one, or what asks for more of a reply, is cut short or malformed"
)


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

    `handle(payload, limit)` executes one and returns the reply's payload, which should have at most `limit` bytes; a longer one
    goes in parts. It raises MemoryError only when nothing was changed. `terms` are fields for the answer to HELLO (the board's
    boot id, profile, machine), functions are called for theirs; `mtu` bounds a payload each way, `window` (a power of two) the
    requests in flight, `credit` the bytes that the host may have under way, all as told in that answer. `most` bounds the bytes
    of a request that comes in parts; None: nothing does. `codec` makes frames bytes and bytes frames (frame.Plain, or
    seal.BoardLock on a locked line). `spare` is as a Dispatcher's: called where a request in parts, or the begin of a long reply,
    finds no memory.

    What this class does with the usual request boards/cmodules/boardmaps/line.c does too, with the attributes session, limit,
    served, decoder, _next, _kept and _long, and with the decoder's _pending and _skipping.
    """

    def __init__(self, handle, terms, mtu=480, window=4, credit=511, most=None, codec=None, spare=None):  # type: ignore[no-untyped-def]
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
        self._most = most
        self._spare = spare
        self._long = None  # a Long, while a request or a reply that no frame holds is under way
        self._hello = -1
        self._kept = [None] * window
        self._next = 0
        self._joiner = None  # a Joiner, once a request has come in pieces
        self._ended = []  # type: ignore[var-annotated] # (session, next) of the last sessions, the newest at the end

    def receive(self, data: bytes) -> bytes:
        """Take what came over the line; return what is to be sent."""
        codec = self.codec
        try:
            found = self.decoder.feed(data)
            if len(found) == 1 and not codec.answer:
                return self._answer(found[0])
            answer, codec.answer = codec.answer, b""
            for frame in found:  # what a comprehension does takes more of the stack
                answer += self._answer(frame)
            return answer
        except MemoryError:  # what was not executed comes again, and a kept reply is asked for again
            return b""

    def close(self) -> None:
        """End the session, as after a BYE: the line has been silent for too long. How far it came is remembered."""
        if self.session:
            self._ended = self._ended[1 - _REMEMBERED :] + [(self.session, self._next)]
        self.session = 0
        self._hello = -1
        for i in range(self.window):
            self._kept[i] = None
        self._long = None
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
                if not self._joiner:
                    collect("boardmaps.line.pieces", self._spare)
                    # saves heap: only a bad line needs it
                    from .pieces import Joiner

                    self._joiner = Joiner(self.mtu)
                whole = self._joiner.add(seq, payload)
                return b"" if whole is None else self._execute(seq, whole)
            return self._out_of_turn(seq)
        if kind == TAKEN and session == self.session and self.taken:
            self.taken(seq, ack)
        if kind == HELLO:
            try:
                return self._open(session, seq, payload)
            except MemoryError:
                if session == self.session and seq == self._hello:
                    for kept in self._kept:
                        if kept is not None:
                            # That the session lives is told all the same: the host repeats its request behind that. One that has
                            # not said any since this boot may not know that there was another, and the answer alone tells it.
                            return self.encode(NAK, session, self._next, (self._next - 1) & 0xFF)
                raise
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
        kept = self._kept
        place = seq % self.window
        self._next = (seq + 1) & NUMBERS
        kept[place] = NO_MEMORY
        self.served += 1
        try:
            op = payload[0] if payload else -1
            if op == _OP_PART or op == _OP_MORE:
                reply, payload = self._go_on(op, payload)
            else:
                reply = None
                self._long = None  # the long ones before it are forgotten
            if reply is None:
                kept[place] = GONE
                reply = self._handle(payload, self.limit)
        except MemoryError:
            reply = NO_MEMORY
        if len(reply) > self.limit:
            try:
                reply = self._longer().begin(seq, reply, self.limit)
            except MemoryError:  # it was executed: once more, where there is some to spare
                if not self._spare or not self._spare():
                    raise
                reply = self._longer().begin(seq, reply, self.limit)
        kept[place] = reply
        return self.encode(REPLY, self.session, seq, seq & 0xFF, reply)

    def _longer(self):  # type: ignore[no-untyped-def]
        if not self._long:
            collect("boardmaps.line.long", self._spare)
            # saves heap: only what no frame holds needs it
            from .long import Long

            self._long = Long(self._most, self._spare)
        return self._long

    def _go_on(self, op, payload):  # type: ignore[no-untyped-def]
        """Return (reply, None) of a PART or a MORE, or (None, request) when a request has come whole."""
        try:
            if op == _OP_PART:
                return self._longer().part(payload)
            return self._longer().more(payload, self.limit), None
        except (ValueError, IndexError):
            return _CUT_SHORT, None
        except Exception as e:
            if type(e).__name__ != "error":  # struct.error, which is ValueError on MicroPython
                raise
            return _CUT_SHORT, None

    def _out_of_turn(self, seq: int) -> bytes:
        expected = self._next
        if (seq - expected) & NUMBERS <= NUMBERS >> 1:
            return self.encode(NAK, self.session, expected, (expected - 1) & 0xFF)
        kept = self._kept[seq % self.window]
        if (expected - seq) & NUMBERS > self.window or kept is None:
            return b""
        self.replayed += 1
        if len(kept) > _PIECE:
            try:
                collect("boardmaps.line.pieces", self._spare)
                # saves heap: only a bad line needs it
                from .pieces import pieces

                return b"".join(pieces(self.encode, REPLY, self.session, seq, seq & 0xFF, kept))
            except MemoryError:
                if kept[0] != OutOfMemory.code:
                    raise
                kept = NO_MEMORY  # the same in fewer words
        return self.encode(REPLY, self.session, seq, seq & 0xFF, kept)

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
        answer = {"v": version or "%d-%d" % _ACCEPTED, "fw": VERSION}  # type: dict[str, object]
        if version:
            if session != self.session or seq != self._hello:  # else the same HELLO again: its answer was lost
                # A number that was in use not long ago is refused: frames that still bear it may come late.
                if session == self.session or session in [number for number, _ in self._ended]:
                    return self._lost(session, seq)
                # Not always the same number: a request of another boot's session, come late, is out of turn.
                first = crc32(("%s %d %d" % (self._terms["boot"], session, seq)).encode()) & NUMBERS
                self.close()
                self.session = session
                self._hello = seq
                self._next = first
                self.done = False
            try:
                self.limit = max(64, min(self.mtu, int(fields.get("mtu", self.mtu))))
            except ValueError:
                self.limit = self.mtu
            answer["mtu"] = self.mtu
            answer["win"] = self.window
            answer["credit"] = self.credit
            answer["next"] = self._next
        for name, term in self._terms.items():
            answer[name] = term() if callable(term) else term
        return self.encode(HELLO | REPLY_FLAG, session, seq, 0, pack_hello(answer))

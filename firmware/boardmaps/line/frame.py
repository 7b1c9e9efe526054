"""Frames: bytes in, frames and text out. SPEC.md has the layout byte by byte.

    COBS( type|flags 1, session 1, seq 2, ack 1, payload, CRC-32 LE 4 ) 00

11 bytes around a payload of up to 244 bytes, one more for each further 254. A zero never occurs inside COBS, so a zero always
ends a frame and a receiver is in step again after one of them, whatever came before.
"""

import sys
from binascii import crc32
from struct import pack

# Types, in the low 4 bits of the first byte. None is 1 to 5: to a REPL that a frame may reach those are Ctrl-A to Ctrl-E.
HELLO = 6  # host: opens a session; with REPLY_FLAG, board: tells its terms
REQUEST = 8
REPLY = 9
NAK = 10  # board: a request came out of turn; seq is the one that it waits for
LOST = 11  # board: this session is not the one that is open
BYE = 12
EVENT = 13  # board: what a subscription of the host's tells; numbered by itself
TAKEN = 14  # host: which EVENT it waits for (seq), and how many it takes from there (ack)
INTERRUPT = 15  # host, on a locked line only: ends the session and interrupts the program, as Ctrl-C does elsewhere

REPLY_FLAG = 0x80  # in the high bits: an answer to the same type
PIECE_FLAG = 0x10  # in the high bits: the payload is a piece of one that did not get through whole
PIECE = 64  # bytes of the payload in one piece

OVERHEAD = 11  # bytes: header 5, CRC 4, COBS 1, delimiter 1
_LEAST = 9  # bytes of a frame without payload: header 5, CRC 4
_SOUND = 0x2144DF1C  # the CRC-32 of anything with its own CRC-32 behind it


def encode(kind: int, session: int, seq: int, ack: int, payload: bytes = b"") -> bytes:
    """Return the frame as it goes over the wire, its closing zero included."""
    raw = pack("<BBHB", kind, session, seq, ack) + payload
    return cobs_encode(raw + crc32(raw).to_bytes(4, "little")) + b"\0"


def decode(chunk: bytes) -> "tuple[int, int, int, int, bytes] | None":
    """Return (kind, session, seq, ack, payload) of what stood between two zeros, or None when it is no sound frame."""
    raw = cobs_decode(chunk)
    if raw is None or len(raw) < _LEAST or crc32(raw) != _SOUND:
        return None
    return raw[0], raw[1], raw[2] | raw[3] << 8, raw[4], raw[5:-4]


def pieces(encode, kind, session, seq, ack, payload):  # type: ignore[no-untyped-def]
    """Return the frames that bring `payload` over a bad line: short ones, each of which may come alone and again.

    `encode` is the one of the line's codec.
    """
    size = len(payload)
    if size <= PIECE:
        return [encode(kind, session, seq, ack, payload)]
    found = []
    for i in range(0, size, PIECE):
        head = bytes((i & 0xFF, i >> 8, size & 0xFF, size >> 8))
        found.append(encode(kind | PIECE_FLAG, session, seq, ack, head + payload[i : i + PIECE]))
    return found


class Joiner:
    """Puts one payload of at most `limit` bytes together, in whatever order and however often its pieces come."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._of = (-1, 0)
        self._got = {}  # type: dict[int, bytes]

    def add(self, seq: int, piece: bytes) -> "bytes | None":
        """Take the payload of one piece for `seq`; return the whole when this completes it."""
        if len(piece) < 5:
            return None
        at, size = piece[0] | piece[1] << 8, piece[2] | piece[3] << 8
        if at % PIECE or size > self._limit or len(piece) - 4 != min(PIECE, size - at):
            return None
        if self._of != (seq, size):
            self._of = (seq, size)
            self._got = {}
        self._got[at] = piece[4:]
        if len(self._got) * PIECE < size:
            return None
        return b"".join([self._got[i] for i in sorted(self._got)])


def cobs_encode(raw: bytes) -> bytes:
    """Return `raw` without zeros: consistent overhead byte stuffing, one byte more for each begun 254."""
    n = len(raw)
    if n >= 254:
        return _cobs_encode_long(raw)
    out = bytearray(n + 1)
    out[1:] = raw
    at = 0
    while at <= n:  # each zero, and one before it all, becomes the distance to the next
        zero = raw.find(b"\0", at) + 1 or n + 1
        out[at] = zero - at
        at = zero
    return bytes(out)


def _cobs_encode_long(raw: bytes) -> bytes:
    n = len(raw)
    out = bytearray(n + n // 254 + 2)
    i = o = 0
    while i <= n:
        end = raw.find(b"\0", i)
        # A full block of 254 stands for no zero behind it, so a zero there costs one more byte, except at the very end.
        full = 254
        if end < 0:
            end = n
            full = 255
        while end - i >= full:
            out[o] = 255
            out[o + 1 : o + 255] = raw[i : i + 254]
            o += 255
            i += 254
        size = end - i + 1
        out[o] = size
        out[o + 1 : o + size] = raw[i:end]
        o += size
        i = end + 1
    return bytes(out[:o])


def cobs_decode(data: bytes) -> "bytes | None":
    """Return what was encoded, or None when `data` cannot be the output of cobs_encode."""
    if not data or not data[0]:
        return None
    code = data[0]
    out = bytearray(data[1:])
    n = len(out)
    at = code - 1
    # In place: each code behind the first becomes the zero that it stands for, or nothing when the block before it was full.
    while at < n:
        full = code == 255
        code = out[at]
        if not code:
            return None
        if full:
            out = out[:at] + out[at + 1 :]
            n -= 1
            at -= 1
        else:
            out[at] = 0
        at += code
    return bytes(out) if at == n else None


if sys.implementation.name == "micropython":
    from ..settings import in_c

    if in_c:  # these four take a tenth of the time in C
        _c = in_c.frame
        cobs_encode, cobs_decode, encode, decode = _c.cobs_encode, _c.cobs_decode, _c.encode, _c.decode


class Plain:
    """The codec of a line without a key: what makes frames of a session bytes, and bytes frames. It has no state.

    A codec has `encode(kind, session, seq, ack, payload=b"")`, which returns the frame with its closing zero, and
    `decode(chunk)`, which returns the parts of what stood between two zeros, None when that is no frame, and () when it is one
    that the session does not get.
    `longer` is how many bytes longer than a plain one its frames may be. `answer` is what must be sent because of what was
    decoded, and belongs to no session: whoever has decoded sends it and sets it to b"". `sealed` is whether only who has a key
    makes such frames. seal.py has the board's codec of a locked line.
    """

    sealed = False
    longer = 0
    answer = b""
    encode = staticmethod(encode)
    decode = staticmethod(decode)


class Decoder:
    """Cuts a stream into frames. Keeps at most `limit` bytes of an unfinished one; the rest of an overlong one is dropped.

    With `text` what is no frame is given back as text: a board's prints share its line. Without, it is only counted. Each
    chunk between zeros is looked at once: a board sends a zero before its frames, so no text stands in a frame's chunk.
    """

    def __init__(self, limit: int, text: bool = False, codec=Plain) -> None:  # type: ignore[no-untyped-def]
        self.limit = limit
        self.text = text
        self.damaged = 0  # chunks between zeros that were no frame
        self.decode = codec.decode
        self.dropped = 0  # bytes of chunks above the limit
        self._pending = b""
        self._skipping = False

    def feed(self, data: bytes) -> "list[tuple[int, int, int, int, bytes] | bytes]":
        """Return what these bytes complete, in order: frames as the codec gives them, text as bytes."""
        chunks = data.split(b"\0")
        if self._pending:
            chunks[0] = self._pending + chunks[0]
        self._pending = chunks.pop()
        found = []  # type: list[tuple[int, int, int, int, bytes] | bytes]
        for chunk in chunks:
            if len(chunk) > self.limit or self._skipping:
                self._overlong(chunk, found)
                self._skipping = False
            elif chunk:
                frame = self.decode(chunk)
                if frame:
                    found.append(frame)
                elif frame is None:
                    self.damaged += 1
                    if self.text:
                        found.append(chunk)
        if len(self._pending) > self.limit:
            self._overlong(self._pending, found)
            self._pending = b""
            self._skipping = True
        return found

    def _overlong(self, chunk: bytes, found: list) -> None:  # type: ignore[type-arg]
        """Take a part of what is too long for a frame."""
        if not self._skipping:
            self.damaged += 1
        if not self.text:
            self.dropped += len(chunk)
        elif chunk:
            found.append(chunk)

    def pending(self) -> int:
        """Return how many bytes of an unfinished frame, or of text, are held."""
        return len(self._pending)

    def held(self) -> bytes:
        """Return the bytes of an unfinished frame, or of text."""
        return self._pending

    def interrupted(self) -> bool:
        """Whether what is pending is somebody's Ctrl-C: no frame begins so, for no kind is 3."""
        return bool(self._pending) and self._pending[:2] in (b"\r\x03", b"\x03\x03")

    def idle(self) -> bytes:
        """The line has been quiet: give up what is pending and return it. With `text` it was text; else a broken frame."""
        pending, self._pending = self._pending, b""
        self._skipping = False
        if pending and not self.text:
            self.damaged += 1
        return pending

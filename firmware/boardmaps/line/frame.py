"""Frames: bytes in, frames and text out. SPEC.md has the layout byte by byte.

    COBS( type|flags 1, session 1, seq 2, ack 1, payload, CRC-32 LE 4 ) 00

11 bytes around a payload of up to 244 bytes, one more for each further 254. A zero never occurs inside COBS, so a zero always
ends a frame and a receiver is in step again after one of them, whatever came before.
"""

import sys

if sys.implementation.name != "micropython":
    from ..kernels import plain_frame as _k
else:
    from ..settings import kernels

    _k = kernels("frame")
cobs_encode, cobs_decode, encode, decode = _k.cobs_encode, _k.cobs_decode, _k.encode, _k.decode

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
OVERHEAD = 11  # bytes: header 5, CRC 4, COBS 1, delimiter 1


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

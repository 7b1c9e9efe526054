"""Frames for a bad line: a payload that did not get through whole comes in pieces. A board loads this with the first of them."""

from .frame import PIECE_FLAG

PIECE = 64  # bytes of the payload in one piece


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

"""What no frame holds: requests that come in parts, and replies of which the host fetches the rest.

Runs unchanged on the board and on the twin; a board loads it with the first of them. It belongs to one session and ends with
it. A request's memory is taken with its first part, so that nothing fails half-way; a reply is kept once, until its last byte
has been sent or another request is executed. SPEC.md section 3.1 has the bytes.
"""

from struct import pack, unpack_from

from ..errors import OutOfMemory
from ..flags import U32_MAX, const

# Numbers of abi.py, restated
_PART_FIRST = const(1)
_PART_LAST = const(2)
_STATUS_APART = const(125)
_STATUS_GONE = const(126)
_STATUS_MORE = const(128)

_OK = b"\0"
# The least frame takes all of it: by its status the host knows that it has to begin anew.
_APART = bytes((_STATUS_APART,)) + b"request: its parts do not follow each other; nothing changed"
_GONE = bytes((_STATUS_GONE,)) + b"request: this reply is not kept any more"


class Long:
    """The long request and the long reply of one session. `most`: bytes that a request may have, None: any number.

    `spare` as a Dispatcher's: what is called where memory ends.
    """

    def __init__(self, most, spare=None):  # type: ignore[no-untyped-def]
        self._most = most
        self._spare = spare
        self._request = None  # a bytearray of the whole
        self._have = 0
        self._reply = None
        self._seq = -1

    def part(self, payload):  # type: ignore[no-untyped-def]
        """Take one PART; return (reply, None), or (None, the whole request) with the last."""
        where, at = unpack_from("<BI", payload, 1)
        whole, self._request = self._request, None
        body = 6
        if where & _PART_FIRST:
            (size,) = unpack_from("<I", payload, 6)
            body = 10
            if size > (U32_MAX if self._most is None else self._most):
                return _refuse("request: %d bytes are more than any map here needs", size), None
            whole = _room(size)
            if whole is None and self._spare and self._spare():
                whole = _room(size)
            if whole is None:
                return _refuse(
                    "request: the heap of the board has no %d bytes in one piece; nothing was changed", size
                ), None
            self._have = 0
        end = at + len(payload) - body
        if whole is None or at != self._have or end > len(whole) or (where & _PART_LAST and end != len(whole)):
            return _APART, None
        whole[at:end] = memoryview(payload)[body:]
        self._have = end
        if where & _PART_LAST:
            return None, whole
        self._request = whole
        return _OK, None

    def begin(self, seq: int, reply: bytes, limit: int) -> bytes:
        """Return the begin of a reply that has more than `limit` bytes, and keep it whole for MORE."""
        first = pack("<BI", reply[0] | _STATUS_MORE, len(reply) - 1) + reply[1 : limit - 4]
        self._seq = seq
        self._reply = reply
        return first

    def more(self, payload: bytes, limit: int) -> bytes:
        """Answer one MORE."""
        seq, at = unpack_from("<HI", payload, 1)
        reply = self._reply
        if reply is None or seq != self._seq or at >= len(reply) - 1:
            return _GONE
        end = at + limit - 5
        last = end >= len(reply) - 1
        answer = pack("<BI", reply[0] | (0 if last else _STATUS_MORE), at) + reply[at + 1 : end + 1]
        if last:
            self._reply = None
        return answer


def _room(size: int) -> "bytearray | None":
    try:
        return bytearray(size)
    except MemoryError:
        return None


def _refuse(text: str, size: int) -> bytes:
    return bytes((OutOfMemory.code,)) + (text % size).encode()

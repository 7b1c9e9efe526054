"""From a request's bytes to its reply's bytes, whatever a request contains: the same on the board and on the twin."""

from struct import pack

from ..abi import OP_MORE, OP_PART, PART_FIRST, PART_LAST, STATUS_MORE
from ..errors import MapError, OutOfMemory
from .operations import Operations

_OK = b"\0"
_PART_LIMIT = 16 * 1024  # bytes that a request in parts may take of the heap


class Dispatcher:
    """Executes requests on the maps of `registry` (by_id, ids, stats, read, reset). Pool reset needs `allow_reset`."""

    def __init__(self, registry, allow_reset=False):  # type: ignore[no-untyped-def]
        self._operations = Operations(registry, allow_reset)
        self.extra = {}  # type: ignore[var-annotated] # what only some servers do, number: function(request, map_of)
        self._parts = b""
        self._rest = b""

    def handle(self, request: bytes, limit: int) -> bytes:
        """Execute one request; return its reply, at most `limit` bytes. Never raises for what a request contains."""
        op = request[0] if request else -1
        if op == OP_MORE:
            return self._cut(self._rest, limit)
        if op == OP_PART:
            parts, self._parts = self._parts, b""
            where = request[1] if len(request) > 1 else 0
            if where & PART_FIRST:
                parts = b""
            elif not parts:  # another host or another boot had the first ones
                return _error(MapError("request: its first part is missing"))
            if len(parts) + len(request) > _PART_LIMIT:
                return _error(OutOfMemory("request: above %d bytes" % _PART_LIMIT))
            parts += request[2:]
            if not where & PART_LAST:
                self._parts = parts
                return _OK
            request = parts
            op = request[0] if request else -1
        try:
            extra = self.extra.get(op)
            if extra:
                reply = extra(request, self._operations.map_of)
            else:
                reply = self._operations.execute(op, request, limit)
        except MapError as e:
            reply = _error(e)
        except MemoryError as e:  # its text tells a heap that is full, and for how many bytes, from one that is locked
            reply = _error(OutOfMemory("request: the heap of the board is exhausted: %s" % e))
        except (ValueError, IndexError, UnicodeError):
            reply = _error(MapError("request: operation %d is cut short or malformed" % op))
        except Exception as e:
            if type(e).__name__ == "error":  # struct.error, which is ValueError on MicroPython
                reply = _error(MapError("request: operation %d is cut short or malformed" % op))
            else:  # an error in the code of a map must not end the firmware
                reply = _error(MapError("request: operation %d: %s: %s" % (op, type(e).__name__, e)))
        return reply if len(reply) <= limit else self._cut(reply, limit)

    def _cut(self, reply: bytes, limit: int) -> bytes:
        """Return what fits of a long reply and keep the rest for OP_MORE; the first byte says whether there is any."""
        self._rest = b""
        if len(reply) <= limit:
            return reply or _error(MapError("request: there is no more of the last reply"))
        self._rest = reply[:1] + reply[limit:]
        return bytes((reply[0] | STATUS_MORE,)) + reply[1:limit]


def _error(error: MapError) -> bytes:
    text = bytes((error.code,)) + str(error).encode()[:200]
    return text + b"\0" + pack("<I", error.done) if error.done else text

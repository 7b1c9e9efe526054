"""From a request's bytes to its reply's bytes, whatever a request contains: the same on the board and on the twin."""

from struct import pack

from ..errors import MapError, OutOfMemory
from .operations import Operations
from .session import GONE, NO_MEMORY


class Dispatcher:
    """Executes requests on the maps of `registry` (by_id, ids, stats, read, reset). Pool reset needs `allow_reset`."""

    def __init__(self, registry, allow_reset=False):  # type: ignore[no-untyped-def]
        self._operations = Operations(registry, allow_reset)
        self.checksum = self._operations.checksum
        self.extra = {}  # type: ignore[var-annotated] # what only some servers do, number: function(request, map_of)

    def handle(self, request: bytes, limit: int) -> bytes:
        """Execute one request; return its reply, which may have more than `limit` bytes. Raises for nothing that it contains.

        Raises MemoryError when there is no memory for the text of a refusal: then nothing was changed.
        """
        op = request[0] if request else -1
        operations = self._operations
        try:
            extra = self.extra.get(op)
            if extra:
                reply: bytes = extra(request, operations.map_of)
            else:
                reply = operations.execute(op, request, limit)
            return reply
        except MapError as e:
            return _error(e)
        except MemoryError as e:
            # Its text tells a heap that is full, and for how many bytes, from one that is locked.
            return _no_memory(e)
        except (ValueError, IndexError, UnicodeError):
            pass
        except Exception as e:
            if type(e).__name__ != "error":  # else struct.error, which is ValueError on MicroPython
                # an error in the code of a map must not end the firmware
                return _error(MapError("request: operation %d: %s: %s" % (op, type(e).__name__, e)))
        return _error(MapError("request: operation %d is cut short or malformed" % op))


def _error(error: MapError) -> bytes:
    try:
        text = bytes((error.code,)) + str(error).encode()[:200]
        return text + b"\0" + pack("<I", error.done) if error.done else text
    except MemoryError:
        if error.done:
            return GONE
        raise


def _no_memory(error: MemoryError) -> bytes:
    try:
        return _error(OutOfMemory("request: the heap of the board is exhausted: %s; nothing was changed" % error))
    except MemoryError:
        return NO_MEMORY

"""From a request's bytes to its reply's bytes, whatever a request contains: the same on the board and on the twin.

LIST, which every host asks first, is here; operations.py has the others, and is loaded with the first of them.
"""

from binascii import crc32
from struct import pack, unpack_from

from ..errors import MapError, NotPermitted, OutOfMemory, StaleMap
from ..flags import BPF_F_RDONLY, INFO_FORMAT, const
from ..line import collect
from .session import GONE, NO_MEMORY

# Numbers of abi.py, restated
_OP_LIST = const(2)
_OP_HEALTH = const(40)
_OP_RESTORE = const(57)
# Those that are tried again where memory ended: they change nothing, or nothing before they have all that they need of the heap.
# CREATE, LIST, INFO, LOOKUP, NEXT_KEY, BATCH_LOOKUP, READ, QUERY, SAMPLES, STATS, POOL_READ, PEEK, HEALTH, COMMIT, SLICE_SUM and
# SUBSCRIBE; of RESTORE its beginning.
_AGAIN = (1, 2, 3, 4, 7, 9, 22, 23, 25, 26, 27, 34, _OP_HEALTH, 44, 56, 64)
_TAG_PARAMETERS = const(1)
_TAG_SCHEMA = const(2)
_TAG_SCHEMA_SUM = const(3)


class Dispatcher:
    """Executes requests on the maps of `registry` (by_id, ids, stats, read, reset). Pool reset needs `allow_reset`.

    `spare`, a function, is called where memory ends, and returns whether there may be more now.
    """

    def __init__(self, registry, allow_reset=False, spare=None):  # type: ignore[no-untyped-def]
        self._registry = registry
        self._allow_reset = allow_reset
        self._spare = spare
        self._operations = None
        self.extra = {}  # type: ignore[var-annotated] # what only some servers do, number: function(request, map_of)

    def handle(self, request: bytes, limit: int, again: bool = True) -> bytes:
        """Execute one request; return its reply, which may have more than `limit` bytes. Raises for nothing that it contains.

        Where memory ends and nothing was changed, what needs much of it is tried `again`, once, when there is some to spare.

        Raises MemoryError when there is no memory for the text of a refusal: then nothing was changed.
        """
        op = request[0] if request else -1
        try:
            extra = self.extra.get(op)
            if extra:
                reply: bytes = extra(request, self.map_of)
            elif op == _OP_LIST:
                reply = self._list(request, limit)
            elif op == _OP_HEALTH:
                collect("boardmaps.line.health")
                # saves heap: few hosts ask
                from .health import health

                reply = health(request)
            else:
                reply = self._others().execute(op, request, limit)
            return reply
        except MapError as e:
            return _error(e)
        except MemoryError as e:
            begins = op == _OP_RESTORE and not request[1]
            if again and self._spare and (op in _AGAIN or begins) and self._spare():
                return self.handle(request, limit, False)
            # Its text tells a heap that is full, and for how many bytes, from one that is locked.
            return _no_memory(e)
        except (ValueError, IndexError, UnicodeError):
            pass
        except Exception as e:
            if type(e).__name__ != "error":  # else struct.error, which is ValueError on MicroPython
                # an error in the code of a map must not end the firmware
                return _error(MapError("request: operation %d: %s: %s" % (op, type(e).__name__, e)))
        return _error(MapError("request: operation %d is cut short or malformed" % op))

    def _others(self):  # type: ignore[no-untyped-def]
        if not self._operations:
            collect("boardmaps.line.operations", self._spare)
            # saves heap: C answers the usual requests
            from .operations import Operations

            self._operations = Operations(self._registry, self._allow_reset, self.map_of, self.record, self._spare)
        return self._operations

    def checksum(self) -> str:
        """Return the CRC-32 over what never changes in the records of all maps, 8 hex digits."""
        crc = 0
        for i in self._registry.ids():
            crc = crc32(self.record(self._registry.by_id(i), True), crc)
        return "%08x" % crc

    def map_of(self, request, op="", need=0, look=True):  # type: ignore[no-untyped-def]
        """Return the map that bytes 1 and 2 name, when the host has the right that `need` (a map flag) would take away.

        What it is about to write the map's own check looks at, with `look`.
        """
        m = self._registry.by_id(request[1] | request[2] << 8)
        if need & BPF_F_RDONLY and m.frozen:
            raise NotPermitted("%s %r: the map is frozen" % (op, m.name))
        if need & m.definition.map_flags:
            which = "read-only" if m.definition.map_flags & BPF_F_RDONLY else "write-only"
            raise NotPermitted("%s %r: the map is %s for the host" % (op, m.name, which))
        if look and need & BPF_F_RDONLY and m._host_check:
            m._host_check.look(request, op)
        return m

    def record(self, m, unchanging=False, whole=False) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        """Return the record of a map; with `unchanging` what changes in it is 0, with `whole` it has the schema's text."""
        d = m.definition
        count = frozen = peak = 0
        if not unchanging:
            try:
                count, frozen, peak = m.host_count(), m.frozen, m.peak
            except StaleMap:  # a restore of it did not end: the host may see that it is there, and restore it again
                pass
        sizes = (d.map_type, d.key_size, d.value_size, d.max_entries, d.map_flags, count, m.offset, m.size)
        record = pack(INFO_FORMAT, m.id, *sizes + (frozen, d.name.encode(), m.cpus, peak))
        parameters = m.host_parameters()
        if parameters:
            record += pack("<BH", _TAG_PARAMETERS, len(parameters)) + parameters
        if d.schema:
            text = d.schema.encode()
            if whole:
                record += pack("<BH", _TAG_SCHEMA, len(text)) + text
            else:
                record += pack("<BHI", _TAG_SCHEMA_SUM, 4, crc32(text))
        return pack("<H", len(record)) + record

    def _list(self, request: bytes, limit: int) -> bytes:
        (after,) = unpack_from("<H", request, 1)
        reply = b"\0"
        for i in self._registry.ids():
            if i > after:
                record = self.record(self._registry.by_id(i))
                if len(reply) > 1 and len(reply) + len(record) > limit:
                    break
                reply += record
        return reply


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

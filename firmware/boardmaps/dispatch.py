"""From a request's bytes to a map's method and back to a reply's bytes: the same on the board and on the twin.

What the host may not do (write to a frozen map, read one that is write-only) is refused here, so that firmware still may.
"""

from struct import pack, unpack_from

import boardmaps

from .abi import (
    ARRAY,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    CLASS_NAMES,
    INFO_FORMAT,
    INFO_SIZE,
    PERCPU_ARRAY,
    STATUS_MISS,
    STATUS_MORE,
)
from .definition import MapDef
from .errors import MapError, NotPermitted, NotSupported, OutOfMemory

_OK = b"\0"
_MISS = bytes((STATUS_MISS,))
_PART_LIMIT = 16 * 1024  # bytes that a request in parts may take of the heap


class Dispatcher:
    """Executes requests on the maps of `registry` (by_id, ids, stats, reset). Pool reset needs `allow_reset`."""

    def __init__(self, registry, allow_reset=False):  # type: ignore[no-untyped-def]
        self._registry = registry
        self._allow_reset = allow_reset
        self._parts = b""
        self._rest = b""
        self._handlers = (
            self._ping,
            self._create,
            self._list,
            self._info,
            self._lookup,
            self._update,
            self._delete,
            self._next_key,
            self._lookup_and_delete,
            self._batch_lookup,
            self._freeze,
            self._pool,
            self._pool_reset,
        )
        self._limit = 0

    def handle(self, request: bytes, limit: int) -> bytes:
        """Execute one request; return its reply, at most `limit` bytes. Never raises for what a request contains."""
        op = request[0] if request else -1
        if op == 14:  # OP_MORE
            return self._cut(self._rest, limit)
        if op == 13:  # OP_PART
            if len(self._parts) + len(request) > _PART_LIMIT:
                self._parts = b""
                return _error(OutOfMemory("request: above %d bytes" % _PART_LIMIT))
            self._parts += request[1:]
            return _OK
        if self._parts:
            request, self._parts = self._parts + request[1:], b""
            op = request[0]
        self._limit = limit
        try:
            if not 0 <= op < len(self._handlers):
                raise NotSupported("request: no operation has the number %d" % op)
            reply = self._handlers[op](request)
        except MapError as e:
            reply = _error(e)
        except MemoryError:
            reply = _error(OutOfMemory("request: the heap of the board is exhausted"))
        except (ValueError, IndexError, UnicodeError):
            reply = _error(MapError("request: operation %d is cut short or malformed" % op))
        except Exception as e:
            if type(e).__name__ != "error":  # struct.error, which is ValueError on MicroPython
                raise
            reply = _error(MapError("request: operation %d is cut short or malformed" % op))
        return reply if len(reply) <= limit else self._cut(reply, limit)

    def _cut(self, reply: bytes, limit: int) -> bytes:
        """Return what fits of a long reply and keep the rest for OP_MORE; the first byte says whether there is any."""
        self._rest = b""
        if len(reply) <= limit:
            return reply or _error(MapError("request: there is no more of the last reply"))
        self._rest = reply[:1] + reply[limit:]
        return bytes((reply[0] | STATUS_MORE,)) + reply[1:limit]

    def _map(self, request, op=None, need=0):  # type: ignore[no-untyped-def]
        """Return the map that bytes 1 and 2 name, when the host has the right that `need` (a map flag) would take away."""
        m = self._registry.by_id(request[1] | request[2] << 8)
        if need & BPF_F_RDONLY and m.frozen:
            raise NotPermitted("%s %r: the map is frozen" % (op, m.name))
        if need & m.definition.map_flags:
            which = "read-only" if m.definition.map_flags & BPF_F_RDONLY else "write-only"
            raise NotPermitted("%s %r: the map is %s for the host" % (op, m.name, which))
        return m

    def _ping(self, request: bytes) -> bytes:
        return _OK + request[1:]

    def _create(self, request: bytes) -> bytes:
        kind, key_size, value_size, max_entries, flags = unpack_from("<5I", request, 1)
        d = MapDef(kind, key_size, value_size, max_entries, flags, str(request[21:], "utf-8"))
        cls = getattr(boardmaps, CLASS_NAMES[kind], None)
        if cls is None:
            raise NotSupported("create %r: this profile has no %s" % (d.name, CLASS_NAMES[kind]))
        if kind in (ARRAY, PERCPU_ARRAY):
            m = cls(value_size, max_entries, flags, d.name)
        else:
            m = cls(key_size, value_size, max_entries, flags, d.name)
        return _OK + pack("<H", m.id)

    def _record(self, m) -> bytes:  # type: ignore[no-untyped-def]
        d = m.definition
        sizes = (d.map_type, d.key_size, d.value_size, d.max_entries, d.map_flags, len(m), m.offset, m.size)
        return pack(INFO_FORMAT, m.id, *sizes + (m.frozen, d.name.encode()))

    def _list(self, request: bytes) -> bytes:
        (after,) = unpack_from("<H", request, 1)
        room = (self._limit - 1) // INFO_SIZE
        ids = [i for i in self._registry.ids() if i > after][:room]
        return _OK + b"".join([self._record(self._registry.by_id(i)) for i in ids])

    def _info(self, request: bytes) -> bytes:
        return _OK + self._record(self._map(request))

    def _lookup(self, request: bytes) -> bytes:
        value = self._map(request, "lookup", BPF_F_WRONLY).lookup(request[3:])
        return _MISS if value is None else _OK + value

    def _update(self, request: bytes) -> bytes:
        m = self._map(request, "update", BPF_F_RDONLY)
        flags, n = unpack_from("<IH", request, 3)
        m.update(request[9 : 9 + n], request[9 + n :], flags)
        return _OK

    def _delete(self, request: bytes) -> bytes:
        self._map(request, "delete", BPF_F_RDONLY).delete(request[3:])
        return _OK

    def _next_key(self, request: bytes) -> bytes:
        m = self._map(request, "next_key", BPF_F_WRONLY)
        key = m.next_key(request[4:] if request[3] else None)
        return _MISS if key is None else _OK + key

    def _lookup_and_delete(self, request: bytes) -> bytes:
        value = self._map(request, "lookup_and_delete", BPF_F_RDONLY | BPF_F_WRONLY).lookup_and_delete(request[3:])
        return _MISS if value is None else _OK + value

    def _batch_lookup(self, request: bytes) -> bytes:
        m = self._map(request, "batch_lookup", BPF_F_WRONLY)
        cursor, count = unpack_from("<IH", request, 3)
        room = (self._limit - 7) // (m.definition.key_size + m.definition.value_size)
        cursor, keys, values = m.batch_lookup(cursor or None, min(count, max(room, 1)))
        head = _OK + pack("<IH", cursor or 0, len(keys))
        return head + b"".join([k + v for k, v in zip(keys, values)])

    def _freeze(self, request: bytes) -> bytes:
        self._map(request).freeze()
        return _OK

    def _pool(self, request: bytes) -> bytes:
        return _OK + pack("<3I", *self._registry.stats())

    def _pool_reset(self, request: bytes) -> bytes:
        if not self._allow_reset:
            raise NotPermitted("pool reset: the server does not allow it; start it with allow_reset=True")
        self._registry.reset()
        return _OK


def _error(error: MapError) -> bytes:
    return bytes((error.code,)) + str(error).encode()[:200]

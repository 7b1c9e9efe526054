"""The operations of the line: a request's bytes become a call of a map's method, and what it returns the reply's bytes.

What the host may not do (write to a frozen map, read one that is write-only) is refused here, so that firmware still may.
"""

import gc
import sys
from struct import pack, unpack_from

import boardmaps

from ..abi import (
    ARRAY,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    CLASS_NAMES,
    INFO_FORMAT,
    INFO_SIZE,
    OP_PART,
    PERCPU_ARRAY,
    PERCPU_HASH,
    QUEUE,
    RINGBUF,
    SAMPLES_LAST,
    SAMPLES_OLDEST,
    SAMPLES_WINDOW,
    STACK,
    STATUS_MISS,
    TIME_SERIES,
    U32_MAX,
)
from ..definition import MapDef
from ..errors import InvalidValueSize, NotPermitted, NotSupported

_OK = b"\0"
_MISS = bytes((STATUS_MISS,))
_PER_CPU = (PERCPU_HASH, PERCPU_ARRAY)


class Operations:
    """The operations on the maps of `registry` (by_id, ids, stats, read, reset). Pool reset needs `allow_reset`."""

    def __init__(self, registry, allow_reset=False):  # type: ignore[no-untyped-def]
        self._registry = registry
        self._allow_reset = allow_reset
        self._limit = 0
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
            self._unknown,  # OP_PART and OP_MORE have no place inside a request in parts
            self._unknown,
            self._add,
            self._compare_and_swap,
            self._batch_update,
            self._batch_delete,
            self._batch_lookup_and_delete,
            self._clear,
            self._output,
            self._read,
            self._query,
            self._push_sample,
            self._samples,
            self._stats,
            self._pool_read,
        )

    def execute(self, op: int, request: bytes, limit: int) -> bytes:
        """Execute a whole request; return its reply, which should have at most `limit` bytes and may have more."""
        self._limit = limit
        return self._handlers[op if 0 <= op < len(self._handlers) else OP_PART](request)

    def _map(self, request, op=None, need=0):  # type: ignore[no-untyped-def]
        """Return the map that bytes 1 and 2 name, when the host has the right that `need` (a map flag) would take away."""
        m = self._registry.by_id(request[1] | request[2] << 8)
        if need & BPF_F_RDONLY and m.frozen:
            raise NotPermitted("%s %r: the map is frozen" % (op, m.name))
        if need & m.definition.map_flags:
            which = "read-only" if m.definition.map_flags & BPF_F_RDONLY else "write-only"
            raise NotPermitted("%s %r: the map is %s for the host" % (op, m.name, which))
        if op and not hasattr(m, op):
            raise NotSupported("%s %r: a %s has no such operation" % (op, m.name, CLASS_NAMES[m.definition.map_type]))
        return m

    def _unknown(self, request: bytes) -> bytes:
        raise NotSupported("request: no operation has the number %d" % (request[0] if request else -1))

    def _ping(self, request: bytes) -> bytes:
        return _OK + request[1:]

    def _create(self, request: bytes) -> bytes:
        kind, key_size, value_size, max_entries, flags = unpack_from("<5I", request, 1)
        name, _, field = request[21:].partition(b"\0")
        d = MapDef(kind, key_size, value_size, max_entries, flags, str(name, "utf-8"))
        if sys.implementation.name == "micropython":
            gc.collect()  # what stays for good should not lie scattered between garbage
        cls = getattr(boardmaps, CLASS_NAMES[kind], None)
        if cls is None:
            raise NotSupported("create %r: this profile has no %s" % (d.name, CLASS_NAMES[kind]))
        if kind == RINGBUF:
            m = cls(max_entries, flags, d.name)
        elif kind == TIME_SERIES and field:
            (offset,) = unpack_from("<I", field, 1)
            m = cls(value_size, max_entries, flags, d.name, field=chr(field[0]), field_offset=offset)
        elif kind in (ARRAY, PERCPU_ARRAY, QUEUE, STACK, TIME_SERIES):
            m = cls(value_size, max_entries, flags, d.name)
        else:
            m = cls(key_size, value_size, max_entries, flags, d.name)
        return _OK + pack("<H", m.id)

    def _record(self, m) -> bytes:  # type: ignore[no-untyped-def]
        d = m.definition
        sizes = (d.map_type, d.key_size, d.value_size, d.max_entries, d.map_flags, len(m), m.offset, m.size)
        return pack(INFO_FORMAT, m.id, *sizes + (m.frozen, d.name.encode(), getattr(m, "cpus", 1), m.peak))

    def _list(self, request: bytes) -> bytes:
        (after,) = unpack_from("<H", request, 1)
        room = (self._limit - 1) // INFO_SIZE
        ids = [i for i in self._registry.ids() if i > after][:room]
        return _OK + b"".join([self._record(self._registry.by_id(i)) for i in ids])

    def _info(self, request: bytes) -> bytes:
        return _OK + self._record(self._map(request))

    # A per-CPU map's value is for the host the row of all CPUs' values, each rounded up to 8 bytes.

    def _lookup(self, request: bytes) -> bytes:
        m = self._map(request, "lookup", BPF_F_WRONLY)
        if m.definition.map_type in _PER_CPU:
            values = m.lookup_percpu(request[3:])
            pad = bytes(-m.definition.value_size % 8)
            return _MISS if values is None else _OK + b"".join([value + pad for value in values])
        value = m.lookup(request[3:])
        return _MISS if value is None else _OK + value

    def _update(self, request: bytes) -> bytes:
        m = self._map(request, "update", BPF_F_RDONLY)
        flags, n = unpack_from("<IH", request, 3)
        key, value = request[9 : 9 + n], request[9 + n :]
        if m.definition.map_type in _PER_CPU:
            size = m.definition.value_size
            if len(value) != _value_size(m):
                text = "update %r: %d bytes for the values of %d CPUs, which take %d"
                raise InvalidValueSize(text % (m.name, len(value), m.cpus, _value_size(m)))
            values = [value[i : i + size] for i in range(0, len(value), (size + 7) // 8 * 8)]
            m.update_percpu(key, values, flags)
        else:
            m.update(key, value, flags)
        return _OK

    def _delete(self, request: bytes) -> bytes:
        self._map(request, "delete", BPF_F_RDONLY).delete(request[3:])
        return _OK

    def _next_key(self, request: bytes) -> bytes:
        m = self._map(request, "next_key", BPF_F_WRONLY)
        key = m.next_key(request[4:] if request[3] else None)
        return _MISS if key is None else _OK + key

    def _lookup_and_delete(self, request: bytes) -> bytes:
        m = self._map(request, "lookup_and_delete", BPF_F_RDONLY | BPF_F_WRONLY)
        if m.definition.map_type == PERCPU_HASH:
            value = m._take("lookup_and_delete", request[3:])
        else:
            value = m.lookup_and_delete(request[3:])
        return _MISS if value is None else _OK + value

    def _atomic(self, request, op):  # type: ignore[no-untyped-def]
        m = self._map(request, op, BPF_F_RDONLY | BPF_F_WRONLY)
        if m.definition.map_type in _PER_CPU:
            raise NotSupported("%s %r: each CPU changes its own value; the host reads and writes all" % (op, m.name))
        return m

    def _add(self, request: bytes) -> bytes:
        m = self._atomic(request, "add")
        offset, width, delta = unpack_from("<IBq", request, 3)
        key = request[16:]
        new = m.add(key, delta, offset, width) if width else m.add(key, delta)
        return _OK + pack("<Q", new)

    def _compare_and_swap(self, request: bytes) -> bytes:
        m = self._atomic(request, "compare_and_swap")
        (n,) = unpack_from("<H", request, 3)
        values = request[5 + n :]
        half = len(values) // 2
        done = m.compare_and_swap(request[5 : 5 + n], values[:half], values[half:])
        return _OK + bytes((1 if done else 0,))

    def _batch_update(self, request: bytes) -> bytes:
        m = self._map(request, "batch_update", BPF_F_RDONLY)
        (flags,) = unpack_from("<I", request, 3)
        entries = _cut(request[7:], m.definition.key_size + _value_size(m))
        n = m.definition.key_size
        m.batch_update([entry[:n] for entry in entries], [entry[n:] for entry in entries], flags)
        return _OK

    def _batch_delete(self, request: bytes) -> bytes:
        m = self._map(request, "batch_delete", BPF_F_RDONLY)
        m.batch_delete(_cut(request[3:], m.definition.key_size))
        return _OK

    def _batch_lookup(self, request: bytes) -> bytes:
        m = self._map(request, "batch_lookup", BPF_F_WRONLY)
        return self._page(request, m, m.batch_lookup)

    def _batch_lookup_and_delete(self, request: bytes) -> bytes:
        m = self._map(request, "batch_lookup_and_delete", BPF_F_RDONLY | BPF_F_WRONLY)
        return self._page(request, m, m.batch_lookup_and_delete)

    def _page(self, request: bytes, m, step) -> bytes:  # type: ignore[no-untyped-def]
        cursor, count = unpack_from("<QH", request, 3)
        room = (self._limit - 11) // max(1, m.definition.key_size + _value_size(m))
        cursor, keys, values = step(cursor or None, min(count, max(room, 1)))
        head = _OK + pack("<QH", cursor or 0, len(keys))
        return head + b"".join([k + v for k, v in zip(keys, values)])

    def _clear(self, request: bytes) -> bytes:
        self._map(request, "clear", BPF_F_RDONLY).clear()
        return _OK

    def _output(self, request: bytes) -> bytes:
        return _OK + bytes((1 if self._map(request, "output", BPF_F_RDONLY).output(request[3:]) else 0,))

    def _read(self, request: bytes) -> bytes:
        """Take records until the frame is full; what the last of them has too much goes with OP_MORE."""
        m = self._map(request, "read", BPF_F_RDONLY | BPF_F_WRONLY)
        (count,) = unpack_from("<H", request, 3)
        reply = bytearray(_OK)
        while count and len(reply) + 8 < self._limit:
            record = m.read()
            if record is None:
                break
            reply.extend(pack("<II", record[0], len(record[1])))
            reply.extend(record[1])
            count -= 1
        return bytes(reply)

    def _query(self, request: bytes) -> bytes:
        return _OK + pack("<5I", *[n & U32_MAX for n in self._map(request, "query", BPF_F_WRONLY).query()])

    def _series(self, request, op, need):  # type: ignore[no-untyped-def]
        m = self._map(request, op, need)
        if m.definition.map_type != TIME_SERIES:
            raise NotSupported("%s %r: the map is no TimeSeries" % (op, m.name))
        return m

    def _push_sample(self, request: bytes) -> bytes:
        (timestamp,) = unpack_from("<Q", request, 3)
        self._series(request, "push", BPF_F_RDONLY).push(timestamp, request[11:])
        return _OK

    def _samples(self, request: bytes) -> bytes:
        what, first, last = unpack_from("<BQQ", request, 3)
        m = self._series(request, "window", BPF_F_WRONLY)
        n = first if what == SAMPLES_LAST else len(m)
        # One by one where that can be: a list of all would take several times the heap.
        found = m._walk("last", n) if hasattr(m, "_walk") else m.last(n)
        reply = bytearray(_OK)
        for timestamp, value in found:
            if what != SAMPLES_WINDOW or first <= timestamp <= last:
                reply.extend(pack("<Q", timestamp))
                reply.extend(value)
            if what == SAMPLES_OLDEST:
                break
        return bytes(reply)

    def _stats(self, request: bytes) -> bytes:
        (n,) = unpack_from("<I", request, 3)
        found = self._map(request, "stats", BPF_F_WRONLY).stats(None if n == U32_MAX else n)
        return _OK + " ".join([repr(number) for number in found]).encode()

    def _freeze(self, request: bytes) -> bytes:
        self._map(request, "freeze", BPF_F_RDONLY).freeze()
        return _OK

    def _pool(self, request: bytes) -> bytes:
        return _OK + pack("<3I", *self._registry.stats())

    def _pool_read(self, request: bytes) -> bytes:
        offset, n = unpack_from("<IH", request, 1)
        return _OK + self._registry.read(offset, min(n, self._limit - 1))

    def _pool_reset(self, request: bytes) -> bytes:
        if not self._allow_reset:
            raise NotPermitted("pool reset: the server does not allow it; start it with allow_reset=True")
        self._registry.reset()
        return _OK


def _value_size(m) -> int:  # type: ignore[no-untyped-def]
    """Return the bytes of a value as the host sees it."""
    size: int = m.definition.value_size
    return (size + 7) // 8 * 8 * m.cpus if m.definition.map_type in _PER_CPU else size


def _cut(data: bytes, size: int) -> list[bytes]:
    """Return the entries of a batch, `size` bytes each."""
    if not size or len(data) % size:
        raise ValueError("an entry is cut short")
    return [data[i : i + size] for i in range(0, len(data), size)]

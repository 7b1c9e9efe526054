"""The operations of the line: a request's bytes become a call of a map's method, and what it returns the reply's bytes.

What the host may not do (write to a frozen map, read one that is write-only) is refused by the table here, so that firmware still
may. A board loads this with the first request that C has not answered: with kernels in C that is none of the usual ones.

What is asked of a map, on the board and on the twin, are its own methods, and of some types more:

- A type that the host sees otherwise than the firmware (by_host is true) has host_size(), the bytes of a value over the line,
  and host_lookup(key), host_update(key, value, flags), host_add(key, delta, offset, width) and host_swap(key, expected, new)
  for values of that size.
- host_lookup_and_delete(key, out) copies the value as the host sees it into the memoryview `out` and removes the key; False on a
  miss.
- One with something else in it than entries that can be counted has host_count(), what INFO says instead of len().
- One with records has host_read(out), which takes the next record into `out`: number u32, length u32, its bytes. It returns how
  many bytes that are, 0 when there is no record, and raises InvalidValueSize, taking none, when `out` is too short; host_next()
  says how many bytes the next one needs.
- One that is asked for a value, and not for a key, has host_peek(value).
- One with samples has host_push(sample), the bytes as they travel, and host_samples(n), the newest n, None for all.
- One with type parameters has from_definition(d, parameters), a constructor, and host_parameters(), what that takes.
- host_subscribe(every, key) gives what tells its events, see sources.py; subscribe_needs are the operation that this stands
  for and the rights that it needs.

What a type does not have of all this its base class refuses with NotSupported.

More than 300 lines: one method a request of the line, behind one table.
"""

from struct import pack, pack_into, unpack_from

import boardmaps

from ..definition import MapDef
from ..errors import InvalidDefinition, InvalidValueSize, NotPermitted, NotSupported
from ..flags import U32_MAX, const
from ..kinds import find
from ..line import collect
from .session import GONE

# Numbers of abi.py, restated
_SAMPLES_LAST = const(0)
_SAMPLES_OLDEST = const(2)
_SAMPLES_WINDOW = const(1)
_STATUS_GONE = const(126)
_STATUS_MISS = const(127)
_TAG_PARAMETERS = const(1)
_TAG_SCHEMA = const(2)

_OK = b"\0"
_MISS = bytes((_STATUS_MISS,))
_NO, _YES = b"\0\0", b"\0\1"
_MADE = bytes((_STATUS_GONE,)) + b"create: the map is made, but the board has no memory to tell of it"
_LONG = const(512)  # bytes; of a longer request a value is not copied out, and a longer reply is filled in place

# A map flag is the right that it takes away: a change needs _TO_WRITE, a look _TO_READ. The same numbers as in abi.py.
_TO_WRITE = const(8)  # BPF_F_RDONLY
_TO_READ = const(16)  # BPF_F_WRONLY

# Columns and traits of kinds.py
_KIND_NUMBER = const(0)
_CLASS_NAME = const(2)
_HOME = const(3)
_TRAITS = const(4)
_KEY_LEAST = const(5)
_KEY_MOST = const(6)
_PARAMETERS = const(9)
_VALUES = const(2)

# By operation number: the method here, the name of the operation for refusals (None: it is about no map), the rights it needs.
_OPERATIONS = (
    ("_ping", None, 0),
    ("_create", None, 0),
    ("_unknown", None, 0),  # OP_LIST is the dispatcher's
    ("_info", "info", 0),
    ("_lookup", "lookup", _TO_READ),
    ("_update", "update", _TO_WRITE),
    ("_delete", "delete", _TO_WRITE),
    ("_next_key", "next_key", _TO_READ),
    ("_lookup_and_delete", "lookup_and_delete", _TO_WRITE | _TO_READ),
    ("_batch_lookup", "batch_lookup", _TO_READ),
    ("_freeze", "freeze", _TO_WRITE),
    ("_pool", None, 0),
    ("_pool_reset", None, 0),
    ("_unknown", None, 0),  # OP_PART and OP_MORE have no place inside a request in parts
    ("_unknown", None, 0),
    ("_add", "add", _TO_WRITE | _TO_READ),
    ("_compare_and_swap", "compare_and_swap", _TO_WRITE | _TO_READ),
    ("_batch_update", "batch_update", _TO_WRITE),
    ("_batch_delete", "batch_delete", _TO_WRITE),
    ("_batch_lookup_and_delete", "batch_lookup_and_delete", _TO_WRITE | _TO_READ),
    ("_clear", "clear", _TO_WRITE),
    ("_output", "output", _TO_WRITE),
    ("_read", "read", _TO_WRITE | _TO_READ),
    ("_query", "query", _TO_READ),
    ("_push_sample", "push", _TO_WRITE),
    ("_samples", "last", _TO_READ),
    ("_stats", "stats", _TO_READ),
    ("_pool_read", None, 0),
    ("_fetch", "fetch_or", _TO_WRITE | _TO_READ),
    ("_fetch", "fetch_and", _TO_WRITE | _TO_READ),
    ("_fetch", "fetch_xor", _TO_WRITE | _TO_READ),
    ("_fetch", "exchange", _TO_WRITE | _TO_READ),
    ("_update_part", "update_part", _TO_WRITE),
    ("_push", "push", _TO_WRITE),
    ("_peek", "peek", _TO_READ),
)


class Operations:
    """The operations on the maps of `registry` (stats, read, reset) that the dispatcher has not itself.

    `map_of`, `record` and `let_go` are the dispatcher's. Pool reset needs `allow_reset`.
    """

    def __init__(self, registry, allow_reset, map_of, record, let_go=None):  # type: ignore[no-untyped-def]
        self._registry = registry
        self._map_of = map_of
        self._record = record
        self._let_go = let_go
        self._allow_reset = allow_reset
        self._limit = 0

    def execute(self, op: int, request: bytes, limit: int) -> "bytes | bytearray":
        """Execute a whole request; return its reply, which should have at most `limit` bytes and may have more."""
        self._limit = limit
        if not 0 <= op < len(_OPERATIONS):
            collect("boardmaps.line.keeping")
            # saves heap: few hosts ask for what outlives a reset
            from .keeping import execute

            return execute(op, request, limit, self._map_of) or self._unknown(request)
        method, name, need = _OPERATIONS[op]
        if name is None:
            reply: bytes = getattr(self, method)(request)
        else:
            reply = getattr(self, method)(self._map_of(request, name, need), request)
        return reply

    def _unknown(self, request: bytes) -> bytes:
        raise NotSupported("request: no operation has the number %d" % (request[0] if request else -1))

    def _ping(self, request: bytes) -> bytes:
        return _OK + request[1:]

    def _create(self, request: bytes) -> bytes:
        kind, key_size, value_size, max_entries, flags, n = unpack_from("<5IB", request, 1)
        if len(request) < 22 + n:
            raise ValueError("the name is cut short")
        name = str(request[22 : 22 + n], "utf-8")
        parts = _parts(request, 22 + n, name)
        schema = str(parts.get(_TAG_SCHEMA, b""), "utf-8")
        parameters = parts.get(_TAG_PARAMETERS, b"")
        row = find(_KIND_NUMBER, kind)
        cls = None
        if row:  # loaded first: what the definition has loaded would be let go, and loaded again deep in the stack
            collect("boardmaps.maps." + row[_HOME], self._let_go)
            cls = getattr(boardmaps, row[_CLASS_NAME], None)
        d = MapDef(kind, key_size, value_size, max_entries, flags, name, schema=schema)
        collect()
        if cls is None:
            raise NotSupported("create %r: this profile has no %s" % (d.name, row[_CLASS_NAME]))
        if parameters and row[_PARAMETERS]:
            m = cls.from_definition(d, parameters)
        elif parameters:
            raise InvalidDefinition("create %r: a %s takes no parameters" % (d.name, row[_CLASS_NAME]))
        else:
            sizes = [max_entries, flags, d.name, d.schema]
            if row[_TRAITS] & _VALUES:
                sizes.insert(0, value_size)
            if row[_KEY_LEAST] != row[_KEY_MOST]:
                sizes.insert(0, key_size)
            m = cls(*sizes)
        try:
            return _OK + self._record(m, False, True)
        except MemoryError:
            return _MADE

    def _pool(self, request: bytes) -> bytes:
        return _OK + pack("<3I", *self._registry.stats())

    def _pool_read(self, request: bytes) -> bytes:
        offset, n = unpack_from("<IH", request, 1)
        if len(request) < 8 or not request[7]:
            n = min(n, self._limit - 1)
        return _OK + self._registry.read(offset, n)

    def _pool_reset(self, request: bytes) -> bytes:
        if not self._allow_reset:
            raise NotPermitted("pool reset: the server does not allow it; start it with allow_reset=True")
        self._registry.reset()
        return _OK

    # What follows gets the map too.

    def _info(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        return _OK + self._record(m, False, True)

    def _lookup(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        if m.by_host:
            value = m.host_lookup(request[3:])
        elif m.definition.value_size <= _LONG:
            value = m.lookup(request[3:])
        else:  # no copy beside the reply
            reply = bytearray(1 + m.definition.value_size)
            return reply if m.lookup_into(request[3:], memoryview(reply)[1:]) else _MISS
        return _MISS if value is None else _OK + value

    def _update(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        flags, n = unpack_from("<IH", request, 3)
        update = m.host_update if m.by_host else m.update
        if len(request) > _LONG:
            update(bytes(request[9 : 9 + n]), memoryview(request)[9 + n :], flags)
        else:
            update(request[9 : 9 + n], request[9 + n :], flags)
        return _OK

    def _delete(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        m.delete(request[3:])
        return _OK

    def _next_key(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        key = m.next_key(request[4:] if request[3] else None)
        return _MISS if key is None else _OK + key

    def _lookup_and_delete(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        reply = bytearray(1 + _size(m))  # had before the entry goes
        return reply if m.host_lookup_and_delete(request[3:], memoryview(reply)[1:]) else _MISS

    def _add(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        offset, width, delta = unpack_from("<IBq", request, 3)
        add = m.host_add if m.by_host else m.add
        key = request[16:]
        reply = bytearray(9)  # had before the number changes
        number = add(key, delta, offset, width) if width else add(key, delta)
        pack_into("<Q", reply, 1, number)  # allocates nothing
        return reply

    def _compare_and_swap(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        (n,) = unpack_from("<H", request, 3)
        values = memoryview(request)[5 + n :] if len(request) > _LONG else request[5 + n :]
        half = len(values) // 2
        swap = m.host_swap if m.by_host else m.compare_and_swap
        return _YES if swap(bytes(request[5 : 5 + n]), values[:half], values[half:]) else _NO

    def _fetch(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        offset, width, operand = unpack_from("<IBQ", request, 3)
        fetch = getattr(m, _OPERATIONS[request[0]][1] or "")
        key = request[16:]
        reply = bytearray(9)  # had before the number changes
        number = fetch(key, operand, offset, width) if width else fetch(key, operand)
        pack_into("<Q", reply, 1, number)  # allocates nothing
        return reply

    def _update_part(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        offset, n = unpack_from("<IH", request, 3)
        part = memoryview(request)[9 + n :] if len(request) > _LONG else request[9 + n :]
        m.update_part(bytes(request[9 : 9 + n]), offset, part)
        return _OK

    def _push(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        (flags,) = unpack_from("<I", request, 3)
        m.push(memoryview(request)[7:] if len(request) > _LONG else request[7:], flags)
        return _OK

    def _peek(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        return _YES if m.host_peek(memoryview(request)[3:] if len(request) > _LONG else request[3:]) else _NO

    def _batch_update(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        (flags,) = unpack_from("<I", request, 3)
        n = m.definition.key_size
        entries = _cut(request[7:], n + _size(m))
        m.batch_update([entry[:n] for entry in entries], [entry[n:] for entry in entries], flags)
        return _OK

    def _batch_delete(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        m.batch_delete(_cut(request[3:], m.definition.key_size))
        return _OK

    def _batch_lookup(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        return self._page(self._take(m, request, m.batch_lookup))

    def _batch_lookup_and_delete(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        taken = self._take(m, request, m.batch_lookup_and_delete)
        try:
            return self._page(taken)
        except MemoryError:
            return GONE

    def _take(self, m, request: bytes, step):  # type: ignore[no-untyped-def]
        cursor, count = unpack_from("<QH", request, 3)
        room = (self._limit - 11) // max(1, m.definition.key_size + _size(m))
        return step(cursor or None, min(count, max(room, 1)))

    def _page(self, taken) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        cursor, keys, values = taken
        reply = bytearray(_OK + pack("<QH", cursor or 0, len(keys)))
        for i in range(len(keys)):
            reply.extend(keys[i])
            reply.extend(values[i])
        return reply

    def _clear(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        if len(request) > 3:  # of a ring, also what is reserved
            m.clear(request[3] != 0)
        else:
            m.clear()
        return _OK

    def _freeze(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        m.freeze()
        return _OK

    def _output(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        return _YES if m.output(memoryview(request)[3:] if len(request) > _LONG else request[3:]) else _NO

    def _read(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        """Take records until the frame is full; a first one that is longer is taken whole.

        Each record's place in the reply is had before it is taken: where memory ends, the reply has those before it.
        """
        (count,) = unpack_from("<H", request, 3)
        reply = bytearray(_OK)
        while count:
            size = len(reply)
            try:
                n = m.host_next()
                if not n or (size > 1 and size + n > self._limit):
                    break
                longer = bytearray(size + n)
                longer[:size] = reply
                got = m.host_read(memoryview(longer)[size:])
            except InvalidValueSize:  # it was overwritten meanwhile, and the next one is longer
                continue
            except MemoryError:
                if size > 1:
                    break
                raise  # the record stays
            if not got:
                break
            reply = longer
            if got < n:  # and here shorter
                try:
                    reply = longer[: size + got]
                except MemoryError:
                    return GONE
            count -= 1
        return reply

    def _query(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        return _OK + pack("<5I", *[n & U32_MAX for n in m.query()])

    def _push_sample(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        m.host_push(memoryview(request)[3:] if len(request) > _LONG else request[3:])
        return _OK

    def _samples(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        what, first, last = unpack_from("<BQQ", request, 3)
        newest = min(first, len(m)) if what == _SAMPLES_LAST else None
        wanted = newest or 0
        if what != _SAMPLES_LAST:
            for timestamp, _ in m.host_samples(None):
                wanted += what == _SAMPLES_OLDEST or first <= timestamp <= last
                if what == _SAMPLES_OLDEST:
                    break
        step = 8 + m.definition.value_size
        reply = bytearray(1 + wanted * step)  # once: one that grows is there twice at times
        at = 1
        for timestamp, value in m.host_samples(newest):
            if at == len(reply):
                break
            if what != _SAMPLES_WINDOW or first <= timestamp <= last:
                pack_into("<Q", reply, at, timestamp)
                reply[at + 8 : at + step] = value
                at += step
        return reply if at == len(reply) else reply[:at]

    def _stats(self, m, request: bytes) -> "bytes | bytearray":  # type: ignore[no-untyped-def]
        (n,) = unpack_from("<I", request, 3)
        found = m.stats(None if n == U32_MAX else n)
        return _OK + " ".join([repr(number) for number in found]).encode()


def _parts(request: bytes, at: int, name: str) -> "dict[int, bytes]":
    """Return what stands behind the fixed fields of a request: tag u8, length u16, bytes, in the order of the tags."""
    found = {}  # type: dict[int, bytes]
    last = 0
    while at < len(request):
        tag, n = unpack_from("<BH", request, at)
        at += 3 + n
        if at > len(request) or tag <= last:
            raise ValueError("a part is cut short, or out of order")
        if tag not in (_TAG_PARAMETERS, _TAG_SCHEMA):
            raise NotSupported("create %r: this board knows no part with the tag %d" % (name, tag))
        found[tag] = bytes(request[at - n : at])
        last = tag
    return found


def _size(m) -> int:  # type: ignore[no-untyped-def]
    """Return the bytes of a value as the host sees it."""
    size: int = m.host_size() if m.by_host else m.definition.value_size
    return size


def _cut(data: bytes, size: int) -> list[bytes]:
    """Return the entries of a batch, `size` bytes each."""
    if not size:
        return []  # of a type that has no batches, and says so
    if len(data) % size:
        raise ValueError("an entry is cut short")
    return [data[i : i + size] for i in range(0, len(data), size)]

"""A board's maps as objects: the same methods as the maps themselves, each one request on the line."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import calcsize, pack, unpack, unpack_from

from boardmaps.abi import (
    ARRAY,
    BPF_ANY,
    CLASS_NAMES,
    INFO_FORMAT,
    OP_BATCH_LOOKUP,
    OP_CREATE,
    OP_DELETE,
    OP_FREEZE,
    OP_INFO,
    OP_LIST,
    OP_LOOKUP,
    OP_LOOKUP_AND_DELETE,
    OP_NEXT_KEY,
    OP_POOL,
    OP_POOL_RESET,
    OP_UPDATE,
    STATUS_MISS,
    STATUS_OK,
    TYPE_NAMES,
    U32_MAX,
)
from boardmaps.definition import MapDef
from boardmaps.errors import InvalidFlags, InvalidValueSize, error_for
from boardmaps_host.client.link import Link

Buffer = bytes | bytearray | memoryview
Key = Buffer | int

_PAGE = 0xFFFF  # entries asked for at once; the board sends what fits its frame


@dataclass(frozen=True)
class MapInfo:
    """What a board tells of one map; sizes in bytes, `count` the entries in use, `offset` the slice's place in the pool."""

    id: int
    map_type: int
    key_size: int
    value_size: int
    max_entries: int
    map_flags: int
    count: int
    offset: int
    slice_bytes: int
    frozen: bool
    name: str

    @property
    def type_name(self) -> str:
        """bpftool's name of the map's type: hash, array, …"""
        return TYPE_NAMES.get(self.map_type, str(self.map_type))

    @classmethod
    def unpack(cls, record: bytes) -> "MapInfo":
        """Read one record of OP_INFO or OP_LIST."""
        fields = unpack(INFO_FORMAT, record)
        return cls(*(*fields[:-2], bool(fields[-2]), fields[-1].rstrip(b"\0").decode("ascii", "replace")))


def ask(link: Link, payload: bytes, changes: bool = False) -> bytes | None:
    """Have one request executed; return the reply's data, None for a miss. Raises the MapError that the board raised."""
    return answer(link.request(payload, changes))


def answer(reply: bytes) -> bytes | None:
    """Return a reply's data, None for a miss; raise the MapError that it stands for."""
    status = reply[0]
    if status == STATUS_OK:
        return reply[1:]
    if status == STATUS_MISS:
        return None
    raise error_for(status)(reply[1:].decode("utf-8", "replace"))


class RemoteMap:
    """A map on a board. What SEMANTICS allows the host, with the board's own checks and errors."""

    def __init__(self, link: Link, info: MapInfo) -> None:
        self._link = link
        self.id = info.id
        self.name = info.name
        self.definition = MapDef(
            info.map_type, info.key_size, info.value_size, info.max_entries, info.map_flags, info.name
        )

    def info(self) -> MapInfo:
        """Ask the board what it knows of the map now."""
        return MapInfo.unpack(self._ask(OP_INFO) or b"")

    @property
    def frozen(self) -> bool:
        """Whether the host may no longer write."""
        return self.info().frozen

    def _ask(self, op: int, data: bytes = b"", changes: bool = False) -> bytes | None:
        return ask(self._link, bytes((op, self.id & 0xFF, self.id >> 8)) + data, changes)

    def _key(self, key: Key) -> bytes:
        if isinstance(key, int) and self.definition.map_type == ARRAY:
            # An index that no u32 holds is out of range like the largest: no array has 2**32 entries.
            return (key if 0 <= key <= U32_MAX else U32_MAX).to_bytes(4, "little")
        if isinstance(key, int):
            raise TypeError(f"{CLASS_NAMES[self.definition.map_type]} {self.name!r}: a key is bytes, not the int {key}")
        return bytes(key)

    def lookup(self, key: Key) -> bytes | None:
        """Return the value, or None on a miss."""
        return self._ask(OP_LOOKUP, self._key(key))

    def lookup_into(self, key: Key, out: bytearray | memoryview) -> bool:
        """Copy the value into `out` (value_size bytes); return False on a miss."""
        if len(out) != self.definition.value_size:
            size = self.definition.value_size
            raise InvalidValueSize(f"lookup_into {self.name!r}: value is {len(out)} bytes, not {size}")
        value = self.lookup(key)
        if value is not None:
            out[:] = value
        return value is not None

    def update(self, key: Key, value: Buffer, flags: int = BPF_ANY) -> None:
        """Create or change an entry: BPF_ANY, BPF_NOEXIST, BPF_EXIST."""
        if not 0 <= flags <= U32_MAX:
            raise InvalidFlags(f"update {self.name!r}: unknown flags {flags}")
        k = self._key(key)
        self._ask(OP_UPDATE, pack("<IH", flags, len(k)) + k + bytes(value), changes=True)

    def delete(self, key: Key) -> None:
        """Remove a key (an array's entry is set to zero)."""
        self._ask(OP_DELETE, self._key(key), changes=True)

    def lookup_and_delete(self, key: Key) -> bytes | None:
        """Return the value and remove the key in one step; None on a miss."""
        return self._ask(OP_LOOKUP_AND_DELETE, self._key(key), changes=True)

    def next_key(self, key: Key | None = None) -> bytes | None:
        """Return the key behind this one; for None or a key that is not there the first; None at the end."""
        return self._ask(OP_NEXT_KEY, b"\0" if key is None else b"\1" + self._key(key))

    def freeze(self) -> None:
        """Forbid the host every write, for good."""
        self._ask(OP_FREEZE, changes=True)

    def batch_lookup(
        self, cursor: int | None = None, count: int = _PAGE
    ) -> tuple[int | None, list[bytes], list[bytes]]:
        """Return (cursor for the next page or None at the end, keys, values), at most `count` and what fits one frame."""
        if count == 0:
            return cursor, [], []
        data = self._ask(OP_BATCH_LOOKUP, pack("<IH", cursor or 0, min(count, _PAGE))) or b""
        after, n = unpack_from("<IH", data)
        k, v = self.definition.key_size, self.definition.value_size
        entries = [data[6 + i * (k + v) : 6 + (i + 1) * (k + v)] for i in range(n)]
        return after or None, [e[:k] for e in entries], [e[k:] for e in entries]

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Walk the entries: a key that stays is met exactly once, whatever the board does meanwhile."""
        cursor: int | None = None
        while True:
            cursor, keys, values = self.batch_lookup(cursor)
            yield from zip(keys, values, strict=True)
            if cursor is None:
                return

    def keys(self) -> Iterator[bytes]:
        """Walk the keys, as items() does."""
        for key, _ in self.items():
            yield key

    def __iter__(self) -> Iterator[bytes]:
        return self.keys()

    def __len__(self) -> int:
        return self.info().count

    def __contains__(self, key: Key) -> bool:
        return self.lookup(key) is not None

    def __repr__(self) -> str:
        return f"<{CLASS_NAMES[self.definition.map_type]} {self.name!r} id {self.id} on {self._link.line.name}>"


class RemotePool:
    """The board's pool: sizes in bytes. A twin has none, and says so with NotSupported."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def stats(self) -> tuple[int, int, int]:
        """Return (total bytes, used bytes, allocations) in one request."""
        total, used, count = unpack("<3I", ask(self._link, bytes((OP_POOL,))) or b"")
        return total, used, count

    def total_size(self) -> int:
        """Return the pool's size."""
        return self.stats()[0]

    def used(self) -> int:
        """Return the bytes that are allocated."""
        return self.stats()[1]

    def remaining(self) -> int:
        """Return the bytes that are free."""
        total, used, _ = self.stats()
        return total - used

    def allocation_count(self) -> int:
        """Return how many allocations were served since boot or reset."""
        return self.stats()[2]

    def reset(self) -> None:
        """Clear the whole pool. Raises NotPermitted unless the board's server was started with allow_reset."""
        ask(self._link, bytes((OP_POOL_RESET,)), changes=True)


def create(link: Link, d: MapDef) -> int:
    """Make a map on the board; return its id."""
    parts = pack("<5I", d.map_type, d.key_size, d.value_size, d.max_entries, d.map_flags)
    data = ask(link, bytes((OP_CREATE,)) + parts + d.name.encode(), changes=True) or b""
    return int.from_bytes(data, "little")


def listing(link: Link) -> list[MapInfo]:
    """Return what the board tells of all its maps, in the order of their creation."""
    size = calcsize(INFO_FORMAT)
    found: list[MapInfo] = []
    while True:
        data = ask(link, pack("<BH", OP_LIST, found[-1].id if found else 0)) or b""
        page = [MapInfo.unpack(data[i : i + size]) for i in range(0, len(data), size)]
        if not page:
            return found
        found += page

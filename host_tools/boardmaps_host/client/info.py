"""What a board tells of its maps, and the requests behind it."""

from dataclasses import dataclass
from struct import calcsize, pack, unpack
from typing import Protocol

from boardmaps.abi import INFO_FORMAT, OP_CREATE, OP_LIST, STATUS_MISS, STATUS_OK
from boardmaps.definition import MapDef
from boardmaps.errors import error_for
from boardmaps_host.kinds import by_number
from boardmaps_host.terminal import harmless


class Asked(Protocol):
    """What has requests executed: a Link."""

    def request(self, payload: bytes, changes: bool = True) -> bytes:
        """Have one request executed, exactly once, and return its reply."""
        ...


@dataclass(frozen=True)
class MapInfo:
    """What a board tells of one map; sizes in bytes, `count` the entries in use, `offset` the slice's place in the pool.

    `cpus` is how many values an entry has: 1 but for per-CPU types. `peak` is the highest count so far (a RingBuf's is the most
    bytes that were in use).
    """

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
    cpus: int
    peak: int

    @property
    def type_name(self) -> str:
        """bpftool's name of the map's type: hash, array, …"""
        return by_number(self.map_type).word

    @classmethod
    def unpack(cls, record: bytes) -> "MapInfo":
        """Read one record of OP_INFO or OP_LIST."""
        *numbers, frozen, name, cpus, peak = unpack(INFO_FORMAT, record)
        fields = [*numbers, bool(frozen), harmless(name.rstrip(b"\0").decode("ascii", "replace")), cpus, peak]
        return cls(*fields)


def ask(link: Asked, payload: bytes, changes: bool = False) -> bytes | None:
    """Have one request executed; return the reply's data, None for a miss. Raises the MapError that the board raised."""
    return answer(link.request(payload, changes))


def answer(reply: bytes) -> bytes | None:
    """Return a reply's data, None for a miss; raise the MapError that it stands for."""
    status = reply[0]
    if status == STATUS_OK:
        return reply[1:]
    if status == STATUS_MISS:
        return None
    text, zero, done = reply[1:].partition(b"\0")
    error = error_for(status)(harmless(text.decode("utf-8", "replace")))
    if zero:
        error.done = int.from_bytes(done, "little")  # how far a batch came
    raise error


def create(link: Asked, d: MapDef, parameters: bytes = b"") -> int:
    """Make a map on the board; return its id. `parameters` are the type's, as the request has them."""
    parts = pack("<5I", d.map_type, d.key_size, d.value_size, d.max_entries, d.map_flags)
    name = d.name.encode() + (b"\0" + parameters if parameters else b"")
    data = ask(link, bytes((OP_CREATE,)) + parts + name, changes=True) or b""
    return int.from_bytes(data, "little")


def listing(link: Asked) -> list[MapInfo]:
    """Return what the board tells of all its maps, in the order of their creation."""
    size = calcsize(INFO_FORMAT)
    found: list[MapInfo] = []
    while True:
        data = ask(link, pack("<BH", OP_LIST, found[-1].id if found else 0)) or b""
        page = [MapInfo.unpack(data[i : i + size]) for i in range(0, len(data), size)]
        if not page:
            return found
        found += page

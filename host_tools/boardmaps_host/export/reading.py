"""What a board's typed maps hold at one time, and how the board is: the same for every output.

More than 300 lines: the parts of a reading, and the one that reads.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boardmaps.abi import BPF_F_RDONLY, BPF_F_WRONLY, OP_POOL
from boardmaps.errors import InvalidDefinition, NotSupported
from boardmaps.schema import Field, Schema, Types
from boardmaps_host.client import health
from boardmaps_host.client.health import Heap
from boardmaps_host.client.info import answer, listing_beside
from boardmaps_host.client.maps import remote
from boardmaps_host.client.pool import parse_stats
from boardmaps_host.kinds import by_number
from boardmaps_host.typed import values

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board
    from boardmaps_host.client.info import MapInfo

_U64_MAX = (1 << 64) - 1


@dataclass(slots=True)
class Point:
    """One value of an entry. `name` is its field's, with `[1]` for a part of an array and `cpu1.` before it in a per-CPU map.

    `number` is what is stored: an int, a float, a bool, or the bytes of a text. `offset` is its place in the value, in bytes.
    """

    name: str
    field: Field
    number: Any
    offset: int

    @property
    def value(self) -> Any:
        """What it stands for, as a record of the map has it."""
        return values.value_of(self.field, self.number)

    @property
    def text(self) -> str:
        """It as people read it, without the unit."""
        return values.shown(self.field, self.number)

    @property
    def physical(self) -> float | None:
        """It as a number in the field's unit: of named values the number behind the name, of a bool 0 or 1, of a text None."""
        f = self.field
        if f.letter == "s":
            return None
        return self.number * f.times / f.over if f.times != f.over else float(self.number)


@dataclass(slots=True)
class Entry:
    """The values under one key. `at` is the board's timestamp where they carry one, as the samples of a series do."""

    map: str
    key: str
    data: bytes  # the key's bytes
    points: list[Point]
    at: int | None = None


@dataclass(frozen=True)
class Health:
    """How a board is. `since`: when it became so, in seconds of this computer's clock; `why` it is not up.

    `crashes` are those on record that nobody has acknowledged; `round_trip` seconds; `resent` frames of this connection. What the
    board does not tell is None.
    """

    up: bool
    since: float
    why: str = ""
    boot: str = ""
    machine: str = ""
    firmware: str = ""
    program: bool = True  # whether its own program serves the maps; else it is at its REPL
    crashes: int = 0
    round_trip: float | None = None
    resent: int = 0
    heap: Heap | None = None
    pool: tuple[int, int] | None = None  # bytes in all, and used

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        heap, pool = self.heap, self.pool
        return {
            "up": self.up,
            "since": round(self.since, 3),
            "why": self.why,
            "machine": self.machine,
            "firmware": self.firmware,
            "program": self.program,
            "crashes": self.crashes,
            "round_trip": self.round_trip,
            "resent": self.resent,
            "heap_free": heap and heap.free,
            "heap_used": heap and heap.used,
            "pool": pool and pool[0],
            "pool_used": pool and pool[1],
        }


@dataclass
class Reading:
    """What one board's maps hold. `at`: when it was read, in seconds of this computer's clock. `maps`: all of the board's.

    `entries` has of a series the samples that are new, `newest` the last one of each. `lacks`: maps that were asked for, and that
    the board has not.
    """

    board: str
    at: float
    health: Health
    maps: "list[MapInfo]" = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    newest: list[Entry] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)

    def points(self) -> Iterator[tuple[Entry, Point]]:
        """Give each value with its entry."""
        for entry in self.entries:
            for point in entry.points:
                yield entry, point


@dataclass
class _Typed:
    """A map that is read, and what its bytes mean."""

    info: "MapInfo"
    map: Any
    key: Schema | None
    value: Schema


# How far series were read, by boot, map number and name: the last timestamp, how many samples had it, and the last of them
Place = dict[tuple[str, int, str], tuple[int, int, Entry]]


class Reader:
    """Reads a board's typed maps, all or those of these names; of a series the samples that have come since it was read last.

    `place` is how far that was in another connection to the board, and is kept up to date here.
    """

    def __init__(self, board: "Board", names: Sequence[str] = (), place: Place | None = None) -> None:
        self.board = board
        self._names = names
        self._place: Place = {} if place is None else place
        self._typed: dict[tuple[str, int, str], _Typed] = {}
        self._crashes: tuple[str, int] = ("", 0)
        self._last = 0  # the number of the board's last map
        self._tells = True  # of its heap and its pool
        self._told: tuple[Heap | None, tuple[int, int] | None] | None = None  # them, since health() took them
        self.newest: list[Entry] = []  # of each series the last sample, whether it is new or not
        self.lacks: list[str] = []  # of the names those that the board had no map for, when it was looked at last

    def look(self) -> list["MapInfo"]:
        """Return the board's maps. Raises LinkError, MapError.

        What health() tells is asked for in the same flight, so that what was read is told at once.
        """
        asked = self._asking()
        infos, replies = listing_beside(self.board.link, self._last, asked)
        self._last = infos[-1].id if infos else 0
        if asked:
            self._take(replies)
        there = {info.name for info in infos}
        self.lacks = [name for name in self._names if name not in there]
        return infos

    def read(self) -> tuple[list["MapInfo"], list[Entry]]:
        """Return the board's maps, and the entries of those that are read. Raises LinkError, MapError."""
        infos = self.look()
        entries: list[Entry] = []
        self.newest = []
        known = {}
        for info in infos:
            if not info.schema or info.map_flags & BPF_F_WRONLY or (self._names and info.name not in self._names):
                continue
            id_ = (self.board.link.boot, info.id, info.schema)
            typed = self._typed.get(id_) or _typed(self.board, info)
            if typed is None:
                continue
            known[id_] = typed
            typed.info = info
            entries += self._samples(typed) if by_number(info.map_type).has("stats") else _entries(typed)
        self._typed = known
        return infos, entries

    def _samples(self, typed: _Typed) -> Iterator[Entry]:
        place = self.board.link.board_boot, typed.info.id, typed.info.name
        before = self._place.get(place)
        last, seen = (0, 0) if before is None else before[:2]
        for at, value in typed.map.window(last, _U64_MAX):
            if at == last and seen:
                seen -= 1
                continue
            entry = Entry(name_of(typed.info), "", b"", _points(typed.value, value), at)
            count = before[1] + 1 if before is not None and before[0] == at else 1
            before = self._place[place] = at, count, entry
            yield entry
        if before is not None:
            self.newest.append(before[2])

    def _asking(self) -> list[bytes]:
        return [health.asking(), bytes((OP_POOL,))] if self._tells else []

    def _take(self, replies: Sequence[bytes]) -> None:
        """Take the answers to _asking()."""
        told = found = None
        with suppress(NotSupported):  # an older boardmaps
            told = health.parse_heap(answer(replies[0]) or b"")
        with suppress(NotSupported):  # a twin
            found = parse_stats(answer(replies[1]) or b"")[:2]
        self._tells = told is not None or found is not None
        self._told = told, found

    def health(self, since: float) -> Health:
        """Return how the board is, which answers: as read() has found it, else it is asked. Raises LinkError."""
        board, link = self.board, self.board.link
        if self._told is None and self._tells:
            self._take(link.requests(self._asking(), changes=False))
        told, found = self._told or (None, None)
        self._told = None
        return Health(
            True,
            since,
            boot=link.board_boot,
            machine=board.info.get("machine", ""),
            firmware=board.info.get("fw", ""),
            program=board.program_runs,
            crashes=self._waiting(),
            round_trip=link.round_trip or None,
            resent=link.resent,
            heap=told,
            pool=found,
        )

    def _waiting(self) -> int:
        """Return the crashes that wait to be acknowledged: looked up once in a boot."""
        board = self.board
        if not board.crash_on_record:
            return 0
        if self._crashes[0] != board.link.boot:
            from boardmaps_host.client.crashes import of_files  # saves start-up time: for a board with a crash alone

            ledger = of_files(board.kept).ledger
            self._crashes = board.link.boot, ledger.waiting if ledger else 1
        return self._crashes[1]


def reading(name: str, reader: Reader, since: float) -> Reading:
    """Read a board that is called `name`."""
    infos, entries = reader.read()
    at = time.time()
    return Reading(name, at, reader.health(since), infos, entries, reader.newest, reader.lacks)


def glance(name: str, reader: Reader) -> Reading:
    """Look at a board that is called `name`, and read none of its entries: the samples of a series stay new."""
    infos = reader.look()
    at = time.time()
    return Reading(name, at, reader.health(at), infos, lacks=reader.lacks)


def writable(info: "MapInfo", field: Field) -> bool:
    """Whether the computer may change a field of a map, one field of one entry at a time."""
    kind = by_number(info.map_type)
    locked = info.frozen or info.map_flags & (BPF_F_RDONLY | BPF_F_WRONLY) or field.locked
    return not locked and kind.has("update_part") and not kind.per_cpu


def _typed(board: "Board", info: "MapInfo") -> _Typed | None:
    """Return a map with what its bytes mean, None for one that is not read: a ring, a queue, a schema of a later boardmaps."""
    kind = by_number(info.map_type)
    if not (kind.has("next_key") or kind.has("stats")):
        return None
    try:
        types = Types(info.schema)
    except InvalidDefinition:
        return None
    return None if types.value is None else _Typed(info, remote(board.link, info), types.key, types.value)


def _entries(typed: _Typed) -> Iterator[Entry]:
    per_cpu = by_number(typed.info.map_type).per_cpu
    for key, value in typed.map.items():
        if per_cpu:
            points = [
                Point(f"cpu{cpu}.{point.name}", point.field, point.number, point.offset)
                for cpu, one in enumerate(typed.map.of_every_cpu(value))
                for point in _points(typed.value, one)
            ]
        else:
            points = _points(typed.value, value)
        yield Entry(name_of(typed.info), key_text(typed.info, typed.key, key), key, points)


def _points(schema: Schema, data: bytes) -> list[Point]:
    found = []
    for one in schema.fields:
        numbers = values.numbers_of(one, data)
        if one.count:
            places = enumerate(numbers)
            found += [Point(f"{one.name}[{i}]", one, number, one.offset + i * one.width) for i, number in places]
        else:
            found.append(Point(one.name, one, numbers[0], one.offset))
    return found


def name_of(info: "MapInfo") -> str:
    """Return the map's name; of one without a name its number."""
    return info.name or f"#{info.id}"


def key_text(info: "MapInfo", schema: Schema | None, key: bytes) -> str:
    """Return a key as the command has it: an index, its fields with commas between them, else its bytes in hex."""
    if schema is not None and schema.fields:
        return ",".join(values.show(one, key, unit=False) for one in schema.fields)
    return str(int.from_bytes(key, "little")) if by_number(info.map_type).indexed else key.hex()

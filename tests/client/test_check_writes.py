"""A firmware looks at what the host writes: over the line to the twin, and to a unix board, where C answers for other maps."""

from collections.abc import Callable, Iterator
from struct import pack
from typing import Any

import pytest

import boardmaps
from boardmaps import InvalidValue, MapError, NotPermitted
from boardmaps_host import Board, connect
from boardmaps_host.twin import Registry
from tests.firmware import running
from tests.waits import PATIENCE

MAPS = """
from boardmaps import ArrayMap, HashMap, LpmTrie, PerCpuArray, Queue, RingBuf, TimeSeries, check_writes

VALUE = "temp:i16/100(5..35=21) °C, mode:u8{off,heat,cool}, runs:u32!, flags:u8&{low,high}"
rooms = HashMap.typed("rooms", key="room:8s", value=VALUE, max_entries=8)
row = ArrayMap.typed("row", value="level:u16(1..9=5), n:u32!", max_entries=3)
check_writes(rooms)
check_writes(row)

seen = []

def even(key, old, new):
    seen.append((key, old, new))
    if new is None:
        return "nothing goes" if old and old[0] == 2 else None
    return "it is odd" if new[0] & 1 else None

numbers = HashMap(4, 4, 8, name="numbers")
jobs = Queue(4, 4, name="jobs")
log = RingBuf(256, name="log")
series = TimeSeries(4, 8, name="series")
cores = PerCpuArray(4, 2, name="cores")
nets = LpmTrie(8, 4, 4, name="nets")
for m in (numbers, jobs, log, series, cores, nets):
    check_writes(m, even)
free = HashMap(4, 4, 8, name="free")
numbers.update(b"odd!", b"\\1\\0\\0\\0")  # the firmware may
row.field("level").set(0, 20)
"""
SERVE = MAPS + "\nimport boardmaps\nserver = boardmaps.Server()\nwhile True:\n    server.poll(20)\n"


@pytest.fixture(scope="module", params=["twin", "unix"])
def checked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A board whose firmware looks at what is written."""
    if request.param == "twin":
        with Registry(), connect("twin") as board:
            exec(MAPS, {})
            yield board
        return
    with (
        running(tmp_path_factory.mktemp("checked"), SERVE) as unix,
        connect(unix.port, share=False, timeout=PATIENCE) as board,
    ):
        yield board


EVEN, ODD = b"\4\0\0\0", b"\5\0\0\0"
PREFIX = b"\x08\0\0\0\x0a\0\0\0"
KITCHEN = b"kitchen\0"


def part(m: Any, offset: int, data: bytes) -> Callable[[], object]:
    return lambda: m.update_part(KITCHEN, offset, data)


def test_the_schema_binds_the_host_whatever_it_forces(checked: Board) -> None:
    rooms, raw = checked.maps.rooms, checked.map("rooms")
    raw.clear()
    rooms["kitchen"] = {"temp": 20, "mode": "heat"}
    held = raw.lookup(KITCHEN) or b""
    for write, error in (
        (part(raw, 0, pack("<h", 3501)), InvalidValue),
        (part(raw, 0, pack("<h", 499)), InvalidValue),
        (part(raw, 2, b"\3"), InvalidValue),
        (part(raw, 7, b"\4"), InvalidValue),
        (part(raw, 3, b"\1"), NotPermitted),
        (lambda: setattr(rooms.force["kitchen"], "temp", 40), InvalidValue),
        (lambda: setattr(rooms.force["kitchen"], "runs", 1), NotPermitted),
        (lambda: raw.add(KITCHEN, 5000, 0, 2), InvalidValue),
        (lambda: raw.exchange(KITCHEN, 9, 2, 1), InvalidValue),  # type: ignore[attr-defined]
        (lambda: raw.fetch_or(KITCHEN, 8, 7, 1), InvalidValue),  # type: ignore[attr-defined]
        (lambda: raw.compare_and_swap(KITCHEN, held, bytes(8)), InvalidValue),
        (lambda: raw.update(b"bath\0\0\0\0", pack("<hBIB", 2000, 0, 7, 0)), NotPermitted),
        (lambda: raw.batch_update([b"a" * 8, b"b" * 8], [pack("<hBIB", 2000, 0, 0, 0), bytes(8)]), InvalidValue),
    ):
        with pytest.raises(error, match=r"field|refuses it"):
            write()
        assert dict(raw.items()) == {KITCHEN: held}
    assert raw.add(KITCHEN, -100, 0, 2) == 1900
    rooms["kitchen"].flags = ("low", "high")
    assert rooms["kitchen"].temp == 19
    del rooms["kitchen"]
    assert len(raw) == 0


def test_what_was_out_of_range_before_may_stay_and_an_array_s_zero_is_looked_at(checked: Board) -> None:
    row = checked.map("row")
    index = (0).to_bytes(4, "little")
    assert row.lookup(0) == pack("<HI", 20, 0)
    row.update(0, pack("<HI", 20, 0))
    for write in (lambda: row.delete(index), row.clear):
        with pytest.raises(InvalidValue, match=r"'level' is out of its range, 1 to 9"):
            write()
    assert row.lookup(1) == pack("<HI", 5, 0)


def test_a_check_of_the_firmware_s_own_sees_every_way_to_write(checked: Board) -> None:
    numbers, jobs, log, series, cores, nets = (
        checked.map(name) for name in ("numbers", "jobs", "log", "series", "cores", "nets")
    )
    ways: list[tuple[Any, Callable[[Any], object]]] = [
        (numbers, lambda m: lambda v: m.update(b"some", v)),
        (numbers, lambda m: lambda v: m.batch_update([b"more"], [v])),
        (jobs, lambda m: m.push),
        (log, lambda m: m.output),
        (series, lambda m: lambda v: m.push(7, v)),
        (cores, lambda m: lambda v: m.update(1, m.for_every_cpu(v))),
        (nets, lambda m: lambda v: m.update(PREFIX, v)),
    ]
    for m, way in ways:
        write: Any = way(m)
        with pytest.raises(InvalidValue, match=f"{m.name}'.*the board refuses it: it is odd"):
            write(ODD)
        write(EVEN)
    assert numbers.lookup(b"odd!") == b"\1\0\0\0"
    assert jobs.pop() == EVEN  # type: ignore[attr-defined]
    assert log.read()[1] == EVEN  # type: ignore[attr-defined]
    numbers.update(b"stay", b"\2\0\0\0")
    for removal in (
        lambda: numbers.delete(b"stay"),
        lambda: numbers.lookup_and_delete(b"stay"),
        lambda: numbers.batch_delete([b"some", b"stay"]),
        numbers.clear,
    ):
        with pytest.raises(InvalidValue, match="nothing goes"):
            removal()
    assert numbers.lookup(b"some") == EVEN
    numbers.delete(b"some")


def test_a_commit_is_looked_at_change_by_change(checked: Board) -> None:
    numbers = checked.map("numbers")

    def changes(last: bytes) -> None:
        with checked.commit():
            numbers.update(b"made", b"\1\1\0\0" if last == b"first" else EVEN)
            numbers.update_part(b"made", 0, b"\6" if last != b"odd" else b"\7")  # type: ignore[attr-defined]

    for last in (b"first", b"odd"):
        with pytest.raises(InvalidValue, match="it is odd"):
            changes(last)
        assert numbers.lookup(b"made") is None
    changes(b"good")
    assert numbers.lookup(b"made") == b"\6\0\0\0"


def test_other_maps_are_not_looked_at(checked: Board) -> None:
    free = checked.map("free")
    free.update(b"some", ODD)
    assert free.lookup(b"some") == ODD
    assert free.add(b"some", 1) == 6
    later = checked.create_map("HashMap", key_size=4, value_size=4, max_entries=4, name=f"later{len(checked.maps())}")
    later.update(b"some", ODD)
    assert later.lookup(b"some") == ODD


def test_a_map_without_a_schema_needs_a_check() -> None:
    with Registry(), pytest.raises(MapError, match="has no schema; give a check"):
        boardmaps.check_writes(boardmaps.ArrayMap(4, 1, name="plain"))

"""Records: entries by the names of their fields, over a board's line and over the twin's maps."""

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boardmaps import (
    ArrayMap,
    HashMap,
    InvalidDefinition,
    InvalidValue,
    KeyNotFound,
    MapError,
    NotPermitted,
    PerCpuHash,
    Queue,
    RingBuf,
    TimeSeries,
)
from boardmaps_host import Board, connect
from boardmaps_host.twin import Registry
from boardmaps_host.typed.records import TypedMap
from tests.firmware import running
from tests.waits import PATIENCE

VALUE = "temp:i16/100(5..35=21) °C, mode:u8{off,heat,cool}, runs:u32!+, pid.p:f32(=0.5), pid.i:f32, name:6s, on:bool"


@pytest.fixture(params=["twin", "unix"], scope="module")
def connection(request: pytest.FixtureRequest) -> Iterator[Board]:
    with Registry(), connect(request.param, allow_reset=True) as board:
        yield board


@pytest.fixture
def board(connection: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setenv("BOARDMAPS_CACHE", str(tmp_path))
    connection.pool.reset()
    return connection


@pytest.fixture
def rooms(board: Board) -> Any:
    board.create_map(HashMap, name="rooms", key="room:8s", value=VALUE, max_entries=8)
    return board.maps.rooms


def test_a_record_is_read_once_and_written_field_by_field(rooms: Any) -> None:
    rooms["kitchen"] = {"temp": 21.5, "mode": "heat"}
    record = rooms["kitchen"]
    assert (record.temp, record.mode, record.runs, record.on, record.name) == (21.5, "heat", 0, False, "")
    assert dict(record) == {
        "temp": 21.5,
        "mode": "heat",
        "runs": 0,
        "pid.p": 0.5,
        "pid.i": 0.0,
        "name": "",
        "on": False,
    }
    assert (record.pid.p, record["pid.p"], dict(record.pid)) == (0.5, 0.5, {"p": 0.5, "i": 0.0})
    assert repr(record) == "<rooms temp=21.50 °C, mode=heat, runs=0, pid.p=0.5, pid.i=0.0, name=, on=false>"
    rooms["kitchen"].temp = 18
    assert (record.temp, rooms["kitchen"].temp) == (21.5, 18)  # it is as it was
    record.pid.i = 0.25
    record["name"] = "north"
    assert (record.pid.i, rooms["kitchen"].pid.i, rooms["kitchen"].name, rooms["kitchen"].temp) == (
        0.25,
        0.25,
        "north",
        18,
    )
    assert rooms.lookup(b"kitchen\0")[:3] == struct.pack("<hB", 1800, 1)
    assert dir(record) == ["mode", "name", "on", "pid", "runs", "temp"]


def test_a_field_is_written_by_one_request(board: Board, rooms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms["kitchen"] = {}
    asked: list[bytes] = []
    real = board.link.request

    def request(payload: bytes, *more: Any) -> bytes:
        asked.append(payload)
        return real(payload, *more)

    monkeypatch.setattr(board.link, "request", request)
    rooms["kitchen"].temp = 9.5
    assert len(asked) == 1
    assert asked[0].endswith(struct.pack("<h", 950))


def test_a_map_is_walked_by_names(rooms: Any) -> None:
    for i, room in enumerate(("kitchen", "bath", "hall")):
        rooms[room] = {"temp": 20 + i}
    assert sorted(rooms) == sorted(rooms.keys()) == ["bath", "hall", "kitchen"]
    assert {room: record.temp for room, record in rooms.items()} == {"kitchen": 20, "bath": 21, "hall": 22}
    assert sorted(record.temp for record in rooms.values()) == [20, 21, 22]
    for _, record in rooms.items():
        record.mode = "cool"
    assert {record.mode for record in rooms.values()} == {"cool"}
    assert "bath" in rooms
    assert len(rooms) == 3
    del rooms["bath"]
    assert "bath" not in rooms
    assert repr(rooms) == "<typed HashMap 'rooms': temp, mode, runs, pid.p, pid.i, name, on>"


def test_what_the_schema_forbids_changes_nothing(rooms: Any) -> None:
    rooms["kitchen"] = {"temp": 21.5}
    before = rooms.lookup(b"kitchen\0")
    for name, value, error, why in (
        ("temp", 35.01, InvalidValue, "35.01 is not in the range 5.00..35.00 °C"),
        ("temp", "warm", InvalidValue, "'warm' is no number"),
        ("mode", "hot", InvalidValue, "there are off, heat, cool"),
        ("mode", 7, InvalidValue, "there are off, heat, cool"),
        ("name", "seven..", InvalidValue, "7 bytes"),
        ("runs", 1, NotPermitted, "only the firmware writes it"),
        ("tmp", 1, InvalidValue, "no field 'tmp'; there are temp, mode"),
    ):
        with pytest.raises(error, match=why):
            rooms["kitchen"][name] = value
        with pytest.raises(error, match=why):
            rooms.change("kitchen", {"on": True, name: value})
        with pytest.raises(error, match=why):
            rooms["kitchen"] = {name: value}
    assert rooms.lookup(b"kitchen\0") == before
    with pytest.raises(AttributeError, match="no field 'tmp'"):
        _ = rooms["kitchen"].tmp
    with pytest.raises(KeyNotFound, match="'attic'"):
        _ = rooms["attic"].temp
    with pytest.raises(KeyNotFound):
        rooms["attic"].temp = 20
    with pytest.raises(InvalidValue, match="9 bytes"):
        rooms["nine.long"] = {}
    assert list(rooms) == ["kitchen"]


def test_force_writes_what_the_bytes_hold(rooms: Any) -> None:
    rooms["kitchen"] = {}
    rooms.force["kitchen"].temp = 99
    rooms.force["kitchen"].runs = 7
    rooms.force["kitchen"].mode = 9
    assert dict(rooms["kitchen"]) | {"temp": 99, "runs": 7, "mode": 9} == dict(rooms["kitchen"])
    rooms["kitchen"] = {"temp": 20}  # the firmware's field stays
    assert (rooms["kitchen"].runs, rooms["kitchen"].temp, rooms["kitchen"].mode) == (7, 20, "off")


def test_several_fields_change_in_one_step_and_a_new_entry_has_defaults(rooms: Any) -> None:
    assert rooms.change("kitchen", {"temp": 19.5, "mode": "cool"})
    assert (rooms["kitchen"].temp, rooms["kitchen"].mode, rooms["kitchen"].pid.p) == (19.5, "cool", 0.5)
    assert rooms.change("bath", {"mode": "heat"})
    assert (rooms["bath"].temp, rooms["bath"].mode) == (21, "heat")
    assert not rooms.change("kitchen", {"temp": 5, "on": True})
    assert not rooms.change("kitchen", {"temp": 5})
    assert (rooms["kitchen"].temp, rooms["kitchen"].mode, rooms["kitchen"].on) == (5, "cool", True)


def test_arrays_have_ints_for_keys(board: Board) -> None:
    board.create_map(ArrayMap, name="rows", value="set:i16/10(=2.5), list:u8[3]", max_entries=3)
    rows = board.maps["rows"]
    assert list(rows) == [0, 1, 2]
    assert [record.set for record in rows.values()] == [2.5] * 3
    rows[1].list = (1, 2, 3)
    assert rows[1].list == (1, 2, 3)
    rows.change(2, {"set": 1, "list": [9, 9, 9]})
    assert dict(rows[2]) == {"set": 1, "list": (9, 9, 9)}
    with pytest.raises(KeyNotFound):
        rows.change(3, {"set": 1})
    with pytest.raises(KeyNotFound):
        rows.change(3, {"set": 1, "list": [9, 9, 9]})


def test_keys_of_several_fields(board: Board) -> None:
    board.create_map(HashMap, name="net", key="host:u32, port:u16", value="n:u32", max_entries=4)
    net = board.maps.net
    net[7, 80] = {"n": 1}
    net[{"host": 7, "port": 443}] = {"n": 2}
    assert {key: record.n for key, record in net.items()} == {(7, 80): 1, (7, 443): 2}
    for key in (7, (7,), {"host": 7}, "x"):
        with pytest.raises(TypeError):
            _ = net[key]


def test_queues_rings_and_series(board: Board) -> None:
    board.create_map(Queue, name="jobs", value="job:u16, prio:u8(=3)", max_entries=3)
    jobs: Any = board.maps.jobs
    jobs.push({"job": 7})
    assert dict(jobs.peek()) == dict(jobs.pop()) == {"job": 7, "prio": 3}
    assert jobs.pop() is None
    board.create_map(RingBuf, name="log", value="code:u8{ok,hot}, at:u32", max_entries=128)
    log: Any = board.maps.log
    assert log.output({"code": "hot", "at": 9})
    assert log.output(b"\0\1\0\0\0more")
    number, record = log.read()
    assert (number, dict(record)) == (0, {"code": "hot", "at": 9})
    assert dict(log.read()[1]) == {"code": "ok", "at": 1}
    assert log.read() is None
    with pytest.raises(MapError, match="no entry of 'log' that can be changed"):
        record.code = "ok"
    board.create_map(TimeSeries, name="temps", value="ok:bool, temp:i16/100 °C, n:u8", max_entries=8)
    temps: Any = board.maps.temps
    for i in range(4):
        temps.push(1000 + i, {"ok": True, "temp": i - 1.5, "n": i})
    assert [(at, record.temp) for at, record in temps.window(1001, 1002)] == [(1001, -0.5), (1002, 0.5)]
    assert temps.newest()[1].temp == 1.5
    times, degrees, n = temps.columns("temp", "n", last=3)
    assert (list(times), list(degrees), list(n)) == ([1001, 1002, 1003], [-0.5, 0.5, 1.5], [1, 2, 3])
    assert temps.stats() == (4, -1.5, 1.5, 0.0, 0.0, 3)


def test_columns_are_arrays_where_there_is_no_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "numpy", None)
    with Registry():
        series = TimeSeries.typed("s", value="n:u8, x:f32", max_entries=2)
        series.push(5, struct.pack("<Bf", 7, 0.5))
        assert TypedMap(series).columns("n", "x") == [array("Q", [5]), array("q", [7]), array("d", [0.5])]


def test_per_cpu_maps_have_a_record_a_cpu(board: Board) -> None:
    board.create_map(PerCpuHash, name="hits", key="page:u16", value="n:u32, s:i8/10", max_entries=3)
    hits = board.maps.hits
    hits[5] = {"n": 7, "s": -1.5}
    assert [dict(record) for record in hits[5]] == [{"n": 7, "s": -1.5}] * hits.cpus
    with pytest.raises(MapError, match="write whole values"):
        hits.change(5, {"n": 1})


def test_maps_without_a_schema_and_maps_that_are_not_there(board: Board) -> None:
    board.create_map(HashMap, name="plain", key_size=4, value_size=4, max_entries=3)
    with pytest.raises(InvalidDefinition, match="'plain': it has no schema"):
        _ = board.maps.plain
    assert not hasattr(board.maps, "nothing")
    assert [info.name for info in board.maps()] == ["plain"]
    assert dir(board.maps) == []


def test_a_map_of_the_twin() -> None:
    with Registry():
        rooms = HashMap.typed("rooms", key="room:8s", value=VALUE, max_entries=4)
        typed = TypedMap(rooms)
        typed["bath"] = {"temp": 30}
        typed["bath"].temp = 31
        assert rooms.field("temp").get(b"bath\0\0\0\0") == 31


RESTLESS = """
import boardmaps, time
rooms = boardmaps.HashMap.typed("rooms", key="room:8s", value="temp:i16, mode:u8, runs:u32", max_entries=2)
rooms.update(b"kitchen\\0", bytes(7))
runs = rooms.field("runs")
while True:
    boardmaps.poll()
    runs.add(b"kitchen\\0", 1)
"""


def test_several_fields_are_changed_also_where_the_firmware_changes_the_entry_all_the_time(tmp_path: Path) -> None:
    with running(tmp_path, RESTLESS) as unix, connect(unix.port, timeout=PATIENCE, share=False) as board:
        rooms = board.maps.rooms
        rooms.change("kitchen", {"temp": 21, "mode": 2})
        kitchen = rooms["kitchen"]
        assert (kitchen.temp, kitchen.mode) == (21, 2)
        assert kitchen.runs > 0

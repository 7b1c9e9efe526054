"""Schemas as part of a map's definition, on every target."""

import struct
from binascii import crc32
from pathlib import Path

import pytest

from boardmaps import ArrayMap, HashMap, InvalidDefinition, PerCpuArray, Queue, RingBuf, TimeSeries
from boardmaps.abi import OP_CREATE, OP_INFO, OP_LIST, TAG_SCHEMA
from boardmaps.definition import MapDef, slice_size
from boardmaps_host import Board
from boardmaps_host.client.info import ask
from boardmaps_host.typed import known

ROOM = "room:8s"
VALUE = "temp:i16/100 °C, mode:u8{off,heat,cool}"


@pytest.fixture(autouse=True)
def _nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARDMAPS_CACHE", str(tmp_path))


def test_a_schema_gives_the_sizes_and_is_told(board: Board) -> None:
    made = board.create_map(HashMap, name="rooms", key=ROOM, value=VALUE, max_entries=16)
    wanted = MapDef(1, 8, 3, 16, 0, "rooms", schema=f"{ROOM}\n{VALUE}")
    assert (
        made.definition
        == board.map("rooms").definition
        == board.maps()[0].definition
        == made.info().definition
        == wanted
    )
    made.update(b"kitchen\0", b"\x66\x08\1")
    assert made.lookup(b"kitchen\0") == b"\x66\x08\1"


def test_the_list_has_sums_and_a_text_is_asked_for_once(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        board.create_map(ArrayMap, name=name, value=VALUE, max_entries=2)
    data = ask(board.link, bytes((OP_LIST, 0, 0))) or b""
    assert VALUE.encode() not in data
    assert data.count(struct.pack("<I", crc32(VALUE.encode()))) == 2
    asked: list[int] = []
    real = board.link.request

    def request(payload: bytes, *more: object, **named: object) -> bytes:
        asked.append(payload[0])
        return real(payload, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(board.link, "request", request)
    assert {m.schema for m in board.maps()} == {VALUE}
    assert {m.schema for m in board.maps()} == {VALUE}
    assert asked.count(OP_INFO) == 1
    (file,) = known.folder().iterdir()
    file.write_text("damaged")
    assert {m.schema for m in board.maps()} == {VALUE}
    assert asked.count(OP_INFO) == 2


def test_every_kind_takes_one(board: Board) -> None:
    board.create_map(Queue, name="q", value="job:u16", max_entries=3)
    board.create_map(RingBuf, name="log", value="code:u8, text:12s", max_entries=64)
    board.create_map(TimeSeries, name="temps", value="flag:bool, temp:i16/100, hum:u8", max_entries=4)
    board.create_map(PerCpuArray, name="hits", value="n:u32(=7)", max_entries=3)
    told = {m.name: (m.value_size, m.schema) for m in board.maps()}
    assert told["q"] == (2, "job:u16")
    assert told["log"] == (0, "code:u8, text:12s")
    assert told["temps"] == (4, "flag:bool, temp:i16/100, hum:u8")
    assert told["hits"] == (4, "n:u32(=7)")


def test_statistics_are_of_the_first_number_or_of_the_one_that_is_named(board: Board) -> None:
    for name, more in (("first", {}), ("named", {"field": "hum"})):
        series = board.create_map(TimeSeries, name=name, value="flag:bool, temp:i16/100, hum:u8", max_entries=4, **more)
        series.push(1, struct.pack("<?hB", True, -500, 40))
        series.push(2, struct.pack("<?hB", True, 300, 60))
        assert series.stats()[1:4] == ((-500, 300, -200) if name == "first" else (40, 60, 100))
    with pytest.raises(InvalidDefinition, match="no number has the name 'flag'"):
        board.create_map(TimeSeries, name="x", value="flag:bool, temp:u8", max_entries=4, field="flag")


def test_new_entries_of_an_array_have_the_defaults(board: Board) -> None:
    made = board.create_map(ArrayMap, name="a", value="set:i16/100(5..35=21), on:bool(=true), n:u8", max_entries=3)
    assert [value for _, value in made.items()] == [b"\x34\x08\1\0"] * 3
    rows = board.create_map(PerCpuArray, name="p", value="n:u32(=7)", max_entries=2)
    assert [rows.of_every_cpu(row) for _, row in rows.items()] == [[b"\7\0\0\0"] * rows.cpus] * 2


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("room:8s", "temp:i17", "create hash 'rooms': schema: field 'temp', character 6: 'i17' is no type"),
        ("room:8", VALUE, "create hash 'rooms': schema: field 'room', character 6: '8' is no type"),
        ("", VALUE, "create hash 'rooms': schema: there is none for the keys"),
        (ROOM, "", "create hash 'rooms': schema: there is none for the values"),
    ],
)
def test_a_mistake_says_which_map_and_field(board: Board, key: str, value: str, why: str) -> None:
    with pytest.raises(InvalidDefinition) as wrong:
        board.create_map(HashMap, name="rooms", key=key, value=value, max_entries=16)
    assert str(wrong.value).startswith(why)
    assert board.maps() == []


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (b"a:u8", "schema: the value's fields have 1 bytes, the map's values 3"),
        (b"k:u8\na:u8[3]", "schema: the key's fields have 1 bytes, the map's keys 8"),
        (b"a:u9", "schema: field 'a', character 3: 'u9' is no type"),
    ],
)
def test_the_board_refuses_what_it_is_asked_to_make(board: Board, schema: bytes, why: str) -> None:
    sizes = struct.pack("<B5IB", OP_CREATE, 1, 8, 3, 4, 0, 1) + b"x"
    with pytest.raises(InvalidDefinition, match=why):
        ask(board.link, sizes + struct.pack("<BH", TAG_SCHEMA, len(schema)) + schema)
    assert board.maps() == []


def test_the_text_lies_at_the_end_of_the_slice(board: Board) -> None:
    made = board.create_map(HashMap, name="rooms", key=ROOM, value=VALUE, max_entries=5)
    image = board.snapshot().maps[0].slice.data
    text = f"{ROOM}\n{VALUE}".encode()
    assert slice_size(made.definition) == len(image)
    if board.info["profile"] == "embedded":  # the twin has no pool
        assert board.pool.read() == image
        assert made.size == len(image)
    assert int.from_bytes(image[70:72], "little") == len(text)
    end = len(image) - (len(text) + 7) // 8 * 8
    assert image[end:] == text.ljust((len(text) + 7) // 8 * 8, b"\0")


def test_the_sum_of_all_maps_tells_another_schema(board: Board) -> None:
    sums = set()
    for text in ("a:u8", "b:u8", "a:u8 V"):
        board.pool.reset()
        board.create_map(ArrayMap, name="x", value=text, max_entries=1)
        data = ask(board.link, bytes((OP_LIST, 0, 0))) or b""
        sums.add(data[-4:])
    assert len(sums) == 3

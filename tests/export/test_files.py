"""Readings in files: whole whatever happens, added to, and never put into what is something else."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boardmaps import BPF_F_WRONLY, HashMap, TimeSeries
from boardmaps_host import connect
from boardmaps_host.export import ExportError
from boardmaps_host.export.files import COLUMNS, Changed, Sqlite, csv_file, json_lines
from boardmaps_host.export.reading import Reader, Reading, reading
from boardmaps_host.twin import registry

VALUE = "temp:i16/100 °C, mode:u8{off,heat}, on:bool, big:u64, real:f64, name:4s, raw:2b, bits:u8&{low,high}, _:1x, pair:u8[2]"


@pytest.fixture
def reader() -> Iterator[Reader]:
    """A reader of maps of the twin, which has no others."""
    registry.reset()
    with connect("twin") as board:
        rooms = board.create_map(HashMap, name="rooms", key="room:8s, n:u8", value=VALUE, max_entries=8)
        board.create_map(TimeSeries, name="temps", value="t:i16/10", max_entries=4, field="t")
        board.create_map(HashMap, name="hidden", key="k:u8", value="v:u8", max_entries=1, map_flags=BPF_F_WRONLY)
        board.create_map(HashMap, name="plain", key_size=1, value_size=1, max_entries=1)
        board.maps.rooms["a,\nb", 1] = {
            "temp": 21.5,
            "mode": "heat",
            "on": True,
            "big": (1 << 64) - 1,
            "real": float("nan"),
            "name": "x\ny",
            "raw": b"\1\xff",
            "bits": ["high"],
            "pair": [1, 2],
        }
        assert rooms.definition.value_size == 30
        yield Reader(board)
    registry.reset()


def read(reader: Reader) -> Reading:
    """Read the maps."""
    return reading("desk", reader, 0.0)


def never(text: str) -> None:
    """Take a note that must not come."""
    pytest.fail(text)


def test_csv(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    into = csv_file(path, never, never)
    reader.board.maps.temps.push(7, {"t": -0.5})
    assert into.take(read(reader)) == 11
    assert into.take(read(reader)) == 10, "the sample again"
    into.close()
    head, *lines = path.read_text().splitlines()
    assert head == ",".join(COLUMNS)
    assert len(lines) == 21
    rows = [line.partition(",")[2] for line in lines[:11]]
    assert rows[:4] == [
        'desk,rooms,"a,\\nb,1",temp,21.50,',
        'desk,rooms,"a,\\nb,1",mode,heat,',
        'desk,rooms,"a,\\nb,1",on,true,',
        'desk,rooms,"a,\\nb,1",big,18446744073709551615,',
    ]
    assert [row.split(",")[-2] for row in rows[4:]] == ["nan", "x\\ny", "01ff", "high", "1", "2", "-0.5"]
    assert rows[-1] == "desk,temps,,t,-0.5,7"


def test_samples_of_one_timestamp_are_told_once_each(reader: Reader) -> None:
    temps = reader.board.maps.temps
    told = []
    for at, t in ((1, 1), (2, 2), (2, 3)):
        temps.push(at, {"t": t})
    for more in ((2, 4), (3, 5), None):
        told.append([(e.at, e.points[0].value) for e in read(reader).entries if e.map == "temps"])
        if more:
            temps.push(more[0], {"t": more[1]})
    assert told == [[(1, 1.0), (2, 2.0), (2, 3.0)], [(2, 4.0)], [(3, 5.0)]]
    again = Reader(reader.board, place=reader._place)
    assert [e for e in read(again).entries if e.map == "temps"] == [], "a new connection begins where the last one was"


def test_json_lines(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    reader.board.maps.temps.push(7, {"t": -0.5})
    for _ in range(2):
        into = json_lines(path, never, never)
        into.take(read(reader))
        into.close()
    first, second, third = map(json.loads, path.read_text().splitlines())
    assert first["values"] == {
        "temp": 21.5,
        "mode": "heat",
        "on": True,
        "big": (1 << 64) - 1,
        "real": "NaN",
        "name": "x\ny",
        "raw": [1, 255],
        "bits": ["high"],
        "pair[0]": 1,
        "pair[1]": 2,
    }
    assert (first["board"], first["map"], first["key"], first["board_time"]) == ("desk", "rooms", "a,\nb,1", None)
    assert (second["map"], second["key"], second["values"], second["board_time"]) == ("temps", None, {"t": -0.5}, 7)
    assert third["values"] == first["values"]


def test_sqlite(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    for _ in range(2):
        into = Sqlite(path)
        assert into.take(read(reader)) == 10
        into.close()
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "SELECT field, value, typeof(value), board_time FROM boardmaps ORDER BY rowid"
        ).fetchall()
    database.close()
    assert len(rows) == 20
    assert rows[:6] == [
        ("temp", 21.5, "real", None),
        ("mode", "heat", "text", None),
        ("on", 1, "integer", None),
        ("big", "18446744073709551615", "text", None),
        ("real", "nan", "text", None),
        ("name", "x\ny", "text", None),
    ]


def test_only_what_has_changed(reader: Reader) -> None:
    only = Changed()
    assert len(list(only(read(reader)).points())) == 10
    assert only(read(reader)).entries == []
    reader.board.maps.rooms["a,\nb", 1].temp = 22
    assert [(entry.key, point.name, point.value) for entry, point in only(read(reader)).points()] == [
        ("a,\nb,1", "temp", 22.0)
    ]


@pytest.mark.parametrize(("make", "whole"), [(csv_file, ",".join(COLUMNS)), (json_lines, "")])
@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_row_that_was_cut_short_is_removed(reader: Reader, tmp_path: Path, make: Any, whole: str, cut: int) -> None:
    path = tmp_path / "x"
    into = make(path, never, never)
    into.take(read(reader))
    into.close()
    before = path.read_bytes()
    path.write_bytes(before[:-cut])
    notes: list[str] = []
    into = make(path, never, notes.append)
    kept = path.read_bytes()
    assert before.startswith(kept)
    assert kept.count(b"\n") == before.count(b"\n") - 1
    assert len(notes) == 1
    assert "its last row was cut short, and is removed" in notes[0]
    into.take(read(reader))
    into.close()
    lines = path.read_text().splitlines()
    assert len(lines) == 2 * before.count(b"\n") - 1 - bool(whole)
    assert lines.count(whole) == bool(whole)


@pytest.mark.parametrize("make", [csv_file, json_lines, lambda path, *_: Sqlite(path)])
@pytest.mark.parametrize("content", [b"a letter\nof mine\n", b"no newline", b'{"a": 1}\n', bytes(range(256))])
def test_what_is_something_else_stays_as_it_is(tmp_path: Path, make: Any, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(ExportError, match=str(path)):
        make(path, never, never)
    assert path.read_bytes() == content


def test_a_table_that_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE boardmaps (time, board, map, key, field)")
    database.close()
    with pytest.raises(ExportError, match="has the columns"):
        Sqlite(path)


def test_two_exports_into_one_file(tmp_path: Path) -> None:
    into = csv_file(tmp_path / "x.csv", never, never)
    with pytest.raises(ExportError, match="another export adds to it"):
        csv_file(tmp_path / "x.csv", never, never)
    into.close()
    csv_file(tmp_path / "x.csv", never, never).close()


def test_a_full_disk_leaves_whole_rows(reader: Reader) -> None:
    into = csv_file(Path("/dev/full"), never, never)
    with pytest.raises(ExportError, match="it cannot be written: No space left"):
        into.take(read(reader))
    into.close()
    with pytest.raises(ExportError, match=r"it cannot be written: No such file or directory\.$"):
        csv_file(Path("/nowhere/x.csv"), never, never)

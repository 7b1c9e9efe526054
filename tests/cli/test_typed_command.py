"""`boardmaps map` by the names of a schema, on a board whose firmware runs meanwhile."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_host import Board, connect
from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, Command, environment

PROGRAM = """
import boardmaps, time
from boardmaps import ArrayMap, HashMap, Queue, RingBuf, TimeSeries
VALUE = "temp:i16/100(5..35=21) °C, mode:u8{off,heat,cool}, runs:u32!+, gain:f32^ 'of the loop'"
rooms = HashMap.typed("rooms", key="room:8s", value=VALUE, max_entries=8)
rows = ArrayMap.typed("rows", value="set:i16/10(=2.5), list:u8[3]", max_entries=2)
net = HashMap.typed("net", key="host:u32, port:u16", value="n:u32", max_entries=4)
jobs = Queue.typed("jobs", value="job:u16, prio:u8(=3)", max_entries=3)
log = RingBuf.typed("log", value="code:u8{ok,hot}, at:u32", max_entries=256)
temps = TimeSeries.typed("temps", value="ok:bool, temp:i16/100 °C", max_entries=8)
plain = ArrayMap(4, 2, 0, "plain")
while True:
    boardmaps.poll()
    time.sleep_ms(2)
"""


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    folder = tmp_path_factory.mktemp("typed")
    (folder / "program.py").write_text(PROGRAM)
    with UnixBoard(port=folder / "port") as board:
        deploy(board.port, app=folder / "program.py")
        yield board


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARDMAPS_CACHE", str(tmp_path))


@pytest.fixture
def board(firmware: UnixBoard) -> Iterator[Board]:
    """The board before the command runs; its maps are empty."""
    with connect(firmware.port) as board:
        for name in ("rooms", "net", "jobs", "log", "temps"):
            board.map(name).clear()
        yield board


def test_fields_are_set_and_shown_by_name(on: Command, board: Board) -> None:
    board.close()
    assert on("map", "update", "rooms", "kitchen", "temp=21.5", "mode=heat").stdout == ""
    table = [line.split() for line in on("map", "lookup", "rooms", "kitchen").stdout.splitlines()]
    assert table == [["room", "temp", "°C", "mode", "runs", "gain"], ["kitchen", "21.50", "heat", "0", "0.0"]]
    done = on("map", "update", "rooms", "kitchen", "gain=0.1")
    assert done.stderr == "boardmaps: gain: the firmware takes it after a restart.\n"
    on("map", "update", "rooms", "bath", "mode=2")
    assert on("map", "dump", "rooms").stdout.splitlines()[1:] == [
        "kitchen    21.50  heat     0   0.1",
        "bath       21.00  cool     0   0.0",
    ]
    assert json.loads(on("map", "lookup", "rooms", "kitchen", "--json").stdout) == {
        "key": ["0x6b", "0x69", "0x74", "0x63", "0x68", "0x65", "0x6e", "0x00"],
        "value": ["0x66", "0x08", "0x01", "0x00", "0x00", "0x00", "0x00", "0xcd", "0xcc", "0xcc", "0x3d"],
        "formatted": {"key": "kitchen", "value": {"temp": 21.5, "mode": "heat", "runs": 0, "gain": 0.1}},
    }
    assert on("map", "getnext", "rooms", "kitchen").stdout == "bath\n"
    assert on("map", "delete", "rooms", "bath").returncode == 0
    for command in "lookup", "delete":
        gone = on("map", command, "rooms", "bath")
        assert (gone.returncode, gone.stdout, gone.stderr.count("\n")) == (1, "", 1)
        assert gone.stderr.endswith("no such key; it has kitchen\n")


def test_a_mistyped_key_makes_an_entry_and_stderr_names_those_that_are_like_it(on: Command, board: Board) -> None:
    board.close()
    first = on("map", "update", "rooms", "kitchen", "temp=21")
    assert (first.returncode, first.stderr) == (0, "boardmaps: made a new entry 'kitchen'; the map had none.\n")
    for one_or_more in ("temp=22",), ("temp=23", "mode=heat"):
        assert on("map", "update", "rooms", "kitchen", *one_or_more).stderr == ""
    typo = on("map", "update", "rooms", "kichen", "temp=20", "mode=heat")
    assert (typo.returncode, typo.stdout) == (0, "")
    assert typo.stderr == "boardmaps: made a new entry 'kichen'; the map also has kitchen.\n"
    for room in ("bath", "hall", "cellar"):
        on("map", "update", "rooms", room, "temp=20")
    assert on("map", "update", "rooms", "halls", "temp=20").stderr.startswith(
        "boardmaps: made a new entry 'halls'; the map also has hall, "
    )
    assert on("map", "update", "net", "7,80", "n=1").stderr == "boardmaps: made a new entry '7,80'; the map had none.\n"
    assert on("map", "update", "net", "7,8", "n=1").stderr.endswith("the map also has 7,80.\n")
    assert on("map", "update", "rows", "1", "set=2.5").stderr == ""
    data = ("value", "hex", *["00"] * 11)
    assert on("map", "update", "rooms", "key", "str:attic", *data, "noexist").stderr == ""


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("rooms kitchen temp=40", "field 'temp': 40.00 is not in the range 5.00..35.00 °C"),
        ("rooms kitchen temp=21.555", "field 'temp': 21.555 is no multiple of 1/100"),
        ("rooms kitchen temp=warm", "field 'temp': 'warm' is no number"),
        ("rooms kitchen temp=-400", "field 'temp': -400 does not fit i16; its range is 5.00..35.00 °C"),
        ("rooms kitchen mode=hot", "field 'mode': 'hot' is no name of it; there are off, heat, cool"),
        ("rooms kitchen runs=1", "field 'runs': only the firmware writes it; force overrides"),
        ("rooms kitchen tmp=1", "map 'rooms': there is no field 'tmp'; there are temp, mode, runs, gain"),
        ("rooms kitchen temp", "'temp' is no FIELD=VALUE"),
        ("rooms kitchen temp=1 temp=2", "the field 'temp' is there twice"),
        ("rooms kitchenette temp=20", "field 'room': 'kitchenette' has 11 bytes, and the field 8"),
        ("rows x set=1", "the key 'x' is no whole number"),
        ("rows 2 set=1", "index 2 is out of range (0 to 1)"),
        ("rows 0 list=1,2", "2 values for 3"),
        ("net 7 n=1", "the key '7' has 1 parts; a key of the map 'net' is host,port"),
        ("plain 0 n=1", "the map 'plain' has no schema"),
    ],
)
def test_what_the_schema_forbids_is_one_sentence_and_changes_nothing(
    on: Command, board: Board, firmware: UnixBoard, words: str, why: str
) -> None:
    board.close()
    done = on("map", "update", *words.split())
    assert done.returncode in (1, 2)
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    with connect(firmware.port) as after:
        assert list(after.map("rooms").keys()) == []
        assert after.map("rows").lookup(0) == b"\x19\0\0\0\0"


def test_force_and_keys_of_every_sort(on: Command, board: Board) -> None:
    board.close()
    on("map", "update", "rooms", "kitchen", "temp=99", "runs=7", "--force")
    assert json.loads(on("map", "dump", "rooms", "--json").stdout)[0]["formatted"]["value"]["runs"] == 7
    on("map", "update", "rows", "1", "list=1,2,3", "set=-0.5")
    assert [line.split() for line in on("map", "dump", "rows").stdout.splitlines()] == [
        ["key", "set", "list"],
        ["0", "2.5", "[0,", "0,", "0]"],
        ["1", "-0.5", "[1,", "2,", "3]"],
    ]
    assert json.loads(on("map", "lookup", "rows", "1", "-j").stdout)["formatted"] == {
        "key": 1,
        "value": {"set": -0.5, "list": [1, 2, 3]},
    }
    on("map", "update", "rows", "1", "set=2.5", "list=0,0,0")
    on("map", "update", "net", "7,80", "n=5")
    assert json.loads(on("map", "dump", "net", "-j").stdout)[0]["formatted"] == {
        "key": {"host": 7, "port": 80},
        "value": {"n": 5},
    }
    cells = on("map", "lookup", "plain", "1").stdout.splitlines()[1].split("  ")
    assert [cell.strip() for cell in cells] == [
        "01 00 00 00",
        "1",
        "00 00 00 00",
        "0",
    ]


def test_what_has_changed_since_a_snapshot_is_told_by_name(on: Command, board: Board, tmp_path: Path) -> None:
    board.maps["rooms"]["kitchen"] = {"temp": 21.5, "mode": "heat"}
    board.maps["rooms"]["hall"] = {"temp": 20}
    board.maps["net"][7, 80] = {"n": 5}
    board.maps["jobs"].push({"job": 4})
    board.snapshot().save(tmp_path / "before.bms")
    board.maps["rooms"].change("kitchen", {"temp": 22, "mode": "cool"})
    del board.maps["rooms"]["hall"]
    board.maps["rooms"]["bath"] = {"temp": 24}
    board.maps["net"][7, 80] = {"n": 6}
    board.maps["jobs"].push({"job": 5})
    board.close()
    done = on("diff", str(tmp_path / "before.bms"))
    head, *rows = [re.split("  +", line) for line in done.stdout.splitlines()]
    assert (done.returncode, head) == (1, ["map", "what", "key", "before", "after"])
    assert sorted(rows) == [
        ["jobs", "new", "place 1", "-", "job 5, prio 3"],
        ["net", "changed", "7,80", "n 5", "n 6"],
        ["rooms", "changed", "kitchen", "temp 21.50 °C, mode heat", "temp 22.00 °C, mode cool"],
        ["rooms", "gone", "hall", "temp 20.00 °C, mode off, runs 0, gain 0.0", "-"],
        ["rooms", "new", "bath", "-", "temp 24.00 °C, mode off, runs 0, gain 0.0"],
    ]


def test_values_records_and_samples(on: Command, board: Board) -> None:
    board.maps["log"].output({"code": "hot", "at": 9})
    for at, temp in ((1, 20), (2, -1.25)):
        board.maps["temps"].push(at, {"ok": True, "temp": temp})
    board.close()
    assert on("map", "enqueue", "jobs", "job=7").returncode == 0
    assert json.loads(on("map", "peek", "jobs", "-j").stdout)["formatted"] == {"value": {"job": 7, "prio": 3}}
    assert on("map", "dequeue", "jobs").stdout.split() == ["job", "prio", "7", "3"]
    assert on("map", "dump", "log").stdout.split() == ["number", "code", "at", "0", "hot", "9"]
    assert json.loads(on("map", "dump", "log", "-j").stdout)[0]["formatted"] == {"data": {"code": "hot", "at": 9}}
    assert on("map", "dump", "temps").stdout.splitlines()[2].split() == ["2", "true", "-1.25"]
    found = json.loads(on("map", "stats", "temps", "-j").stdout)
    assert (found["min"], found["max"], found["field"]) == (-1.25, 20, "temp")
    told = on("map", "watch", "temps", "--for", "1").stdout.splitlines()
    assert told[0] == "number 0  lost 0  timestamp 1  ok true  temp 20.00 °C"


def test_a_watch_tells_fields_with_their_units(on: Command, board: Board) -> None:
    board.maps["rooms"]["kitchen"] = {"temp": 19.5, "mode": "cool"}
    board.close()
    told = on("map", "watch", "rooms", "kitchen", "--for", "1").stdout.splitlines()
    assert told == ["room kitchen  temp 19.50 °C  mode cool  runs 0  gain 0.0"]
    event = json.loads(on("map", "watch", "rooms", "--for", "1", "-j").stdout)
    assert event["formatted"]["value"]["temp"] == 19.5


def test_a_map_without_a_schema_is_read_as_it_is_told(on: Command, board: Board) -> None:
    board.map("plain").update(0, b"\x9c\xff\2\0")
    board.close()
    shown = on("map", "lookup", "plain", "0", "--as", "temp:i16/10 °C, n:u16").stdout.splitlines()
    assert [line.split() for line in shown] == [["key", "temp", "°C", "n"], ["0", "-10.0", "2"]]
    shown = on("map", "dump", "plain", "--as", "<hH").stdout.splitlines()
    assert [line.split() for line in shown] == [["key", "f0", "f1"], ["0", "-100", "2"], ["1", "0", "0"]]
    for wrong, why in (
        (">hH", "no little-endian format"),
        ("<h", "--as has 2 bytes, and a value of 'plain' 4"),
        ("a:u9", "'u9' is no type"),
    ):
        assert why in on("map", "dump", "plain", "--as", wrong).stderr


def test_show_lists_the_fields_of_one_map(on: Command, board: Board) -> None:
    board.close()
    done = on("map", "show", "rooms")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["value", "temp", "i16", "°C", "5.00..35.00", "21.00"] in lines
    assert ["value", "mode", "u8", "{off,heat,cool}"] in lines
    assert ["value", "runs", "u32", "firmware", "only,", "counter"] in lines
    assert json.loads(on("map", "show", "rooms", "-j").stdout)["schema"].startswith(
        "room:8s\ntemp:i16/100(5..35=21) °C, mode"
    )


def test_create_takes_schemas(on: Command, board: Board) -> None:
    board.close()
    words = ("map", "create", "name", "made", "type", "hash", "key", "k:u16", "value", "v:i8 V, w:2s", "entries", "4")
    made = json.loads(on(*words, "--json").stdout)
    assert (made["bytes_key"], made["bytes_value"], made["schema"]) == (2, 3, "k:u16\nv:i8 V, w:2s")
    wrong = on("map", "create", "name", "x", "type", "hash", "key", "k:u17", "value", "v:i8", "entries", "4")
    assert "field 'k', character 3: 'u17' is no type" in wrong.stderr


def test_nan_and_infinities_are_valid_json(on: Command, board: Board) -> None:
    typed = board.maps["rooms"]
    for room, gain in (("a", float("nan")), ("b", float("-inf"))):
        typed[room] = {"gain": gain}
    board.close()

    def refuse(word: str) -> None:
        raise AssertionError(word)

    found = json.loads(on("map", "dump", "rooms", "-j").stdout, parse_constant=refuse)
    gains = {entry["formatted"]["key"]: entry["formatted"]["value"]["gain"] for entry in found}
    assert gains == {"a": "NaN", "b": "-Infinity"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("map update ro", {"rooms", "rows"}),
        ("map lookup rooms k", {"kitchen"}),
        ("map update rooms kitchen ", {"temp=", "mode=", "gain="}),
        ("map update rooms kitchen mode=", {"mode=off", "mode=heat", "mode=cool"}),
        ("map update rooms kitchen temp=2 m", {"mode="}),
    ],
)
def test_a_shell_completes_names_keys_and_fields(
    board: Board, firmware: UnixBoard, words: str, found: set[str]
) -> None:
    board.maps["rooms"]["kitchen"] = {}
    board.close()
    asked = {
        "_BOARDMAPS_COMPLETE": "bash_complete",
        "COMP_WORDS": f"boardmaps {words}",
        "BOARDMAPS_PORT": str(firmware.port),
    }
    asked["COMP_CWORD"] = str(len(words.split(" ")))
    done = subprocess.run(BOARDMAPS, env=environment(**asked), capture_output=True, text=True, timeout=60, check=False)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == found, done.stderr
    assert os.environ.get("_BOARDMAPS_COMPLETE") is None

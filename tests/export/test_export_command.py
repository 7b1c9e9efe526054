"""`boardmaps export csv`, `jsonl` and `sqlite` on boards: many of them, that go and come back, until Ctrl-C or a closed pipe."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps import HashMap
from boardmaps_host import connect
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, Command, environment
from tests.export.conftest import Running
from tests.waits import PATIENCE, eventually

Start = Callable[..., Running]


def test_one_reading_of_two_boards_one_of_which_is_not_there(firmware: UnixBoard, run: Command, tmp_path: Path) -> None:
    away = f"{tmp_path}/away"
    done = run("export", "jsonl", "--once", "-P", f"kitchen={firmware.port}", "-P", f"cellar={away}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"boardmaps: cellar is down: {away}: there is no such port.")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["board"] for one in found} == {"kitchen"}
    assert [(one["map"], one["key"], one["board_time"]) for one in found] == [
        ("rooms", "kitchen", None),
        ("hits", "0", None),
        ("temps", None, 100),
        ("temps", None, 101),
        ("temps", None, 102),
        ("said", "0", None),
    ]
    assert found[0]["values"]["temp"] == 21.5
    assert next(iter(found[1]["values"])) == "cpu0.n"


def test_a_file_of_one_map_at_ctrl_c(firmware: UnixBoard, start: Start, tmp_path: Path) -> None:
    path = tmp_path / "rooms.csv"
    export = start("export", "csv", str(path), "-P", firmware.port, "--map", "rooms", "--every", "0.02", "--json")
    assert eventually(lambda: path.exists() and path.read_bytes().count(b"\n") > 20)
    assert export.end() == 0
    said = json.loads(export.out[0])
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert (said["file"], said["rows"]) == (str(path), len(rows))
    assert said["readings"] * 7 == len(rows)
    assert {row["map"] for row in rows} == {"rooms"}
    assert path.read_bytes().endswith(b"\n")


def test_a_board_that_goes_and_comes_back(start: Start, tmp_path: Path, firmware: UnixBoard) -> None:
    """The other board goes on; what is in the series is told once."""
    shutil.copy(firmware.flash, tmp_path / "flash")
    path = tmp_path / "x.jsonl"
    words = ("-P", f"other={firmware.port}", "--every", "0.05")

    def rows(board: str) -> list[dict[str, object]]:
        return [one for one in map(json.loads, path.read_text().splitlines()) if one["board"] == board]

    with UnixBoard(port=tmp_path / "port", flash=tmp_path / "flash") as board:
        export = start("export", "jsonl", str(path), "-P", f"mine={board.port}", *words)
        assert eventually(lambda: path.exists() and rows("mine"))
    assert export.says("mine is down")
    before = len(rows("other"))
    assert eventually(lambda: len(rows("other")) > before)
    with UnixBoard(port=tmp_path / "port", flash=tmp_path / "flash"):
        assert export.says("mine is there again")
        mine = len(rows("mine"))
        assert eventually(lambda: len(rows("mine")) > mine)
        assert export.end() == 0
    samples = [one["board_time"] for one in rows("other") if one["map"] == "temps"]
    assert samples == [100, 101, 102]
    assert "Traceback" not in "".join(export.err)


@pytest.mark.parametrize(
    "words",
    [("csv", "--once"), ("csv", "--for", "600"), ("csv",), ("prometheus", "--listen", "127.0.0.1:0"), ("mqtt",)],
)
def test_a_map_that_no_board_has_is_an_error_at_once(firmware: UnixBoard, run: Command, words: tuple[str, ...]) -> None:
    done = run("export", *words, "-P", firmware.port, "--map", "attic")
    assert done.returncode == 1
    assert "boardmaps: map 'attic': the board has no such map; it has: hits, " in done.stderr
    assert "is down" not in done.stderr.replace("the broker", "")


def test_a_map_that_only_one_of_the_boards_has(firmware: UnixBoard, start: Start, run: Command, tmp_path: Path) -> None:
    shutil.copy(firmware.flash, tmp_path / "flash")
    with UnixBoard(port=tmp_path / "port", flash=tmp_path / "flash") as board, connect(board.port, share=True) as other:
        other.create_map(HashMap, name="attic", key="k:u8", value="n:u8", max_entries=1)
        other.maps.attic[1] = {"n": 7}
        boards = ("-P", f"mine={board.port}", "-P", f"other={firmware.port}")
        export = start("export", "csv", *boards, "--map", "attic", "--every", "0.02")
        assert export.says("other has no map 'attic'; it has: hits, ")
        assert export.says(",mine,attic,1,n,7,")
        assert export.end() == 0
        done = run("export", "csv", *boards, "--map", "attic", "--map", "cellar")
        assert (done.returncode, "map 'cellar': none of the boards has such a map" in done.stderr) == (1, True)


def test_for_counts_from_the_first_reading(firmware: UnixBoard, run: Command, tmp_path: Path) -> None:
    for seconds in "0", "0.01":  # less than it takes to reach a board
        done = run("export", "jsonl", str(tmp_path / "x.jsonl"), "-P", firmware.port, "--for", seconds, "--json")
        said = json.loads(done.stdout)
        assert (done.returncode, said["readings"] >= 1, said["rows"] >= 6) == (0, True, True)
    done = run("export", "csv", str(tmp_path / "x.csv"), "-P", firmware.port, "--for", "0", "--map", "said")
    assert (done.stdout, done.stderr) == (f"wrote 1 row to {tmp_path / 'x.csv'}\n", "")
    away = run("export", "jsonl", "-P", f"{tmp_path}/away", "--for", "0.1")
    assert (away.returncode, away.stdout) == (0, "")


def test_a_closed_pipe(firmware: UnixBoard) -> None:
    export = subprocess.Popen(
        [*BOARDMAPS, "export", "csv", "-P", firmware.port, "--every", "0.02"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(BOARDMAPS_SHARE="1"),
    )
    assert export.stdout is not None
    assert export.stderr is not None
    assert export.stdout.readline() == b"time,board,map,key,field,value,board_time\n"
    export.stdout.close()
    assert export.wait(PATIENCE) == 141
    assert export.stderr.read() == b""
    export.stderr.close()


def test_what_is_wrong_with_the_words(run: Command) -> None:
    for words, text in (
        (("sqlite", "-P", "a0"), "a database is a file: name it"),
        (("csv",), "Missing option '--port'"),
        (("csv", "-P", "a=a0", "-P", "a=a1"), "another board is called 'a' already"),
        (("csv", "-P", "a0", "--every", "0"), "--every"),
    ):
        done = run("export", *words)
        assert done.returncode == 2
        assert text in done.stderr


def test_a_board_of_software_must_be_running(run: Command, tmp_path: Path) -> None:
    done = run("export", "csv", "--once", "-P", "unix", XDG_RUNTIME_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "boardmaps sim --board unix" in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["export", "--help"], ["export", "csv", "--help"]])
def test_what_an_output_needs_is_not_loaded_for_the_rest(words: list[str]) -> None:
    code = (
        "import sys\nfrom boardmaps_host.cli.run import run\n"
        f"run({words!r})\nprint([name for name in ('prometheus_client', 'paho', 'sqlite3', 'boardmaps_host.export.poller') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.splitlines()[-1] == "[]"

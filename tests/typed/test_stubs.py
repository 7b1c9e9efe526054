"""Stubs of a board's maps: what mypy then finds in a program, and that the program runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from boardmaps import ArrayMap, HashMap, PerCpuHash, Queue, RingBuf, TimeSeries
from boardmaps_host import connect
from boardmaps_host.twin import Registry
from boardmaps_host.typed import stubs
from tests.cli.conftest import Command, environment
from tests.cli.conftest import run as run  # noqa: PLC0414 - a fixture, for this module too

VALUE = (
    "temp:i16/100(5..35=21) °C 'of the air', mode:u8{off,heat,cool}, runs:u32!, flags:u8&{low,high}, pid.p:f32, "
    "pid.i:f32, list:u8[3], name:6s, raw:4b, on:bool, items:u8, class:u8, far:u16*10"
)
# Each line that mypy must refuse says so.
PROGRAM = """
from thermostat import Board, connect


def warm(board: Board) -> float:
    rooms = board.maps.rooms
    kitchen = rooms["kitchen"]
    kitchen.temp = 21.5
    kitchen.temp = "warm"  # wrong
    kitchen.mode = "heat"
    kitchen.mode = "hot"  # wrong
    kitchen.tmp = 3  # wrong
    kitchen.runs = 3  # wrong
    rooms[3]  # wrong
    kitchen.pid.p = 1
    kitchen.pid.d  # wrong
    rooms.force["kitchen"].temp = 90
    runs: int = kitchen.runs
    name: str = kitchen.name
    runs = kitchen.name  # wrong
    items: int = kitchen["items"]
    three: tuple[int, ...] = kitchen.list
    for key, record in board.maps["rooms"].items():
        name, on = key, record.on
        on = key  # wrong
    board.maps.net[(1, 2)].n + 1
    board.maps.net[1]  # wrong
    board.maps.rows[1].set + 0.5
    board.maps.nothing  # wrong
    board.maps["a.b"][0].x
    job = board.maps.jobs.pop()
    job.job  # wrong
    if job is not None:
        job.job + 1
    (number, sample), *_ = board.maps.temps.last(3)
    sample.temp + number
    board.maps.cores["x"][0].n + 1
    rooms.lookup(b"kitchen")
    with board.commit():
        kitchen.temp = 3
    return kitchen.temp


with connect("twin", timeout=2, share=False) as board:
    print(warm)
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program beside the stubs of maps of all kinds."""
    folder = tmp_path_factory.mktemp("stubs")
    with Registry(), connect("twin") as board:
        HashMap.typed("rooms", key="room:8s", value=VALUE, max_entries=4)
        HashMap.typed("net", key="host:u32, port:u16", value="n:u32", max_entries=4)
        ArrayMap.typed("rows", value="set:i16/10", max_entries=2)
        ArrayMap.typed("a.b", value="x:u8", max_entries=2)
        PerCpuHash.typed("cores", key="name:4s", value="n:u32", max_entries=2)
        Queue.typed("jobs", value="job:u16", max_entries=3)
        RingBuf.typed("log", value="code:u8{ok,hot}, at:u32", max_entries=256)
        TimeSeries.typed("temps", value="temp:i16/100 °C", max_entries=8)
        ArrayMap(4, 2, name="plain")
        names = stubs.write(folder / "thermostat.pyi", board.maps())
    assert names == ["rooms", "net", "rows", "a.b", "cores", "jobs", "log", "temps"]
    (folder / "program.py").write_text(PROGRAM)
    return folder / "program.py"


def test_mypy_finds_what_is_wrong_and_nothing_else(program: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", "program.py", "thermostat.pyi"],
        cwd=program.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    wrong = {number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# wrong")}
    assert found == wrong, done.stdout
    assert "thermostat.pyi" not in done.stdout, done.stdout


def test_the_module_runs(program: Path) -> None:
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stdout[:15]) == (0, "<function warm "), done.stderr


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "thermostat.py"
    mine.write_text("print('mine')\n")
    with pytest.raises(FileExistsError, match="boardmaps stubs has not made it"):
        stubs.write(tmp_path / "thermostat.pyi", [])
    assert [file.name for file in tmp_path.iterdir()] == ["thermostat.py"]
    mine.unlink()
    for _ in range(2):
        stubs.write(tmp_path / "thermostat.pyi", [])


def test_the_command(run: Command, tmp_path: Path) -> None:
    done = run("stubs", str(tmp_path / "board_maps.pyi"), "--port", "twin", "--json")
    assert done.returncode == 0, done.stderr
    assert '"maps": []' in done.stdout.replace("\n", "")
    compile((tmp_path / "board_maps.pyi").read_text(), "board_maps.pyi", "exec")
    for name in ("not a name.pyi", "maps.txt"):
        refused = run("stubs", name, "--port", "twin")
        assert (refused.returncode, "no name of a module" in refused.stderr) == (2, True), refused.stderr
    (tmp_path / "taken.py").write_text("x = 1\n")
    refused = run("stubs", str(tmp_path / "taken.pyi"), "--port", "twin")
    assert (refused.returncode, "has not made it" in refused.stderr) == (1, True), refused.stderr

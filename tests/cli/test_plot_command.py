"""`boardmaps plot`: in a terminal as it comes, and as a file; what is no number says so before anything is read."""

import csv
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, Command
from tests.firmware import running
from tests.top.terminals import Terminal

PROGRAM = """
import boardmaps, time
from boardmaps import ArrayMap, HashMap, TimeSeries
rooms = HashMap.typed("rooms", key="room:8s", value="temp:i16/100 °C, on:bool, name:4s, pid.p:f32[2]", max_entries=4)
rooms.update(b"kitchen\\0", bytes(rooms.definition.value_size))
temp = rooms.field("temp")
temps = TimeSeries.typed("temps", value="temp:i16/100 °C", max_entries=40, field="temp")
for n in range(30):
    temps.push(5000 + 10 * n, (2000 + 10 * n).to_bytes(2, "little"))
hits = ArrayMap.with_entries(value_size=4, max_entries=2, name="hits")
plain = HashMap(key_size=4, value_size=2, max_entries=2, name="plain")
plain.update(b"one\\0", b"\\7\\0")
step = 0
while True:
    boardmaps.poll()
    step = (step + 1) % 20
    temp.raw.set(b"kitchen\\0", 2000 + 10 * step)
    time.sleep_ms(5)
"""


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board that runs PROGRAM."""
    with running(tmp_path_factory.mktemp("plot"), PROGRAM) as board:
        yield board


def rows(file: Path) -> list[list[str]]:
    """Return what a saved table has, without its head."""
    head, *rest = csv.reader(file.read_text("utf-8").splitlines())
    assert head[0] == "place"
    return rest


def test_fields_of_entries_by_the_computers_time(on: Command, tmp_path: Path) -> None:
    file = tmp_path / "rooms.csv"
    done = on("plot", "rooms.kitchen.temp", "hits.1", "plain.str:one", "rooms.kitchen.pid.p[1]",
              "--for", "1", "--every", "0.05", "--save", str(file))  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    saved = rows(file)
    temps = [(float(at), float(number)) for place, at, number, unit in saved if place == "rooms.kitchen.temp"]
    assert {unit for place, _, _, unit in saved if place == "rooms.kitchen.temp"} == {"°C"}
    assert len(temps) > 2
    assert 0 <= temps[0][0] < temps[-1][0]
    assert len({number for _, number in temps}) > 1
    assert all(20 <= number < 22 for _, number in temps)
    assert {number for place, _, number, _ in saved if place == "plain.str:one"} == {"7"}
    assert {place for place, *_ in saved} == {"rooms.kitchen.temp", "hits.1", "plain.str:one", "rooms.kitchen.pid.p[1]"}


def test_a_series_by_the_boards_own_time(on: Command, tmp_path: Path) -> None:
    file = tmp_path / "temps.csv"
    done = on("plot", "temps.temp", "--save", str(file))
    assert done.returncode == 0, done.stderr
    assert rows(file) == [["temps.temp", str(5000 + 10 * n), f"{20 + n / 10:.10g}", "°C"] for n in range(30)]
    picture = tmp_path / "temps.svg"
    assert on("plot", "temps.temp", "--save", str(picture)).returncode == 0
    assert "</svg>" in picture.read_text()


@pytest.mark.parametrize(
    ("words", "says", "status"),
    [
        (["nowhere.x"], "begins with no map's name", 1),
        (["rooms.kitchen.tmp"], "there are temp, on, name, pid.p", 1),
        (["rooms.kitchen.name"], "is 4s, and no number", 1),
        (["rooms.kitchen.pid.p[2]"], "has 2 numbers", 1),
        (["rooms.temp"], "the key is missing", 1),
        (["rooms.kichen.temp"], "the map 'rooms' has no such key; it has kitchen.", 1),
        (["plain.str:on"], "the map 'plain' has no such key; it has 6f 6e 65 00.", 1),
        (["temps.5.temp"], "has no keys", 1),
        (["rooms.kitchen.temp", "temps.temp"], "plot them apart", 1),
        (["rooms.kitchen.temp", "--save", "x.txt"], "ends with none of .svg", 2),
        (["rooms.kitchen.temp", "--save", "no/such/x.csv"], "there is no folder", 2),
    ],
)
def test_what_cannot_be_plotted_says_why(on: Command, tmp_path: Path, words: list[str], says: str, status: int) -> None:
    save = [] if "--save" in words else ["--save", str(tmp_path / "x.csv")]
    done = on("plot", *words, *save)
    assert (done.returncode, done.stderr.count("\n")) == (status, 1), done.stderr
    assert says in done.stderr
    assert not (tmp_path / "x.csv").exists()


def test_without_a_terminal_a_file_is_needed(on: Command) -> None:
    done = on("plot", "hits.0")
    assert done.returncode == 2
    assert "--save FILE" in done.stderr


@pytest.mark.parametrize(("end", "status"), [("\x03", 130), (signal.SIGTERM, 143)])
def test_it_is_drawn_until_it_is_ended_and_saved_then(
    firmware: UnixBoard, tmp_path: Path, end: str | signal.Signals, status: int
) -> None:
    file = tmp_path / "x.csv"
    command = [*BOARDMAPS, "plot", "rooms.kitchen.temp", "--port", firmware.port, "--save", str(file)]
    with Terminal(command) as terminal:
        terminal.sees("━ rooms.kitchen.temp [°C]")
        terminal.sees("seconds")
        if isinstance(end, str):
            terminal.press(end)
        else:
            terminal.process.send_signal(end)
        assert terminal.ends() == status
        assert terminal.is_clean()
    assert rows(file)

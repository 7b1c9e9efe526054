"""Pins over the line: a map of a board that restarts, and what the command says of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps.errors import InvalidDefinition, MapError, NotPermitted
from boardmaps_host import connect
from boardmaps_host.deploy import deploy
from boardmaps_host.state.pin import parse
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import Command
from tests.cli.conftest import run as run  # noqa: PLC0414
from tests.waits import eventually

PROGRAM = """
import boardmaps, time
from boardmaps import *
table = HashMap(4, 4, 8, name="table")
shut = ArrayMap(4, 2, BPF_F_WRONLY, "shut")
kept = ArrayMap(4, 2, BPF_F_RDONLY, "only")
unnamed = ArrayMap(4, 2)
boardmaps.pin(kept)
damage = ArrayMap(4, 1, 0, "damage")  # set by a test: a bit of the table's pin changes
while True:
    boardmaps.poll()
    if any(damage.lookup(0)):
        with open("/boardmaps_kept/table.pin", "r+b") as pin:
            pin.seek(140)
            byte = pin.read(1)[0]
            pin.seek(140)
            pin.write(bytes((byte ^ 1,)))
        damage.update(0, bytes(4))
    time.sleep_ms(2)
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board that runs PROGRAM."""
    folder = tmp_path_factory.mktemp("pins")
    (folder / "program.py").write_text(PROGRAM)
    with UnixBoard(port=folder / "port", flash=folder / "flash") as running:
        deploy(running.port, app=folder / "program.py")
        yield running


def restart(board: UnixBoard) -> None:
    """Start the board's program anew, as deploy does."""
    deploy(board.port, app=Path(board.port).parent / "program.py")


def test_a_pinned_map_is_there_after_a_restart(board: UnixBoard) -> None:
    with connect(board.port) as to:
        table = to.map("table")
        table.update(b"key1", b"val1")
        written, seconds = table.pin()
        assert written == 32 + table.size
        assert seconds > 0
        assert table.pin()[0] == 0
        table.update(b"key2", b"val2")
        found = {pin.name: pin for pin in to.pins().pins}
        assert (found["table"].state, found["only"].state) == ("changed", "same")
        assert (found["table"].size, found["table"].writes, found["table"].every) == (written, 1, None)
        assert to.pins().written == written + found["only"].size
        assert to.pins().longest_stop <= to.pins().all_stops
        assert to.unpinned() == ["table"]
        pinned = parse(to.kept("table.pin") or b"").slice
        assert len(pinned) == table.size
        assert b"val1" in pinned
        assert b"val2" not in pinned
        assert to.kept("nothing.pin") is None
    restart(board)
    with connect(board.port) as to:
        table = to.map("table")
        assert dict(table.items()) == {b"key1": b"val1"}
        assert to.info["pins"] == "2"
        assert table.unpin()
        assert not table.unpin()
        assert to.info["pins"] == "2", "what HELLO said"
        assert dict(table.items()) == {b"key1": b"val1"}
    restart(board)
    with connect(board.port) as to:
        assert len(to.map("table")) == 0


def test_the_board_pins_what_changes(board: UnixBoard) -> None:
    with connect(board.port) as to:
        table = to.map("table")
        table.pin(every=0.01)
        table.update(b"soon", b"kept")
        for _ in range(500):
            to.listen(0.01)
            if not to.unpinned():
                break
        (pin,) = (pin for pin in to.pins().pins if pin.name == "table")
        assert (pin.state, pin.writes, pin.every) == ("same", 2, 0.01)
        table.unpin()


def test_what_is_refused_leaves_all_as_it_was(board: UnixBoard) -> None:
    with connect(board.port) as to:
        (unnamed,) = (info.id for info in to.maps() if not info.name)
        with pytest.raises(InvalidDefinition, match="no name under which it could be found again"):
            to.map(unnamed).pin()
        with pytest.raises(MapError, match="every is -1, not a number of seconds"):
            to.map("table").pin(every=-1)
        with pytest.raises(InvalidDefinition, match="a pin has a name"):
            to.unpin("")
        with pytest.raises(NotPermitted, match="the map is read-only for the host"):
            to.unpin("only")
        to.map("shut").pin()
        with pytest.raises(NotPermitted, match="write-only for the host"):
            to.kept("shut.pin")
        assert to.unpin("shut")
        assert to.kept("../boot.py") is None
        assert {pin.name for pin in to.pins().pins} == {"only"}


def test_the_command_pins_shows_and_says_what_is_not_kept(board: UnixBoard, run: Command) -> None:
    on = {"BOARDMAPS_PORT": board.port}
    done = run("map", "pin", "table", **on)
    assert done.stdout.startswith("pinned 'table': ")
    assert "bytes written; the board's program stood still for " in done.stdout
    assert done.stderr == ""
    assert "nothing was written" in run("map", "pin", "table", **on).stdout
    changed = run("map", "update", "table", "key", "str:k", "value", "u32:7", **on)
    assert changed.returncode == 0
    assert changed.stderr.endswith(
        "table is pinned, and what it holds now is not: it is lost with the power. To keep it: boardmaps map pin table\n"
    )
    assert run("map", "lookup", "table", "key", "str:k", **on).stderr == "", "it has changed nothing"
    shown = run("pin", "show", **on).stdout
    assert "table  changed" in shown
    found = json.loads(run("pin", "show", "--json", **on).stdout)
    (pin,) = (pin for pin in found["pins"] if pin["name"] == "table")
    assert (pin["state"], pin["writes"], pin["why"], pin["every"]) == ("changed", 1, None, None)
    beside = run("pin", "show", "table", **on).stdout.splitlines()
    assert beside[0].split() == ["key", "live", "pinned", "default"]
    (row,) = (line for line in beside if line.lstrip().startswith("107"))
    assert row.split() == ["107", "07", "00", "00", "00", "(7)", "-", "-", "differs"]
    entry = {"key": ["0x6b", "0x00", "0x00", "0x00"], "live": ["0x07", "0x00", "0x00", "0x00"]}
    assert entry | {"pinned": None, "default": None} in json.loads(run("pin", "show", "table", "--json", **on).stdout)
    only = run("pin", "show", "only", **on).stdout.splitlines()
    assert only[1].split() == ["0", *(["00", "00", "00", "00", "(0)"] * 3)]
    assert "the map 'shut' is not pinned. To pin it: boardmaps map pin shut" in run("pin", "show", "shut", **on).stderr
    again = json.loads(run("map", "pin", "table", "every", "0.5", "--json", **on).stdout)
    assert again["bytes_written"] == pin["bytes"]
    assert json.loads(run("map", "unpin", "table", "--json", **on).stdout) == {"name": "table", "was_pinned": True}
    gone = run("map", "unpin", "table", **on)
    assert (gone.returncode, gone.stderr) == (1, "boardmaps: unpin 'table': there is no pin of this name\n")
    wrong = run("map", "pin", "table", "every", "soon", **on)
    assert "the seconds after 'every' are 'soon', not a number from 0 to 100,000." in wrong.stderr


def test_a_pin_that_is_damaged_is_not_shown(board: UnixBoard, run: Command) -> None:
    with connect(board.port) as to:
        to.map("table").pin()
        to.map("damage").update(0, b"\1\0\0\0")
        assert eventually(lambda: to.map("damage").lookup(0) == bytes(4))
        with pytest.raises(MapError, match="its content is damaged"):
            parse(to.kept("table.pin") or b"")
    done = run("pin", "show", "table", BOARDMAPS_PORT=board.port)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the pin 'table' cannot be shown: its content is damaged" in done.stderr

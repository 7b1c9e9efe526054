"""A program that crashes: what the board has on record, and what each command says of it."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from boardmaps import RingBuf
from boardmaps_host import connect
from boardmaps_host.client import crashes
from boardmaps_host.deploy import deploy
from boardmaps_host.deploy.link import DeployError
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import Command
from tests.waits import PATIENCE

PROGRAM = """
import boardmaps
from boardmaps import *
log = RingBuf(256, name="log")
state = ArrayMap(4, 2, name="state")
def main():
    state.update(1, b"hot!")
    log.output(b"valve open")
    log.output(b"pressure 9")
    raise ValueError("no water")
boardmaps.run(main)
"""


def crash(board: UnixBoard, program: Path) -> None:
    """Put the program on a board, and return when it has crashed."""
    with suppress(DeployError):  # which the program may be too slow for
        deploy(board.port, app=program)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with connect(board.port) as to:
            if to.crash_on_record:
                return
    pytest.fail("no crash is on record")


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board whose program has crashed in its first boot; it is at its REPL."""
    folder = tmp_path_factory.mktemp("crashed")
    (folder / "program.py").write_text(PROGRAM)
    with UnixBoard(port=folder / "port", flash=folder / "flash") as board:
        crash(board, folder / "program.py")
        yield board


def test_every_command_says_that_a_crash_is_on_record_and_which(crashed: UnixBoard, run: Command) -> None:
    done = run("map", "show", "--json", BOARDMAPS_PORT=crashed.port)
    assert done.returncode == 0
    assert "no program runs, and the maps are as they were left. A crash is on record" in done.stderr
    assert "stopped it" not in done.stderr
    assert "A crash is on record, the last one in boot 1:\nTraceback" in done.stderr
    assert "ValueError: no water\nAll of it: boardmaps postmortem" in done.stderr


def test_the_client_has_the_crash_and_what_the_ledger_counts(crashed: UnixBoard) -> None:
    with connect(crashed.port) as board:
        assert board.crash_on_record
        assert not board.program_runs
        report = crashes.of_board(board)
    (crash,) = report.crashes
    assert (crash.which, crash.number, crash.boot, crash.cause) == ("first", 1, 1, "exception")
    assert crash.uptime is not None
    assert crash.uptime < 60
    assert crash.text.endswith("ValueError: no water\n")
    assert report.ledger is not None
    assert (report.ledger.boots, report.ledger.crashes, report.ledger.waiting) == (1, 1, 1)
    assert report.ledger.causes["unknown"] == 1
    assert report.notes == []


@pytest.mark.parametrize("bit", range(0, 8 * 40, 7))
def test_a_flipped_bit_of_a_record_is_found(bit: int, crashed: UnixBoard, record: tuple[bytes, bytes]) -> None:
    for data, parse in zip(
        record, (lambda data: crashes.parse_crash(data, "first"), crashes.parse_ledger), strict=True
    ):
        parse(data)
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match="damaged"):
            parse(bytes(flipped))
        with pytest.raises(ValueError, match=r"damaged|length"):
            parse(data[:-1])


@pytest.fixture(scope="module")
def record(crashed: UnixBoard) -> tuple[bytes, bytes]:
    """The bytes of the crash and of the ledger."""
    with connect(crashed.port) as board:
        return board.kept("first.crash") or b"", board.kept("ledger") or b""


def test_the_command_shows_the_crash_the_last_records_and_the_maps(crashed: UnixBoard, run: Command) -> None:
    done = run("postmortem", BOARDMAPS_PORT=crashed.port)
    assert done.returncode == 0, done.stderr
    assert "on record" not in done.stderr
    assert done.stdout.startswith("boots: 1 (unknown 1); crashes: 1, not acknowledged: 1\n")
    assert "crash 1 (first): exception, boot 1, after 0." in done.stdout
    assert "ValueError: no water\n" in done.stdout
    assert "'valve open'" in done.stdout
    assert "'pressure 9'" in done.stdout
    assert "maps as they were: log, state; --maps shows them" in done.stdout
    assert "hot!" in run("postmortem", "--maps", BOARDMAPS_PORT=crashed.port).stdout
    found = json.loads(run("postmortem", "--json", BOARDMAPS_PORT=crashed.port).stdout)
    (crash,) = found["crashes"]
    assert (crash["which"], crash["cause"], crash["boot"]) == ("first", "exception", 1)
    assert [bytes(int(byte, 16) for byte in one["data"]) for one in crash["records"]["log"]] == [
        b"valve open",
        b"pressure 9",
    ]
    (state,) = (one for one in crash["maps"] if one["name"] == "state")
    assert state["data"][1]["value"] == ["0x68", "0x6f", "0x74", "0x21"]


def test_the_flash_of_a_board_that_does_not_start_has_the_same(
    crashed: UnixBoard, run: Command, tmp_path: Path
) -> None:
    image = tmp_path / "flash"
    image.write_bytes((Path(crashed.port).parent / "flash").read_bytes())
    live = json.loads(run("postmortem", "--json", BOARDMAPS_PORT=crashed.port).stdout)
    found = json.loads(run("postmortem", str(image), "--json").stdout)
    for crash in (*live["crashes"], *found["crashes"]):
        for one in crash["maps"]:
            one["file"] = ""
    assert found["crashes"] == live["crashes"]
    assert found["ledger"] == live["ledger"]
    assert "--acknowledge is for a board" in run("postmortem", str(image), "--acknowledge").stderr
    assert run("postmortem", __file__).returncode == 1
    assert "name the board with --port, or a file" in run("postmortem").stderr


def test_a_pool_image_has_the_crashes_of_a_ring(crashed: UnixBoard, tmp_path: Path, run: Command) -> None:
    with connect(crashed.port) as board:
        board.create_map(RingBuf, size=4096, name="crashes").output(board.kept("first.crash") or b"")
        image = board.pool.read()
        assert [crash.which for crash in crashes.of_board(board).crashes] == ["first", "in ring 'crashes'"]
    (tmp_path / "pool").write_bytes(image)
    done = run("postmortem", str(tmp_path / "pool"))
    assert "crash 1 (in ring 'crashes'): exception, boot 1" in done.stdout
    assert "ValueError: no water" in done.stdout


def test_what_is_acknowledged_is_gone(tmp_path: Path, run: Command) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    with UnixBoard(port=tmp_path / "port") as board:
        crash(board, tmp_path / "program.py")
        assert run("postmortem", "--acknowledge", BOARDMAPS_PORT=board.port).stdout.endswith("acknowledged 1 crash\n")
        done = run("postmortem", BOARDMAPS_PORT=board.port)
        assert "crashes: 1, not acknowledged: 0\nno crash is on record\n" in done.stdout


def test_a_board_without_a_crash_says_nothing_of_one(tmp_path: Path, run: Command) -> None:
    with UnixBoard(port=tmp_path / "port") as board:
        deploy(board.port)
        done = run("map", "show", BOARDMAPS_PORT=board.port)
        assert "To keep tracebacks: boardmaps.run(main).\n" in done.stderr
        assert "on record" not in done.stderr

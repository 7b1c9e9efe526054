"""A program that crashes: what the board has on record, and what each command says of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_host import connect
from boardmaps_host.client import crashes
from boardmaps_host.deploy import deploy
from boardmaps_host.deploy.link import DeployError
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import Command

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


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board whose program has crashed in its first boot; it is at its REPL."""
    folder = tmp_path_factory.mktemp("crashed")
    (folder / "program.py").write_text(PROGRAM)
    with UnixBoard(port=folder / "port", flash=folder / "flash") as board:
        with pytest.raises(DeployError, match="no water"):
            deploy(board.port, app=folder / "program.py")
        yield board


def test_every_command_says_that_a_crash_is_on_record_and_which(crashed: UnixBoard, run: Command) -> None:
    done = run("map", "show", "--json", BOARDMAPS_PORT=crashed.port)
    assert done.returncode == 0
    assert "no program runs: the board is at its REPL" in done.stderr
    assert "MicroPython does not keep it" not in done.stderr
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


def test_a_board_without_a_crash_says_nothing_of_one(tmp_path: Path, run: Command) -> None:
    with UnixBoard(port=tmp_path / "port") as board:
        deploy(board.port)
        done = run("map", "show", BOARDMAPS_PORT=board.port)
        assert "MicroPython does not keep it, and boardmaps.run(main) does." in done.stderr
        assert "on record" not in done.stderr

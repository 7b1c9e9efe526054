"""A board that several programs share, and hubs that end with their test, by their process's number, whatever the test did."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from boardmaps_host import connect
from boardmaps_host.client import Board, LinkError
from boardmaps_host.share import meeting
from boardmaps_sim.unix import UnixBoard
from tests.firmware import running
from tests.waits import eventually

# Maps of every sort of event, and a firmware that goes on while programs look.
PROGRAM = """
import boardmaps, time
from boardmaps import ArrayMap, HashMap, RingBuf, TimeSeries
hits = ArrayMap.with_entries(value_size=8, max_entries=8, name="hits")
temps = HashMap(key_size=8, value_size=4, max_entries=32, name="temps")
big = ArrayMap.with_entries(value_size=2000, max_entries=2, name="big")
log = RingBuf(4096, name="log")
said = ArrayMap.with_entries(value_size=4, max_entries=1, name="said")
zero = (0).to_bytes(4, "little")
server = boardmaps.Server(idle=3)
ticks = False
while True:
    server.poll(5)  # without a wait it would take a processor from all tests behind these
    if ticks:
        boardmaps.tick()
    if said.lookup(zero) != zero:
        what = int.from_bytes(said.lookup(zero), "little")
        said.update(zero, zero)
        if what == 1:
            print("the firmware speaks")
        elif what == 2:
            raise ValueError("told to")
        elif what == 3:
            ticks = True
"""

Connect = Callable[..., Board]


@pytest.fixture(scope="session")
def unix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board that runs PROGRAM."""
    with running(tmp_path_factory.mktemp("shared"), PROGRAM) as board:
        yield board


def alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def end(pid: int) -> None:
    """End a process, and return when it is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not alive(pid))


@pytest.fixture(autouse=True)
def _no_hub_is_left() -> Iterator[None]:
    """End the hubs that a test has started: those in the folder that this run alone has."""
    yield
    for hub in meeting.hubs():
        end(hub["pid"])


@pytest.fixture
def attach(unix: UnixBoard) -> Iterator[Connect]:
    """attach(**options) is a program more on the board; all leave it at the end."""
    boards: list[Board] = []

    def one(**options: Any) -> Board:
        board = connect(unix.port, share=True, timeout=30, **options)
        boards.append(board)
        return board

    yield one
    for board in boards:
        with suppress(LinkError):  # what a test leaves may be broken on purpose
            board.close()


def clean(board: Board) -> None:
    """Empty the maps that the tests share."""
    for name in ("hits", "temps", "big", "said", "log"):
        board.map(name).clear()

"""A board with typed maps of every sort that is exported, shared as users have it, and how the command is started and ended."""

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from boardmaps import HashMap
from boardmaps_host import connect
from boardmaps_host.client.errors import PortGone
from boardmaps_host.twin import registry
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, Command, environment
from tests.firmware import running
from tests.share.conftest import _no_hub_is_left as _no_hub_is_left  # noqa: PLC0414 - a fixture, for this folder too
from tests.waits import PATIENCE, eventually

# `rooms` is the computer's too; by `said` it tells the firmware to change a room itself, which `runs` counts.
PROGRAM = """
import boardmaps, time
from boardmaps import ArrayMap, HashMap, PerCpuArray, Queue, TimeSeries
rooms = HashMap.typed(
    name="rooms", key="room:8s", max_entries=8,
    value="temp:i16/100(5..35~0.5=21) °C, mode:u8{off,heat,cool}, on:bool, runs:u32!+, gains:f32[2], note:6s",
)
hits = PerCpuArray.typed(value="n:u32!+", max_entries=1, name="hits")
temps = TimeSeries.typed("temps", value="t:i16/100 °C", max_entries=4, field="t")
waiting = Queue.typed("waiting", value="job:u8", max_entries=2)
plain = ArrayMap(4, 1, name="plain")
said = ArrayMap.typed(value="what:u8", max_entries=1, name="said")
value = bytearray(rooms.definition.value_size)
rooms.update(b"kitchen\\0", bytes(value))
temp, runs, what = rooms.field("temp"), rooms.field("runs"), said.field("what")
temp.set(b"kitchen\\0", 21.5)
for n in range(3):
    temps.push(100 + n, (2000 + n).to_bytes(2, "little"))
while True:
    boardmaps.poll()
    if what.get(0) == 1:
        what.set(0, 0)
        temp.set(b"kitchen\\0", 19.5)
        runs.add(b"kitchen\\0", 1)
    elif what.get(0) == 2:
        raise ValueError("told to")
    time.sleep_ms(1)
"""


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board that runs PROGRAM, for the whole session."""
    with running(tmp_path_factory.mktemp("firmware"), PROGRAM) as board:
        yield board


@pytest.fixture
def firmware(exported: UnixBoard) -> UnixBoard:
    """That board, with its maps as PROGRAM has made them."""
    first = {"temp": 21.5, "mode": "off", "on": False, "runs": 0, "gains": (0, 0), "note": ""}
    with connect(exported.port, share=False) as board:
        rooms = board.maps.rooms.force
        for room in list(rooms.keys()):
            if room != "kitchen":
                del rooms[room]
        rooms["kitchen"] = first
    return exported


@pytest.fixture
def run() -> Command:
    """run(*words) runs the command, without a terminal, and returns what it did."""

    def command(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        shared = environment(**{"BOARDMAPS_SHARE": "1"} | more)
        return subprocess.run(
            [*BOARDMAPS, *words], capture_output=True, text=True, timeout=PATIENCE, check=False, env=shared
        )

    return command


class Running:
    """A command that runs until it is told to end; what it says is kept."""

    def __init__(self, words: tuple[str, ...], **more: str) -> None:
        self.process = subprocess.Popen(
            [*BOARDMAPS, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**{"BOARDMAPS_SHARE": "1"} | more),
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=into.extend, args=(stream,), daemon=True)
            for into, stream in ((self.out, self.process.stdout), (self.err, self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def says(self, text: str) -> bool:
        """Wait until it says a text; return whether it did."""
        return eventually(
            lambda: any(text in line for line in self.out + self.err) or self.process.poll() is not None
        ) and any(text in line for line in self.out + self.err)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it; return its status."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return status


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """start(*words) runs the command beside the test; what still runs at its end is killed."""
    started: list[Running] = []

    def one(*words: str, **more: Any) -> Running:
        started.append(Running(words, **more))
        return started[-1]

    yield one
    for running_ in started:
        running_.end(signal.SIGKILL)


class Door:
    """What opens a board of the twin, while it is open."""

    def __init__(self) -> None:
        self.open = True

    def __call__(self) -> object:
        """Open it."""
        if not self.open:
            raise PortGone("door: it is closed")
        return connect("twin")


@pytest.fixture
def twin() -> Iterator[None]:
    """A map of the twin, which has no other."""
    registry.reset()
    with connect("twin") as board:
        board.create_map(HashMap, name="rooms", key="k:u8", value="temp:u8(0..9)", max_entries=2)
        board.maps.rooms[1] = {}
    yield
    registry.reset()

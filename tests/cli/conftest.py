"""The real command in a process of its own, and a board for it to talk to."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boardmaps_sim.unix import UnixBoard
from tests.firmware import running

Command = Callable[..., "subprocess.CompletedProcess[str]"]

BOARDMAPS = [sys.executable, "-m", "boardmaps_host.cli"]

# A firmware with maps of its own that goes on while the computer looks.
PROGRAM = """
import boardmaps, time
from boardmaps import ArrayMap, HashMap
hits = ArrayMap.with_entries(value_size=8, max_entries=4, name="hits")
temps = HashMap(key_size=8, value_size=4, max_entries=2, name="temps")
while True:
    boardmaps.poll()
    time.sleep_ms(2)
"""


def environment(**more: str) -> dict[str, str]:
    """The environment without what would change the command's answers."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if name not in ("BOARDMAPS_PORT", "BOARDMAPS_KEY", "FORCE_COLOR")
    }
    return plain | more


@pytest.fixture(scope="session")
def run() -> Command:
    """run(*words) runs the command, without a terminal, and returns what it did."""

    def command(*words: str, timeout: float = 60, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*BOARDMAPS, *words], capture_output=True, text=True, timeout=timeout, check=False, env=environment(**more)
        )

    return command


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board that runs PROGRAM; the module's tests share it and clean up what they put into its maps."""
    with running(tmp_path_factory.mktemp("firmware"), PROGRAM) as board:
        yield board


@pytest.fixture
def on(firmware: UnixBoard, run: Command) -> Command:
    """on(*words) runs the command on the board that runs PROGRAM."""
    return lambda *words, **more: run(*words, BOARDMAPS_PORT=firmware.port, **more)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of one's own: simulated boards get their names there and nowhere else."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path

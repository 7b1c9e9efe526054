"""A simulated unix board of this folder's own, with boardmaps on it, at its REPL."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard, default_port
from tests.waits import PATIENCE

Mpremote = Callable[..., str]


@pytest.fixture(scope="module")
def unix() -> Iterator[UnixBoard]:
    """A board that several tests share: each leaves it at its REPL."""
    name = f"client-{os.getpid()}"
    with UnixBoard(name, port=default_port(name)) as board:
        deploy(board.port, reset=False)
        yield board


@pytest.fixture
def mpremote(unix: UnixBoard) -> Mpremote:
    """Return a function that runs mpremote itself against the board and returns what it printed."""

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "mpremote", "connect", unix.port, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run

"""A simulated unix board of this folder's own, with boardmaps on it, at its REPL."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from mpremote.transport_serial import SerialTransport

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
    """Return a function that runs mpremote against the board and returns what it printed.

    A program that is started with `exec --no-follow` runs when the function returns.
    """

    def run(*words: str) -> str:
        if "--no-follow" in words:
            start(unix.port, words[-1], soft_reset="resume" not in words)
            return ""
        command = [sys.executable, "-m", "mpremote", "connect", unix.port, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def start(port: str, program: str, *, soft_reset: bool) -> None:
    """Do what `mpremote exec --no-follow` does, and wait for the program's first word: then it has been compiled and runs."""
    repl = SerialTransport(port, wait=0)
    try:
        repl.enter_raw_repl(soft_reset=soft_reset, timeout_overall=PATIENCE)
        repl.exec_raw_no_follow(f"print('started', end='')\n{program}")
        said = repl.read_until(1, b"started", timeout=PATIENCE)
        assert said.endswith(b"started"), said
    finally:
        repl.close()

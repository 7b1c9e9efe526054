"""Fixtures for the simulated boards: a unix board of one's own, its console, and mpremote as a user runs it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from boardmaps_sim.unix import UnixBoard
from tests.waits import PATIENCE

PROMPT = b">>> "

Mpremote = Callable[..., str]


class Console(serial.Serial):
    """A client with the port open: what a terminal program is to a board."""

    def __init__(self, port: str) -> None:
        super().__init__(port, timeout=PATIENCE)
        self._prompts = 0

    def expect(self, text: bytes) -> bytes:
        """Everything up to and with `text`; fails with what came instead."""
        data: bytes = self.read_until(text)
        assert data.endswith(text), f"expected {text!r}, got {data!r}"
        return data

    def prompt(self) -> None:
        """Get a fresh prompt of the friendly REPL, interrupting whatever runs."""
        self._prompts += 1
        self.write(b"\x03\r\x02'prompt %d'\r" % self._prompts)
        self.expect(b"'prompt %d'\n" % self._prompts + PROMPT)  # not the echo, which ends in \r\n

    def run(self, line: bytes) -> bytes:
        """Type a line at the prompt; return what it prints."""
        self.write(line + b"\r")
        self.expect(line + b"\r\n")
        return self.expect(PROMPT)[: -len(PROMPT)]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[UnixBoard]:
    """A running unix board with a flash of its own that persists within the test."""
    with UnixBoard(port=tmp_path / "port", flash=tmp_path / "flash.img") as running:
        yield running


@pytest.fixture
def console(board: UnixBoard) -> Iterator[Console]:
    """The board's port, open."""
    with Console(board.port) as opened:
        yield opened


@pytest.fixture
def mpremote(board: UnixBoard, tmp_path: Path) -> Mpremote:
    """mpremote(*arguments) runs it on the board, from tmp_path, and returns what it prints, or fails the test."""

    def run(*arguments: str, timeout: float = PATIENCE) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", board.port, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, f"mpremote {arguments} gave {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    return run

"""A board in memory that restarts, loses its port, falls silent, ends its program and has a REPL, as a test says."""

import time

from boardmaps_host import Board
from boardmaps_host.client.errors import PortGone
from boardmaps_host.client.link import Link
from boardmaps_host.client.transports.twin import TwinTransport

_RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
_PROMPT = b'\r\nMicroPython v1.26.1 on 2025-09-11; memory\r\nType "help()" for more information.\r\n>>> '
_MODULES = b"\r\nmachine         math            micropython\r\n"

# What a program that ends says
TRACEBACK = b'Traceback (most recent call last):\r\n  File "main.py", line 1\r\nKeyError: 1'


class MemoryBoard(TwinTransport):
    """The twin's server behind a line that a test cuts and ends. Its maps are this process's own."""

    name = "memory"

    def __init__(self, at_repl: bool = False) -> None:
        super().__init__(allow_reset=True)
        self.connected = True  # else every use of the port raises PortGone
        self.silent = False  # the board hears nothing
        self.at_repl = at_repl
        self.starts = True  # what is run in the REPL is a server; else it fails
        self.heard: list[bytes] = []
        self._raw = False
        self._typed = b""

    def restart(self) -> None:
        """Boot anew: another boot id, no session. The maps stay."""
        super().__init__(allow_reset=True)

    def end_program(self, last_words: bytes = b"") -> None:
        """Give the line to the friendly REPL."""
        self.at_repl, self._raw = True, False
        self._typed = b""
        self._waiting += last_words + _PROMPT

    def read(self, timeout: float) -> bytes:
        self._check()
        if self.silent or (self.at_repl and not self._waiting):
            time.sleep(min(timeout, 0.005))
            return b""
        return super().read(timeout)

    def write(self, data: bytes) -> None:
        self._check()
        self.heard.append(data)
        if self.silent:
            return
        if not self.at_repl:
            super().write(data)
        else:
            for byte in data.replace(b"\x1b[F", b""):  # the End key
                self._type(bytes((byte,)))

    def _type(self, key: bytes) -> None:
        if not self.at_repl:
            super().write(key)
        elif self._raw:
            self._type_raw(key)
        elif key == b"\x02" and not self._typed:
            self._waiting += _PROMPT
        elif key == b"\x01" and not self._typed:
            self._raw = True
            self._waiting += _RAW_PROMPT
        elif key == b"\b":
            self._typed = self._typed[:-1]
        elif key == b"\t" and self._typed == b"import m":
            self._waiting += _MODULES + b">>> " + self._typed
        elif key == b"\x03":
            raise AssertionError("Ctrl-C could have stopped a program")
        elif b" " <= key < b"\x7f":
            self._typed += key
            self._waiting += key

    def _type_raw(self, key: bytes) -> None:
        if key == b"\x02":
            self._raw = False
            self._typed = b""
            self._waiting += _PROMPT
        elif key == b"\x04" and self.starts:
            self.at_repl = False
            self._waiting += b"OK"
        elif key == b"\x04":
            self._waiting += b"OK\x04Traceback (most recent call last):\r\nValueError: no\r\n\x04>"

    def reopen(self) -> None:
        self._check()

    def _check(self) -> None:
        if not self.connected:
            raise PortGone("memory: the port is gone.")


def board_on(line: MemoryBoard, timeout: float = 0.3) -> Board:
    """Return a connection to it."""
    return Board(Link(line, timeout, serve="serve()"))


def silence(board: Board) -> None:
    """Make the connection's line one that was quiet for long."""
    board.link.connection.heard = -1e9

"""A terminal that a test gives to a command: what it draws, what it leaves, and keys that are pressed."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence

from tests.cli.conftest import environment
from tests.waits import PATIENCE

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?<>=]*[a-zA-Z]|\][^\x07]*\x07|[PX^_].*?\x1b\\|.)", re.DOTALL)
_ALTERNATE, _MAIN = "\x1b[?1049h", "\x1b[?1049l"
_HIDDEN, _VISIBLE = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A command on a pseudo-terminal of some size, as a person has it. Use it as a context manager."""

    def __init__(self, command: Sequence[str], columns: int = 80, lines: int = 24, **more: str) -> None:
        self.drawn = ""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
        self._theirs = theirs
        self._before = termios.tcgetattr(theirs)
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],  # so that Ctrl-C on it reaches the command
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(TERM="xterm-256color", **more),
        )

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def take(self) -> None:
        """Take what is drawn."""
        while select.select([self._ours], [], [], 0.05)[0]:
            self.drawn += os.read(self._ours, 65536).decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """All that was ever drawn, without what moves and colours."""
        return _SEQUENCE.sub("", self.drawn)

    def sees(self, text: str) -> None:
        """Wait until a text was drawn."""
        end = time.monotonic() + PATIENCE
        while text not in self.text:
            self.take()
            assert time.monotonic() < end, f"{text!r} was not drawn: {self.text[-3000:]}"
            assert self.process.poll() is None or text in self.text, f"it has ended: {self.text[-3000:]}"

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def ends(self) -> int:
        """Wait for the command's end; return its status."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            self.take()  # it waits until what it draws is taken
            assert time.monotonic() < end, f"it does not end: {self.text[-3000:]}"
        self.take()
        return self.process.returncode

    def is_clean(self) -> bool:
        """Whether the terminal is as it was: its own screen, the cursor, and the line's settings."""
        screen = self.drawn.rfind(_MAIN) > self.drawn.rfind(_ALTERNATE) or _ALTERNATE not in self.drawn
        cursor = self.drawn.rfind(_VISIBLE) > self.drawn.rfind(_HIDDEN) or _HIDDEN not in self.drawn
        return screen and cursor and termios.tcgetattr(self._theirs) == self._before

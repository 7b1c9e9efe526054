"""What a board prints while it serves maps: whole lines, in order, and the traceback of a firmware that has ended."""

import codecs
from collections.abc import Callable

_TAIL = 4096  # bytes of the output that are kept for a traceback
_PROMPTS = (b"\n>>> ", b"\x04>")  # of the friendly and of the raw REPL
_TRACEBACK = b"Traceback (most recent call last):"


class Console:
    """Gives `show` each line that the board prints, with its newline; the start of one when the line has gone quiet."""

    def __init__(self, show: Callable[[str], None] | None) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Take output."""
        self._tail = (self._tail + data)[-_TAIL:]
        if self._show is None:
            return
        *lines, self._line = (self._line + self._decoder.decode(data)).replace("\r\n", "\n").split("\n")
        for line in lines:
            self._show(line + "\n")

    def flush(self) -> None:
        """Show the line that is not complete yet: nothing has followed for a while."""
        line, self._line = self._line, ""
        if line and self._show is not None:
            self._show(line)

    def ended(self, held: bytes) -> str | None:
        """Return the report of a program that has ended: its traceback, "" when there is none. None while it runs.

        `held` is output that no frame and no line's end has closed: a REPL's prompt is at its end when the program is over.
        """
        seen = self._tail + held
        if not held.endswith((b">>> ", b"\x04>")) or not seen.endswith(_PROMPTS):
            return None
        start = seen.rfind(_TRACEBACK)
        if start < 0:
            return ""
        lines = seen[start:].decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
        last = next((i for i, line in enumerate(lines[1:], 1) if not line.startswith(" ")), len(lines) - 1)
        return "\n".join(lines[: last + 1]).rstrip("\x04> ")

    def forget(self) -> None:
        """A new session begins: what an old program said is no longer of interest."""
        self._tail = b""

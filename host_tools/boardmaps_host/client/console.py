"""What a board prints while it serves maps: whole lines, in order, and the traceback of a firmware that has ended."""

import codecs
import re
from collections.abc import Callable

_TAIL = 4096  # bytes of the output that are kept for a traceback
_PROMPT = re.compile(rb"\n>>> |\x04>")  # of the friendly and of the raw REPL
_PASTE = b"\npaste mode; Ctrl-C to cancel, "
_TRACEBACK = b"Traceback (most recent call last):"


class Console:
    """Gives `show` each line that the board prints, with its newline; the start of one when the line has gone quiet."""

    def __init__(self, show: Callable[[str], None] | None) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._tail = b""
        self._framed = 0  # bytes of it that came before the last frame

    def feed(self, data: bytes) -> None:
        """Take output."""
        seen = self._tail + data
        self._tail = seen[-_TAIL:]
        self._framed = max(0, self._framed - len(seen) + len(self._tail))
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

    def framed(self) -> None:
        """A frame has come: no prompt before it tells anything any more."""
        self._framed = len(self._tail)

    def prompted(self, held: bytes) -> bool:
        """Whether there is a REPL's prompt behind the last frame; `held` is output that no zero has ended yet.

        Not in `held` alone: a REPL that takes requests for typing may answer with a zero.
        """
        return _PROMPT.search(self._tail + held, max(0, self._framed - 1)) is not None

    def pasting(self, held: bytes) -> bool:
        """Whether a REPL has said behind the last frame that it takes what comes for a paste, of which it shows every byte."""
        return (self._tail + held).find(_PASTE, self._framed) >= 0

    def ended(self, held: bytes) -> str:
        """Show the last words of a program that has ended and return its traceback, "" when there is none.

        `held` is output that no frame has closed. A REPL's prompt may be in it, and behind that what the REPL made of requests
        that it took for typing.
        """
        seen = self._tail + held
        prompts = [found.start() for found in _PROMPT.finditer(seen, max(0, self._framed - 1))]
        traced = [at for at in prompts if _TRACEBACK in seen[:at]]  # those before it the program has printed itself
        at = (traced or prompts or [len(seen)])[0]
        self.feed(held[: max(0, at - len(seen) + len(held))].replace(b"\x04", b""))
        self.flush()
        seen = seen[:at]
        start = seen.rfind(_TRACEBACK)
        if start < 0:
            return ""
        lines = seen[start:].decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
        last = next((i for i, line in enumerate(lines[1:], 1) if not line.startswith(" ")), len(lines) - 1)
        return "\n".join(lines[: last + 1]).rstrip()

    def forget(self) -> None:
        """A new session begins: what an old program said is no longer of interest."""
        self._tail = b""
        self._framed = 0

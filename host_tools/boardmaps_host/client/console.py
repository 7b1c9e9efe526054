"""What a board prints while it serves maps: whole lines, in order, and the traceback of a firmware that has ended."""

import codecs
import re
from collections.abc import Callable

_TAIL = 4096  # bytes of the output that are kept for a traceback
_PROMPT = re.compile(rb"\n>>> |\x04>")  # of the friendly and of the raw REPL
_PASTE = b"\npaste mode; Ctrl-C to cancel, "
_PART = b"\x04"  # a raw REPL ends each part of what it says with it
_TRACEBACK = b"Traceback (most recent call last):"


class Console:
    """Gives `show` each line that the board prints, with its newline; the start of one when the line has gone quiet."""

    def __init__(self, show: Callable[[str], None] | None) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._tail = b""
        self._framed = 0  # bytes of it that came before the last frame
        self._behind = b""  # what came behind the prompt of a REPL to which a program has ended, as it seems; not shown

    def feed(self, data: bytes) -> None:
        """Take output."""
        seen = self._tail + data
        at = 0 if self._behind else self._end(seen)
        shown = len(data) if at is None else max(0, at - len(self._tail))
        self._tail = seen[-_TAIL:]
        self._framed = max(0, self._framed - len(seen) + len(self._tail))
        self._behind += data[shown:]
        self._say(data[:shown])

    def _say(self, data: bytes) -> None:
        if self._show is None:
            return
        text = self._decoder.decode(data.replace(_PART, b""))
        *lines, self._line = (self._line + text).replace("\r\n", "\n").split("\n")
        for line in lines:
            self._show(line + "\n")

    def _end(self, seen: bytes) -> int | None:
        """Where the prompt begins that came behind the last frame and a traceback; those before that a program has printed."""
        found = _PROMPT.finditer(seen, max(0, self._framed - 1))
        return next((prompt.start() for prompt in found if _TRACEBACK in seen[: prompt.start()]), None)

    def flush(self) -> None:
        """Show the line that is not complete yet: nothing has followed for a while."""
        line, self._line = self._line, ""
        if line and self._show is not None:
            self._show(line)

    def framed(self) -> None:
        """A frame has come: no prompt before it tells anything any more. The program has printed it."""
        behind, self._behind = self._behind, b""
        self._say(behind)
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
        at = self._end(seen)
        if at is None:
            prompt = _PROMPT.search(seen, max(0, self._framed - 1))
            at = prompt.start() if prompt else len(seen)
        self.feed(held[: max(0, at - len(seen) + len(held))])
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
        self._tail = self._behind = b""
        self._framed = 0

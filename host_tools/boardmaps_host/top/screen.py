"""What the view is drawn on, which may go while it is drawn."""

from contextlib import suppress
from typing import Any, TextIO


class Screen:
    """A terminal's stream. When the terminal is gone, a window that was closed, what is written is dropped.

    A thread of Textual's writes. It would end with the error, and the view wait for it for ever, with the board's port.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text; return its length."""
        with suppress(OSError):
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Have it drawn."""
        with suppress(OSError):
            if self._stream is not None:
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

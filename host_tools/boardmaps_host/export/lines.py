"""Lines that are added to a file, a whole reading in one go; one that a crash has cut short goes when the file is opened again."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from boardmaps_host.export import ExportError
from boardmaps_host.terminal import harmless

_TAIL = 1 << 20  # bytes; no line is longer


class Lines:
    """Gives lines to `write`. `head` is the first one, "" for none."""

    def __init__(self, write: Callable[[str], None], head: str) -> None:
        self._write = write
        self._head = head

    def add(self, lines: list[str]) -> int:
        """Add lines."""
        for line in [self._head, *lines] if self._head else lines:
            self._write(line)
        self._head = ""
        return len(lines)

    def close(self) -> None:
        """Nothing is held."""


class FileLines:
    """Adds lines to a file at `path`, a whole reading in one go. `note` is told when a row that was cut short is removed.

    `head` is the file's first line, "" for none; `mine` says whether a first line that is there is of this form, which begins
    with `begins`. Raises ExportError for a file that is something else, that another program adds to, or that cannot be written.
    """

    def __init__(
        self, path: Path, head: str, mine: Callable[[str], bool], begins: str, note: Callable[[str], None]
    ) -> None:
        self._path = path
        self._head = head
        with self._failing():
            regular = not path.exists() or stat.S_ISREG(path.stat().st_mode)
            self._file: BinaryIO = open(path, "a+b" if regular else "ab", buffering=0)  # noqa: SIM115 - close() does
        if not regular:  # a pipe, a terminal
            return
        try:
            with self._failing():
                self._begin(mine, begins, note)
        except BaseException:
            self._file.close()
            raise

    def _begin(self, mine: Callable[[str], bool], begins: str, note: Callable[[str], None]) -> None:
        _own(self._file, self._path)
        self._file.seek(0)
        first = self._file.readline(_TAIL).decode("utf-8", "replace")
        whole = first.endswith("\n")
        if first and not (mine(first[:-1]) if whole else first.startswith(begins) or begins.startswith(first)):
            raise ExportError(f"{self._path}: it has something else in it than such rows. Name another file.")
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, size - _TAIL))
        torn = self._file.read().rpartition(b"\n")[2]
        if torn:
            self._file.truncate(size - len(torn))
            cut = harmless(torn[:80].decode("utf-8", "replace"))
            note(f"{self._path}: its last row was cut short, and is removed: {cut}")
        if whole:
            self._head = ""

    def add(self, lines: list[str]) -> int:
        """Add lines, all of them or none."""
        text = "".join(f"{line}\n" for line in ([self._head, *lines] if self._head else lines))
        self._head = ""
        if not text:
            return 0
        data = text.encode()
        with self._failing():
            at = self._file.seek(0, os.SEEK_END) if self._file.seekable() else None
            try:
                while data:
                    data = data[self._file.write(data) :]
            except BaseException:  # Ctrl-C, a full disk
                if at is not None:
                    with suppress(OSError):
                        self._file.truncate(at)
                raise
        return len(lines)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _failing(self) -> "_Failing":
        return _Failing(self._path)


class _Failing:
    """Raises what a file raises as ExportError, but for a pipe that nobody reads any more."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            kept = " What was in it is still there." if self._path.exists() else ""
            raise ExportError(f"{self._path}: it cannot be written: {error.strerror}.{kept}") from error


def _own(file: BinaryIO, path: Path) -> None:
    """Have the file for this program alone, where the system has such a thing."""
    try:
        import fcntl  # Windows lacks it
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ExportError(f"{path}: another export adds to it. Name another file, or end that one.") from None

"""Readings into files that are added to: CSV, JSON Lines, a table of SQLite. What is in a file stays whole, whatever ends us.

A row has the computer's time, in seconds, and where the value carries one, as a sample of a series does, the board's timestamp. A
row that was cut short by a crash is removed when the file is opened again.
"""

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from boardmaps_host.export import ExportError
from boardmaps_host.export.lines import FileLines, Lines
from boardmaps_host.export.reading import Entry, Reading
from boardmaps_host.terminal import harmless
from boardmaps_host.typed.values import json_of

COLUMNS = ("time", "board", "map", "key", "field", "value", "board_time")
_I64 = range(-(1 << 63), 1 << 63)


class Output(Protocol):
    """What readings go into."""

    def take(self, reading: Reading) -> int:
        """Add a reading, whole; return how many rows that were."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Changed:
    """Leaves out of a reading what is as it was in the one before."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, bytes, str], Any] = {}

    def __call__(self, reading: Reading) -> Reading:
        """Return the reading with what has changed."""
        entries = []
        for entry in reading.entries:
            points = [point for point in entry.points if entry.at is not None or self._new(reading.board, entry, point)]
            if points:
                entries.append(replace(entry, points=points))
        return replace(reading, entries=entries)

    def _new(self, board: str, entry: Entry, point: Any) -> bool:
        place = board, entry.map, entry.data, point.name
        before = self._last.get(place)
        self._last[place] = point.number
        nan = before != before and point.number != point.number  # noqa: PLR0124 - not equal to itself
        return not (before == point.number or nan)


class Csv:
    """A row a value, with the columns that COLUMNS has; numbers are physical, to the last digit that counts."""

    def __init__(self, lines: Lines | FileLines) -> None:
        self._lines = lines

    def take(self, reading: Reading) -> int:
        """Add a reading."""
        text = io.StringIO()
        write = csv.writer(text, lineterminator="\n").writerow
        lines = []
        for entry, point in reading.points():
            cells = (reading.board, entry.map, entry.key, point.name, point.text)
            write([f"{reading.at:.3f}", *map(_one_line, cells), "" if entry.at is None else entry.at])
            lines.append(text.getvalue().rstrip("\n"))
            text.seek(0)
            text.truncate()
        return self._lines.add(lines)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


class JsonLines:
    """An object an entry: {"time", "board", "map", "key", "values": {field: value}, "board_time"}; a sample's key is null."""

    def __init__(self, lines: Lines | FileLines) -> None:
        self._lines = lines

    def take(self, reading: Reading) -> int:
        """Add a reading."""
        return self._lines.add([json.dumps(_document(reading, entry)) for entry in reading.entries])

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def _document(reading: Reading, entry: Entry) -> dict[str, Any]:
    return {
        "time": round(reading.at, 3),
        "board": reading.board,
        "map": entry.map,
        "key": entry.key if entry.at is None else None,
        "values": {point.name: json_of(point.field, point.number) for point in entry.points},
        "board_time": entry.at,
    }


def _one_line(text: str) -> str:
    return harmless(text).replace("\n", "\\n")


class Sqlite:
    """A row a value in the table `boardmaps`, a transaction a reading. Numbers are numbers, names and texts are texts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._database = sqlite3.connect(path)
            with self._database:
                self._database.execute(
                    "CREATE TABLE IF NOT EXISTS boardmaps "
                    "(time REAL, board TEXT, map TEXT, key TEXT, field TEXT, value, board_time INTEGER)"
                )
                self._database.execute(
                    "CREATE INDEX IF NOT EXISTS boardmaps_by_value ON boardmaps (board, map, key, field, time)"
                )
            there = [row[1] for row in self._database.execute("PRAGMA table_info(boardmaps)")]
        except sqlite3.Error as error:
            raise self._failed(error) from error
        if tuple(there) != COLUMNS:
            self._database.close()
            raise ExportError(
                f"{path}: its table boardmaps has the columns {', '.join(there)}, not ours. Name another file."
            )

    def take(self, reading: Reading) -> int:
        """Add a reading."""
        rows = [
            (reading.at, reading.board, entry.map, entry.key, point.name, _storable(point), _fitting(entry.at))
            for entry, point in reading.points()
        ]
        try:
            with self._database:
                self._database.executemany("INSERT INTO boardmaps VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return len(rows)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _failed(self, error: sqlite3.Error) -> ExportError:
        kept = " What was in it is still there." if self._path.exists() else ""
        return ExportError(f"{self._path}: SQLite says: {error}.{kept}")


def _storable(point: Any) -> int | float | str:
    value = point.value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and value in _I64:
        return value
    if isinstance(value, float) and value == value:  # noqa: PLR0124 - SQLite has no NaN
        return value
    return str(point.text)


def _fitting(number: Any) -> Any:
    """Return a whole number, as a text where SQLite has none so large."""
    return number if number is None or number in _I64 else str(number)


def csv_file(path: Path | None, write: Callable[[str], None], note: Callable[[str], None]) -> Csv:
    """Return CSV into a file, or for None to `write`, a line at a time."""
    head = ",".join(COLUMNS)
    return Csv(Lines(write, head) if path is None else FileLines(path, head, head.__eq__, head, note))


def json_lines(path: Path | None, write: Callable[[str], None], note: Callable[[str], None]) -> JsonLines:
    """Return JSON Lines into a file, or for None to `write`, a line at a time."""
    return JsonLines(Lines(write, "") if path is None else FileLines(path, "", _is_document, '{"time": ', note))


def _is_document(line: str) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and {"time", "board", "map", "values"} <= set(found)

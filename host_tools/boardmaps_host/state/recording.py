"""A recording: the operations and events of sessions with a board, in a file that is added to. SPEC.md, section 9, draws it.

What was written last may be cut off by a crash of this computer: a torn end is dropped, and what is damaged in between is skipped
up to the next sync mark and told as lost.
"""

from __future__ import annotations

import os
from binascii import crc32
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import pack, unpack_from
from typing import BinaryIO

from .errors import StateError

MAGIC = b"BMRC"
_VERSION = 1
_HEAD = MAGIC + pack("<HH", _VERSION, 0)
_RECORD = 9  # bytes before a record's body
MAP, OPERATION, EVENT, LOST, SYNC, SNAPSHOT = range(1, 7)
_MARK = b"\xb1sync\x1b\xa5\x5a"
_SYNC_EVERY = 64  # records
_LARGEST = 1 << 26  # bytes of a body


@dataclass(frozen=True)
class MapMade:
    """A map of the board, under the number that operations and events have for it from here on; `info` as LIST has it."""

    number: int
    info: bytes


@dataclass(frozen=True)
class Operation:
    """A request that was executed and its reply, milliseconds after the session's begin."""

    at: int
    request: bytes
    reply: bytes


@dataclass(frozen=True)
class Told:
    """An event of a map: what it is (abi's EVENT_…), and its data as the board sent it."""

    at: int
    number: int
    what: int
    data: bytes


@dataclass(frozen=True)
class Lost:
    """What is missing here: so many events of a map that the board had to drop; of map 0 bytes of the file that are damaged."""

    number: int
    count: int


@dataclass(frozen=True)
class State:
    """A whole snapshot, as its file's bytes: what the maps held here."""

    snapshot: bytes


Item = MapMade | Operation | Told | Lost | State


class Writer:
    """Adds records to a file, which is made when it is not there; a torn end of what is there goes first.

    Raises StateError when the file is something else, OSError.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        end = len(_HEAD)
        if path.exists() and path.stat().st_size:
            data = path.read_bytes()
            _check(data, str(path))
            end = max([end, *(stop for _, stop in _walk(data))])
        self._file: BinaryIO = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(end if end > len(_HEAD) else 0)
        self._file.seek(0, os.SEEK_END)
        if not self._file.tell():
            self._file.write(_HEAD)
        self._count = 0
        self._sync()

    def add(self, item: Item) -> None:
        """Write one item; with each 64th a sync mark, and all is handed to the system then."""
        if isinstance(item, MapMade):
            self._write(MAP, pack("<H", item.number) + item.info)
        elif isinstance(item, Operation):
            self._write(OPERATION, pack("<II", item.at, len(item.request)) + item.request + item.reply)
        elif isinstance(item, Told):
            self._write(EVENT, pack("<IHB", item.at, item.number, item.what) + item.data)
        elif isinstance(item, Lost):
            self._write(LOST, pack("<HI", item.number, item.count))
        else:
            self._write(SNAPSHOT, item.snapshot)
        self._count += 1
        if not self._count % _SYNC_EVERY:
            self._sync()

    def _sync(self) -> None:
        self._write(SYNC, _MARK + pack("<I", self._count & 0xFFFFFFFF))
        self._file.flush()

    def _write(self, what: int, body: bytes) -> None:
        rest = pack("<IB", len(body), what) + body
        self._file.write(pack("<I", crc32(rest)) + rest)

    def close(self) -> None:
        """Write what is left. Safe to call twice."""
        if not self._file.closed:
            self._sync()
            self._file.close()


def read(path: str | Path) -> Iterator[Item]:
    """Yield what is in a recording. Raises StateError when the file is none, OSError."""
    data = Path(path).read_bytes()
    _check(data, str(path))
    return (item for item, _ in _walk(data) if item is not None)


def _check(data: bytes, name: str) -> None:
    if data[:4] != MAGIC or len(data) < len(_HEAD):
        raise StateError(f"{name} is no recording: it does not begin as one. `boardmaps record` makes them.")
    (version,) = unpack_from("<H", data, 4)
    if version != _VERSION:
        raise StateError(f"{name} is a recording of version {version}, and this boardmaps reads version {_VERSION}.")


def _walk(data: bytes) -> Iterator[tuple[Item | None, int]]:
    """Yield each item, None for a sync mark, and where it ends; the torn end is left out."""
    at = len(_HEAD)
    while at < len(data):
        body, what = _record_at(data, at)
        if body is None:
            mark = data.find(_MARK, at + 1)
            while mark >= 0 and _record_at(data, mark - _RECORD)[0] is None:
                mark = data.find(_MARK, mark + 1)
            if mark < 0:
                return  # nothing sound comes behind it: the end is torn
            yield Lost(0, mark - _RECORD - at), mark - _RECORD
            at = mark - _RECORD
            continue
        at += _RECORD + len(body)
        yield _item(what, body), at


def _record_at(data: bytes, at: int) -> tuple[bytes | None, int]:
    """Return a record's body and what it is; None for the body when none is there whole."""
    if at < len(_HEAD) or at + _RECORD > len(data):
        return None, 0
    crc, size, what = unpack_from("<IIB", data, at)
    end = at + _RECORD + size
    if size > _LARGEST or end > len(data) or crc32(data[at + 4 : end]) != crc:
        return None, 0
    return data[at + _RECORD : end], what


def _item(what: int, body: bytes) -> Item | None:
    if what == MAP:
        return MapMade(unpack_from("<H", body)[0], body[2:])
    if what == OPERATION:
        at, size = unpack_from("<II", body)
        return Operation(at, body[8 : 8 + size], body[8 + size :])
    if what == EVENT:
        at, number, kind = unpack_from("<IHB", body)
        return Told(at, number, kind, body[7:])
    if what == LOST:
        return Lost(*unpack_from("<HI", body))
    if what == SNAPSHOT:
        return State(body)
    return None  # a sync mark, or what a later version adds

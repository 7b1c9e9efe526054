"""A twin's pins as files in a folder: the same bytes as a board's. A registry that was given a folder has a Keeper."""

from __future__ import annotations

import os
import time
from binascii import crc32
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from boardmaps.abi import U32_MAX
from boardmaps.errors import InvalidDefinition, MapError
from boardmaps_host.state.pin import HEAD, PinFile, parse
from boardmaps_host.state.slices import Slice, read

from .base import CloudMap
from .slices import fill, to_slice


@dataclass
class _Pinned:
    """What is known of a map that has a pin; `content` is the CRC-32 of the slice in the file, None where none is sound."""

    m: CloudMap
    content: int | None = None
    writes: int = 0
    written: int = 0
    every: float | None = None
    due: float = 0.0
    verdict: str | None = None


class Keeper:
    """The pins of one registry, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pinned: dict[str, _Pinned] = {}
        self.stats = [0, 0, 0, 0, 0]  # as pin_stats() gives them

    def path(self, name: str) -> Path:
        """Return where a map's pin lies."""
        return self.folder / f"{name}.pin"

    def load(self, new: CloudMap) -> None:
        """Fill a map that is being made from its pin, if it has one. Why that was not done is in pins()."""
        if not self.path(new.name).exists() or new.name in self.pinned:
            return
        entry = self.pinned[new.name] = _Pinned(new)
        try:
            one = self._look(entry)
            fill(new, one)
        except (MapError, OSError) as why:
            entry.content = None
            entry.verdict = f"the pin of map {new.name!r} is not loaded: {why}"

    def pin(self, m: CloudMap, maps: Iterable[CloudMap]) -> int:
        """Write a map's pin when it has changed; return the bytes. `maps` are all of its registry."""
        entry = self._entry(m, maps)
        start = time.perf_counter()
        try:
            data = to_slice(m)
            content = crc32(data)
            if content == entry.content and self.path(m.name).exists():
                self.stats[1] += 1
                return 0
            total = HEAD + len(data)
            written = entry.written + total & U32_MAX
            self._write(self.path(m.name), PinFile(data, content, entry.writes + 1, written).to_bytes())
        except OSError as error:
            raise MapError(f"pin {m.name!r}: writing {self.path(m.name)} failed: {error.strerror}") from error
        finally:
            took = int((time.perf_counter() - start) * 1e6)
            self.stats[3] = max(self.stats[3], took)
            self.stats[4] += took
        entry.content, entry.writes, entry.written, entry.verdict = content, entry.writes + 1, written, None
        self.stats[0] += 1
        self.stats[2] += total
        return total

    def turn(self) -> None:
        """Pin what is due and has changed. What failed is in pins()."""
        now = time.monotonic()
        for entry in list(self.pinned.values()):
            if entry.every is not None and now >= entry.due:
                entry.due = now + entry.every
                try:
                    self.pin(entry.m, ())
                except MapError as error:
                    entry.verdict = str(error)

    def _entry(self, m: CloudMap, maps: Iterable[CloudMap]) -> _Pinned:
        if not m.name:
            raise InvalidDefinition(f"pin map {m.id}: it has no name under which it could be found again; give it one")
        for other in maps:
            if other is not m and other.name == m.name:
                raise InvalidDefinition(f"pin {m.name!r}: the maps {m.id} and {other.id} both have this name")
        entry = self.pinned.get(m.name)
        if entry is None or entry.m is not m or entry.content is None:
            entry = _Pinned(m, every=entry.every if entry and entry.m is m else None)
            if self.path(m.name).exists():
                try:
                    self._look(entry)
                except InvalidDefinition as why:
                    text = f"pin {m.name!r}: there is a pin already, and {why}; unpin it first, which gives it up"
                    raise InvalidDefinition(text) from None
                except (MapError, OSError):
                    pass  # it is damaged: what is written now takes its place
            self.pinned[m.name] = entry
        return entry

    def _look(self, entry: _Pinned) -> Slice:
        """Return what is in the pin of entry.m, and fill in the entry. Raises InvalidDefinition, MapError, OSError."""
        pin = parse(self.path(entry.m.name).read_bytes())
        one = read(pin.slice, hidden=False)
        if isinstance(one, str) or one.wrong:
            raise MapError(f"its content is no whole map: {one if isinstance(one, str) else one.wrong}")
        m = entry.m
        one = one.described_by(m.definition.schema)
        if (one.definition, one.parameters) != (m.definition, m.host_parameters()):
            raise InvalidDefinition("it is that of another definition or layout")
        entry.content, entry.writes, entry.written = pin.content, pin.writes, pin.written
        return one

    def _write(self, path: Path, data: bytes) -> None:
        """Write a file in one step, durably."""
        self.folder.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        if os.name == "posix":
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

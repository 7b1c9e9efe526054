"""A snapshot: the slices of a board's maps in one file, as they lay in its pool. SPEC.md, section 7, draws it.

Two snapshots of the same state are the same bytes: nothing in one tells the time or the boot.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import pack, unpack_from

from .errors import StateError
from .slices import Slice, read, size_at

MAGIC = b"BMSN"
_VERSION = 1
_HEAD, _RECORD = 16, 8  # bytes
_CHANGED, _HIDDEN = 1, 2  # marks
_MAPS_MOST = 0xFFFF


@dataclass(frozen=True)
class Kept:
    """One map of a snapshot. `changed`: it changed while it was read, so that its slice is of no one moment."""

    slice: Slice
    changed: bool = False

    @property
    def name(self) -> str:
        """The map's name, '' when it has none."""
        return self.slice.name


class Snapshot:
    """The maps of a board, a twin or a file. `about` tells where they are from: machine, fw, profile.

    `left_out` names the maps that have no slice, each with the reason; it is not in the file.
    """

    def __init__(
        self, maps: Iterable[Kept], about: dict[str, str] | None = None, left_out: dict[str, str] | None = None
    ) -> None:
        self.maps = list(maps)
        self.about = dict(about or {})
        self.left_out = dict(left_out or {})

    @property
    def changed(self) -> list[str]:
        """The names of the maps that changed while they were read."""
        return [kept.name for kept in self.maps if kept.changed]

    def __getitem__(self, name: str) -> Slice:
        """Return the slice of the map with this name. Raises KeyError."""
        for kept in self.maps:
            if kept.name == name:
                return kept.slice
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(kept.name == name for kept in self.maps)

    def __iter__(self) -> Iterator[Slice]:
        return (kept.slice for kept in self.maps)

    def __len__(self) -> int:
        return len(self.maps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment] # it can be changed

    def only(self, *names: str) -> Snapshot:
        """Return a snapshot of these maps alone. Raises StateError for a name that is not there."""
        if missing := [name for name in names if name not in self]:
            there = ", ".join(kept.name or "(no name)" for kept in self.maps) or "none"
            raise StateError(f"the snapshot has no map {missing[0]!r}; it has: {there}.")
        return Snapshot([kept for kept in self.maps if kept.name in names], self.about)

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        about = " ".join(f"{name}={value}" for name, value in sorted(self.about.items())).encode()
        text = about + bytes(-len(about) % 8)
        head = MAGIC + pack("<HHI", _VERSION, len(self.maps), len(about))
        file = [head, pack("<I", crc32(head + text)), text]
        for kept in self.maps:
            marks = _CHANGED * kept.changed | _HIDDEN * kept.slice.hidden
            body = pack("<I", marks) + kept.slice.data
            file += [pack("<I", crc32(body)), body]
        return b"".join(file)

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "snapshot") -> Snapshot:
        """Read a file's bytes. Raises StateError unless every map of it is sound; images.py reads damaged ones."""
        about, found = records(data, name)
        maps = []
        for one in found:
            if isinstance(one, str):
                raise StateError(f"{name}: {one}. Take another copy of the file; nothing was changed.")
            if one.slice.wrong and not one.changed:
                text = f"the map {one.name!r} is not whole: {one.slice.wrong}"
                raise StateError(f"{name}: {text}. `boardmaps decode` shows the others; nothing was changed.")
            maps.append(one)
        return cls(maps, about)

    def save(self, path: str | Path) -> None:
        """Write the file; a reader never sees a half of it. Raises OSError."""
        path = Path(path)
        partly = path.with_name(path.name + ".part")
        try:
            partly.write_bytes(self.to_bytes())
            partly.replace(path)
        finally:
            partly.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | Path) -> Snapshot:
        """Read a file. Raises StateError when it is no snapshot or a damaged one, OSError."""
        return cls.from_bytes(Path(path).read_bytes(), str(path))


def records(data: bytes, name: str) -> tuple[dict[str, str], list[Kept | str]]:
    """Return what a snapshot's file is about, and its maps as far as they are sound; a text stands for one that is not.

    Raises StateError for what is no snapshot, or has a head that is not sound or has another version.
    """
    if data[:4] != MAGIC:
        raise StateError(f"{name} is no snapshot: it does not begin as one. `boardmaps snapshot` makes them.")
    if len(data) < _HEAD:
        raise StateError(f"{name} is cut short: it has {len(data)} bytes, and its head alone {_HEAD}.")
    version, count, size = unpack_from("<HHI", data, 4)
    begin = _HEAD + (size + 7) // 8 * 8
    if version != _VERSION:
        text = f"{name} is a snapshot of version {version}, and this boardmaps reads version {_VERSION}."
        raise StateError(f"{text} Use the boardmaps that made it, or a newer one.")
    if len(data) < begin or unpack_from("<I", data, 12)[0] != crc32(data[:12] + data[_HEAD:begin]):
        raise StateError(f"{name} is damaged in its head, or cut short there: no map of it can be trusted.")
    words = data[_HEAD : _HEAD + size].decode("utf-8", "replace").split(" ")
    about = dict(word.split("=", 1) for word in words if "=" in word)
    found: list[Kept | str] = []
    at = begin
    for number in range(1, count + 1):
        size = size_at(data, at + _RECORD)
        end = at + _RECORD + size
        if not size or end > len(data):
            cut = "is cut short" if at + _RECORD >= len(data) or end > len(data) else "has no slice"
            found.append(f"map {number} of {count} {cut}, so it and those behind it are lost")
            return about, found
        crc, marks = unpack_from("<II", data, at)
        if crc != crc32(data[at + 4 : end]):
            found.append(f"map {number} of {count} is damaged: its CRC-32 is another one")
        else:
            one = read(data[at + _RECORD : end], bool(marks & _HIDDEN))
            found.append(one if isinstance(one, str) else Kept(one, bool(marks & _CHANGED)))
        at = end
    if at != len(data):
        found.append(f"{len(data) - at} bytes too many follow behind the last map")
    return about, found

"""Which maps a file has in it, whatever file it is: a pool's bytes, a snapshot, a pin, or the flash image of a board.

Nothing here needs a board, and a damaged file is read as far as it is sound. A map is shown when its slice is whole; else what is
wrong with it. Where a header is damaged, the next one is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from boardmaps.definition import HEADER_SIZE, MAGIC
from boardmaps.errors import MapError

from . import pin, snapshot
from .errors import StateError
from .slices import Slice, read, size_at

_OLD = b"BMAP"  # how a slice of layout 1 begins
BLOCK = 4096  # bytes of a block of the boards' littlefs
_LITTLEFS = b"littlefs"  # at 8 of a superblock
_FOLDERS_MOST = 1000
_FOLDER = 2  # littlefs' type of an entry


@dataclass(frozen=True)
class Found:
    """A map in an image: its slice, its offset there, in which file of a flash image, and what else is known of it."""

    slice: Slice
    offset: int = 0
    file: str = ""
    changed: bool = False


@dataclass
class Image:
    """What was found in a file. `what` says what the file is; `notes` name what is not sound, a sentence each."""

    what: str
    maps: list[Found] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    about: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)  # of a flash image: those that are no maps

    @property
    def damaged(self) -> bool:
        """Whether anything of it was not sound."""
        return bool(self.notes) or any(found.slice.wrong for found in self.maps)

    def snapshot(self, file: str = "") -> snapshot.Snapshot:
        """Return the maps that are whole as a snapshot; those of one file of a flash image."""
        whole = [found for found in self.maps if not found.slice.wrong and found.file == file]
        left_out = {found.slice.name: str(found.slice.wrong) for found in self.maps if found.slice.wrong}
        return snapshot.Snapshot([snapshot.Kept(found.slice, found.changed) for found in whole], self.about, left_out)


def open_image(path: str | Path) -> Image:
    """Return what is in a file. Raises StateError when nothing of it is a board's state, OSError."""
    data = Path(path).read_bytes()
    image = of_bytes(data, str(path))
    if image is None:
        raise StateError(
            f"{path} has no maps in it: it is no pool image, snapshot, pin or littlefs flash image. `boardmaps pool --save`, "
            "`boardmaps snapshot` and a copy of the board's flash make such files."
        )
    return image


def of_bytes(data: bytes, name: str) -> Image | None:
    """Return what is in these bytes, None when they are nothing that has maps."""
    if data[:4] == snapshot.MAGIC:
        return _of_snapshot(data, name)
    if data[:4] == pin.MAGIC:
        return _of_pin(data)
    if data[:4] not in (MAGIC, _OLD) and (base := _superblock(data)) is not None:
        if find_spec("littlefs") is None:
            text = "is a flash image, which littlefs-python reads, and that is not installed"
            raise StateError(f"{name} {text}: pip install 'boardmaps[flash]'.")
        return _of_flash(data, base)
    if data[:4] == _OLD or _next_header(data, 0) is not None:
        return of_pool(data)
    return None


def of_pool(data: bytes) -> Image:
    """Return the maps in a pool's bytes, which begin with its first map."""
    image = Image("pool image")
    at = 0
    while at < len(data):
        if data[at : at + 4] == _OLD:
            image.notes.append(f"a slice of layout 1 is at {at}: read it with the boardmaps that its board has")
        size = size_at(data, at)
        end = at + size
        # A header that another one lies in is damaged: no map has one in its own.
        one = read(data[at:end]) if size and end <= len(data) else ""
        if isinstance(one, Slice):
            image.maps.append(Found(one, at))
            at = end
            continue
        following = _next_header(data, at + 8)
        stop = len(data) if following is None else following
        if data[at : at + 4] == MAGIC and len(data) - at < HEADER_SIZE:
            image.notes.append(f"a map begins at {at}, and the image ends in its header")
        elif size and end > len(data) and following is None:
            image.notes.append(f"the map at {at} has {size} bytes, and the image ends {end - len(data)} before that")
        elif one:
            image.notes.append(f"the map at {at} cannot be read: {one}")
        elif any(data[at:stop]) and data[at : at + 4] != _OLD:
            image.notes.append(f"{stop - at} bytes from {at} on are no map: the firmware's own, or damaged")
        at = stop
    return image


def _next_header(data: bytes, at: int) -> int | None:
    """Return where the next slice may begin, from `at` on."""
    while True:
        at = data.find(MAGIC, at)
        if at < 0 or at + HEADER_SIZE > len(data):
            return None
        if not at % 8 and size_at(data, at):
            return at
        at += 1


def _of_snapshot(data: bytes, name: str) -> Image:
    about, found = snapshot.records(data, name)
    image = Image("snapshot", about=about)
    for one in found:
        if isinstance(one, str):
            image.notes.append(one)
        else:
            image.maps.append(Found(one.slice, changed=one.changed))
    return image


def _of_pin(data: bytes) -> Image:
    image = Image("pin")
    try:
        one = read(pin.parse(data).slice)
    except MapError as wrong:
        image.notes.append(f"the pin cannot be read: {wrong}")
        return image
    if isinstance(one, str):
        image.notes.append(one)
    else:
        image.maps.append(Found(one))
    return image


def _superblock(data: bytes) -> int | None:
    """Return where a littlefs begins: a board's file system, or somewhere in the image of a whole flash chip."""
    for at in range(0, len(data) - BLOCK, BLOCK):
        if data[at + 8 : at + 16] == _LITTLEFS:
            return at
    return None


def _of_flash(data: bytes, base: int) -> Image:
    """Read the files of a littlefs. Its first superblock may be the one that is lost: then it begins a block earlier."""
    images = [_mounted(data[begin:]) for begin in (base, base - BLOCK) if begin >= 0]
    return max(images, key=lambda image: len(image.maps) + len(image.files) - len(image.notes))


def _mounted(data: bytes) -> Image:
    """Return the maps in all files of a file system, as far as it can be read; files without maps are listed."""
    image = Image("flash image")
    for file, content in _files(data):
        try:
            inner = of_bytes(content, file) if isinstance(content, bytes) and content else None
        except StateError as error:  # a snapshot that is damaged in its head
            content = str(error).rstrip(".")  # noqa: PLW2901 - what stands for a file that cannot be read
        if isinstance(content, str):
            image.notes.append(content)
        elif inner is None:
            image.files.append((file, content))
        else:
            image.maps += [Found(one.slice, one.offset, file, one.changed) for one in inner.maps]
            image.notes += [f"{file}: {note}" for note in inner.notes]
    return image


def _files(data: bytes) -> Iterator[tuple[str, bytes | str]]:
    """Yield path and bytes of each file of a littlefs; for what cannot be read a text."""
    # for flash images alone: it is in an extra
    from littlefs import LittleFS, LittleFSError

    fs = LittleFS(block_size=BLOCK, block_count=len(data) // BLOCK, mount=False)
    fs.context.buffer = bytearray(data[: len(data) // BLOCK * BLOCK])
    failures = (LittleFSError, OSError)
    try:
        fs.mount()
    except failures as error:
        yield "/", f"the littlefs of the image cannot be read: {error}"
        return
    folders, seen = ["/"], 0
    while folders and seen < _FOLDERS_MOST:  # a damaged one may lie in itself
        seen += 1
        folder = folders.pop()
        try:
            there = sorted(fs.scandir(folder), key=lambda entry: str(entry.name))
        except failures as error:
            yield folder, f"the folder {folder} of the image cannot be read: {error}"
            continue
        for entry in there:
            path = f"{folder.rstrip('/')}/{entry.name}"
            if entry.type == _FOLDER:
                folders.append(path)
                continue
            try:
                with fs.open(path, "rb") as file:
                    yield path, bytes(file.read(len(data)))
            except failures as error:
                yield path, f"{path} of the image cannot be read: {error}"

"""Writes files into the image of a board's flash without running the board, which would take a minute on an emulated one."""

from pathlib import Path, PurePosixPath

from littlefs import LittleFS

_BLOCK = 4096  # bytes that the boards erase at once
_PAGE = 256  # and those that rp2 writes at once


def write_image(image: Path, size: int, files: dict[str, bytes]) -> None:
    """Make an image of `size` bytes with these files, by their paths from the root."""
    flash = LittleFS(block_size=_BLOCK, block_count=size // _BLOCK, prog_size=_PAGE)
    for path, content in files.items():
        flash.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
        with flash.open(path, "wb") as file:
            file.write(content)
    image.write_bytes(flash.context.buffer)

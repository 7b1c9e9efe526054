"""Schemas that were met before, so that a board need not tell them again: a file each in this user's cache.

A file's name is the CRC-32 of the text in it, which is compared when it is read, and it comes into its place whole, by a
rename: what is damaged counts as not there. Where nothing can be written, nothing is kept.
"""

import contextlib
import os
from binascii import crc32
from pathlib import Path

_MOST = 1000  # files; then the oldest go


def folder() -> Path:
    """Return where they are: `schemas` in $BOARDMAPS_CACHE, else in the user's cache folder. It need not be there."""
    chosen = os.environ.get("BOARDMAPS_CACHE")
    if chosen:
        return Path(chosen) / "schemas"
    # saves start-up time: most calls need no such folder
    from platformdirs import user_cache_path

    return user_cache_path("boardmaps", appauthor=False) / "schemas"


def schema(checksum: int) -> str | None:
    """Return the text with this CRC-32, None when it is not known."""
    try:
        data = (folder() / f"{checksum:08x}").read_bytes()
        return data.decode() if crc32(data) == checksum else None
    except (OSError, UnicodeDecodeError):
        return None


def keep(text: str) -> None:
    """Keep a text."""
    import tempfile  # saves start-up time: a schema is kept once

    data = text.encode()
    with contextlib.suppress(OSError):
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = sorted((file for file in place.iterdir() if file.is_file()), key=lambda file: file.stat().st_mtime)
        for file in there[: max(0, len(there) + 1 - _MOST)]:
            file.unlink(missing_ok=True)
        number, name = tempfile.mkstemp(dir=place)
        with open(number, "wb") as new:
            new.write(data)
        os.replace(name, place / f"{crc32(data):08x}")

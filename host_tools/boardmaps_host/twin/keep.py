"""Pins of the twin: the same calls as a board's, on files in a folder of the computer.

The folder is the registry's (`Registry(kept=…)`); for the process's own it is in $BOARDMAPS_KEPT. Without one nothing is kept, and
pin() says so.
"""

from __future__ import annotations

import time
from binascii import crc32
from struct import unpack_from
from typing import NoReturn

from boardmaps.abi import BPF_F_WRONLY
from boardmaps.errors import MapError, NotPermitted, NotSupported

from .base import CloudMap
from .keeping import Keeper
from .registries import Registry
from .slices import to_slice

_FLAGS_AT = 44  # of a pin: the map_flags in the slice's header
_EVERY_MOST = 1e5  # seconds


def _keeper(op: str) -> Keeper:
    """Return the active registry's keeper. Raises NotPermitted where it has none."""
    found = Registry.active().keeper
    if found is None:
        text = f"{op}: this registry keeps nothing; give it a folder: Registry(kept=…), or $BOARDMAPS_KEPT for the process's own"
        raise NotPermitted(text)
    return found


def pin(m: CloudMap, every: float | None = None) -> int:
    """Keep the map's content in a file, and return the bytes written once that is durable: 0 when nothing had changed.

    The map is filled with it when it is made again with the same definition. `every`: from now on also each time that a
    connection to this twin finds it changed, looking every so many seconds. Raises what a board's pin() raises.
    """
    if every is not None and not (isinstance(every, int | float) and 0 <= every <= _EVERY_MOST):
        raise MapError(f"pin: every is {every!r}, not a number of seconds from 0 to 100,000")
    keeper = _keeper(f"pin {m.name!r}")
    registry = Registry.active()
    written = keeper.pin(m, [registry.by_id(i) for i in registry.ids()])
    if every is not None:
        entry = keeper.pinned[m.name]
        entry.every, entry.due = every, time.monotonic() + every
    return written


def unpin(which: CloudMap | str) -> bool:
    """Remove the pin of a map, or of a name; return whether there was one. The map itself stays as it is."""
    name = which if isinstance(which, str) else which.name
    keeper = _keeper(f"unpin {name!r}")
    if "/" in name:
        return False
    keeper.pinned.pop(name, None)
    there = keeper.path(name).exists()
    keeper.path(name).unlink(missing_ok=True)
    return there


def pins() -> list[tuple[str, str, int, int, int, int | None]]:
    """Return what is pinned, as a board's pins() does: name, state, bytes, times written, bytes in all, every (milliseconds)."""
    keeper = Registry.active().keeper
    if keeper is None:
        return []
    found: list[tuple[str, str, int, int, int, int | None]] = []
    for path in sorted(keeper.folder.glob("*.pin")):
        entry = keeper.pinned.get(path.stem)
        size = path.stat().st_size
        if entry is None:
            found.append((path.stem, "kept", size, 0, 0, None))
            continue
        state = entry.verdict or ("same" if entry.content == crc32(to_slice(entry.m)) else "changed")
        every = None if entry.every is None else int(entry.every * 1000)
        found.append((path.stem, state, size, entry.writes, entry.written, every))
    return found


def pin_stats() -> tuple[int, int, int, int, int]:
    """Return (files written, looks that found nothing new, bytes written, longest stop, all stops), stops in microseconds."""
    keeper = Registry.active().keeper
    stats = keeper.stats if keeper is not None else [0] * 5
    return stats[0], stats[1], stats[2], stats[3], stats[4]


def pin_flags(name: str) -> int:
    """Return the map_flags of the map of which a pin is, 0 when there is no such pin."""
    keeper = Registry.active().keeper
    if keeper is None or "/" in name or not keeper.path(name).exists():
        return 0
    return _flags(keeper.path(name).read_bytes())


def kept_read(file: str, offset: int, n: int) -> bytes | None:
    """Return at most n bytes of a kept file; None when there is none. Raises NotPermitted for the pin of a write-only map."""
    keeper = Registry.active().keeper
    if keeper is None or "/" in file or not (keeper.folder / file).is_file():
        return None
    data = (keeper.folder / file).read_bytes()
    if file.endswith(".pin") and _flags(data) & BPF_F_WRONLY:
        raise NotPermitted(f"read {file!r}: the map is write-only for the host")
    return data[offset : offset + n]


def acknowledge() -> NoReturn:
    """Raise NotSupported: a twin has no black box."""
    raise NotSupported("acknowledge: the twin has no black box; a program on the computer has its traceback")


def _flags(data: bytes) -> int:
    flags: int = unpack_from("<I", data, _FLAGS_AT)[0] if len(data) >= _FLAGS_AT + 4 else 0
    return flags

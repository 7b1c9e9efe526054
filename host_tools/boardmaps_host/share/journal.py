"""Who changed what on a shared board, when, from what to what: a file of the hub's, a JSON document a line.

Changes that the hub's programs make are in it, not the firmware's own. What an entry was before is read by the request before
the change; a firmware may have changed it between the two. The file has a bound: at that it is moved to .old, in the place of
the one before.
"""

import contextlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from operator import and_, or_, xor
from pathlib import Path
from struct import unpack_from
from typing import Any, NamedTuple

from boardmaps import abi
from boardmaps_host.client.commit import changes_in
from boardmaps_host.client.info import MapInfo

_MOST = 1 << 20  # bytes of the file
_WAITING = 1 << 16  # changes that wait to be written
_NAMES = {
    number: name.removeprefix("OP_").lower()
    for name, number in vars(abi).items()
    if name.startswith("OP_") and isinstance(number, int)
}
_FETCHED: dict[int, Callable[[int, int], int]] = {
    abi.OP_FETCH_OR: or_,
    abi.OP_FETCH_AND: and_,
    abi.OP_FETCH_XOR: xor,
    abi.OP_EXCHANGE: lambda _, new: new,
}

Change = tuple[str, str, bytes | None, bytes | None, bytes | None]
Place = tuple[int, bytes]  # a map's number and a key


class Entry(NamedTuple):
    """A change. `operation` is SPEC.md's name in lower case; `before` and `after` are values, None where there is none to tell."""

    time: float
    pid: int
    program: str
    operation: str
    map: str
    key: bytes | None
    before: bytes | None
    after: bytes | None

    def line(self) -> str:
        """Return the entry as it stands in the file."""
        parts: dict[str, Any] = self._asdict()
        for name in ("key", "before", "after"):
            parts[name] = None if parts[name] is None else bytes(parts[name]).hex()
        return json.dumps(parts)


class Journal:
    """The journal at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: deque[Entry] = deque(maxlen=_WAITING)

    def add(self, entry: Entry) -> None:
        """Note a change; flush() writes it."""
        self._waiting.append(entry)

    def flush(self) -> None:
        """Write what was noted. A disk that is full costs entries of the journal and nothing else."""
        if not self._waiting:
            return
        lines = "".join(f"{entry.line()}\n" for entry in self._waiting)
        self._waiting.clear()
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            file = os.open(self._path, flags, 0o600)
            with open(file, "a", encoding="utf-8") as out:
                out.write(lines)
                size = out.tell()
            if size > _MOST:
                self._path.replace(self._path.with_suffix(".old"))


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a journal, the oldest first."""
    for part in (path.with_suffix(".old"), path):
        with contextlib.suppress(FileNotFoundError), open(part, encoding="utf-8") as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # the last one, half written
                    yield json.loads(line)


def map_of(payload: bytes) -> int:
    """Return the number of the map that a request on a map is about."""
    return int.from_bytes(payload[1:3], "little")


def changes(
    payload: bytes, reply: bytes, before: Mapping[Place, bytes], infos: Mapping[int, MapInfo | None]
) -> list[Change]:
    """Return what a request that was done has changed, each: operation, map, key, value before and after.

    `reply` is the board's, `before` what was read of the entries before, by map and key; `infos` the maps by their numbers.
    """
    if payload[0] == abi.OP_COMMIT:
        return _committed(payload, dict(before), infos)
    told = _change(payload, reply, next(iter(before.values()), None), infos.get(map_of(payload)))
    return [] if told is None else [told]


def _committed(payload: bytes, now: dict[Place, bytes], infos: Mapping[int, MapInfo | None]) -> list[Change]:
    """Return what the changes of a commit have changed, one behind the other; `now` is what was read before the first."""
    found = []
    for one in changes_in(payload):
        number = map_of(one)
        info = infos.get(number)
        key = (
            one[3:]
            if one[0] == abi.OP_DELETE
            else one[16:]
            if one[0] == abi.OP_ADD
            else one[9 : 9 + one[7] + 256 * one[8]]
        )
        place = number, key
        old = now.get(place)
        if one[0] == abi.OP_ADD:
            offset, width, delta = unpack_from("<IBq", one, 3)
            width = width or (min(info.value_size, 8) if info is not None else 8)
            if old is not None:
                new = (int.from_bytes(old[offset : offset + width], "little") + delta) & ((1 << 8 * width) - 1)
                now[place] = old[:offset] + new.to_bytes(width, "little") + old[offset + width :]
            told: Change | None = ("add", info.name if info is not None else "", key, old, now.get(place))
        else:
            told = _change(one, b"\0", old, info)
            if told is not None and told[4] is not None:
                now[place] = told[4]
            else:
                now.pop(place, None)
        if told is not None:
            found.append((f"commit {told[0]}", *told[1:]))
    return found


def _change(payload: bytes, reply: bytes, before: bytes | None, info: MapInfo | None) -> Change | None:
    """Return what a request on one map has changed, None for nothing."""
    op = payload[0]
    if op in (abi.OP_SUBSCRIBE, abi.OP_UNSUBSCRIBE):
        return None
    key: bytes | None = None
    after: bytes | None = None
    size = info.value_size if info is not None else 0
    if op == abi.OP_ADD:
        offset, width, delta = unpack_from("<IBq", payload, 3)
        key, width = payload[16:], width or min(size, 8)
        number = int.from_bytes(reply[1:9], "little")
        after = number.to_bytes(8, "little")[:width]
        before = ((number - delta) & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    elif op in _FETCHED:
        offset, width, operand = unpack_from("<IBQ", payload, 3)
        key, width = payload[16:], width or min(size, 8)
        mask = (1 << 8 * width) - 1
        number = int.from_bytes(reply[1:9], "little") & mask
        before = number.to_bytes(width, "little")
        after = (_FETCHED[op](number, operand) & mask).to_bytes(width, "little")
    elif op == abi.OP_COMPARE_AND_SWAP:
        if reply[1:2] != b"\1":
            return None
        (n,) = unpack_from("<H", payload, 3)
        key, values = payload[5 : 5 + n], payload[5 + n :]
        before, after = values[: len(values) // 2], values[len(values) // 2 :]
    elif op == abi.OP_UPDATE:
        (n,) = unpack_from("<H", payload, 7)
        key, after = payload[9 : 9 + n], payload[9 + n :]
    elif op == abi.OP_UPDATE_PART:
        offset, n = unpack_from("<IH", payload, 3)
        key, part = payload[9 : 9 + n], payload[9 + n :]
        after = None if before is None else before[:offset] + part + before[offset + len(part) :]
    elif op in (abi.OP_DELETE, abi.OP_LOOKUP_AND_DELETE):
        key = payload[3:]
        before = reply[1:] if op == abi.OP_LOOKUP_AND_DELETE else before
    name = info.name if info is not None else ""
    return _NAMES.get(op, str(op)), name, key, before, after

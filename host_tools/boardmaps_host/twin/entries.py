"""What tells the changes of a whole map of the twin: compares all entries with those told last."""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack
from typing import Protocol

from boardmaps.abi import EVENT_ENTRY, EVENT_GONE
from boardmaps.line.sources import Paced


class Walked(Protocol):
    """A map whose entries can be walked."""

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Walk the entries as (key, value)."""
        ...


class Entries(Paced):
    """A source of events, as boardmaps.line.sources has them. A slot is a number that an entry keeps while it is there."""

    def __init__(self, m: Walked, every: int) -> None:
        super().__init__(m, every)  # type: ignore[no-untyped-call]
        self._told: dict[bytes, tuple[int, bytes]] = {}  # key: (slot, value)
        self._free: list[int] = []
        self._todo: list[tuple[bytes, bytes | None]] = []

    def next(self, now: int) -> tuple[int, bytes] | None:
        """Return the next change as (what, data), or None."""
        if not self._todo and self._due(now):
            there = dict(self._map.items())
            self._todo = [(k, None) for k in self._told if k not in there]
            self._todo += [(k, v) for k, v in there.items() if k not in self._told or self._told[k][1] != v]
            self._todo.reverse()
        if not self._todo:
            return None
        key, value = self._todo.pop()
        if value is None:
            slot = self._told.pop(key)[0]
            self._free.append(slot)
            return EVENT_GONE, pack("<H", slot)
        known = self._told.get(key)
        slot = known[0] if known else self._free.pop() if self._free else len(self._told) + 1
        self._told[key] = (slot, value)
        return EVENT_ENTRY, pack("<H", slot) + key + value

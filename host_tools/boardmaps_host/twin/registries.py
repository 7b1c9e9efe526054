"""Which maps there are: the twin's counterpart of the board's pool."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from itertools import count
from types import TracebackType
from typing import Self, TypeVar

from boardmaps.abi import U32_MAX
from boardmaps.errors import InvalidDefinition, KeyNotFound, NotSupported, OutOfMemory, StaleMap

from .base import CloudMap, chosen, homes

R = TypeVar("R")

NUMBERS = 0xFFFF  # the line has 16 bits for a map's number


class Registry:
    """Holds every map that was made while it was the active one, under a number that is never used again.

    The process has one, `registry`. A test that wants its own writes ``with Registry() as own:``; maps made inside
    belong to it, and are gone (StaleMap) at the end.
    """

    def __init__(self) -> None:
        self._maps: dict[int, CloudMap] = {}
        self._numbers = count(1)

    @staticmethod
    def active() -> Registry:
        """Return the registry that new maps go to."""
        active = chosen.get(homes[-1])
        assert isinstance(active, Registry)
        return active

    def serving(self, work: Callable[[], R]) -> R:
        """Return work(), which makes its maps in this registry, whichever is the active one for others."""

        def here() -> R:
            chosen.set(self)
            return work()

        return copy_context().run(here)

    def admit(self, new: CloudMap) -> int:
        """Register a map and return its number. Called by every map's constructor.

        Raises OutOfMemory when all numbers have been given out; those of maps that are gone are not used again.
        """
        map_id = next(self._numbers)
        if map_id > NUMBERS:
            raise OutOfMemory(
                f"create {new.name!r}: all {NUMBERS:,} map numbers of this registry are used up; "
                "make the maps that come and go in `with Registry():` blocks of their own"
            )
        self._maps[map_id] = new
        return map_id

    def by_id(self, map_id: int) -> CloudMap:
        """Return the map with this number. Raises StaleMap when there is none (any more)."""
        found = self._maps.get(map_id)
        if found is None:
            raise StaleMap(f"map id {map_id}: no map has this number (the registry may have been reset)")
        return found

    def ids(self) -> list[int]:
        """Return the numbers of all maps, in the order of their creation."""
        return sorted(self._maps)

    def open_map(self, name: str) -> CloudMap:
        """Return the map of this name. Raises KeyNotFound when none has it, InvalidDefinition when several do."""
        found = [m for m in list(self._maps.values()) if m.name == name]
        if not found:
            raise KeyNotFound(f"open_map {name!r}: no map has this name")
        if len(found) > 1:
            raise InvalidDefinition(f"open_map {name!r}: the maps {[m.id for m in found]} all have this name")
        return found[0]

    def stats(self) -> tuple[int, int, int]:
        """Return (total bytes, used bytes, number of maps). The heap has no total: it is given as 2**32 - 1."""
        maps = list(self._maps.values())
        return U32_MAX, min(sum(m.size for m in maps), U32_MAX), len(maps)

    def read(self, *_where: int) -> bytes:
        """Raise NotSupported: maps on the heap have no image in one piece."""
        raise NotSupported("pool read: the twin has no pool; its maps lie on the heap")

    def reset(self) -> None:
        """Drop all maps and free their memory: every later use of one raises StaleMap. Numbers are not used again."""
        for map_id, m in list(self._maps.items()):
            m._retire()
            self._maps.pop(map_id, None)

    def __enter__(self) -> Self:
        homes.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        homes.remove(self)
        self.reset()


registry = Registry()
homes.append(registry)


def recovered() -> list[tuple[str, str, str]] | None:
    """Return what became of the maps of the boot before, as a board does; None: this process keeps none."""
    return None


def open_map(name: str) -> CloudMap:
    """Return the map that another module of the program made under this name.

    Raises KeyNotFound when there is none, InvalidDefinition when several maps have it.
    """
    return Registry.active().open_map(name)

"""Which maps there are: the twin's counterpart of the board's pool."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import copy_context
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from boardmaps.abi import U32_MAX
from boardmaps.errors import InvalidDefinition, KeyNotFound, NotSupported, OutOfMemory, StaleMap

from .base import CloudMap, chosen, homes

if TYPE_CHECKING:
    from boardmaps_host.state.snapshot import Snapshot

    from .keeping import Keeper

R = TypeVar("R")

NUMBERS = 0xFFFF  # the line has 16 bits for a map's number


class Registry:
    """Holds every map that was made while it was the active one, under a number that is never used again.

    The process has one, `registry`. A test that wants its own writes ``with Registry() as own:``; maps made inside
    belong to it, and are gone (StaleMap) at the end.

    ``with Registry(file="state.bin") as own:`` has a file where a board has memory that outlives a reset: at the block's end, by an
    exception too, it gets the maps that have a name, as a snapshot. The next block with this file is the next boot: the first map
    of the same name and definition holds what it held, and recovered() says what became of each.
    """

    def __init__(
        self, kept: str | os.PathLike[str] | None = None, *, file: str | os.PathLike[str] | None = None
    ) -> None:
        """Make an empty one. `kept`: the folder of its maps' pins; without one nothing is kept. `file`: see above."""
        self._file = None if file is None else Path(file)
        self._told: list[list[str]] = []
        self._maps: dict[int, CloudMap] = {}
        self._numbers = count(1)
        self._loaded: dict[str, CloudMap] = {}  # maps of a snapshot that the program has not asked for yet
        self.verdicts: dict[
            str, str
        ] = {}  # by a map's name: what became of it when the program made it with another definition
        self.kept = kept
        self._keeper: Keeper | None = None

    @property
    def keeper(self) -> Keeper | None:
        """What keeps the maps' pins; None where there is no folder for them."""
        if self._keeper is None and self.kept is not None:
            # saves start-up time: for those who keep something
            from .keeping import Keeper

            self._keeper = Keeper(Path(self.kept))
        return self._keeper

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
        if new.name in self._loaded:
            self._reopen(new)
        elif new.name and self.kept is not None and self.keeper is not None:
            self.keeper.load(new)
        return map_id

    def _reopen(self, new: CloudMap) -> None:
        """Have a map that the program makes hold what the snapshot has under its name, as a board does that kept a map."""
        # saves start-up time: for maps that were loaded alone
        from boardmaps_host.state.migrate import take_over

        loaded = self._loaded.pop(new.name)
        verdict = take_over(new, loaded)
        if verdict:
            self.verdicts[new.name] = verdict
        for told in self._told:
            if told[:2] == [new.name, "kept"]:
                told[1:] = ["discarded", verdict] if verdict else ["opened", ""]
        loaded._retire()
        self._maps.pop(loaded.id, None)

    def load(self, snapshot: Snapshot) -> list[CloudMap]:
        """Make the maps of a snapshot here, with all that they hold; return them in its order.

        A map that is here already with the same name and definition is filled instead. When the program then makes a map of a
        loaded one's name and definition for the first time, that holds it; with another definition it is migrated (migrate()), or
        begins empty: `verdicts` says which. open_map() gives the loaded map itself. Raises StateError, and nothing is changed then,
        when a map of the snapshot cannot be used or is here with another definition.
        """
        # saves start-up time: for those who load
        from boardmaps_host.state.twin import load

        made, fresh = load(self._named, snapshot, self.serving)
        self._loaded.update((m.name, m) for m in fresh if m.name)
        return made

    def snapshot(self, *names: str) -> Snapshot:
        """Return the maps of these names, or all, as slices that a board takes; each is of one moment.

        Maps that no board can have are left out of all of them, and named in its `left_out`; asked for by name they raise
        MapError. Raises KeyNotFound.
        """
        # saves start-up time: for those who take one
        from boardmaps_host.state.twin import take

        maps = [self.open_map(name) for name in names] or [self.by_id(i) for i in self.ids()]
        return take(maps, leave_out=not names)

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
        found = self._named(name)
        self._loaded.pop(name, None)  # the program has it now
        return found

    def _named(self, name: str) -> CloudMap:
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
        self._loaded.clear()
        self._keeper = None

    def recovered(self) -> list[tuple[str, str, str]] | None:
        """Return what became of the maps of the file: (name, state, why), as a board says it; None without a file."""
        return None if self._file is None else [(name, state, why) for name, state, why in self._told]

    def _find_file(self) -> None:
        """Load the maps of the file that are sound, and say which are not. Raises StateError for a file that is no snapshot."""
        # saves start-up time: for those who have a file
        from boardmaps_host.state.snapshot import Snapshot, records

        self._told.clear()
        if self._file is None or not self._file.exists():
            return
        about, found = records(self._file.read_bytes(), str(self._file))
        sound = []
        for one in found:
            if isinstance(one, str) or one.slice.wrong:
                name, why = ("", one) if isinstance(one, str) else (one.name, one.slice.wrong or "")
                self._told.append([name, "discarded", why])
            else:
                sound.append(one)
                self._told.append([one.name, "kept", ""])
        self.load(Snapshot(sound, about))

    def _keep(self) -> None:
        """Write the maps that have a name to the file."""
        if self._file is not None:
            # saves start-up time: for those who have a file
            from boardmaps_host.state.twin import take

            take([m for m in self._maps.values() if m.name], leave_out=True).save(self._file)

    def __enter__(self) -> Self:
        self._find_file()
        homes.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        homes.remove(self)
        self._keep()
        self.reset()


registry = Registry(os.environ.get("BOARDMAPS_KEPT") or None)
homes.append(registry)


def recovered() -> list[tuple[str, str, str]] | None:
    """Return what became of the maps of the boot before, as a board does; None where the active registry has no file."""
    return Registry.active().recovered()


def open_map(name: str) -> CloudMap:
    """Return the map that another module of the program made under this name.

    Raises KeyNotFound when there is none, InvalidDefinition when several maps have it.
    """
    return Registry.active().open_map(name)

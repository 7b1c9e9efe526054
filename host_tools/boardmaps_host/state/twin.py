"""A snapshot of the twin's maps, and the twin filled from one. The registries of the twin call this; nothing here keeps any."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from boardmaps.abi import VERSION
from boardmaps.errors import KeyNotFound, MapError
from boardmaps_host.twin.base import CloudMap
from boardmaps_host.twin.slices import fill, make, to_slice

from .errors import StateError
from .slices import read
from .snapshot import Kept, Snapshot


def take(maps: Iterable[CloudMap], *, leave_out: bool) -> Snapshot:
    """Return the snapshot of these maps; with `leave_out` those that no board can have are named in it instead of raising."""
    kept, left_out = [], {}
    for m in maps:
        try:
            one = read(to_slice(m), hidden=False)
        except MapError as error:
            if not leave_out:
                raise
            left_out[m.name] = str(error)
            continue
        assert not isinstance(one, str), one
        kept.append(Kept(one))
    machine = f"{platform.python_implementation()}_{platform.python_version()}"
    return Snapshot(kept, {"machine": machine, "profile": "cloud", "fw": VERSION}, left_out)


def load(
    find: Callable[[str], CloudMap], snapshot: Snapshot, here: Callable[[Callable[[], Any]], Any]
) -> tuple[list[CloudMap], list[CloudMap]]:
    """Fill or make a map for each of a snapshot's; return all of them, and those that were made.

    `find` finds a map by its name, `here` has maps made where they belong. Raises StateError before anything is changed.
    """
    there: list[CloudMap | None] = []
    sound = []
    for kept in snapshot.maps:
        one = kept.slice
        if one.wrong or one.hidden:
            why = one.wrong or "it is write-only for the computer, so its content is not in it"
            raise StateError(
                f"the map {one.name!r} of the snapshot cannot be loaded: {why}. Leave it out: snapshot.only(…)."
            )
        try:
            m = find(one.name) if one.name else None
        except KeyNotFound:
            m = None
        if m is not None:
            one = one.described_by(m.definition.schema)
        if m is not None and (m.definition, m.host_parameters()) != (one.definition, one.parameters):
            text = f"the map {one.name!r} is {m.definition!r} here, and {one.definition!r} in the snapshot"
            raise StateError(f"{text}. Load it into an empty Registry; nothing was changed.")
        there.append(m)
        sound.append(one)
    found: list[CloudMap] = []
    made: list[CloudMap] = []
    for one, known in zip(sound, there, strict=True):
        if known is None:
            found.append(here(partial(make, one)))
            made.append(found[-1])
        else:
            fill(known, one)
            found.append(known)
    return found, made

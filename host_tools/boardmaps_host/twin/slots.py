"""The places of a map's keys in walks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Slots(Generic[K]):
    """Gives every key of a map a place for walks, so that a place number is enough to go on from.

    A key keeps its place while it stays in the map; the place of one that went is given to a new one. So a walk in the
    order of places meets every staying key exactly once, and ends: there are never more places than keys at one time.
    The map alone says which keys are there (`there`), `_of` alone which place a key has: one call of C each. A writer that
    was interrupted half-way may leave the place of a key that is not there, or a place that nobody has any more.
    All of this runs in the map's turn.
    """

    def __init__(self, keys: Iterable[K]) -> None:
        self._keys: list[K | None] = list(keys)
        self._of = {key: place for place, key in enumerate(self._keys) if key is not None}
        self._free: list[int] = []
        self._first = 0  # no key has a place before this one, so that emptying a map from the front is not quadratic

    def add(self, key: K) -> None:
        """Give a key a place, unless it has one."""
        if key in self._of:
            return
        place = self._free.pop() if self._free else len(self._keys)
        self._keys[place : place + 1] = (key,)
        self._first = min(self._first, place)
        self._of[key] = place

    def remove(self, key: K) -> None:
        """Free the place of a key that is gone."""
        place = self._of.pop(key, None)
        if place is not None:
            self._keys[place] = None
            self._free.append(place)

    def after(self, key: K | None, there: Callable[[object], bool]) -> K | None:
        """Return the key behind this one, or the first; None at the end."""
        keys, of = self._keys, self._of
        known = None if key is None else of.get(key)
        for place in range(self._first if known is None else known + 1, len(keys)):
            found = keys[place]
            if found is not None and of.get(found) == place and there(found):
                if known is None:
                    self._first = place
                return found
        return None

    def page(self, place: int, count: int, there: Callable[[object], bool]) -> tuple[int | None, list[K]]:
        """Return (place to go on from or None, up to `count` keys from `place` on)."""
        keys, of = self._keys, self._of
        place = max(place, self._first)
        found: list[K] = []
        while len(found) < count and place < len(keys):
            end = place + count - len(found)
            found += [
                key
                for at, key in enumerate(keys[place:end], place)
                if key is not None and of.get(key) == at and there(key)
            ]
            place = end
        return (place if place < len(keys) else None), found

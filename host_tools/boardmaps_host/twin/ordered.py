"""What LruHashMap keeps its entries in where lru-dict is not installed: an OrderedDict with the methods of lru.LRU that it uses.

A change is made by one call of C, as with lru-dict, so that a KeyboardInterrupt finds it made or not made. Unlike there it is
first looked what has to go, in Python: so here whoever writes does it in the map's turn (lru.py).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain, repeat, starmap
from operator import call
from typing import Any


class Ordered:
    """A dict of at most `size` entries, whose order is that of their use."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()  # the least recently used first
        self._evicted: Callable[[bytes, bytes], object] | None = None

    def set_callback(self, evicted: Callable[[bytes, bytes], object]) -> None:
        """Call `evicted(key, value)`, a function of C, for each entry that makes room from now on."""
        self._evicted = evicted

    def set_size(self, size: int) -> None:
        """Take at most so many entries from now on; the least recently used make room."""
        self._size = size
        list(self._evictions(len(self._entries) - size))

    def _evictions(self, count: int) -> Iterator[object]:
        """Give an iterator in C that removes the `count` least recently used entries, and tells of each."""
        gone: Iterator[Any] = map(self._entries.popitem, repeat(False, max(count, 0)))
        return starmap(self._evicted, gone) if self._evicted else gone

    def __setitem__(self, key: bytes, value: bytes) -> None:
        entries = self._entries
        steps = (partial(entries.__setitem__, key, value), partial(entries.move_to_end, key))
        excess = len(entries) + (key not in entries) - self._size
        list(chain(map(call, steps), self._evictions(excess)))  # all of it in this one call of C

    def __getitem__(self, key: bytes) -> bytes:
        value = self._entries[key]
        with suppress(KeyError):  # another thread has just taken it away
            self._entries.move_to_end(key)
        return value

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        """Return the key's value, which counts as a use; `default` where there is none."""
        try:
            return self[key]
        except KeyError:
            return default

    def pop(self, key: bytes, default: bytes | None = None) -> bytes | None:
        """Remove the key and return its value; `default` where there is none."""
        return self._entries.pop(key, default)

    def keys(self) -> list[bytes]:
        """Return the keys of one moment, the most recently used first."""
        return list(self._entries)[::-1]

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return the entries of one moment, the most recently used first."""
        return list(self._entries.items())[::-1]

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

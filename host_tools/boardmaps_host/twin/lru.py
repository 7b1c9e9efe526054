"""LruHashMap: a hash map that never refuses a new key, since the least recently used entry makes room."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from lru import LRU

from boardmaps.abi import BPF_ANY, BPF_EXIST, BPF_NOEXIST
from boardmaps.errors import MapError
from boardmaps.kinds import LRU_HASH

from .base import BytesLike, Key
from .hash import HashMap
from .keyed import stopped
from .slots import Slots

OnEvict = Callable[[bytes, bytes], object]


class LruHashMap(HashMap):
    """A hash table that evicts exactly the least recently used entry when a new key needs its place.

    Lookup, update and the atomics count as a use; walks, batch_lookup, `in` and next_key do not. `evictions` counts; an
    `on_evict(key, value)` is called after each, outside the lock, so that it may use the map.
    """

    _type: ClassVar[int] = LRU_HASH
    _data: LRU[bytes, bytes]  # type: ignore[assignment] # what HashMap does with its dict this can do too

    def __init__(
        self,
        key_size: int,
        value_size: int,
        max_entries: int,
        map_flags: int = 0,
        name: str = "",
        *,
        on_evict: OnEvict | None = None,
    ) -> None:
        self._on_evict = on_evict
        super().__init__(key_size, value_size, max_entries, map_flags, name)

    def _set_up(self) -> None:
        super()._set_up()
        self._inserted = self._removed = 0
        self._data = LRU(self.definition.max_entries)
        self._untold: deque[tuple[bytes, bytes]] = deque()  # evictions that on_evict is still to be called for
        self._gone: dict[bytes, bytes] = {}  # evictions of a watched map, from the LRU's callback
        self._watched = False
        if self._on_evict is not None:
            self._watch()

    def _watch(self) -> None:
        """From now on add keys with the lock held, and have the LRU say what it evicts.

        Its callback must be a function of C: while it runs the entry is half out of the LRU, and no other thread may look.
        """
        self._watched = True
        self._data.set_callback(self._gone.setdefault)

    @property
    def evictions(self) -> int:
        """How many entries had to make room so far."""
        with self._lock:
            while True:
                inserted = self._inserted
                there = len(self._data)
                if inserted == self._inserted:  # else an update came between
                    return inserted - self._removed - there

    def lookup(self, key: Key) -> bytes | None:
        """Return the value, or None on a miss; counts as a use. Raises InvalidKeySize."""
        data = self._data
        try:
            if key in data:
                return data[key]  # type: ignore[index] # one step with `key in data`: see base.py
        except (TypeError, ValueError):  # a key without a hash
            return self.lookup(self._key("lookup", key))
        self._key("lookup", key)
        return None

    def update(self, key: Key, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Store a value under the key: BPF_ANY, BPF_NOEXIST (KeyExists when there), BPF_EXIST (KeyNotFound when not).

        A new key in a full map evicts the least recently used one.
        """
        data = self._data
        try:
            if not flags and type(value) is bytes and len(value) == self._value_size:
                if key in data:
                    data[key] = value  # type: ignore[index] # one step with `key in data`: see base.py
                    return
                if type(key) is bytes and len(key) == self._key_size and not self._watched and key not in data:
                    data[key] = value  # the LRU makes room in the same step
                    self._inserted += 1
                    return
        except (TypeError, ValueError):  # a key without a hash
            pass
        self._update(key, value, flags)
        if self._untold:
            self._tell()

    def _take(self, op: str, key: Key) -> bytes | None:
        key = self._key(op, key)
        with self._lock:
            taken = self._pop([key])
            return taken[0] if taken else None

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Walk the entries as they are now, as (key, value)."""
        return (entry for entry in self._data.items()[::-1] if entry[0] in self._data)

    def clear(self) -> None:
        """Remove every key; nothing counts as evicted."""
        with self._lock:
            self._pop(self._snapshot())

    def resize(self, new_max_entries: int) -> None:
        """Change max_entries. Growing keeps everything, shrinking evicts the least recently used entries.

        Raises InvalidDefinition or OutOfMemory, and then nothing has changed.
        """
        with self._lock:
            definition = self._resized(new_max_entries)
            self._note(len(self._data))
            self._data.set_size(new_max_entries)
            self._account()
            self.definition = definition
        self._tell()

    def batch_update(self, keys: Sequence[Key], values: Sequence[BytesLike], flags: int = BPF_ANY) -> int:
        """Store many entries in order, each as update() does; no other writer comes between. Return how many.

        Stops at the first that update() would refuse: that error is raised, `done` of it says how many were stored.
        """
        try:
            if flags == BPF_NOEXIST:  # a new key makes room, and may make a later one of the batch new by that
                return self._batch_of_new(keys, values)
            return super().batch_update(keys, values, flags)
        finally:
            self._tell()

    def _batch_of_new(self, keys: Sequence[Key], values: Sequence[BytesLike]) -> int:
        good, their_values, error = self._pairs(keys, values)
        with self._lock:
            for done, (key, value) in enumerate(zip(good, their_values, strict=True)):
                try:
                    self._store("batch_update", key, value, BPF_NOEXIST)
                except MapError as refusal:
                    raise stopped(refusal, done) from None
        if error:
            raise stopped(error, len(good))
        return len(good)

    def _snapshot(self) -> list[bytes]:
        """Return the keys of one moment, the least recently used first."""
        return self._data.keys()[::-1]

    def _tell(self) -> None:
        while self._untold and self._on_evict is not None:
            self._on_evict(*self._untold.popleft())

    # What follows runs with the lock held.

    def _account(self) -> None:
        """Do what is left to do for the entries that a watched map has evicted."""
        for key in list(self._gone):
            value = self._gone.pop(key)
            if self._slots is not None:
                self._slots.remove(key)
            if self._on_evict is not None:
                self._untold.append((key, value))

    def _places(self) -> Slots[bytes]:
        if self._slots is None:
            self._watch()
        return super()._places()

    def _pop(self, keys: list[bytes]) -> list[bytes]:
        data = self._data
        values: list[bytes] = []
        self._note(len(data))
        for key in keys:
            if key not in data:
                break
            value = data[key]  # one step with `key not in data`, as are the next two
            del data[key]
            self._removed += 1
            values.append(value)
            if self._slots is not None:
                self._slots.remove(key)
        return values

    def _peek_all(self, keys: list[bytes]) -> list[bytes]:
        return list(map(dict(self._data.items()).__getitem__, keys))  # all of it: the LRU has no look that is not a use

    def _store(self, op: str, key: bytes, value: bytes, flags: int) -> None:
        data = self._data
        if key in data:
            if flags == BPF_NOEXIST:
                raise self._there(op)
        elif flags == BPF_EXIST:
            raise self._missing(op)
        else:
            if self._slots is not None:
                self._slots.add(key)
            if key not in data:  # asked again, so that counting is one step with storing
                self._inserted += 1
        data[key] = value
        if self._gone:
            self._account()

    def _admissible(self, keys: list[bytes], flags: int) -> tuple[int, MapError | None]:
        if flags == BPF_ANY:
            return len(keys), None
        return super()._admissible(keys, flags)

    def _store_all(self, keys: list[bytes], values: list[bytes]) -> None:
        for key, value in zip(keys, values, strict=True):
            self._store("batch_update", key, value, BPF_ANY)

"""LruHashMap: a hash map that never refuses a new key, since the least recently used entry makes room."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import ClassVar

from boardmaps.abi import BPF_ANY, BPF_EXIST, BPF_NOEXIST, LRU_HASH
from boardmaps.errors import KeyNotFound, MapError
from lru import LRU

from .base import BytesLike, Key
from .hashmap import HashMap

OnEvict = Callable[[bytes, bytes], object]


class LruHashMap(HashMap):
    """A hash table that evicts exactly the least recently used entry when a new key needs its place.

    Lookup, update and the atomics count as a use; walks, batch_lookup, `in` and next_key do not. `evictions` counts; an
    `on_evict(key, value)` is called after each, outside the lock, so that it may use the map.
    """

    _type: ClassVar[int] = LRU_HASH

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
        self.evictions = 0
        self._evicted: deque[tuple[bytes, bytes]] = deque()  # those whose callback is still to be made
        # The same entries as in _data. This one knows their order, but has no way to look without using.
        self._order: LRU[bytes, bytes] = LRU(self.definition.max_entries)

    def lookup(self, key: Key) -> bytes | None:
        """Return the value, or None on a miss; counts as a use. Raises InvalidKeySize."""
        order = self._order
        try:
            if key in order:
                return order[key]  # type: ignore[index] # one step with `key in order`: see base.py
        except (TypeError, ValueError):  # a key without a hash
            return self.lookup(self._key("lookup", key))
        self._key("lookup", key)
        return None

    def update(self, key: Key, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Store a value under the key: BPF_ANY, BPF_NOEXIST (KeyExists when there), BPF_EXIST (KeyNotFound when not).

        A new key in a full map evicts the least recently used one.
        """
        order = self._order
        try:
            if not flags and type(value) is bytes and len(value) == self._value_size and key in order:
                order[key] = self._data[key] = value  # type: ignore[index] # one step with `key in order`: see base.py
                return
        except (TypeError, ValueError):  # a key without a hash
            pass
        self._update(key, value, flags)
        if self._evicted:
            self._call_back()

    def clear(self) -> None:
        """Remove every key; nothing counts as evicted."""
        with self._lock:
            self._order.clear()
            self._data.clear()
            self._slots = None

    def resize(self, new_max_entries: int) -> None:
        """Change max_entries. Growing keeps everything, shrinking evicts the least recently used entries.

        Raises InvalidDefinition or OutOfMemory, and then nothing has changed.
        """
        with self._lock:
            definition = self._resized(new_max_entries)
            order = self._order
            while len(order) > new_max_entries:
                oldest = order.peek_last_item()
                order.set_size(len(order) - 1)
                self._forget(oldest)
            order.set_size(new_max_entries)
            self.definition = definition
        self._call_back()

    def batch_update(self, keys: Sequence[Key], values: Sequence[BytesLike], flags: int = BPF_ANY) -> int:
        """Store many entries in order, each as update() does; no other writer comes between. Return how many.

        Stops at the first that update() would refuse: that error is raised, `done` of it says how many were stored.
        """
        try:
            return super().batch_update(keys, values, flags)
        finally:
            self._call_back()

    def _call_back(self) -> None:
        while self._evicted and self._on_evict is not None:
            self._on_evict(*self._evicted.popleft())

    # What follows runs with the lock held.

    def _store(self, op: str, key: bytes, value: bytes, flags: int) -> None:
        order = self._order
        data = self._data
        if key in order:
            if flags == BPF_NOEXIST:
                raise self._there(op)
            order[key] = value
            data[key] = value
            return
        if flags == BPF_EXIST:
            raise self._missing(op)
        oldest = order.peek_last_item() if len(order) >= self.definition.max_entries else None
        order[key] = value  # evicts whatever is the least recently used one at this instant
        data[key] = value
        if oldest is not None:
            self._forget(oldest)
        if self._slots is not None:
            self._slots.add(key)

    def _forget(self, oldest: tuple[bytes, bytes] | None) -> None:
        """Drop what the order has just dropped: `oldest`, unless a lookup has used it since it was looked up."""
        key = oldest[0] if oldest else b""
        if key in self._order:
            key = next(k for k in self._data if k not in self._order)
        value = self._data.pop(key)
        if self._slots is not None:
            self._slots.remove(key)
        self.evictions += 1
        if self._on_evict is not None:
            self._evicted.append((key, value))

    def _change(self, op: str, key: Key, change: Callable[[bytes], bytes | None]) -> bytes | None:
        key = self._key(op, key)
        with self._lock:
            order = self._order
            data = self._data
            while True:
                old = data.get(key)
                if old is None:
                    raise KeyNotFound(f"{op} {self.name!r}: no such key")
                new = change(old)
                if new is None:
                    return None
                if data[key] is old:  # else an update came between; one step with the stores
                    order[key] = new
                    data[key] = new
                    return new

    def _admissible(self, keys: list[bytes], flags: int) -> tuple[int, MapError | None]:
        if flags == BPF_ANY:
            return len(keys), None
        return super()._admissible(keys, flags)

    def _store_all(self, keys: list[bytes], values: list[bytes]) -> None:
        for key, value in zip(keys, values, strict=True):
            self._store("batch_update", key, value, BPF_ANY)

    def _pop(self, keys: list[bytes]) -> list[bytes]:
        values = []
        for key in keys:
            if key not in self._order:
                break
            del self._order[key]
            values.append(self._data.pop(key))
            if self._slots is not None:
                self._slots.remove(key)
        return values

"""LruHashMap: a hash map that never refuses a new key, since the least recently used entry makes room.

update() stores without a turn (see base.py), unless a new key has to be noted for walks or for on_evict: that is one call
of C, which makes room in the same step, so there are never too many. So that this store and the steps of others never undo
each other, those that depend on what is there (flags, atomics) look and store in one call of C too: _store_if(). Only
`evictions` is counted by a call of its own: threads that insert the same key at the same instant may be counted twice.

Without lru-dict (the extra `lru`) the order is an OrderedDict's: the same behaviour, more slowly, since each update() takes a turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, count
from operator import contains, is_, not_, setitem
from typing import Any, ClassVar

from boardmaps.abi import BPF_ANY, BPF_EXIST, BPF_NOEXIST
from boardmaps.errors import KeyNotFound, MapError
from boardmaps.kinds import LRU_HASH

from .base import BytesLike, Key
from .hash import HashMap
from .keyed import stopped
from .ordered import Ordered
from .slots import Slots

try:
    from lru import LRU
except ImportError:  # it is an extra, and some machines have no wheel of it
    LRU = Ordered  # type: ignore[assignment,misc]

OnEvict = Callable[[bytes, bytes], object]


class LruHashMap(HashMap):
    """A hash table that evicts exactly the least recently used entry when a new key needs its place.

    Lookup, update and the atomics count as a use; walks, batch_lookup, `in` and next_key do not. `evictions` counts; an
    `on_evict(key, value)` is called after each, outside the lock, so that it may use the map.
    """

    _type: ClassVar[int] = LRU_HASH
    _order: ClassVar[Any] = LRU
    _data: LRU[bytes, bytes]  # type: ignore[assignment] # what HashMap does with its dict this can do too

    def __init__(
        self,
        key_size: int,
        value_size: int,
        max_entries: int,
        map_flags: int = 0,
        name: str = "",
        schema: str = "",
        *,
        on_evict: OnEvict | None = None,
    ) -> None:
        self._on_evict = on_evict
        super().__init__(key_size, value_size, max_entries, map_flags, name, schema)

    def _set_up(self) -> None:
        super()._set_up()
        self._inserted = count()  # one call of C counts
        self._looks = self._removed = 0  # _looks: what looking at _inserted has added to it
        self._data = self._order(self.definition.max_entries)
        self._takes_turns = self._order is Ordered
        self._untold: deque[tuple[bytes, bytes]] = deque()  # evictions that on_evict is still to be called for
        self._gone: dict[bytes, bytes] = {}  # evictions of a watched map, from the LRU's callback
        self._watched = False
        if self._on_evict is not None:
            self._watch()

    def _watch(self) -> None:
        """From now on add keys in the map's turn, and have the LRU say what it evicts.

        Its callback must be a function of C: while it runs the entry is half out of the LRU, and no other thread may look.
        """
        self._watched = True
        self._data.set_callback(self._gone.setdefault)

    @property
    def evictions(self) -> int:
        """How many entries had to make room so far."""
        return self._alone(self._count_evictions)

    def _count_evictions(self) -> int:
        inserted = next(self._inserted) - self._looks
        self._looks += 1
        return max(inserted - self._removed - len(self._data), 0)

    def lookup(self, key: Key) -> bytes | None:
        """Return the value, or None on a miss; counts as a use. Raises InvalidKeySize."""
        data = self._data
        if type(key) is bytes:
            try:
                if key in data:  # a miss is dear where it is an exception
                    return data[key]
            except KeyError:  # another thread has just taken it away
                pass
            self._key("lookup", key)
            return None
        return self.lookup(self._key("lookup", key))

    def update(self, key: Key, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Store a value under the key: BPF_ANY, BPF_NOEXIST (KeyExists when there), BPF_EXIST (KeyNotFound when not).

        A new key in a full map evicts the least recently used one.
        """
        data = self._data
        if (
            flags is BPF_ANY
            and type(key) is bytes
            and type(value) is bytes
            and len(value) == self._value_size
            and not self._takes_turns
        ):
            if key in data:
                data[key] = value  # without a turn: see the first lines of this file
                if self._watched:
                    self._alone(self._mend, key)
                    self._tell()
                return
            if len(key) == self._key_size and not self._watched:
                data[key] = value  # without a turn, too
                next(self._inserted)
                if self._watched:  # since a walk of another thread began
                    self._alone(self._mend, key)
                return
        super().update(key, value, flags)
        if self._untold:
            self._tell()

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Walk the entries as they are now, as (key, value)."""
        return (entry for entry in self._data.items()[::-1] if entry[0] in self._data)

    def clear(self) -> None:
        """Remove every key; nothing counts as evicted."""
        self._alone(self._clear)

    def resize(self, new_max_entries: int) -> None:
        """Change max_entries. Growing keeps everything, shrinking evicts the least recently used entries.

        Raises InvalidDefinition or OutOfMemory, and then nothing has changed.
        """
        self._alone(self._resize, new_max_entries)
        self._tell()

    def batch_update(self, keys: Sequence[Key], values: Sequence[BytesLike], flags: int = BPF_ANY) -> int:
        """Store many entries in order, each as update() does; no other writer comes between. Return how many.

        Stops at the first that update() would refuse: that error is raised, `done` of it says how many were stored.
        """
        try:
            if flags == BPF_NOEXIST:  # a new key makes room, and may make a later one of the batch new by that
                return self._batch_of_new(keys, values, flags)
            return super().batch_update(keys, values, flags)
        finally:
            self._tell()

    def _batch_of_new(self, keys: Sequence[Key], values: Sequence[BytesLike], flags: int) -> int:
        good, their_values, error = self._pairs(keys, values, flags)
        done, refusal = self._alone(self._store_new, good, their_values)
        if refusal or error:
            raise stopped(refusal or error, done)  # type: ignore[arg-type] # one of them there is
        return done

    def _snapshot(self) -> list[bytes]:
        """Return the keys of one moment, the least recently used first."""
        return self._data.keys()[::-1]

    def _tell(self) -> None:
        while self._untold and self._on_evict is not None:
            try:
                evicted = self._untold.popleft()
            except IndexError:  # another thread tells the last one
                return
            self._on_evict(*evicted)

    # What follows runs in the map's turn.

    def _put_plain(self, key: bytes, value: bytes) -> None:
        self._store("update", key, value, BPF_ANY)

    def _mend(self, key: bytes) -> None:
        """Give a key its place that update() may have stored while a walk began, or another thread removed it."""
        if self._slots is not None and key in self._data:
            self._slots.add(key)
        self._account()

    def _clear(self) -> None:
        while self._data:
            self._pop(self._snapshot())

    def _resize(self, new_max_entries: int) -> None:
        definition = self._resized(new_max_entries)
        self._note(len(self._data))
        if new_max_entries > self.definition.max_entries:
            self.definition = definition
        self._data.set_size(new_max_entries)
        self.definition = definition
        self._account()

    def _store_new(self, keys: list[bytes], values: list[bytes]) -> tuple[int, MapError | None]:
        for done, (key, value) in enumerate(zip(keys, values, strict=True)):
            try:
                self._store("batch_update", key, value, BPF_NOEXIST)
            except MapError as refusal:
                return done, refusal
        return len(keys), None

    def _remove(self, key: bytes) -> bytes | None:
        taken = self._pop([key])
        return taken[0] if taken else None

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
        values: list[bytes] = []
        self._note(len(self._data))
        for key in keys:
            value = self._data.pop(key, None)
            if value is None:
                break
            self._removed += 1
            values.append(value)
            if self._slots is not None:
                self._slots.remove(key)
        return values

    def _peek_all(self, keys: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        entries = dict(self._data.items())  # all of it: the LRU has no look that is not a use
        keys = [key for key in keys if key in entries]
        return keys, [entries[key] for key in keys]

    def _store(self, op: str, key: bytes, value: bytes, flags: int) -> None:
        data = self._data
        if self._gone:  # by a step that was interrupted
            self._account()
        if flags == BPF_EXIST:
            if not self._store_if(map(contains, [data], [key]), key, value):
                raise self._missing(op)
            return
        if self._slots is not None:
            self._slots.add(key)
        if key not in data:
            next(self._inserted)
        elif flags == BPF_NOEXIST:
            raise self._there(op)
        if flags == BPF_ANY:
            data[key] = value
        elif not self._store_if(map(not_, map(contains, [data], [key])), key, value):
            self._removed += 1  # it was counted, but an update of another thread came between
            raise self._there(op)
        if self._gone:
            self._account()

    def _store_if(self, condition: Iterable[bool], key: bytes, value: bytes) -> bool:
        """Store the value if the one item of `condition`, which is asked for now, is true; return whether it was.

        The list is made in one call of C, which asks and stores.
        """
        return bool(list(map(setitem, [self._data], [key], compress([value], condition))))  # type: ignore[arg-type]

    def _exchange(self, op: str, key: bytes, change: Callable[[bytes], bytes | None]) -> bytes | None:
        data = self._data
        while True:
            old = data.get(key)
            if old is None:
                raise KeyNotFound(f"{op} {self.name!r}: no such key")
            new = change(old)
            if new is None or self._store_if(map(is_, map(data.get, [key]), [old]), key, new):
                return new  # else an update came between

    def _admissible(self, keys: list[bytes], flags: int) -> tuple[int, MapError | None]:
        if flags == BPF_ANY:
            return len(keys), None
        return super()._admissible(keys, flags)

    def _store_all(self, keys: list[bytes], values: list[bytes]) -> None:
        for key, value in zip(keys, values, strict=True):
            self._store("batch_update", key, value, BPF_ANY)

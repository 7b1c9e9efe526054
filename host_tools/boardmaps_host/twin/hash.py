"""HashMap: exactly `max_entries` keys, on the heap, in a dict.

More than 300 lines: a hash table with its batches, which share the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import ClassVar

from boardmaps.abi import BPF_ANY, BPF_EXIST, BPF_NOEXIST
from boardmaps.definition import MapDef
from boardmaps.errors import KeyExists, KeyNotFound, MapError, OutOfMemory
from boardmaps.kinds import HASH

from .base import BytesLike, Key
from .keyed import KeyedMap, Page, stopped
from .slots import Slots

EntriesOf = Callable[[list[bytes]], tuple[list[bytes], list[bytes]]]


class HashMap(KeyedMap[bytes]):
    """A hash table of `max_entries` keys of key_size bytes with values of value_size bytes.

    Keys and values are any bytes-like objects of exactly these sizes; what comes back is bytes. Raises
    InvalidDefinition, InvalidFlags, or OutOfMemory for 4 GiB and more.
    """

    _type: ClassVar[int] = HASH

    def __init__(
        self, key_size: int, value_size: int, max_entries: int, map_flags: int = 0, name: str = "", schema: str = ""
    ) -> None:
        super().__init__(MapDef(self._type, key_size, value_size, max_entries, map_flags, name, schema=schema))

    def _set_up(self) -> None:
        self._data: dict[bytes, bytes] = {}
        self._put = self._put_plain  # bound once: that saves a tenth of an update
        self._slots: Slots[bytes] | None = None  # made at the first walk: one that is never walked pays nothing

    def lookup(self, key: Key) -> bytes | None:
        """Return the value, or None on a miss. Raises InvalidKeySize."""
        value = self._data.get(key) if type(key) is bytes else None
        # No key of a wrong size is in the dict, so the check can wait for a miss.
        return value if value is not None else self._data.get(self._key("lookup", key))

    def lookup_into(self, key: Key, out: bytearray | memoryview) -> bool:
        """Copy the value into `out` (value_size bytes, writable); return False on a miss."""
        key = self._key("lookup_into", key)
        out = self._out("lookup_into", out)
        value = self.lookup(key)
        if value is None:
            return False
        out[:] = value
        return True

    def update(self, key: Key, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Store a value under the key: BPF_ANY, BPF_NOEXIST (KeyExists when there), BPF_EXIST (KeyNotFound when not).

        A new key in a full map raises OutOfMemory.
        """
        if (
            flags is not BPF_ANY
            or type(key) is not bytes
            or len(key) != self._key_size
            or type(value) is not bytes
            or len(value) != self._value_size
        ):
            key, value = self._key("update", key), self._value("update", value)
            self._flags("update", flags)
            return self._alone(self._store, "update", key, value, flags)
        try:
            return self._run(self._put, key, value)
        except RuntimeError as error:
            refused = error
        return self._in_turn(refused, self._put, key, value)

    def delete(self, key: Key) -> None:
        """Remove a key; its place can be used again at once. Raises KeyNotFound."""
        if self._take("delete", key) is None:
            raise KeyNotFound(f"delete {self.name!r}: no such key")

    def lookup_and_delete(self, key: Key) -> bytes | None:
        """Return the value and remove the key in one step; None on a miss."""
        return self._take("lookup_and_delete", key)

    def _take(self, op: str, key: Key) -> bytes | None:
        if type(key) is not bytes or len(key) != self._key_size:
            key = self._key(op, key)
        try:
            return self._run(self._remove, key)
        except RuntimeError as error:
            refused = error
        return self._in_turn(refused, self._remove, key)

    def _place(self, op: str, key: Key) -> bytes:
        return self._key(op, key)

    def next_key(self, key: Key | None = None) -> bytes | None:
        """Return the key behind this one; for None or a key that is not there the first; None at the end."""
        if key is not None:
            key = self._key("next_key", key)
        return self._alone(self._after, key)

    def keys(self) -> Iterator[bytes]:
        """Walk the keys: one that stays for the whole walk is met exactly once, whatever comes and goes meanwhile."""
        return filter(self._data.__contains__, self._snapshot())

    def __contains__(self, key: Key) -> bool:
        return self._key("contains", key) in self._data

    def __len__(self) -> int:
        return len(self._data)

    def clear(self) -> None:
        """Remove every key."""
        self._alone(self._clear)

    def resize(self, new_max_entries: int) -> None:
        """Change max_entries. Growing keeps everything, shrinking drops the most recently inserted entries.

        Raises InvalidDefinition or OutOfMemory, and then nothing has changed.
        """
        self._alone(self._resize, new_max_entries)

    def batch_update(self, keys: Sequence[Key], values: Sequence[BytesLike], flags: int = BPF_ANY) -> int:
        """Store many entries as one step for everybody else; return how many.

        Stops at the first that update() would refuse: that error is raised, `done` of it says how many were stored.
        """
        good, their_values, error = self._pairs(keys, values, flags)
        if good:
            self._flags("batch_update", flags)
        done, refusal = self._alone(self._store_batch, good, their_values, flags)
        if refusal or error:
            raise stopped(refusal or error, done)  # type: ignore[arg-type] # one of them there is
        return done

    def batch_lookup(self, cursor: int | None = None, count: int = 1) -> Page:
        """Return (cursor for the next page or None at the end, keys, values): at most `count` entries behind `cursor`.

        The cursor is opaque; None starts. A count of 0 gives the cursor back. Raises MapError for another map's cursor.
        No page counts as a use.
        """
        return self._page("batch_lookup", cursor, count, self._peek_all)

    def batch_lookup_and_delete(self, cursor: int | None = None, count: int = 1) -> Page:
        """Do what batch_lookup does, and remove these entries in the same step."""
        return self._page("batch_lookup_and_delete", cursor, count, self._pop_all)

    def batch_delete(self, keys: Sequence[Key]) -> int:
        """Remove many keys as one step; return how many.

        Stops at the first that is not there or has a wrong size: that error's `done` says how many were removed.
        """
        good, error = self._keys_of_batch("batch_delete", keys)
        done = len(self._alone(self._pop, good))
        if done < len(good):
            error = KeyNotFound(f"batch_delete {self.name!r}: no such key (number {done} of the batch)")
        if error:
            raise stopped(error, done)
        return done

    def _page(self, op: str, cursor: int | None, count: int, entries_of: EntriesOf) -> Page:
        place = self._cursor(op, cursor)
        if self._count(op, count) == 0:
            return cursor, [], []
        end, keys, values = self._alone(self._take_page, place, count, entries_of)
        return None if end is None else self._cursor_at(end), keys, values

    def _snapshot(self) -> list[bytes]:
        """Return the keys of one moment, in the order of their insertion."""
        return list(self._data)

    # What follows runs in the map's turn, except _peek.

    def _peek(self, key: bytes) -> bytes | None:
        return self._data.get(key)

    def _peek_all(self, keys: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        return keys, list(map(self._data.__getitem__, keys))

    def _pop_all(self, keys: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        values = self._pop(keys)
        return keys[: len(values)], values

    def _places(self) -> Slots[bytes]:
        if self._slots is None:
            self._slots = Slots(self._snapshot())
        return self._slots

    def _after(self, key: bytes | None) -> bytes | None:
        return self._places().after(key if key in self._data else None, self._data.__contains__)

    def _take_page(self, place: int, count: int, entries_of: EntriesOf) -> tuple[int | None, list[bytes], list[bytes]]:
        end, keys = self._places().page(place, count, self._data.__contains__)
        return end, *entries_of(keys)

    def _clear(self) -> None:
        self._note(len(self._data))
        self._slots = None
        self._data.clear()

    def _resize(self, new_max_entries: int) -> None:
        definition = self._resized(new_max_entries)
        self._note(len(self._data))
        while len(self._data) > new_max_entries:
            key, _ = self._data.popitem()
            if self._slots is not None:
                self._slots.remove(key)
        self.definition = definition

    def _remove(self, key: bytes) -> bytes | None:
        data = self._data
        if len(data) > self._most:
            self._note(len(data))
        value = data.pop(key, None)
        if value is not None and self._slots is not None:
            self._slots.remove(key)
        return value

    def _store_batch(self, keys: list[bytes], values: list[bytes], flags: int) -> tuple[int, MapError | None]:
        done, refusal = self._admissible(keys, flags)
        self._store_all(keys[:done], values[:done])
        return done, refusal

    def _put_plain(self, key: bytes, value: bytes) -> None:
        """Do what _store() does with BPF_ANY, and call it where there is more to do than to store."""
        data = self._data
        if key not in data and (self._slots is not None or len(data) >= self.definition.max_entries):
            return self._store("update", key, value, BPF_ANY)
        data[key] = value
        return None

    def _store(self, op: str, key: bytes, value: bytes, flags: int) -> None:
        data = self._data
        if key in data:
            if flags == BPF_NOEXIST:
                raise self._there(op)
        elif flags == BPF_EXIST:
            raise self._missing(op)
        elif len(data) >= self.definition.max_entries:
            raise self._full(op)
        elif self._slots is not None:
            self._slots.add(key)
        data[key] = value

    def _there(self, op: str) -> MapError:
        return KeyExists(f"{op} {self.name!r}: BPF_NOEXIST, and the key is there")

    def _missing(self, op: str) -> MapError:
        return KeyNotFound(f"{op} {self.name!r}: BPF_EXIST, and no such key")

    def _full(self, op: str) -> MapError:
        most = self.definition.max_entries
        return OutOfMemory(f"{op} {self.name!r}: map is full ({len(self._data)} of {most} entries)")

    def _change(self, op: str, key: Key, change: Callable[[bytes], bytes | None]) -> bytes | None:
        return self._alone(self._exchange, op, self._key(op, key), change)

    def _exchange(self, op: str, key: bytes, change: Callable[[bytes], bytes | None]) -> bytes | None:
        old = self._data.get(key)
        if old is None:
            raise KeyNotFound(f"{op} {self.name!r}: no such key")
        new = change(old)
        if new is not None:
            self._data[key] = new
        return new

    def _admissible(self, keys: list[bytes], flags: int) -> tuple[int, MapError | None]:
        """Return how many of a batch's keys update() would take, and its error for the next one."""
        data = self._data
        room = self.definition.max_entries - len(data)
        if flags == BPF_ANY and (len(keys) <= room or len(keys) - sum(map(data.__contains__, keys)) <= room):
            return len(keys), None
        new: set[bytes] = set()
        for n, key in enumerate(keys):
            if key in data or key in new:
                if flags == BPF_NOEXIST:
                    return n, self._there("batch_update")
            elif flags == BPF_EXIST:
                return n, self._missing("batch_update")
            elif len(new) == room:
                most = self.definition.max_entries
                return n, OutOfMemory(f"batch_update {self.name!r}: map is full ({most} of {most} entries)")
            else:
                new.add(key)
        return len(keys), None

    def _store_all(self, keys: list[bytes], values: list[bytes]) -> None:
        if self._slots is not None:
            for key in keys:
                self._slots.add(key)
        self._data.update(zip(keys, values, strict=True))  # one call of C, so one step for readers too

    def _pop(self, keys: list[bytes]) -> list[bytes]:
        """Remove keys up to the first that is not there, and return their values."""
        values: list[bytes] = []
        self._note(len(self._data))
        with suppress(KeyError):
            values.extend(map(self._data.pop, keys))  # one call of C, so one step for readers too
        if self._slots is not None:
            for key in keys[: len(values)]:
                self._slots.remove(key)
        return values

"""ArrayMap: `max_entries` values in a row, all there from the start, in one block of zeroed memory."""

from __future__ import annotations

import mmap
import struct
import sys
from collections.abc import Callable, Iterator, Sequence

from boardmaps.abi import BPF_ANY, BPF_NOEXIST
from boardmaps.definition import MapDef
from boardmaps.errors import KeyExists, KeyNotFound, MapError, OutOfMemory
from boardmaps.kinds import ARRAY
from boardmaps.schema import fill

from .base import BytesLike, Key, round_up_8
from .keyed import KeyedMap, Page, stopped

_unpack = struct.Struct("<I").unpack  # refuses every other length
_CHUNK = 1 << 20  # bytes that clear() sets to zero at once where views are out


def zeroed(op: str, name: str, size: int) -> mmap.mmap:
    """Return `size` zeroed bytes, which take memory only where they are written and give a slice in one C call."""
    try:
        if sys.platform == "win32":
            return mmap.mmap(-1, size)
        return mmap.mmap(
            -1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        )  # private: not shared with a forked child
    except (OSError, MemoryError) as refused:
        raise OutOfMemory(f"{op} {name!r}: the system has no {size:,} bytes to give ({refused})") from None


class ArrayMap(KeyedMap[int]):
    """An array of `max_entries` values of value_size bytes, zero from the start.

    A key is the index, as an int or as 4 bytes, little-endian. Raises InvalidDefinition, InvalidFlags, or
    OutOfMemory for 4 GiB and more.
    """

    _indexed = True

    def __init__(self, value_size: int, max_entries: int, map_flags: int = 0, name: str = "", schema: str = "") -> None:
        super().__init__(MapDef(ARRAY, 4, value_size, max_entries, map_flags, name, schema=schema))

    @classmethod
    def with_entries(cls, value_size: int, max_entries: int, name: str = "", map_flags: int = 0) -> ArrayMap:
        """Make an array of `max_entries` values of value_size bytes each; the name stands before the flags here."""
        return cls(value_size, max_entries, map_flags, name)

    def _set_up(self) -> None:
        # Readers take this block and what its length says in one step, so that they never see half of a resize.
        self._block = zeroed("create", self.name, self._value_size * self.definition.max_entries)
        if self.definition.schema:
            with memoryview(self._block) as view:
                fill(self.definition, view, 0, self._value_size, self.cpus)
        self._viewed = False

    def _entry_bytes(self, definition: MapDef) -> int:
        return round_up_8(definition.value_size)

    def _place(self, op: str, key: Key) -> int:
        """Return the index that a key stands for, in range or not."""
        if isinstance(key, int) and not isinstance(key, bool):
            return key
        index: int = _unpack(self._key(op, key))[0]
        return index

    def _out_of_range(self, op: str, index: int) -> MapError:
        last = self.definition.max_entries - 1
        return KeyNotFound(f"{op} {self.name!r}: index {index} is out of range (0 to {last})")

    def lookup(self, key: Key) -> bytes | None:
        """Return the value, or None when the index is out of range. Raises InvalidKeySize."""
        try:
            place = key if type(key) is int else _unpack(key)[0] if type(key) is bytes else self._place("lookup", key)
        except struct.error:
            place = self._place("lookup", key)
        start = place * self._value_size
        return self._block[start : start + self._value_size] or None if place >= 0 else None  # as _peek() does

    def lookup_into(self, key: Key, out: bytearray | memoryview) -> bool:
        """Copy the value into `out` (value_size bytes, writable); return False when the index is out of range."""
        index = self._place("lookup_into", key)
        out = self._out("lookup_into", out)
        value = self.lookup(index)
        if value is None:
            return False
        out[:] = value
        return True

    def update(self, key: Key, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Set the value at an index. Out of range raises KeyNotFound, BPF_NOEXIST KeyExists: every entry is there."""
        index = key if type(key) is int else self._place("update", key)
        if type(value) is not bytes or len(value) != self._value_size:  # saves two calls for what is right already
            value = self._value("update", value)
        if flags is not BPF_ANY:
            self._flags("update", flags)
        try:
            return self._run(self._store, "update", index, value, flags)
        except RuntimeError as error:
            refused = error
        return self._in_turn(refused, self._store, "update", index, value, flags)

    def delete(self, key: Key) -> None:
        """Set the value at an index to zero. Out of range raises KeyNotFound."""
        index = self._place("delete", key)
        self._alone(self._store, "delete", index, bytes(self._value_size), BPF_ANY)

    def next_key(self, key: Key | None = None) -> bytes | None:
        """Return the next index as 4 bytes: 0 for None or an index out of range, None behind the last."""
        last = len(self) - 1
        index = -1 if key is None else self._place("next_key", key)
        if index == last:
            return None
        return (index + 1 if 0 <= index < last else 0).to_bytes(4, "little")

    def keys(self) -> Iterator[bytes]:
        """Walk the indices, each as 4 bytes."""
        index = 0
        while index < len(self):
            yield index.to_bytes(4, "little")
            index += 1

    def __contains__(self, key: Key) -> bool:
        return 0 <= self._place("contains", key) < len(self)

    def __len__(self) -> int:
        return len(self._block) // self._value_size

    def view(self, index: Key) -> memoryview:
        """Return the entry's own bytes, writable: what is written there is in the map at once, without a copy.

        No step of the map's protects from half of a write through it. A view cannot be taken back: after resize(), or when
        the registry is reset, it shows memory that is no longer the map's. Raises KeyNotFound when out of range.
        """
        return self._alone(self._entry_view, self._place("view", index))

    def clear(self) -> None:
        """Set every value to zero."""
        self._alone(self._clear)

    def resize(self, new_max_entries: int) -> None:
        """Change max_entries. New entries are zero; shrinking drops the indices past the end.

        Raises InvalidDefinition or OutOfMemory, and then nothing has changed.
        """
        self._alone(self._resize, new_max_entries)

    def batch_update(self, keys: Sequence[Key], values: Sequence[BytesLike], flags: int = BPF_ANY) -> int:
        """Store many values; no other writer comes between. Return how many.

        Stops at the first that update() would refuse: that error is raised, `done` of it says how many were stored.
        """
        op = "batch_update"
        self._look_at(op, keys, values, flags)
        good: list[tuple[int, bytes]] = []
        error = None
        try:
            for key, value in zip(keys, values, strict=True):
                entry = self._place(op, key), self._value(op, value)
                self._flags(op, flags)
                good.append(entry)
        except MapError as wrong:
            error = wrong
        done, refusal = self._alone(self._store_batch, good, flags)
        if refusal or error:
            raise stopped(refusal or error, done)  # type: ignore[arg-type] # one of them there is
        return done

    def batch_lookup(self, cursor: int | None = None, count: int = 1) -> Page:
        """Return (cursor for the next page or None at the end, keys, values): at most `count` entries behind `cursor`.

        The cursor is opaque; None starts. A count of 0 gives the cursor back. Raises MapError for another map's cursor.
        """
        place = self._cursor("batch_lookup", cursor)
        if self._count("batch_lookup", count) == 0:
            return cursor, [], []
        size = self._value_size
        page = self._block[place * size : (place + count) * size]  # one call of C, so one step
        end = place + len(page) // size
        keys = [index.to_bytes(4, "little") for index in range(place, end)]
        values = [page[at : at + size] for at in range(0, len(page), size)]
        return (self._cursor_at(end) if end < len(self) else None), keys, values

    def batch_delete(self, keys: Sequence[Key]) -> int:
        """Set many values to zero; return how many. Stops at the first error: `done` of it says how many were done."""
        self._types("batch_delete", "key", keys)
        done = 0
        try:
            for key in keys:
                self.delete(key)
                done += 1
        except MapError as error:
            raise stopped(error, done) from None
        return done

    def _peek(self, place: int) -> bytes | None:
        start = place * self._value_size
        # Behind its end the block has no bytes.
        return self._block[start : start + self._value_size] or None if place >= 0 else None

    def _store(self, op: str, place: int, value: bytes, flags: int) -> None:
        """Copy a value to its place. Runs in the map's turn, as what follows does."""
        start = place * self._value_size
        if not 0 <= start < len(self._block):
            raise self._out_of_range(op, place)
        if flags == BPF_NOEXIST:
            raise KeyExists(f"{op} {self.name!r}: BPF_NOEXIST, and every entry of an array is there")
        self._block[start : start + self._value_size] = value

    def _change(self, op: str, key: Key, change: Callable[[bytes], bytes | None]) -> bytes | None:
        return self._alone(self._exchange, op, self._place(op, key), change)

    def _exchange(self, op: str, index: int, change: Callable[[bytes], bytes | None]) -> bytes | None:
        old = self._peek(index)
        if old is None:
            raise self._out_of_range(op, index)
        new = change(old)
        if new is not None:
            self._store(op, index, new, BPF_ANY)
        return new

    def _store_batch(self, entries: list[tuple[int, bytes]], flags: int) -> tuple[int, MapError | None]:
        """Store up to the first that is refused; return how many, and the error for that one."""
        for done, (index, value) in enumerate(entries):
            try:
                self._store("batch_update", index, value, flags)
            except MapError as refusal:
                return done, refusal
        return len(entries), None

    def _entry_view(self, index: int) -> memoryview:
        start = index * self._value_size
        if not 0 <= start < len(self._block):
            raise self._out_of_range("view", index)
        self._viewed = True
        return memoryview(self._block)[start : start + self._value_size]

    def _clear(self) -> None:
        if self._viewed:  # the block stays, or views would lose it
            for start in range(0, len(self._block), _CHUNK):
                end = min(start + _CHUNK, len(self._block))
                self._block[start:end] = bytes(end - start)
        else:
            self._block = zeroed("clear", self.name, len(self._block))

    def _resize(self, new_max_entries: int) -> None:
        definition = self._resized(new_max_entries)
        block = zeroed("resize", self.name, self._value_size * new_max_entries)
        keep = min(len(block), len(self._block))
        block[:keep] = memoryview(self._block)[:keep]
        self._set(definition=definition, _block=block, _viewed=False)

"""LpmTrie: values under prefixes of bits; a look-up finds the longest prefix that matches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from boardmaps.abi import BPF_ANY, BPF_EXIST, BPF_NOEXIST
from boardmaps.definition import MapDef
from boardmaps.errors import InvalidKeySize, KeyExists, KeyNotFound, MapError, OutOfMemory
from boardmaps.kinds import LPM_TRIE
from boardmaps.line.sources import watch

from .base import BytesLike, CloudMap, Key
from .entries import Entries
from .keyed import Page, stopped
from .slots import Slots

_LENGTH_BITS = 12  # of a place: prefix lengths go up to 2048


class LpmTrie(CloudMap):
    """A longest-prefix-match table of `max_entries` prefixes with values of value_size bytes.

    A key is a u32, little-endian, that says how many bits the prefix has, and key_size - 4 bytes of data (1 to 256) that
    the bits are taken from, the most significant bit of the first byte first. Data behind the prefix counts for nothing; it
    is kept, and an update replaces it. Raises InvalidDefinition, InvalidFlags, or OutOfMemory for 4 GiB and more.

    Inside, a prefix is a number, its place: its bits followed by ones up to the size of the data, then 12 bits with how
    many bits of the data it leaves out. The order of these numbers is post-order: a prefix comes behind all that are longer
    and begin with it. A look-up is several steps, so it runs in the map's turn, as writers do.
    """

    _instead = "use lookup, update, delete, next_key, batch_lookup, batch_update and batch_delete"

    def __init__(
        self, key_size: int, value_size: int, max_entries: int, map_flags: int = 0, name: str = "", schema: str = ""
    ) -> None:
        super().__init__(MapDef(LPM_TRIE, key_size, value_size, max_entries, map_flags, name, schema=schema))

    def _set_up(self) -> None:
        self._bits = 8 * (self._key_size - 4)
        self._data: dict[int, tuple[bytes, bytes]] = {}  # place: the key as it was given, the value
        # What follows knows every place in _data, and may know more: a writer that is interrupted half-way does no harm.
        self._lengths: list[int] = []  # that prefixes have had, the longest first
        self._order: list[int] | None = None  # places, ascending; made at the first next_key
        self._slots: Slots[int] | None = None  # made at the first page

    def lookup(self, key: Key) -> bytes | None:
        """Return the value of the longest prefix that matches and is no longer than the key's length; None on a miss.

        A length above the bits of the data is a miss. Raises InvalidKeySize for a key of another number of bytes.
        """
        length, bits = self._parts_of("lookup", key)
        if length > self._bits:
            return None
        return self._alone(self._longest, length, bits)

    def lookup_into(self, key: Key, out: bytearray | memoryview) -> bool:
        """Copy the value that lookup() finds into `out` (value_size bytes, writable); return False on a miss."""
        key = self._key("lookup_into", key)
        target = self._out("lookup_into", out)
        value = self.lookup(key)
        if value is None:
            return False
        target[:] = value
        return True

    def update(self, key: Key, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Store a value under exactly this prefix: BPF_ANY, BPF_NOEXIST (KeyExists), BPF_EXIST (KeyNotFound).

        A new prefix in a full map raises OutOfMemory, a length above the bits of the data InvalidKeySize.
        """
        key = self._key("update", key)
        value = self._value("update", value)
        place = self._place("update", key)
        self._flags("update", flags)
        self._alone(self._store, "update", place, key, value, flags)

    def delete(self, key: Key) -> None:
        """Remove exactly this prefix. Raises KeyNotFound, and InvalidKeySize for a length above the bits of the data."""
        self._alone(self._remove, "delete", self._place("delete", key))

    def next_key(self, key: Key | None = None) -> bytes | None:
        """Return the prefix behind this one, which need not be there, in post-order; None at the end.

        For None, and for a length above the bits of the data, return the first.
        """
        length, bits = (self._bits + 1, 0) if key is None else self._parts_of("next_key", key)
        return self._alone(self._after, length, bits)

    def keys(self) -> Iterator[bytes]:
        """Walk the keys: one that stays for the whole walk is met exactly once, whatever comes and goes meanwhile."""
        for key, _ in self.items():
            yield key

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Walk the entries as (key, value), with the promise that keys() gives."""
        for place in list(self._data):
            entry = self._data.get(place)
            if entry is not None:
                yield entry

    def __iter__(self) -> Iterator[bytes]:
        return self.keys()

    def __contains__(self, key: Key) -> bool:
        """Whether a look-up of the key finds a value."""
        return self.lookup(key) is not None

    def __len__(self) -> int:
        return len(self._data)

    def clear(self) -> None:
        """Remove every prefix."""
        self._alone(self._clear)

    def resize(self, new_max_entries: int) -> None:
        """Change max_entries. Growing keeps everything, shrinking drops the most recently inserted prefixes.

        Raises InvalidDefinition or OutOfMemory, and then nothing has changed.
        """
        self._alone(self._resize, new_max_entries)

    def batch_update(self, keys: Sequence[Key], values: Sequence[BytesLike], flags: int = BPF_ANY) -> int:
        """Store many entries; no other call comes between. Return how many.

        Stops at the first that update() would refuse: that error is raised, `done` of it says how many were stored.
        """
        op = "batch_update"
        self._look_at(op, keys, values, flags)

        def store(n: int) -> None:
            key = self._key(op, keys[n])
            value = self._value(op, values[n])
            place = self._place(op, key)
            self._flags(op, flags)
            self._store(op, place, key, value, flags)

        return self._each(len(keys), store)

    def batch_delete(self, keys: Sequence[Key]) -> int:
        """Remove many prefixes; no other call comes between. Return how many.

        Stops at the first that delete() would refuse: that error's `done` says how many were removed.
        """
        op = "batch_delete"
        self._types(op, "key", keys)
        return self._each(len(keys), lambda n: self._remove(op, self._place(op, keys[n])))

    def batch_lookup(self, cursor: int | None = None, count: int = 1) -> Page:
        """Return (cursor for the next page or None at the end, keys, values): at most `count` entries behind `cursor`.

        The cursor is opaque; None starts. A count of 0 gives the cursor back. Raises MapError for another map's cursor.
        """
        at = self._cursor("batch_lookup", cursor)
        if self._count("batch_lookup", count) == 0:
            return cursor, [], []
        end, entries = self._alone(self._page, at, count)
        keys = [key for key, _ in entries]
        return (None if end is None else self._cursor_at(end)), keys, [value for _, value in entries]

    def host_subscribe(self, every: int, key: bytes) -> Any:
        """Return what tells the events of what a look-up of a key finds, or of all prefixes: see boardmaps.line.sources."""
        return watch(self, every, key, Entries)

    def _each(self, n: int, do: Callable[[int], None]) -> int:
        """Do the n entries of a batch."""
        done, error = self._alone(self._do_each, n, do)
        if error:
            raise stopped(error, done)
        return done

    def _parts_of(self, op: str, key: Key) -> tuple[int, int]:
        """Return a key's length and the bits of its data."""
        key = self._key(op, key)
        return int.from_bytes(key[:4], "little"), int.from_bytes(key[4:], "big")

    def _at(self, length: int, bits: int) -> int:
        """Return the place of the first `length` of these bits."""
        rest = self._bits - length
        return (bits | (1 << rest) - 1) << _LENGTH_BITS | rest

    def _place(self, op: str, key: Key) -> int:
        """Return the place of a prefix that may be written."""
        length, bits = self._parts_of(op, key)
        if length > self._bits:
            raise InvalidKeySize(f"{op} {self.name!r}: a prefix of {length} bits, and the data has {self._bits}")
        return self._at(length, bits)

    # What follows runs in the map's turn.

    def _do_each(self, n: int, do: Callable[[int], None]) -> tuple[int, MapError | None]:
        for done in range(n):
            try:
                do(done)
            except MapError as error:
                return done, error
        return n, None

    def _longest(self, length: int, bits: int) -> bytes | None:
        for shorter in self._lengths:
            if shorter <= length:
                found = self._data.get(self._at(shorter, bits))
                if found is not None:
                    return found[1]
        return None

    def _after(self, length: int, bits: int) -> bytes | None:
        if self._order is None:
            self._order = sorted(self._data)
        first = bisect_right(self._order, self._at(length, bits)) if length <= self._bits else 0
        for n in range(first, len(self._order)):
            entry = self._data.get(self._order[n])
            if entry is not None:
                return entry[0]
        return None

    def _page(self, at: int, count: int) -> tuple[int | None, list[tuple[bytes, bytes]]]:
        if self._slots is None:
            self._slots = Slots(self._data)
        end, places = self._slots.page(at, count, self._data.__contains__)
        return end, [self._data[place] for place in places]

    def _clear(self) -> None:
        self._note(len(self._data))
        self._order = self._slots = None
        self._data.clear()
        self._lengths = []

    def _resize(self, new_max_entries: int) -> None:
        definition = self._resized(new_max_entries)
        for place in list(self._data)[new_max_entries:]:
            self._remove("resize", place)
        self.definition = definition

    def _store(self, op: str, place: int, key: bytes, value: bytes, flags: int) -> None:
        data = self._data
        if place in data:
            if flags == BPF_NOEXIST:
                raise KeyExists(f"{op} {self.name!r}: BPF_NOEXIST, and the prefix is there")
        elif flags == BPF_EXIST:
            raise KeyNotFound(f"{op} {self.name!r}: BPF_EXIST, and no such prefix")
        else:
            most = self.definition.max_entries
            if len(data) >= most:
                raise OutOfMemory(f"{op} {self.name!r}: map is full ({len(data)} of {most} entries)")
            self._enter(place)
        data[place] = key, value

    def _enter(self, place: int) -> None:
        """Note a prefix that is about to come."""
        length = self._bits - (place & (1 << _LENGTH_BITS) - 1)
        if length not in self._lengths:
            self._lengths = sorted([*self._lengths, length], reverse=True)
        if self._order is not None:
            n = bisect_left(self._order, place)
            if self._order[n : n + 1] != [place]:
                self._order.insert(n, place)
        if self._slots is not None:
            self._slots.add(place)

    def _remove(self, op: str, place: int) -> None:
        if place not in self._data:
            raise KeyNotFound(f"{op} {self.name!r}: no such prefix")
        self._note(len(self._data))
        del self._data[place]
        if self._order is not None:
            del self._order[bisect_left(self._order, place)]
        if self._slots is not None:
            self._slots.remove(place)

"""What the maps with keys share: atomics, parts of batches, and the everyday container protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from boardmaps.errors import InvalidValueSize, MapError
from boardmaps.line.sources import watch

from .base import BytesLike, CloudMap, Key
from .entries import Entries

Page = tuple[int | None, list[bytes], list[bytes]]
P = TypeVar("P")  # what a key stands for inside a map: bytes in a hash, the index in an array


class KeyedMap(CloudMap, Generic[P]):
    """Base of the maps whose entries are reached by a key."""

    def keys(self) -> Iterator[bytes]:
        """Walk the keys: one that stays for the whole walk is met exactly once, whatever comes and goes meanwhile."""
        raise NotImplementedError

    def _place(self, op: str, key: Key) -> P:
        """Return what the key stands for; refuse a key of the wrong size."""
        raise NotImplementedError

    def _peek(self, place: P) -> bytes | None:
        """Return a value as it is stored, or None; never counts as a use. Needs no lock."""
        raise NotImplementedError

    def _store(self, op: str, place: P, value: bytes, flags: int) -> None:
        """Do what update() does once everything has the right size. The lock is held."""
        raise NotImplementedError

    def _change(self, op: str, key: Key, change: Callable[[bytes], bytes | None]) -> bytes | None:
        """Replace the value under `key` by what `change` makes of it, in one step, and return that.

        When `change` gives None the map stays as it is. `change` may be called again when another thread was faster.
        """
        raise NotImplementedError

    def add(self, key: Key, delta: int, offset: int = 0, width: int | None = None) -> int:
        """Add to an unsigned little-endian number in one step and return the new one; it wraps.

        The number is the whole value when that has 1, 2, 4 or 8 bytes; else say which field: `width` bytes at `offset`.
        Raises InvalidKeySize, InvalidValueSize (no such field), KeyNotFound.
        """
        return self._number("add", key, lambda old: old + delta, offset, width)[1]

    def add_into(self, key: Key, delta: int, out: bytearray | memoryview, offset: int = 0) -> None:
        """Do what add() does to the number at `offset` that has as many bytes as `out`; write the new number there.

        `out` is writable and has 1, 2, 4 or 8 bytes; it gets the number as the map has it, little-endian.
        """
        self._number_into("add_into", key, lambda old: old + delta, offset, out)

    def fetch_or(self, key: Key, operand: int, offset: int = 0, width: int | None = None) -> int:
        """Set the bits of `operand` in a number in one step and return the old one. The number is chosen as in add()."""
        return self._number("fetch_or", key, lambda old: old | operand, offset, width)[0]

    def fetch_and(self, key: Key, operand: int, offset: int = 0, width: int | None = None) -> int:
        """Keep only the bits of `operand` in a number in one step and return the old one."""
        return self._number("fetch_and", key, lambda old: old & operand, offset, width)[0]

    def fetch_xor(self, key: Key, operand: int, offset: int = 0, width: int | None = None) -> int:
        """Turn the bits of `operand` over in a number in one step and return the old one."""
        return self._number("fetch_xor", key, lambda old: old ^ operand, offset, width)[0]

    def exchange(self, key: Key, new: int, offset: int = 0, width: int | None = None) -> int:
        """Put `new`, modulo the number's size, in the place of a number in one step and return the old one."""
        return self._number("exchange", key, lambda _: new, offset, width)[0]

    def fetch_or_into(self, key: Key, operand: int, out: bytearray | memoryview, offset: int = 0) -> None:
        """Do what fetch_or() does; write the old number to `out`, as add_into() does the new one."""
        self._number_into("fetch_or_into", key, lambda old: old | operand, offset, out, old=True)

    def fetch_and_into(self, key: Key, operand: int, out: bytearray | memoryview, offset: int = 0) -> None:
        """Do what fetch_and() does; write the old number to `out`, as add_into() does the new one."""
        self._number_into("fetch_and_into", key, lambda old: old & operand, offset, out, old=True)

    def fetch_xor_into(self, key: Key, operand: int, out: bytearray | memoryview, offset: int = 0) -> None:
        """Do what fetch_xor() does; write the old number to `out`, as add_into() does the new one."""
        self._number_into("fetch_xor_into", key, lambda old: old ^ operand, offset, out, old=True)

    def exchange_into(self, key: Key, new: int, out: bytearray | memoryview, offset: int = 0) -> None:
        """Do what exchange() does; write the old number to `out`, as add_into() does the new one."""
        self._number_into("exchange_into", key, lambda _: new, offset, out, old=True)

    def _number_into(
        self,
        op: str,
        key: Key,
        result: Callable[[int], int],
        offset: int,
        out: bytearray | memoryview,
        old: bool = False,
    ) -> None:
        self._place(op, key)
        target = self._writable(op, out)
        before, after = self._number(op, key, result, offset, len(target))
        target[:] = (before if old else after).to_bytes(len(target), "little")

    def _number(
        self, op: str, key: Key, result: Callable[[int], int], offset: int, width: int | None
    ) -> tuple[int, int]:
        """Replace an unsigned little-endian number by what `result` makes of it; return the old and the new one."""
        self._place(op, key)  # a key is refused before a field is
        offset, width = self._field(op, offset, width)
        end = offset + width
        mask = (1 << 8 * width) - 1
        result(0) & mask
        before = after = 0

        def change(value: bytes) -> bytes:
            nonlocal before, after
            before = int.from_bytes(value[offset:end], "little")
            after = result(before) & mask
            return value[:offset] + after.to_bytes(width, "little") + value[end:]

        self._change(op, key, change)
        return before, after

    def _field(self, op: str, offset: int, width: int | None) -> tuple[int, int]:
        """Return where in a stored value the number of `width` bytes at `offset` is."""
        size = self.definition.value_size
        self._whole(op, "offset", offset)
        if width is not None:
            self._whole(op, "width", width)
        if width is None:
            width = size - offset
        if width not in (1, 2, 4, 8) or not 0 <= offset <= size - width:
            raise InvalidValueSize(
                f"{op} {self.name!r}: no number of {width} bytes at offset {offset} of {size}; "
                "a number has 1, 2, 4 or 8 bytes: say which with offset and width"
            )
        return self._at() + offset, width

    def _at(self) -> int:
        """Return where the value that this thread works on begins in what is stored under a key."""
        return 0

    def update_part(self, key: Key, offset: int, data: BytesLike) -> None:
        """Write `data` into the value under `key`, `offset` bytes from its start, in one step for everybody else.

        Raises InvalidKeySize, InvalidValueSize (past the end), KeyNotFound.
        """
        self._place("update_part", key)
        self._whole("update_part", "offset", offset)
        data = self._bytes("update_part", "part", data)
        size = self.definition.value_size
        if not 0 <= offset <= size - len(data):
            raise InvalidValueSize(f"update_part {self.name!r}: {len(data)} bytes at {offset!r} in a value of {size}")
        start = self._at() + offset
        self._change("update_part", key, lambda old: old[:start] + data + old[start + len(data) :])

    def compare_and_swap(self, key: Key, expected: BytesLike, new: BytesLike) -> bool:
        """Store `new` if the value is `expected`, in one step; return whether it was. Raises KeyNotFound."""
        self._place("compare_and_swap", key)  # refused before a value is
        expected = self._value("compare_and_swap", expected)
        new = self._value("compare_and_swap", new)
        return self._change("compare_and_swap", key, lambda old: new if old == expected else None) is not None

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Walk the entries as (key, value), with the promise that keys() gives."""
        for key in self.keys():
            value = self._peek(self._place("items", key))
            if value is not None:
                yield key, value

    def __iter__(self) -> Iterator[bytes]:
        return self.keys()

    def host_subscribe(self, every: int, key: bytes) -> Any:
        """Return what tells the events of a key, or of all: see boardmaps.line.sources."""
        return watch(self, every, key, Entries)

    def _pairs(
        self, keys: Sequence[Key], values: Sequence[BytesLike], flags: int
    ) -> tuple[list[bytes], list[bytes], MapError | None]:
        """Return the entries of a batch up to the first of a wrong size, and the error for that one."""
        alike = keys and len(keys) == len(values)
        if alike and _all_bytes(keys, self._key_size) and _all_bytes(values, self._value_size):
            return list(keys), list(values), None  # type: ignore[arg-type] # bytes all of them, as just seen
        self._look_at("batch_update", keys, values, flags)
        good: list[tuple[bytes, bytes]] = []
        error = None
        try:
            for key, value in zip(keys, values, strict=True):
                good.append((self._key("batch_update", key), self._value("batch_update", value)))
        except MapError as wrong:
            error = wrong
        return [key for key, _ in good], [value for _, value in good], error

    def _keys_of_batch(self, op: str, keys: Sequence[Key]) -> tuple[list[bytes], MapError | None]:
        """Return the keys of a batch up to the first of a wrong size, and the error for that one."""
        self._types(op, "key", keys)
        good: list[bytes] = []
        try:
            for key in keys:
                good.append(self._key(op, key))
        except MapError as wrong:
            return good, wrong
        return good, None


def _all_bytes(items: Sequence[object], size: int) -> bool:
    """Return whether all items are bytes of this size: in two calls of C, since batches are there to be quick."""
    if list(map(type, items)).count(bytes) != len(items):
        return False
    return list(map(len, items)).count(size) == len(items)  # type: ignore[arg-type] # bytes all of them, as just seen


def stopped(error: MapError, done: int) -> MapError:
    """Return the error that ends a batch, telling how many entries were done before it (`error.done`)."""
    error.done = done
    return error

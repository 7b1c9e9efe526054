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

    def _take(self, op: str, key: Key) -> bytes | None:
        """Remove an entry and return its value as it was stored, in one step; None on a miss."""
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
        offset, width = self._field(offset, width)
        end = offset + width
        mask = (1 << 8 * width) - 1

        def plus(old: bytes) -> bytes:
            number = int.from_bytes(old[offset:end], "little") + delta & mask
            return old[:offset] + number.to_bytes(width, "little") + old[end:]

        changed = self._change("add", key, plus)
        return int.from_bytes((changed or b"")[offset:end], "little")

    def _field(self, offset: int, width: int | None) -> tuple[int, int]:
        """Return where in a stored value the number of `width` bytes at `offset` is."""
        size = self.definition.value_size
        if width is None:
            width = size - offset
        if width not in (1, 2, 4, 8) or not 0 <= offset <= size - width:
            raise InvalidValueSize(
                f"add {self.name!r}: no number of {width} bytes at offset {offset} of {size}; "
                "a number has 1, 2, 4 or 8 bytes: add(key, delta, offset, width)"
            )
        return offset, width

    def compare_and_swap(self, key: Key, expected: BytesLike, new: BytesLike) -> bool:
        """Store `new` if the value is `expected`, in one step; return whether it was. Raises KeyNotFound."""
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
        self, keys: Sequence[Key], values: Sequence[BytesLike]
    ) -> tuple[list[bytes], list[bytes], MapError | None]:
        """Return the entries of a batch up to the first of a wrong size, and the error for that one."""
        self._same_length("batch_update", keys, values)
        if set(map(type, keys)) | set(map(type, values)) <= {bytes} and (
            set(map(len, keys)) <= {self._key_size}  # type: ignore[arg-type] # bytes all of them, as just seen
            and set(map(len, values)) <= {self._value_size}
        ):
            return list(keys), list(values), None  # type: ignore[arg-type] # bytes all of them, as just seen
        good: list[tuple[bytes, bytes]] = []
        error = None
        try:
            for key, value in zip(keys, values, strict=True):
                good.append((self._key("batch_update", key), self._value("batch_update", value)))
        except MapError as wrong:
            error = wrong
        return [key for key, _ in good], [value for _, value in good], error

    def _same_length(self, op: str, keys: Sequence[object], values: Sequence[object]) -> None:
        if len(keys) != len(values):
            raise InvalidValueSize(f"{op} {self.name!r}: {len(keys)} keys, but {len(values)} values")

    def _keys_of_batch(self, op: str, keys: Sequence[Key]) -> tuple[list[bytes], MapError | None]:
        """Return the keys of a batch up to the first of a wrong size, and the error for that one."""
        good: list[bytes] = []
        try:
            for key in keys:
                good.append(self._key(op, key))
        except MapError as wrong:
            return good, wrong
        return good, None

    def _count(self, op: str, count: int) -> int:
        if not isinstance(count, int) or count < 0:
            raise MapError(f"{op} {self.name!r}: count is {count!r}, not a number from 0 up")
        return count


def stopped(error: MapError, done: int) -> MapError:
    """Return the error that ends a batch, telling how many entries were done before it (`error.done`)."""
    error.done = done
    return error

"""What each map type must do, said once more with dict, OrderedDict, list and deque; nothing here comes from boardmaps.

A refusal is `Refused` with the name of our error class. Keys are bytes; values are whatever the driver puts in.

More than 300 lines: a model for every map type.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any

RDONLY, WRONLY = 8, 16
ANY, NOEXIST, EXIST = 0, 1, 2

Change = tuple[str, bytes, Any]  # "update" or "delete", the key, the value


class Refused(Exception):
    """An operation that a map must refuse, `done` entries into a batch."""

    def __init__(self, name: str, done: int = 0) -> None:
        super().__init__(name)
        self.name = name
        self.done = done


class Model:
    """What all types share: the host's rights, and batches as nothing but many single calls."""

    def __init__(self, max_entries: int, zero: Any, map_flags: int) -> None:
        self.max_entries = max_entries
        self.zero = zero
        self.readable = not map_flags & WRONLY
        self.writable = not map_flags & RDONLY

    def may(self, *, read: bool = False, write: bool = False) -> None:
        if (read and not self.readable) or (write and not self.writable):
            raise Refused("NotPermitted")

    def close(self) -> None:
        """Nothing is to be let go."""

    def freeze(self) -> None:
        self.may(write=True)
        self.writable = False

    def batch_update(self, keys: Sequence[bytes], values: Sequence[Any], flags: int) -> int:
        if not keys and flags not in (ANY, NOEXIST, EXIST):
            raise Refused("InvalidFlags")
        return self._each([(self.update, key, value, flags) for key, value in zip(keys, values, strict=True)])

    def batch_delete(self, keys: Sequence[bytes]) -> int:
        return self._each([(self.delete, key) for key in keys])

    def _each(self, calls: list[tuple[Any, ...]]) -> int:
        for done, (call, *args) in enumerate(calls):
            try:
                call(*args)
            except Refused as e:
                raise Refused(e.name, done) from None
        return len(calls)

    def add(self, key: bytes, delta: int) -> int:
        self.may(read=True, write=True)
        size = len(self.zero)
        if size not in (1, 2, 4, 8):
            raise Refused("InvalidValueSize")
        new = (int.from_bytes(self._there(key), "little") + delta & (1 << 8 * size) - 1).to_bytes(size, "little")
        self.update(key, new, ANY)
        return int.from_bytes(new, "little")

    def swap(self, key: bytes, expected: bytes, value: bytes) -> bool:
        self.may(read=True, write=True)
        same = self._there(key) == expected
        if same:
            self.update(key, value, ANY)
        return same

    def _there(self, key: bytes) -> bytes:
        value: bytes | None = self.lookup(key)
        if value is None:
            raise Refused("KeyNotFound")
        return value

    def walk_changing(self, _count: int, changes: Sequence[Change]) -> list[str]:
        """Return what each change answers; a walk's guarantees are checked on the real map alone."""
        self.may(read=True)
        return [self._answer(*change) for change in changes]

    def _answer(self, what: str, key: bytes, value: Any) -> str:
        try:
            self.update(key, value, ANY) if what == "update" else self.delete(key)
        except Refused as e:
            return e.name
        return "ok"

    def lookup(self, key: bytes) -> Any:
        raise NotImplementedError

    def update(self, key: bytes, value: Any, flags: int) -> None:
        raise NotImplementedError

    def delete(self, key: bytes) -> None:
        raise NotImplementedError


class HashModel(Model):
    """HashMap and PerCpuHash."""

    def __init__(self, max_entries: int, zero: Any, map_flags: int) -> None:
        super().__init__(max_entries, zero, map_flags)
        self.data: OrderedDict[bytes, Any] = OrderedDict()

    def lookup(self, key: bytes) -> Any:
        self.may(read=True)
        return self.data.get(key)

    lookup_into = lookup

    def update(self, key: bytes, value: Any, flags: int) -> None:
        self.may(write=True)
        if flags not in (ANY, NOEXIST, EXIST):
            raise Refused("InvalidFlags")
        if key in self.data:
            if flags == NOEXIST:
                raise Refused("KeyExists")
        elif flags == EXIST:
            raise Refused("KeyNotFound")
        else:
            self.make_room()
        self.data[key] = value

    def make_room(self) -> None:
        if len(self.data) == self.max_entries:
            raise Refused("OutOfMemory")

    def delete(self, key: bytes) -> None:
        self.may(write=True)
        if key not in self.data:
            raise Refused("KeyNotFound")
        del self.data[key]

    def take(self, key: bytes) -> Any:
        self.may(read=True, write=True)
        return self.data.pop(key, None)

    def next_key(self, _key: bytes) -> bool:
        """Whether the answer is right, which the real map's side finds out; here it always is."""
        self.may(read=True)
        return True

    def walk(self) -> list[bytes]:
        self.may(read=True)
        return sorted(self.data)

    keys = walk

    def pages(self, _count: int) -> list[tuple[bytes, Any]]:
        self.may(read=True)
        return sorted(self.data.items())

    def drain(self, _count: int) -> list[tuple[bytes, Any]]:
        self.may(read=True, write=True)
        entries = sorted(self.data.items())
        self.data.clear()
        return entries

    def clear(self) -> None:
        self.may(write=True)
        self.data.clear()

    def count(self) -> int:
        return len(self.data)


class LruModel(HashModel):
    """LruHashMap: the first in `data` is the least recently used."""

    def lookup(self, key: bytes) -> Any:
        value = super().lookup(key)
        if key in self.data:
            self.data.move_to_end(key)
        return value

    lookup_into = lookup

    def update(self, key: bytes, value: Any, flags: int) -> None:
        super().update(key, value, flags)
        self.data.move_to_end(key)

    def make_room(self) -> None:
        if len(self.data) == self.max_entries:
            self.data.popitem(last=False)


class ArrayModel(Model):
    """ArrayMap and PerCpuArray: a delete sets the entry to zero."""

    def __init__(self, max_entries: int, zero: Any, map_flags: int) -> None:
        super().__init__(max_entries, zero, map_flags)
        self.values = [zero] * max_entries

    def lookup(self, key: bytes) -> Any:
        self.may(read=True)
        index = int.from_bytes(key, "little")
        return self.values[index] if index < self.max_entries else None

    lookup_into = lookup

    def update(self, key: bytes, value: Any, flags: int) -> None:
        self.may(write=True)
        index = int.from_bytes(key, "little")
        if flags not in (ANY, NOEXIST, EXIST):
            raise Refused("InvalidFlags")
        if index >= self.max_entries:
            raise Refused("KeyNotFound")
        if flags == NOEXIST:
            raise Refused("KeyExists")
        self.values[index] = value

    def delete(self, key: bytes) -> None:
        self.update(key, self.zero, ANY)

    def take(self, _: Any) -> Any:
        self.may(read=True, write=True)
        raise Refused("NotSupported")

    drain = take

    def next_key(self, key: bytes) -> bytes | None:
        self.may(read=True)
        index = int.from_bytes(key, "little")
        if index == self.max_entries - 1:
            return None
        return (index + 1 if index < self.max_entries else 0).to_bytes(4, "little")

    def walk(self) -> list[bytes]:
        self.may(read=True)
        return [index.to_bytes(4, "little") for index in range(self.max_entries)]

    keys = walk

    def pages(self, _count: int) -> list[tuple[bytes, Any]]:
        self.may(read=True)
        return list(zip(self.walk(), self.values, strict=True))

    def clear(self) -> None:
        self.may(write=True)
        self.values = [self.zero] * self.max_entries

    def count(self) -> int:
        return self.max_entries


class QueueModel(Model):
    """Queue: the oldest is at the left and comes first."""

    end = 0  # which of the values comes next

    def __init__(self, max_entries: int, zero: Any, map_flags: int) -> None:
        super().__init__(max_entries, zero, map_flags)
        self.values: deque[Any] = deque()

    def push(self, value: Any, flags: int) -> None:
        self.may(write=True)
        if flags not in (ANY, EXIST):
            raise Refused("InvalidFlags")
        if len(self.values) == self.max_entries:
            if flags == ANY:
                raise Refused("OutOfMemory")
            self.values.popleft()
        self.values.append(value)

    def pop(self) -> Any:
        self.may(read=True, write=True)
        value = self.peek()
        if value is not None:
            del self.values[self.end]
        return value

    def peek(self) -> Any:
        self.may(read=True)
        return self.values[self.end] if self.values else None

    def delete(self, _key: bytes) -> None:
        self.may(write=True)
        raise Refused("NotSupported")

    def next_key(self, _key: bytes) -> None:
        self.may(read=True)
        raise Refused("NotSupported")

    def clear(self) -> None:
        self.may(write=True)
        self.values.clear()

    def count(self) -> int:
        return len(self.values)


class StackModel(QueueModel):
    """Stack: the newest comes first, and still the oldest makes room."""

    end = -1

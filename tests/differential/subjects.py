"""One of our maps as a side of a comparison, and what it shares with the kernel's (kernel_subject.py; model.py is the third).

Every operation of rows.py is a method that returns the answer in a form that can be compared, or raises.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from boardmaps import MapError
from boardmaps.abi import BPF_ANY
from tests.differential.model import Change, Refused
from tests.differential.rows import Shape


class Real:
    """What is the same for the kernel's map and ours: rows of per-CPU values, and walks made of next_key alone."""

    shape: Shape
    map: Any
    cpus = 1  # how many values a row of this side has; what is past the shape's own number stays zero

    def _row(self, value: Any) -> bytes:
        if not self.shape.row.per_cpu:
            return bytes(value)
        step = self.shape.value_size + 7 & ~7
        return b"".join(part.ljust(step, b"\0") for part in value).ljust(step * self.cpus, b"\0")

    def _value(self, row: bytes | None) -> Any:
        if row is None or not self.shape.row.per_cpu:
            return row
        step = self.shape.value_size + 7 & ~7
        assert len(row) == step * self.cpus, f"a row of {len(row)} bytes for {self.cpus} CPUs"
        return tuple(row[cpu * step : cpu * step + self.shape.value_size] for cpu in range(self.shape.cpus))

    def walk(self) -> list[bytes]:
        """Return all keys by next_key, and insist on an end; sorted where the order says nothing."""
        keys: list[bytes] = []
        key = self.map.next_key(None)
        while key is not None:
            keys.append(key)
            assert len(keys) <= self.shape.max_entries, f"the walk does not end: {keys}"
            key = self.map.next_key(key)
        return keys if self.shape.row.prefixes else self._in_order(keys)

    def next_key(self, key: bytes) -> Any:
        """Return the next key where keys have an order of their own; else whether the answer fits the walk."""
        if self.shape.row.ordered or self.shape.row.queued or self.shape.row.prefixes:
            return self.map.next_key(key)
        keys: list[Any] = []
        after = self.map.next_key(None)
        while after is not None and len(keys) <= self.shape.max_entries:
            keys.append(after)
            after = self.map.next_key(after)
        keys.append(None)
        return self.map.next_key(key) == keys[keys.index(key) + 1 if key in keys else 0]

    def _in_order(self, found: list[Any]) -> list[Any]:
        return found if self.shape.row.ordered else sorted(found)

    def _answers(self, changes: Sequence[Change]) -> list[str]:
        return [self._answer(*change) for change in changes]

    def _answer(self, what: str, key: bytes, value: Any) -> str:
        done = perform(self, "delete", [key]) if what == "delete" else perform(self, "update", [key, value, BPF_ANY])
        return "ok" if done[0] == "ok" else str(done[1])


class OurSubject(Real):
    """One of our maps: the twin's own object, or a RemoteMap, which has the same methods."""

    def __init__(self, shape: Shape, ours: Any) -> None:
        self.shape = shape
        self.map = ours
        self.cpus = getattr(ours, "cpus", 1)

    def close(self) -> None:
        """Nothing: the registry that the map lives in is reset."""

    def lookup(self, key: bytes) -> Any:
        if self.shape.row.per_cpu:
            values = self.map.lookup_percpu(key)
            return values if values is None else tuple(values[: self.shape.cpus])
        return self.map.lookup(key)

    def lookup_into(self, key: bytes) -> Any:
        out = bytearray(self.shape.value_size)
        return bytes(out) if self.map.lookup_into(key, out) else None

    def update(self, key: bytes, value: Any, flags: int) -> None:
        if self.shape.row.per_cpu:
            self.map.update_percpu(key, [*value, *[bytes(self.shape.value_size)] * (self.cpus - len(value))], flags)
        else:
            self.map.update(key, value, flags)

    def delete(self, key: bytes) -> None:
        self.map.delete(key)

    def take(self, key: bytes) -> Any:
        if not self.shape.row.per_cpu:
            return self.map.lookup_and_delete(key)
        before = self.lookup(key)
        taken = self.map.lookup_and_delete(key)
        assert (taken is None) == (before is None), f"take gave {taken}, a lookup before it {before}"
        # The twin's own object gives the value of the CPU that it runs on; the host gets the row, as from bpf(2).
        return before if taken is None or len(taken) == self.shape.value_size else self._value(taken)

    def keys(self) -> list[bytes]:
        return self._in_order(list(self.map.keys()))

    def count(self) -> int:
        return len(self.map)

    def pages(self, count: int, step: str = "batch_lookup") -> list[tuple[bytes, Any]]:
        found: list[tuple[bytes, Any]] = []
        cursor = None
        while True:
            cursor, keys, values = getattr(self.map, step)(cursor, count)
            assert len(keys) == len(values) <= count
            found += zip(keys, map(self._value, values), strict=True)
            if cursor is None:
                return self._in_order(found)
            assert len(found) <= self.shape.max_entries, f"the pages do not end: {found}"

    def drain(self, count: int) -> list[tuple[bytes, Any]]:
        return self.pages(count, "batch_lookup_and_delete")

    def batch_update(self, keys: Sequence[bytes], values: Sequence[Any], flags: int) -> int:
        done: int = self.map.batch_update(keys, [self._row(value) for value in values], flags)
        return done

    def batch_delete(self, keys: Sequence[bytes]) -> int:
        done: int = self.map.batch_delete(keys)
        return done

    def walk_changing(self, count: int, changes: Sequence[Change]) -> list[str]:
        """Change the map between the steps of a walk, and hold the walk to its guarantees."""
        answers: list[str] = []
        met: list[bytes] = []
        rest = list(changes)
        there = staying = self._there()
        steps = self._pages_of(count) if count else self._steps()
        ended = False
        while not ended:
            keys, ended = next(steps)
            met += map(self.shape.same, keys)
            assert len(met) <= self.shape.max_entries + len(changes), f"the walk does not end: {met}"
            if rest and not ended:
                answers.append(self._answer(*rest.pop(0)))
                there = self._there()
                staying = staying & there
            if not count and not ended and met[-1] not in there and not self.shape.row.prefixes:
                met += staying - set(met)  # next_key of a key that is gone begins anew: nothing is promised beyond here
                break
        times = {key: met.count(key) for key in staying if met.count(key) != 1}
        assert not times, f"keys that stayed were met so many times: {times}; the walk: {met}"
        return answers + self._answers(rest)

    def _there(self) -> set[bytes]:
        return set(map(self.shape.same, self.map.keys()))

    def _pages_of(self, count: int) -> Iterator[tuple[list[bytes], bool]]:
        """Walk by batches: yield (the keys of a page, whether it was the last one)."""
        cursor = None
        while True:
            cursor, keys, _ = self.map.batch_lookup(cursor, count)
            yield keys, cursor is None

    def _steps(self) -> Iterator[tuple[list[bytes], bool]]:
        """Walk by next_key: yield (the key, False), and ([], True) at the end."""
        key = None
        while True:
            key = self.map.next_key(key)
            yield ([] if key is None else [key]), key is None

    def add(self, key: bytes, delta: int) -> int:
        return int(self.map.add(key, delta))

    def swap(self, key: bytes, expected: bytes, value: bytes) -> bool:
        return bool(self.map.compare_and_swap(key, expected, value))

    def clear(self) -> None:
        self.map.clear()

    def push(self, value: Any, flags: int) -> None:
        self.map.push(value, flags)

    def pop(self) -> Any:
        return self.map.pop()

    def peek(self) -> Any:
        return self.map.peek()

    def freeze(self) -> None:
        self.map.freeze()


def perform(subject: Any, op: str, arguments: Sequence[Any]) -> tuple[str, Any, int]:
    """Do one operation; return ("ok", answer, 0) or ("refused", our error's name, entries done before it)."""
    try:
        return "ok", getattr(subject, op)(*arguments), 0
    except Refused as e:
        return "refused", e.name, e.done
    except MapError as e:
        return "refused", type(e).__name__, getattr(e, "done", 0)
    except OSError as e:
        return "refused", subject.name(op, e), 0

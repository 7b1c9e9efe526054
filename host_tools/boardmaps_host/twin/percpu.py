"""What per-CPU maps share: one value per key and CPU, so that counters of different CPUs never meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from threading import local
from typing import NoReturn, TypeVar

from boardmaps.abi import BPF_ANY
from boardmaps.definition import MapDef
from boardmaps.errors import InvalidDefinition, InvalidValueSize, NotSupported
from boardmaps.refusals import GROUPS
from boardmaps_host.kinds import by_class

from .base import BytesLike, Key, refusing, round_up_8
from .keyed import KeyedMap

P = TypeVar("P")
OPERATIONS = sorted(set(" ".join(GROUPS).split()))

_thread = local()
_numbers = count()


def current_cpu(cpus: int) -> int:
    """Return the CPU that the calling thread stands for: threads take turns in the order of their first use."""
    try:
        number: int = _thread.number
    except AttributeError:
        number = _thread.number = next(_numbers)
    return number % cpus


class PerCpu(KeyedMap[P]):
    """What both per-CPU maps add to the map that they are made of. `cpus` is how many values an entry has.

    Underneath, an entry is one row: the values of all CPUs, each rounded up to 8 bytes, as the kernel hands it out.
    Batches take and give rows; every other method sees the value of the CPU that it runs on, or a list of all of them.
    """

    cpus: int
    by_host = True  # the host sees rows

    def __init_subclass__(cls) -> None:
        """Refuse what the class inherits and its type does not have."""
        super().__init_subclass__()
        kind = by_class(cls.__name__)
        for op in OPERATIONS:
            if kind is not None and not kind.has(op):
                setattr(cls, op, refusing(op))

    def _set_up(self) -> None:
        if not isinstance(self.cpus, int) or not 0 < self.cpus <= 4096:
            raise InvalidDefinition(f"create {self.name!r}: cpus is {self.cpus!r}, not a number from 1 to 4096")
        self._own_size = self._value_size
        self._step = round_up_8(self._own_size)
        self._value_size = self._step * self.cpus
        super()._set_up()

    def _entry_bytes(self, definition: MapDef) -> int:
        return super()._entry_bytes(definition) + round_up_8(definition.value_size) * (self.cpus - 1)

    def split(self, row: bytes) -> list[bytes]:
        """Return the values of all CPUs in a row that a batch gave."""
        row = self._value("split", row)
        return [row[at : at + self._own_size] for at in range(0, len(row), self._step)]

    def join(self, values: Sequence[BytesLike], op: str = "join") -> bytes:
        """Return the row that batches take. Raises InvalidValueSize for another number of values than `cpus`."""
        if len(values) != self.cpus:
            raise InvalidValueSize(f"{op} {self.name!r}: {len(values)} values for {self.cpus} CPUs")
        return b"".join(self._own(op, value).ljust(self._step, b"\0") for value in values)

    def lookup_percpu(self, key: Key) -> list[bytes] | None:
        """Return the values of all CPUs, or None on a miss."""
        row = self._peek(self._place("lookup_percpu", key))
        return None if row is None else self.split(row)

    def update_percpu(self, key: Key, values: Sequence[BytesLike], flags: int = BPF_ANY) -> None:
        """Store the values of all CPUs at once. Raises InvalidValueSize for another number of them than `cpus`."""
        place = self._place("update_percpu", key)
        row = self.join(values, "update_percpu")
        self._write("update_percpu", place, lambda _: row, flags)

    def lookup(self, key: Key) -> bytes | None:
        """Return the value of this CPU, or None on a miss. Raises InvalidKeySize."""
        return self._part(self._peek(self._place("lookup", key)))

    def lookup_into(self, key: Key, out: bytearray | memoryview) -> bool:
        """Copy this CPU's value into `out` (value_size bytes, writable); return False on a miss."""
        place = self._place("lookup_into", key)
        target = self._out("lookup_into", out)
        value = self._part(self._peek(place))
        if value is None:
            return False
        target[:] = value
        return True

    def update(self, key: Key, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Store the value of this CPU; in a new entry those of the others are zero. Flags as in a plain map."""
        place = self._place("update", key)
        own = self._own("update", value)
        at = self._at()
        self._write("update", place, lambda row: row[:at] + own + row[at + len(own) :], flags)

    def compare_and_swap(self, key: Key, expected: BytesLike, new: BytesLike) -> bool:
        """Store `new` for this CPU if its value is `expected`, in one step; return whether it was."""
        self._place("compare_and_swap", key)
        before, after = self._own("compare_and_swap", expected), self._own("compare_and_swap", new)
        at, end = self._at(), self._at() + self._own_size

        def swap(row: bytes) -> bytes | None:
            return row[:at] + after + row[end:] if row[at:end] == before else None

        return self._change("compare_and_swap", key, swap) is not None

    def host_size(self) -> int:
        """Return the bytes of a row."""
        return self._value_size

    def host_lookup(self, key: Key) -> bytes | None:
        """Return the row, None on a miss."""
        return self._peek(self._place("lookup", key))

    def host_update(self, key: Key, value: BytesLike, flags: int) -> None:
        """Store a row."""
        place = self._place("update", key)
        row = self._bytes("update", "value", value)
        if len(row) != self._value_size:
            text = f"{len(row)} bytes for the values of {self.cpus} CPUs, which take {self._value_size}"
            raise InvalidValueSize(f"update {self.name!r}: {text}")
        self._write("update", place, lambda _: row, flags)

    def host_add(self, *_: object) -> NoReturn:
        """Raise NotSupported: each CPU changes its own value."""
        self._own_only("add")

    def host_swap(self, *_: object) -> NoReturn:
        """Raise NotSupported."""
        self._own_only("compare_and_swap")

    def _own_only(self, op: str) -> NoReturn:
        raise NotSupported(f"{op} {self.name!r}: each CPU changes its own value; the host reads and writes all")

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Walk the entries as (key, value of this CPU), with the promise that keys() gives."""
        for key, row in super().items():
            yield key, self._part(row) or b""

    def _at(self) -> int:
        return current_cpu(self.cpus) * self._step

    def _part(self, row: bytes | None) -> bytes | None:
        at = self._at()
        return None if row is None else row[at : at + self._own_size]

    def _own(self, op: str, value: BytesLike) -> bytes:
        """Return one CPU's value as bytes of the right length."""
        value = self._bytes(op, "value", value)
        if len(value) != self._own_size:
            raise InvalidValueSize(f"{op} {self.name!r}: value is {len(value)} bytes, not {self._own_size}")
        return value

    def _write(self, op: str, place: P, row_from: Callable[[bytes], bytes], flags: int) -> None:
        self._flags(op, flags)
        self._alone(self._put_row, op, place, row_from, flags)

    def _put_row(self, op: str, place: P, row_from: Callable[[bytes], bytes], flags: int) -> None:
        self._store(op, place, row_from(self._peek(place) or bytes(self._value_size)), flags)

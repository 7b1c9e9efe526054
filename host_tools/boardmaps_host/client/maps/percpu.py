"""What a board's PerCpuArray and PerCpuHash share: a value for each CPU."""

from collections.abc import Sequence

from boardmaps.abi import BPF_ANY
from boardmaps.errors import InvalidValueSize
from boardmaps_host.client.info import MapInfo
from boardmaps_host.client.maps.base import Buffer, Key, Linked, RemoteMap


class RemotePerCpu(RemoteMap):
    """A PerCpuArray or PerCpuHash on a board: the host sees the values of all CPUs.

    To lookup(), update(), items() and the batches a value is a row: all of them, each rounded up to 8 bytes. split() and
    join() go between a row and a list.
    """

    def __init__(self, link: Linked, info: MapInfo) -> None:
        super().__init__(link, info)
        self.cpus = info.cpus
        self._step = info.value_size + 7 & ~7
        self._value_size = self._step * info.cpus

    def _sized(self, op: str, value: Buffer) -> bytes:
        row = self._bytes(op, "value", value)
        if len(row) != self._value_size:
            text = f"{len(row)} bytes for the values of {self.cpus} CPUs, which take {self._value_size}"
            raise InvalidValueSize(f"{op} {self.name!r}: {text}")
        return row

    def split(self, row: bytes) -> list[bytes]:
        """Return the values of all CPUs in a row."""
        row = self._sized("split", row)
        return [row[at : at + self.definition.value_size] for at in range(0, len(row), self._step)]

    def join(self, values: Sequence[Buffer], op: str = "join") -> bytes:
        """Return the row of these values. Raises InvalidValueSize for another number of them than `cpus`."""
        if len(values) != self.cpus:
            raise InvalidValueSize(f"{op} {self.name!r}: {len(values)} values for {self.cpus} CPUs")
        size = self.definition.value_size
        row = b""
        for value in values:
            v = self._bytes(op, "value", value)
            if len(v) != size:
                raise InvalidValueSize(f"{op} {self.name!r}: value is {len(v)} bytes, not {size}")
            row += v.ljust(self._step, b"\0")
        return row

    def lookup_percpu(self, key: Key) -> list[bytes] | None:
        """Return the values of all CPUs, or None on a miss."""
        row = self.lookup(key)
        return None if row is None else self.split(row)

    def update_percpu(self, key: Key, values: Sequence[Buffer], flags: int = BPF_ANY) -> None:
        """Store the values of all CPUs at once."""
        k = self._key("update_percpu", key)
        self.update(k, self.join(values, "update_percpu"), flags)

    def for_every_cpu(self, value: Buffer) -> bytes:
        """Return the row that has this value for every CPU."""
        return self.join([value] * self.cpus)

    def of_every_cpu(self, value: bytes) -> list[bytes]:
        """Return the values of all CPUs in a row; an event has only one, that of the CPU which serves."""
        return [value] if len(value) == self.definition.value_size else self.split(value)

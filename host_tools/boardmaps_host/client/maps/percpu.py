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

    def split(self, row: bytes) -> list[bytes]:
        """Return the values of all CPUs in a row."""
        return [row[at : at + self.definition.value_size] for at in range(0, len(row), self._step)]

    def join(self, values: Sequence[Buffer], op: str = "join") -> bytes:
        """Return the row of these values. Raises InvalidValueSize for another number of them than `cpus`."""
        if len(values) != self.cpus:
            raise InvalidValueSize(f"{op} {self.name!r}: {len(values)} values for {self.cpus} CPUs")
        size = self.definition.value_size
        for value in values:
            if len(value) != size:
                raise InvalidValueSize(f"{op} {self.name!r}: value is {len(value)} bytes, not {size}")
        return b"".join(bytes(value).ljust(self._step, b"\0") for value in values)

    def lookup_percpu(self, key: Key) -> list[bytes] | None:
        """Return the values of all CPUs, or None on a miss."""
        row = self.lookup(key)
        return None if row is None else self.split(row)

    def update_percpu(self, key: Key, values: Sequence[Buffer], flags: int = BPF_ANY) -> None:
        """Store the values of all CPUs at once."""
        self.update(key, self.join(values, "update_percpu"), flags)

    def for_every_cpu(self, value: Buffer) -> bytes:
        """Return the row that has this value for every CPU."""
        return self.join([value] * self.cpus)

    def of_every_cpu(self, value: bytes) -> list[bytes]:
        """Return the values of all CPUs in a row."""
        return self.split(value)

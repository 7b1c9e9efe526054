"""A board's maps that are no plain tables: queues, stacks, rings, series, and maps with a value for each CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import iter_unpack, pack, unpack, unpack_from
from typing import NamedTuple

from boardmaps.abi import (
    BPF_ANY,
    OP_OUTPUT,
    OP_PUSH_SAMPLE,
    OP_QUERY,
    OP_READ,
    OP_SAMPLES,
    OP_STATS,
    PERCPU_ARRAY,
    PERCPU_HASH,
    QUEUE,
    RINGBUF,
    SAMPLES_LAST,
    SAMPLES_OLDEST,
    SAMPLES_WINDOW,
    STACK,
    TIME_SERIES,
    U32_MAX,
)
from boardmaps.errors import InvalidKeySize, InvalidValueSize, MapError
from boardmaps_host.client import subscribe
from boardmaps_host.client.events import Record, Sampled, Subscription
from boardmaps_host.client.info import MapInfo
from boardmaps_host.client.link import Link
from boardmaps_host.client.maps.base import Buffer, Key, RemoteMap

Sample = tuple[int, bytes]
_U64_MAX = (1 << 64) - 1
_READ_MOST = 0xFFFF  # records asked for at once; the board sends what fits its frame


class RingState(NamedTuple):
    """How full a ring is. Positions grow, modulo 2**32; all but `dropped` (records) are bytes."""

    waiting: int
    size: int
    consumer: int
    producer: int
    dropped: int


class Stats(NamedTuple):
    """Statistics of a numeric field over samples; `span` is the last timestamp minus the first."""

    count: int  # type: ignore[assignment] # hides the method of tuples
    min: float | None
    max: float | None
    sum: float
    mean: float | None
    span: int


class RemotePerCpu(RemoteMap):
    """A PerCpuArray or PerCpuHash on a board: the host sees the values of all CPUs.

    To lookup(), update(), items() and the batches a value is a row: all of them, each rounded up to 8 bytes. split() and
    join() go between a row and a list.
    """

    def __init__(self, link: Link, info: MapInfo) -> None:
        super().__init__(link, info)
        self.cpus = info.cpus
        self._step = info.value_size + 7 & ~7
        self._value_size = self._step * info.cpus

    def per_cpu(self, value: bytes) -> list[bytes] | None:
        """Return the values of all CPUs."""
        return self.split(value)

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


class RemoteQueue(RemoteMap):
    """A Queue or Stack on a board. update() is push, lookup() peek and lookup_and_delete() pop, their key None or b""."""

    def push(self, value: Buffer, flags: int = BPF_ANY) -> None:
        """Add a value. In a full map BPF_ANY raises OutOfMemory, and with BPF_EXIST the oldest value goes."""
        self._update("push", None, value, flags)

    def pop(self) -> bytes | None:
        """Remove the next value and return it; None when the map is empty."""
        return self.lookup_and_delete()

    def pop_into(self, out: bytearray | memoryview) -> bool:
        """Remove the next value and copy it into `out` (value_size bytes, writable); False when the map is empty."""
        target = self._out("pop_into", out)
        value = self.pop()
        if value is not None:
            target[:] = value
        return value is not None

    def peek(self) -> bytes | None:
        """Return the next value and leave it; None when the map is empty."""
        return self.lookup()

    def peek_into(self, out: bytearray | memoryview) -> bool:
        """Copy the next value into `out` (value_size bytes, writable) and leave it; False when the map is empty."""
        return self.lookup_into(None, out)

    def update(self, key: Key | None, value: Buffer, flags: int = BPF_ANY) -> None:
        """Push."""
        self._update("update", key, value, flags)

    def lookup(self, key: Key | None = None) -> bytes | None:
        """Peek."""
        return super().lookup(b"" if key is None else key)

    def lookup_into(self, key: Key | None, out: bytearray | memoryview) -> bool:
        """Peek into `out`."""
        return super().lookup_into(b"" if key is None else key, out)

    def delete(self, key: Key | None = None) -> None:
        """Have the board raise NotSupported: there are no keys."""
        super().delete(b"" if key is None else key)

    def lookup_and_delete(self, key: Key | None = None) -> bytes | None:
        """Pop."""
        return super().lookup_and_delete(b"" if key is None else key)


class RemoteRingBuf(RemoteMap):
    """A RingBuf on a board: the host is its reader, as a rule. Reserving is for the firmware alone."""

    def output(self, data: Buffer) -> bool:
        """Add a record with these bytes; return False, and it is counted, when there is no room for it."""
        return self._ask(OP_OUTPUT, bytes(data), changes=True) == b"\1"

    def read(self) -> tuple[int, bytes] | None:
        """Take the next record: (its number, its bytes). None when there is none, or the next one is still reserved."""
        found = self.read_many(1)
        return found[0] if found else None

    def read_many(self, count: int = _READ_MOST) -> list[tuple[int, bytes]]:
        """Take up to `count` records, as many as one frame holds; an empty list when there is none."""
        data = self._ask(OP_READ, pack("<H", min(count, _READ_MOST)), changes=True) or b""
        found = []
        while data:
            number, length = unpack_from("<II", data)
            found.append((number, data[8 : 8 + length]))
            data = data[8 + length :]
        return found

    def records(self, callback: Callable[[Record], None] | None = None) -> Subscription[Record]:
        """Have the board push the records as they come, from the oldest that waits: iterate, or give a callback.

        They are taken out of the ring. A record's `lost` is how many before it the board had to drop.
        """
        return subscribe.records(self._link, self.id, callback)

    def query(self) -> RingState:
        """Return the bytes waiting, the size, the positions of consumer and producer, and the records dropped."""
        return RingState(*unpack("<5I", self._ask(OP_QUERY) or b""))


class RemoteTimeSeries(RemoteMap):
    """A TimeSeries on a board. Statistics are computed there."""

    def push(self, timestamp: int, value: Buffer) -> None:
        """Add a sample; in a full series the oldest one goes."""
        if not isinstance(timestamp, int) or not 0 <= timestamp <= _U64_MAX:
            raise InvalidKeySize(f"push {self.name!r}: timestamp is {timestamp!r}, not a number from 0 to 2**64 - 1")
        self._ask(OP_PUSH_SAMPLE, pack("<Q", timestamp) + bytes(value), changes=True)

    def records(self, callback: Callable[[Sampled], None] | None = None) -> Subscription[Sampled]:
        """Have the board push the samples as they come, from the oldest that is there: iterate, or give a callback.

        They stay in the series. A sample's `lost` is how many before it were overwritten before they could be told.
        """
        return subscribe.samples(self._link, self.id, callback)

    def newest(self) -> Sample | None:
        """Return the last sample pushed, as (timestamp, value); None when there is none."""
        found = self.last(1)
        return found[0] if found else None

    def oldest(self) -> Sample | None:
        """Return the first sample that is still there; None when there is none."""
        found = self._samples(SAMPLES_OLDEST)
        return found[0] if found else None

    def last(self, n: int) -> list[Sample]:
        """Return the newest n samples, or all when there are fewer, in the order in which they were pushed."""
        return self._samples(SAMPLES_LAST, self._count("last", n))

    def window(self, start: int, end: int) -> list[Sample]:
        """Return the samples whose timestamps are from `start` to `end`, both included, in the order of pushing."""
        if start > end or end < 0 or start > _U64_MAX:
            return []
        return self._samples(SAMPLES_WINDOW, max(start, 0), min(end, _U64_MAX))

    def stats(self, n: int | None = None) -> Stats:
        """Return the statistics of the newest n samples, or of all. Raises NotSupported when no field is declared."""
        n = U32_MAX if n is None else self._count("stats", n)
        words = (self._ask(OP_STATS, pack("<I", n)) or b"").decode().split(" ")
        return Stats(*[_number(word) for word in words])  # type: ignore[arg-type] # as the board says them, in this order

    def _count(self, op: str, n: int) -> int:
        if not isinstance(n, int) or n < 0:
            raise MapError(f"{op} {self.name!r}: n is {n!r}, not a number from 0 up")
        return min(n, U32_MAX)

    def _samples(self, what: int, first: int = 0, last: int = 0) -> list[Sample]:
        data = self._ask(OP_SAMPLES, pack("<BQQ", what, first, last)) or b""
        return list(iter_unpack(f"<Q{self.definition.value_size}s", data))


def _number(word: str) -> float | None:
    """Read a number as Python writes it: an int has digits alone."""
    if word == "None":
        return None
    return int(word) if word.lstrip("-").isdigit() else float(word)


KINDS: dict[int, type[RemoteMap]] = {
    PERCPU_ARRAY: RemotePerCpu,
    PERCPU_HASH: RemotePerCpu,
    QUEUE: RemoteQueue,
    STACK: RemoteQueue,
    RINGBUF: RemoteRingBuf,
    TIME_SERIES: RemoteTimeSeries,
}


def remote(link: Link, info: MapInfo) -> RemoteMap:
    """Return the map as an object with the methods of its type."""
    return KINDS.get(info.map_type, RemoteMap)(link, info)

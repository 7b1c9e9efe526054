"""RingBuf: records of any length from many producers to one reader, in the order of their reservation."""

from __future__ import annotations

from collections import deque
from struct import pack_into
from typing import Any, NamedTuple, Self

from boardmaps.abi import BPF_F_RB_OVERWRITE, BPF_F_RDONLY, BPF_F_WRONLY, U32_MAX
from boardmaps.definition import MapDef
from boardmaps.errors import InvalidDefinition, InvalidValueSize, NotPermitted
from boardmaps.kinds import RINGBUF
from boardmaps.refusals import refused

from .base import BytesLike, CloudMap, round_up_8

_HEADER = 8  # bytes before each record
_RESERVED, _SUBMITTED, _DISCARDED = range(3)


class RingState(NamedTuple):
    """How full a ring is. Positions only grow; all but `dropped` (records) are bytes."""

    waiting: int
    size: int
    consumer: int
    producer: int
    dropped: int


class Record:
    """A reserved record: write its `length` bytes to the begin of `data`, then submit() or discard() it. Later ones wait for it.

    As a context it is discarded at the end unless it was submitted: `with ring.reserve(8) as record`. One that is dropped is
    discarded too (a board's is not: MicroPython does not tell).
    """

    def __init__(self, ring: RingBuf, most: int) -> None:
        self._most = most
        self.data = memoryview(bytearray(most))
        self.length = self.number = 0
        self._entry: Entry | None = None
        self._ring = ring

    def submit(self) -> None:
        """Let the reader have it. Raises NotPermitted when it was submitted, discarded or cleared before."""
        self._ring._finish(self, "submit", _SUBMITTED)

    def discard(self) -> None:
        """Throw it away: its space stays taken until the reader has passed it."""
        self._ring._finish(self, "discard", _DISCARDED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._entry is not None and self._entry.state == _RESERVED:
            self.discard()

    def __del__(self) -> None:
        entry = self._entry
        if entry is not None and entry.state == _RESERVED:
            entry.state = _DISCARDED  # without a turn: one store is one step


class Entry:
    """A record in the ring."""

    def __init__(self, number: int, data: bytes, start: int, state: int) -> None:
        self.number = number
        self.data = data
        self.start = start  # its position, and the one behind it
        self.end = start + round_up_8(len(data) + _HEADER)
        self.state = state


class RingBuf(CloudMap):
    """A ring of `size` bytes, a power of two. A record takes its length and 8 bytes, rounded up to 8.

    At most size - 1 bytes are in use. What does not fit is dropped and counted, or, with BPF_F_RB_OVERWRITE, makes the
    oldest records go, which are counted too. Each record has a running number, below 2**32, that a dropped one uses up
    as well: a reader that sees a gap knows how many it missed (or that a reserved record was discarded).
    """

    _instead = "use output, reserve and read"
    subscribe_needs = ("read", BPF_F_RDONLY | BPF_F_WRONLY)  # records are taken out, which is a write too

    def __init__(self, size: int, map_flags: int = 0, name: str = "", schema: str = "") -> None:
        super().__init__(MapDef(RINGBUF, 0, 0, size, map_flags, name, schema=schema))

    def _set_up(self) -> None:
        # The positions are the records': so that adding or removing one, a call of C, moves them in the same step.
        self._records: deque[Entry] = deque()
        self._last = 0  # what a board had read last, when it was loaded from one
        self._behind = self._dropped = self._number = 0  # _behind: the positions when no record is there

    def _in_use(self) -> int:
        return self._alone(self._query).waiting

    def _entry_bytes(self, definition: MapDef) -> int:
        del definition
        return 1

    def output(self, data: BytesLike) -> bool:
        """Add a record with these bytes; return False, and count, when there is no room for it."""
        data = self._bytes("output", "record", data)
        try:
            return self._run(self._reserve, data, _SUBMITTED) is not None
        except RuntimeError as error:
            refused = error
        return self._in_turn(refused, self._reserve, data, _SUBMITTED) is not None

    def reserve(self, length: int) -> Record | None:
        """Reserve a record of `length` bytes, zeroed; None, and counted, when there is no room for it."""
        self._length("reserve", length)
        record = Record(self, length if length < self.definition.max_entries else 0)
        return record if self._alone(self._give, length, record) else None

    def new_record(self, most: int) -> Record:
        """Return a record for reserve_into(), with room for up to `most` bytes."""
        self._length("new_record", most)
        return Record(self, most)

    def reserve_into(self, length: int, record: Record) -> bool:
        """Reserve a record of `length` bytes, zeroed; False, and counted, when there is no room for it.

        `record` comes from new_record() and is not reserved now. On a board this takes no heap.
        """
        op = "reserve_into"
        self._length(op, length)
        if not isinstance(record, Record) or record._ring is not self:
            raise TypeError(f"{op} {self.name!r}: a record comes from new_record() of the same map")
        if record._entry is not None and record._entry.state == _RESERVED:
            raise NotPermitted(f"{op} {self.name!r}: record {record.number} is reserved; submit or discard it first")
        if length > record._most:
            raise InvalidValueSize(f"{op} {self.name!r}: length is {length}, the record has {record._most} bytes")
        record.data = memoryview(bytearray(record._most))
        return self._alone(self._give, length, record)

    def _length(self, op: str, length: int) -> None:
        if not isinstance(length, int) or not 0 <= length <= U32_MAX:
            raise InvalidValueSize(f"{op} {self.name!r}: length is {length!r}, not a number from 0 to 2**32 - 1")

    def read(self) -> tuple[int, bytes] | None:
        """Take the next record: (its number, its bytes). None when there is none, or the next one is still reserved."""
        record = self._alone(self._take_next)
        return None if record is None else (record.number, record.data)

    def read_into(self, out: bytearray | memoryview) -> int:
        """Take the next record into `out`, which may be longer; return its length, -1 when there is none.

        Raises InvalidValueSize when `out` is too short: the record stays.
        """
        record = self._alone(self._take_into, self._writable("read_into", out), "read_into")
        return -1 if record is None else len(record.data)

    def host_read(self, out: memoryview) -> int:
        """Take the next record into `out`: number u32, length u32, bytes. Return their sum, 0 for no record.

        Raises InvalidValueSize when `out` is too short: the record stays.
        """
        if len(out) < _HEADER:
            raise InvalidValueSize(f"read {self.name!r}: no record fits {len(out)} bytes")
        record = self._alone(self._take_into, out[_HEADER:], "read")
        if record is None:
            return 0
        pack_into("<II", out, 0, record.number & U32_MAX, len(record.data))
        return _HEADER + len(record.data)

    def query(self) -> RingState:
        """Return the bytes waiting, the size, the positions of consumer and producer, and the records dropped."""
        return self._alone(self._query)

    def host_next(self) -> int:
        """Return how many bytes host_read() needs for the next record, 0 when there is none."""
        record = self._alone(self._next)
        return 0 if record is None else _HEADER + len(record.data)

    def host_subscribe(self, _every: int, key: bytes) -> Any:
        """Return what tells the records."""
        if key:
            refused(self, "subscribe")
        from boardmaps.line.sources import Records  # with the first subscription only

        return Records(self)

    def __len__(self) -> int:
        """Return the number of submitted records that are not read yet."""
        return sum(record.state == _SUBMITTED for record in list(self._records))

    def clear(self, force: bool = False) -> None:
        """Throw away every record that is waiting, counting none. Raises NotPermitted while one is reserved.

        With `force` reserved ones go too, whose firmware has died; their submit() raises NotPermitted.
        """
        self._alone(self._clear, force)

    def resize(self, size: int) -> None:
        """Change the bytes, a power of two that what is waiting must fit in. Raises InvalidDefinition, OutOfMemory."""
        self._alone(self._resize, size)

    def _finish(self, record: Record, op: str, state: int) -> None:
        self._alone(self._settle, record, op, state)

    # What follows runs in the map's turn.

    def _settle(self, record: Record, op: str, state: int) -> None:
        entry = record._entry
        if entry is None or entry.state != _RESERVED:
            raise NotPermitted(f"{op} {self.name!r}: record {record.number} was submitted, discarded or cleared before")
        # What others hold of the old bytes no longer matters.
        data = bytes(record.data[: record.length])
        record.data = memoryview(data)
        vars(entry).update(data=data, state=state)

    def _give(self, length: int, record: Record) -> bool:
        entry = self._reserve(bytes(min(length, self.definition.max_entries)), _RESERVED)  # so many do not fit either
        number = record.number if entry is None else entry.number
        vars(record).update(_entry=entry, length=length, number=number)
        return entry is not None

    def _consumer(self) -> int:
        return self._records[0].start if self._records else self._behind

    def _producer(self) -> int:
        return self._records[-1].end if self._records else self._behind

    def _query(self) -> RingState:
        consumer, producer = self._consumer(), self._producer()
        return RingState(producer - consumer, self.definition.max_entries, consumer, producer, self._dropped)

    def _clear(self, force: bool) -> None:
        if not force and any(record.state == _RESERVED for record in self._records):
            raise NotPermitted(f"clear {self.name!r}: a record is reserved; submit or discard it first")
        self._note(self._producer() - self._consumer())
        self._behind = self._producer()
        for entry in self._records:
            entry.state = _DISCARDED
        self._records.clear()

    def _resize(self, size: int) -> None:
        definition = self._resized(size)
        used = self._producer() - self._consumer()
        if used >= size:
            raise InvalidDefinition(f"resize {self.name!r}: {used} bytes wait, too many for a ring of {size}")
        self.definition = definition

    def _take_next(self) -> Entry | None:
        return None if self._next() is None else self._leave()

    def _take_into(self, target: memoryview, op: str) -> Entry | None:
        record = self._next()
        if record is None:
            return None
        length = len(record.data)
        if length > len(target):
            raise InvalidValueSize(f"{op} {self.name!r}: the next record is longer than {len(target)} bytes")
        target[:length] = record.data
        return self._leave()

    def _drop(self) -> None:
        self._number = self._number + 1 & U32_MAX
        self._dropped += 1

    def _reserve(self, data: bytes, state: int) -> Entry | None:
        taken = round_up_8(len(data) + _HEADER)
        most = self.definition.max_entries - 1
        if taken > most or not self._make_room(most - taken):
            self._drop()
            return None
        record = Entry(self._number, data, self._producer(), state)
        self._number = self._number + 1 & U32_MAX
        self._records.append(record)
        return record

    def _make_room(self, most: int) -> bool:
        """Return whether at most `most` bytes are in use, after overwriting what may be overwritten."""
        records = self._records
        if self.definition.map_flags & BPF_F_RB_OVERWRITE:
            while self._producer() - self._consumer() > most and records[0].state != _RESERVED:
                if self._leave().state == _SUBMITTED:
                    self._dropped += 1
        return self._producer() - self._consumer() <= most

    def _next(self) -> Entry | None:
        """Return the record that a reader takes next, passing discarded ones."""
        while self._records:
            record = self._records[0]
            if record.state != _DISCARDED:
                return record if record.state == _SUBMITTED else None
            self._leave()
        return None

    def _leave(self) -> Entry:
        in_use = self._producer() - self._consumer()
        if in_use > self._most:
            self._note(in_use)
        self._behind = self._records[0].end  # counts when it was the last
        return self._records.popleft()

"""TimeSeries: the last `max_entries` timestamped samples, and statistics over them."""

from __future__ import annotations

import struct
from collections import deque
from itertools import islice
from typing import Any, NamedTuple, Self

from boardmaps.abi import BPF_F_WRONLY
from boardmaps.definition import MapDef
from boardmaps.errors import InvalidDefinition, InvalidKeySize, MapError, NotSupported
from boardmaps.kinds import TIME_SERIES
from boardmaps.refusals import refused

from .base import BytesLike, CloudMap

Sample = tuple[int, bytes]

_BY_SIZE = {1: "B", 2: "H", 4: "I", 8: "Q"}  # the field of a value that is one unsigned number


class Stats(NamedTuple):
    """Statistics of a numeric field over samples; `span` is the last timestamp minus the first."""

    count: int  # type: ignore[assignment] # hides the method of tuples
    min: float | None
    max: float | None
    sum: float
    mean: float | None
    span: int


class TimeSeries(CloudMap):
    """A ring of `max_entries` samples: a timestamp, 0 to 2**64 - 1 in any unit, and a value of value_size bytes.

    `field` says which number in the value stats() works on, as a letter of the struct module (b B h H i I q Q f d),
    little-endian, `field_offset` bytes from the start. A value of 1, 2, 4 or 8 bytes is one unsigned number unless it
    says otherwise.
    """

    _instead = "use push, last and window"
    subscribe_needs = ("last", BPF_F_WRONLY)

    def __init__(
        self,
        value_size: int,
        max_entries: int,
        map_flags: int = 0,
        name: str = "",
        schema: str = "",
        *,
        field: str | None = None,
        field_offset: int = 0,
    ) -> None:
        definition = MapDef(TIME_SERIES, 8, value_size, max_entries, map_flags, name, schema=schema)
        field = field or _BY_SIZE.get(value_size)
        if field is not None:
            if field not in tuple("bBhHiIqQfd"):
                raise InvalidDefinition(f"create {name!r}: field is {field!r}, not one of b B h H i I q Q f d")
            if not 0 <= field_offset <= value_size - struct.calcsize("<" + field):
                raise InvalidDefinition(f"create {name!r}: no field {field!r} at {field_offset} in {value_size} bytes")
        self._field = None if field is None else struct.Struct(f"<{field}")
        self._field_offset = field_offset
        super().__init__(definition)

    @classmethod
    def from_definition(cls, d: MapDef, parameters: bytes = b"") -> Self:
        """Make a series; the parameters are the field's letter and its offset."""
        letter, offset = struct.unpack_from("<BI", parameters) if parameters else (0, 0)
        field = chr(letter) if letter else None
        return cls(d.value_size, d.max_entries, d.map_flags, d.name, d.schema, field=field, field_offset=offset)

    def host_parameters(self) -> bytes:
        """Return the field's letter and its offset, nothing when there is no field."""
        return struct.pack("<BI", ord(self._field.format[1]), self._field_offset) if self._field else b""

    def _set_up(self) -> None:
        self._cleared = 0  # number of the next sample when there is none
        self._samples: deque[tuple[int, bytes, int]] = deque(maxlen=self.definition.max_entries)

    def push(self, timestamp: int, value: BytesLike) -> None:
        """Add a sample; in a full series the oldest one goes."""
        if not isinstance(timestamp, int) or not 0 <= timestamp < 1 << 64:
            raise InvalidKeySize(f"push {self.name!r}: timestamp is {timestamp!r}, not a number from 0 to 2**64 - 1")
        value = self._value("push", value)
        self._alone(self._append, timestamp, value)

    def newest(self) -> Sample | None:
        """Return the last sample pushed, as (timestamp, value); None when there is none."""
        try:
            return self._samples[-1][:2]
        except IndexError:
            return None

    def oldest(self) -> Sample | None:
        """Return the first sample that is still there; None when there is none."""
        try:
            return self._samples[0][:2]
        except IndexError:
            return None

    def last(self, n: int) -> list[Sample]:
        """Return the newest n samples, or all when there are fewer, in the order in which they were pushed."""
        if not isinstance(n, int) or n < 0:
            raise MapError(f"last {self.name!r}: n is {n!r}, not a number from 0 up")
        return self._alone(self._last, n)

    def window(self, start: int, end: int) -> list[Sample]:
        """Return the samples whose timestamps are from `start` to `end`, both included, in the order of pushing."""
        self._whole("window", "start", start)
        self._whole("window", "end", end)
        return [sample[:2] for sample in list(self._samples) if start <= sample[0] <= end]

    def stats(self, n: int | None = None) -> Stats:
        """Return the statistics of the newest n samples, or of all. Raises NotSupported when no field is declared."""
        if self._field is None:
            raise NotSupported(f"stats {self.name!r}: values of {self._value_size} bytes, and no field declared")
        samples = self.last(len(self) if n is None else n)
        if not samples:
            return Stats(0, None, None, 0, None, 0)
        numbers = [self._field.unpack_from(value, self._field_offset)[0] for _, value in samples]
        total = sum(numbers)
        span = samples[-1][0] - samples[0][0]
        return Stats(len(numbers), min(numbers), max(numbers), total, total / len(numbers), span)

    def host_push(self, sample: bytes) -> None:
        """Add a sample: timestamp u64, value."""
        self.push(struct.unpack_from("<Q", sample)[0], sample[8:])

    def host_samples(self, n: int | None) -> list[Sample]:
        """Return the newest n samples, None for all."""
        return self.last(len(self) if n is None else n)

    def host_subscribe(self, _every: int, key: bytes) -> Any:
        """Return what tells the samples, from the oldest that is there."""
        if key:
            refused(self, "subscribe")
        from boardmaps.line.sources import Samples  # with the first subscription only

        return Samples(self)

    def first_number(self) -> int:
        """Return the number of the oldest sample, for host_subscribe()."""
        try:
            return self._samples[0][2]
        except IndexError:
            return self._cleared

    def copy_sample(self, number: int, out: bytearray) -> bool:
        """Copy timestamp (8 bytes) and value of the sample with this number to `out`; False when it is gone."""
        found = self._alone(self._numbered, number)
        if found is None:
            return False
        out[:] = struct.pack("<Q", found[0]) + found[1]
        return True

    def __len__(self) -> int:
        return len(self._samples)

    def clear(self) -> None:
        """Remove every sample."""
        self._alone(self._clear)

    def resize(self, new_max_entries: int) -> None:
        """Change max_entries. Growing keeps everything; shrinking drops the oldest samples.

        Raises InvalidDefinition or OutOfMemory, and then nothing has changed.
        """
        self._alone(self._resize, new_max_entries)

    # What follows runs in the map's turn. A sample is kept with its number, so that one call of C adds both.

    def _append(self, timestamp: int, value: bytes) -> None:
        self._samples.append((timestamp, value, self._next_number()))

    def _next_number(self) -> int:
        return self._samples[-1][2] + 1 if self._samples else self._cleared

    def _last(self, n: int) -> list[Sample]:
        return [sample[:2] for sample in islice(self._samples, max(len(self._samples) - n, 0), None)]

    def _clear(self) -> None:
        self._note(len(self._samples))
        self._set(_cleared=self._next_number(), _samples=deque(maxlen=self.definition.max_entries))

    def _resize(self, new_max_entries: int) -> None:
        definition = self._resized(new_max_entries)
        self._note(len(self._samples))
        self._set(definition=definition, _samples=deque(self._samples, maxlen=new_max_entries))

    def _numbered(self, number: int) -> tuple[int, bytes, int] | None:
        place = number - self.first_number()
        return self._samples[place] if 0 <= place < len(self._samples) else None

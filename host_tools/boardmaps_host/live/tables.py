"""A map's content as a table: rows of entries, columns of fields; which cells changed and when, and how each was lately.

A map without a schema has one column: a number where its values have 1, 2, 4 or 8 bytes, bytes otherwise. What a ring, a queue or
a series holds are rows too, which cannot be edited.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from boardmaps.definition import MapDef
from boardmaps.errors import InvalidDefinition
from boardmaps.schema import Field, Schema, Types
from boardmaps_host.cli.output import readable
from boardmaps_host.kinds import by_number
from boardmaps_host.terminal import one_line
from boardmaps_host.typed import values

LATELY = 240  # readings of a row that are kept, as long as there are not too many rows
_LATELY_IN_ALL = 100_000  # of all rows of a table
_RECORDS = 500  # of a ring that are kept, also when somebody has taken them out of it
_NUMBERS = {1: "u8", 2: "u16", 4: "u32", 8: "u64"}
_FIELD_MOST = 0xFFFF  # bytes of a field
RATED = 2.0  # seconds over which a rate is measured


class Row:
    """An entry's value, of a per-CPU map that of one CPU. `history` has (seconds, value), the newest last, when it was read."""

    __slots__ = ("changed", "cpu", "data", "history", "key", "label", "number")

    def __init__(self, key: bytes, cpu: int, label: str, data: bytes, lately: int, number: int = 0) -> None:
        self.key = key
        self.cpu = cpu
        self.label = label  # of people: the key, a record's number, a timestamp
        self.number = number  # what a ring or a series calls it
        self.data = data
        self.changed: dict[str, float] = {}  # field: when it was seen to have changed
        self.history: deque[tuple[float, bytes]] = deque(maxlen=lately)


class Table:
    """What is in a map. `why` says why nothing is, where the computer may not read it."""

    def __init__(self, definition: MapDef, name: str = "") -> None:
        """`name` is what a map without one is called."""
        self.definition = definition
        self.name = definition.name or name
        self.kind = by_number(definition.map_type)
        self.key_schema: Schema | None = None
        self.schema: Schema | None = None
        self.typed = False
        if definition.schema:
            try:
                types = Types(definition.schema)
                self.key_schema, self.schema, self.typed = types.key, types.value, types.value is not None
            except InvalidDefinition:  # of a later boardmaps: its bytes are shown
                pass
        size = definition.value_size
        if self.schema is None and 0 < size <= _FIELD_MOST:
            self.schema = Schema(f"value:{_NUMBERS.get(size, f'{size}b')}")
        self.rows: list[Row] = []
        self.read_at = 0.0
        self.rate: float | None = None  # rows that changed, or came, a second
        self.why = ""
        self.used: int | None = None  # bytes of a ring that are in use, as it was read last
        self._by: dict[tuple[bytes, int], Row] = {}
        self._changes: deque[tuple[float, int]] = deque()
        self._begun: float | None = None

    @property
    def columns(self) -> Sequence[Field]:
        """The fields of a value, in order; none where values are bytes of any number."""
        return self.schema.fields if self.schema is not None else ()

    @property
    def keyed(self) -> bool:
        """Whether there are entries with keys, which can be edited."""
        return self.kind.has("keys")

    def find(self, key: bytes, cpu: int = 0) -> Row | None:
        """Return the row of a key."""
        return self._by.get((key, cpu))

    def key_text(self, key: bytes) -> str:
        """Return a key as people read it."""
        if self.key_schema is not None:
            return one_line(",".join(values.show(field, key, unit=False) for field in self.key_schema.fields))
        if self.kind.indexed:
            return str(int.from_bytes(key, "little"))
        return readable(key).strip("'") or key.hex(" ")

    def text(self, row: Row, field: Field | None) -> str:
        """Return a cell as people read it, without its unit; of None the whole value."""
        if field is None or len(row.data) < field.offset + field.size:  # a ring's record may be of any length
            first = field is None or field is self.columns[0]
            return f"{row.data.hex(' ')} {readable(row.data)}".rstrip() if first else ""
        text = values.show(field, row.data, unit=False)
        if not self.typed and field.letter == "s":
            text = f"{row.data.hex(' ')} {readable(row.data)}".rstrip()
        return one_line(text)

    def number(self, field: Field, data: bytes, index: int = 0) -> float | None:
        """Return a field as a number, physical; None for a text, or where the value does not reach so far."""
        if field.letter == "s" or len(data) < field.offset + field.size or index >= (field.count or 1):
            return None
        stored = values.numbers_of(field, data)[index]
        return float(stored) * field.times / field.over

    def track(self, row: Row, field: Field, index: int = 0) -> list[tuple[float, float]]:
        """Return (seconds, number) of a cell lately, the oldest first."""
        found = ((at, self.number(field, data, index)) for at, data in list(row.history))
        return [(at, number) for at, number in found if number is not None]

    def pace(self, row: Row, field: Field) -> float | None:
        """Return by how much a counter grew a second lately; None when it was not read twice."""
        track = self.track(row, field)
        recent = [one for one in track if track[-1][0] - one[0] <= RATED]
        if len(recent) < 2:
            recent = track[-2:]
        if len(recent) < 2 or recent[-1][0] == recent[0][0]:
            return None
        grown = recent[-1][1] - recent[0][1]
        return max(0.0, grown) / (recent[-1][0] - recent[0][0])

    # -- what was read

    def take(self, found: Iterable[tuple[bytes, Sequence[bytes]]], now: float) -> int:
        """Take all entries, each with a value a CPU; return how many rows changed."""
        fields = self.columns
        rows: list[Row] = []
        by: dict[tuple[bytes, int], Row] = {}
        changed = 0
        for key, each in found:
            for cpu, data in enumerate(each):
                row = self._by.get((key, cpu))
                if row is None:
                    row = Row(key, cpu, self._label(key, cpu, len(each)), data, LATELY)
                    if self._begun is not None:
                        changed += 1
                        row.changed = {field.name: now for field in fields}
                elif row.data != data:
                    changed += 1
                    old = row.data
                    for field in fields:
                        begin, end = field.offset, field.offset + field.size
                        if old[begin:end] != data[begin:end]:
                            row.changed[field.name] = now
                    row.data = data
                row.history.append((now, row.data))
                rows.append(row)
                by[key, cpu] = row
        changed += sum(one not in by for one in self._by)
        self._bound(rows)
        self.rows, self._by = rows, by
        self._count(changed, now)
        return changed

    def take_values(self, found: Sequence[bytes], now: float) -> int:
        """Take the values of a queue or a stack, the oldest first."""
        return self.take(((index.to_bytes(4, "little"), [data]) for index, data in enumerate(found)), now)

    def take_records(self, found: Sequence[tuple[int, bytes]], now: float, *, most: int = _RECORDS) -> int:
        """Take what a ring, or a series, holds: its numbers, or timestamps, with bytes. What was there before stays above."""
        known = {(row.number, row.data) for row in self.rows[-2 * most :]}
        fresh = [Row(b"", 0, str(number), data, 1, number) for number, data in found if (number, data) not in known]
        if self._begun is not None:
            for row in fresh:
                row.changed = {field.name: now for field in self.columns}
        self.rows = (self.rows + fresh)[-most:]
        self._count(len(fresh) if self._begun is not None else 0, now)
        return len(fresh)

    def _label(self, key: bytes, cpu: int, cpus: int) -> str:
        text = self.key_text(key)
        return f"{text} cpu {cpu}" if cpus > 1 or self.kind.per_cpu else text

    def _bound(self, rows: Sequence[Row]) -> None:
        """Keep less of each row's past when there are many."""
        lately = max(2, min(LATELY, _LATELY_IN_ALL // max(1, len(rows))))
        for row in rows:
            if row.history.maxlen != lately:
                row.history = deque(row.history, maxlen=lately)

    def _count(self, changed: int, now: float) -> None:
        self.read_at = now
        if self._begun is None:
            self._begun = now
            return
        self._changes.append((now, changed))
        while self._changes and now - self._changes[0][0] > RATED:
            self._changes.popleft()
        span = min(RATED, now - self._begun)
        self.rate = sum(count for _, count in self._changes) / span if span > 0 else None

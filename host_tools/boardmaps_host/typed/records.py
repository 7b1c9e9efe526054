"""Records: the entries of a map by the names of its schema, over the map's own methods.

    rooms = board.maps.rooms               # a board's map; TypedMap(m) of a map of the twin
    rooms["kitchen"].temp = 21.5           # writes that field alone, in one step
    rooms["bath"] = {"temp": 19, "mode": "heat"}
    for room, record in rooms.items(): ...

What is written is held against the schema first: ranges, names of values, fields that only the firmware writes. `rooms.force`
is the same map without that. The map itself, whose methods take and give bytes, is `rooms.map`; those that have no namesake here
are also found here.

More than 300 lines: what a map does by names, for every kind of map.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from boardmaps.abi import BPF_NOEXIST
from boardmaps.errors import InvalidDefinition, KeyExists, KeyNotFound, MapError
from boardmaps.schema import Field, Schema, Types
from boardmaps_host.arguments import index_bytes
from boardmaps_host.kinds import by_number
from boardmaps_host.typed import values

_TRIES = 100  # of a change of several fields, when others change the entry meanwhile
_TRIES_ON_BOARD = 5  # before a commit does it: for that the board loads a module


class _Entry:
    """What a record and its groups share: where the entry is, and its bytes when they were read first."""

    def __init__(self, home: TypedMap, key: bytes | None, data: bytes | None) -> None:
        self.home = home
        self.key = key  # None: of no entry that can be written
        self._data = data

    def read(self) -> bytes:
        """Return the value's bytes; a look-up, the first time. Raises KeyNotFound."""
        if self._data is None:
            self._data = self.home.map.lookup(self.key)
            if self._data is None:
                raise KeyNotFound(f"lookup {self.home.map.name!r}: no such key: {self.home.key_of(self.key)!r}")
        return self._data

    def write(self, field: Field, value: Any) -> None:
        """Write a field on the map, and here."""
        if self.key is None:
            raise MapError(
                f"field {field.name!r}: this record is no entry of {self.home.map.name!r} that can be changed"
            )
        part = values.pack(field, value, force=self.home.forced)
        self.home.map.update_part(self.key, field.offset, part)
        if self._data is not None:
            self._data = self._data[: field.offset] + part + self._data[field.offset + field.size :]


class Record(Mapping[str, Any]):
    """An entry's value: a mapping of its fields, which are attributes too. Dots in names group: `r.pid.p` is r["pid.p"].

    It is read when a field is asked for first, in one look-up, and stays as it was then; what is set is written at once.
    """

    __slots__ = ("_entry", "_prefix", "_schema")
    _entry: _Entry
    _prefix: str
    _schema: Schema

    def __init__(self, entry: _Entry, schema: Schema, prefix: str = "") -> None:
        for name, value in (("_entry", entry), ("_schema", schema), ("_prefix", prefix)):
            object.__setattr__(self, name, value)

    def _field(self, name: str) -> Field:
        return values.field_of(self._schema, self._prefix + name, f"map {self._entry.home.map.name!r}")

    def __getitem__(self, name: str) -> Any:
        group = f"{self._prefix}{name}."
        if any(field.name.startswith(group) for field in self._schema.fields):
            return Record(self._entry, self._schema, group)
        return values.read(self._field(name), self._entry.read())

    def __setitem__(self, name: str, value: Any) -> None:
        self._entry.write(self._field(name), value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not any(name in (f"{n}.".split(".")[0],) for n in self):
            raise AttributeError(
                f"map {self._entry.home.map.name!r}: there is no field {name!r}; there are {', '.join(self)}"
            )
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __iter__(self) -> Iterator[str]:
        n = len(self._prefix)
        return iter([field.name[n:] for field in self._schema.fields if field.name.startswith(self._prefix)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __dir__(self) -> list[str]:
        return sorted({name.split(".")[0] for name in self})

    def __bytes__(self) -> bytes:
        return self._entry.read()

    def __repr__(self) -> str:
        data = self._entry.read()
        texts = (f"{name}={values.show(self._field(name), data)}" for name in self)
        return f"<{self._entry.home.map.name} {', '.join(texts)}>"


class TypedMap:
    """A map by the names of its schema. A key is the value of its one field, a tuple or mapping of several, in an array an int."""

    def __init__(self, m: Any, *, force: bool = False) -> None:
        types = Types(m.definition.schema)
        if types.value is None:
            raise InvalidDefinition(f"map {m.name!r}: it has no schema; use the map itself, or make it with typed()")
        self.map = m
        self.forced = force
        self.schema = types.value
        self.key_schema = types.key
        self._kind = by_number(m.definition.map_type)

    @property
    def _staged(self) -> bool:
        """Whether what is written now is staged by a commit."""
        link = getattr(self.map, "_link", None)
        if link is None or link.staging is None:
            return False
        from boardmaps_host.client.commit import staged  # loaded already: one has begun

        return staged(link)

    @property
    def force(self) -> TypedMap:
        """The same map, for writing whatever the bytes hold: also out of range, and to fields that only the firmware writes."""
        return TypedMap(self.map, force=True)

    def __getattr__(self, name: str) -> Any:
        """Return a method of the map itself, which takes and gives bytes."""
        if name.startswith("_") or name == "map":
            raise AttributeError(name)
        return getattr(self.map, name)

    def __repr__(self) -> str:
        return f"<typed {self._kind.class_name} {self.map.name!r}: {', '.join(f.name for f in self.schema.fields)}>"

    # -- keys

    def key_bytes(self, key: Any) -> bytes:
        """Return the bytes of a key."""
        schema = self.key_schema
        if isinstance(key, bytes | bytearray | memoryview):
            return bytes(key)
        if schema is None or not schema.fields:
            if self._kind.indexed and isinstance(key, int) and not isinstance(key, bool):
                return index_bytes(key)
            raise TypeError(f"map {self.map.name!r}: its keys have no schema, and {key!r} is no bytes")
        if not isinstance(key, Mapping):
            parts = key if len(schema.fields) > 1 and isinstance(key, Sequence) and not isinstance(key, str) else (key,)
            if len(parts) != len(schema.fields):
                names = ", ".join(field.name for field in schema.fields)
                raise TypeError(f"map {self.map.name!r}: a key is {names}, and {key!r} is not")
            key = {field.name: part for field, part in zip(schema.fields, parts, strict=True)}
        elif missing := {field.name for field in schema.fields} - set(key):
            raise TypeError(f"map {self.map.name!r}: {', '.join(sorted(missing))} of the key is missing")
        return values.pack_all(schema, key, f"map {self.map.name!r}", base=bytes(schema.size), force=self.forced)

    def key_of(self, key: bytes | None) -> Any:
        """Return what the bytes of a key stand for."""
        if key is None:
            return None
        if self.key_schema is None or not self.key_schema.fields:
            return int.from_bytes(key, "little") if self._kind.indexed else key
        found = tuple(values.read(field, key) for field in self.key_schema.fields)
        return found if len(found) > 1 else found[0]

    # -- entries

    def record(self, data: bytes) -> Record:
        """Return a value's bytes, such as an event has them, as a record; a ring's may have more behind the schema's."""
        if len(data) < self.schema.size:
            raise MapError(f"map {self.map.name!r}: {len(data)} bytes, and its schema has {self.schema.size}")
        return Record(_Entry(self, None, bytes(data)), self.schema)

    def _entry(self, key: bytes, data: bytes | None) -> Any:
        if self._kind.per_cpu:
            return [self.record(value) for value in self.map.of_every_cpu(data)]
        return Record(_Entry(self, key, data), self.schema)

    def __getitem__(self, key: Any) -> Any:
        """Return the record of a key, of a per-CPU map a list of one for each CPU. Reading it raises KeyNotFound on a miss."""
        k = self.key_bytes(key)
        if not self._kind.per_cpu:
            return self._entry(k, None)
        row = self.map.lookup(k)
        if row is None:
            raise KeyNotFound(f"lookup {self.map.name!r}: no such key: {key!r}")
        return self._entry(k, row)

    def __setitem__(self, key: Any, value: Mapping[str, Any]) -> None:
        """Make the entry anew: with the fields that are given, the defaults, and what is there in fields of the firmware's."""
        k = self.key_bytes(key)
        if self._kind.per_cpu:
            self.map.update(k, self.map.for_every_cpu(self.value_bytes(value)))
            return
        kept = [field for field in self.schema.fields if field.locked and not (self.forced and field.name in value)]
        fresh = self.value_bytes(value)
        if not kept:
            self.map.update(k, fresh)
            return
        parts = []  # all but what is kept
        at = 0
        for start, end in [(f.offset, f.offset + f.size) for f in kept] + [(self.schema.size, self.schema.size)]:
            if at < start:
                parts.append((at, fresh[at:start]))
            at = end
        if self._staged and self.map.lookup(k) is None:
            self.map.update(k, fresh, BPF_NOEXIST)
        elif self._staged:
            self._write_parts(k, parts)
        else:
            self._change(k, parts, fresh)

    def value_bytes(self, value: Mapping[str, Any] | bytes) -> bytes:
        """Return the bytes of a value: the fields that are given, and the defaults."""
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value)
        return values.pack_all(self.schema, value, f"map {self.map.name!r}", force=self.forced)

    def change(self, key: Any, fields: Mapping[str, Any]) -> bool:
        """Write some fields of an entry in one step; where there is none, make it, with the defaults of the others.

        Return whether it was made. In a commit the entry has to be there.
        """
        k = self.key_bytes(key)
        what = f"map {self.map.name!r}"
        if self._kind.per_cpu:
            raise MapError(f"change {self.map.name!r}: of a per-CPU map write whole values: map[key] = {{…}}")
        named = [values.field_of(self.schema, name, what) for name in fields]
        parts = [(field.offset, values.pack(field, fields[field.name], force=self.forced)) for field in named]
        if self._staged:
            self._write_parts(k, parts)
            return False
        if len(parts) == 1:
            try:
                self._write_parts(k, parts)
            except KeyNotFound:
                if self._kind.indexed:
                    raise
            else:
                return False
        return self._change(k, parts, _over(bytes(self.schema.default()), parts))

    def _write_parts(self, key: bytes, parts: list[tuple[int, bytes]]) -> None:
        for offset, part in parts:
            self.map.update_part(key, offset, part)

    def _change(self, key: bytes, parts: list[tuple[int, bytes]], fresh: bytes) -> bool:
        """Write parts of a value, (offset, bytes), as one step, or make the entry as `fresh`; return whether it was made."""
        link = getattr(self.map, "_link", None)
        for tries in range(_TRIES):
            try:
                if link is not None and link.staging is None and tries >= _TRIES_ON_BOARD:
                    # saves start-up time: for entries that the firmware changes all the time
                    from boardmaps_host.client.commit import committing

                    with committing(link):
                        self._write_parts(key, parts)
                    return False
                old = self.map.lookup(key)
                if old is None:
                    self.map.update(key, fresh, BPF_NOEXIST)
                    return True
                if self.map.compare_and_swap(key, old, _over(old, parts)):
                    return False
            except (KeyExists, KeyNotFound):  # it came, or went, meanwhile
                if self._kind.indexed:
                    raise
        raise MapError(f"change {self.map.name!r}: others have changed the entry each time, {_TRIES} times")

    def __delitem__(self, key: Any) -> None:
        self.map.delete(self.key_bytes(key))

    def __contains__(self, key: Any) -> bool:
        return self.map.lookup(self.key_bytes(key)) is not None

    def __iter__(self) -> Iterator[Any]:
        return self.keys()

    def __len__(self) -> int:
        return len(self.map) if hasattr(type(self.map), "__len__") else int(self.map.info().count)

    def keys(self) -> Iterator[Any]:
        """Walk the keys."""
        for key in self.map:
            yield self.key_of(key)

    def values(self) -> Iterator[Any]:
        """Walk the records."""
        for _, record in self.items():
            yield record

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Walk the entries as (key, record); each record is as it was when the walk met it."""
        for key, value in self.map.items():
            yield self.key_of(key), self._entry(key, value)

    # -- queues, stacks, filters, rings

    def push(self, *given: Any) -> None:
        """Add a value to a queue, a stack or a filter: push(value); to a series: push(timestamp, value). Mappings, or bytes."""
        *timestamp, value = given
        self.map.push(*timestamp, self.value_bytes(value))

    def pop(self) -> Record | None:
        """Remove the next value of a queue or a stack and return it; None when the map is empty."""
        return self._maybe(self.map.pop())

    def peek(self, *value: Any) -> Any:
        """Return the next value of a queue or a stack; of a filter, whether a value is perhaps in it."""
        return self.map.peek(self.value_bytes(value[0])) if value else self._maybe(self.map.peek())

    def _maybe(self, data: bytes | None) -> Record | None:
        return None if data is None else self.record(data)

    def output(self, value: Mapping[str, Any] | bytes) -> bool:
        """Add a record to a ring; return False when there is no room for it."""
        return bool(self.map.output(self.value_bytes(value)))

    def read(self) -> tuple[int, Record] | None:
        """Take the next record of a ring, with its number; None when there is none."""
        found = self.map.read()
        return None if found is None else (found[0], self.record(found[1]))

    # -- series

    def newest(self) -> tuple[int, Record] | None:
        """Return the newest sample; None when there is none."""
        return next(iter(self.last(1)), None)

    def last(self, n: int) -> list[tuple[int, Record]]:
        """Return the newest n samples, the oldest of them first."""
        return [(timestamp, self.record(value)) for timestamp, value in self.map.last(n)]

    def window(self, start: int, end: int) -> list[tuple[int, Record]]:
        """Return the samples with timestamps from `start` to `end`, both included."""
        return [(timestamp, self.record(value)) for timestamp, value in self.map.window(start, end)]

    def columns(self, *names: str, last: int | None = None) -> list[Any]:
        """Return the timestamps, and a column for each number that is named, of the newest samples (None: of all).

        They are arrays of numpy where that is installed, else of the array module.
        """
        n = self.map.definition.max_entries if last is None else last
        fields = [values.field_of(self.schema, name, f"map {self.map.name!r}") for name in names]
        for field in fields:
            if field.letter == "s" or field.count:
                raise MapError(f"columns {self.map.name!r}: the field {field.name!r} is not one number")
        samples = self.map.last(n)
        found = [_column("Q", [timestamp for timestamp, _ in samples])]
        for field in fields:
            numbers = [values.numbers_of(field, value)[0] for _, value in samples]
            scale = field.times != field.over
            whole = "d" if scale or field.letter in "fd" else "Q" if field.letter == "Q" else "q"
            found.append(
                _column(whole, [number * field.times / field.over for number in numbers] if scale else numbers)
            )
        return found

    def stats(self, n: int | None = None) -> Any:
        """Return the statistics that the map makes of a field, as physical numbers."""
        found = self.map.stats(n)
        field = self._of_stats()
        if field is None or field.times == field.over:
            return found
        scaled = {
            name: value if value is None else value * field.times / field.over
            for name, value in found._asdict().items()
            if name in ("min", "max", "sum", "mean")
        }
        return found._replace(**scaled)

    def of_stats(self) -> str | None:
        """Return the name of the field that statistics are of."""
        field = self._of_stats()
        return None if field is None else str(field.name)

    def _of_stats(self) -> Field | None:
        parameters = getattr(self.map, "_parameters", b"") or getattr(self.map, "host_parameters", bytes)()
        offset = int.from_bytes(parameters[1:5], "little")
        return next((f for f in self.schema.fields if f.offset == offset), None) if parameters else None


def _over(value: bytes, parts: list[tuple[int, bytes]]) -> bytes:
    """Return a value with parts of it, (offset, bytes), written over."""
    made = bytearray(value)
    for offset, part in parts:
        made[offset : offset + len(part)] = part
    return bytes(made)


def _column(letter: str, numbers: list[Any]) -> Any:
    try:
        # saves start-up time; it need not be installed
        import numpy as np  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return array(letter, numbers)
    return np.array(numbers, dtype={"q": "int64", "Q": "uint64", "d": "float64"}[letter])

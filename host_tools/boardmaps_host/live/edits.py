"""Edits of cells: what somebody typed, held against the schema, and written only over what they saw.

An edit knows the bytes that the cell had when it began. Nothing is written when the new ones are the same; when the cell has other
bytes by the time of writing, Changed is raised and nothing was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boardmaps.abi import BPF_EXIST
from boardmaps.errors import InvalidValue, KeyNotFound, MapError, NotPermitted
from boardmaps.schema import Field
from boardmaps_host.live.tables import Row, Table
from boardmaps_host.typed import values

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

_TRIES = 20  # of one step, while others change other fields of the entry


class Changed(MapError):
    """Somebody else has changed a cell since its edit began; nothing was written. `now` has the field's bytes.

    `edit` and `now` are None and empty when the entry is gone.
    """

    def __init__(self, text: str, edit: "Edit | None" = None, now: bytes = b"") -> None:
        super().__init__(text)
        self.edit = edit
        self.now = now


@dataclass(frozen=True)
class Edit:
    """A new content of a cell: the field's bytes, and those that it had when the edit began.

    `anyway`: also over what somebody else has written since.
    """

    key: bytes
    field: Field
    base: bytes
    new: bytes
    anyway: bool = False

    def text(self) -> str:
        """Return the new content as people read it."""
        return values.show(self.field, bytes(self.field.offset) + self.new, unit=False)


@dataclass(frozen=True)
class Together:
    """Edits of one entry."""

    map: Any
    table: Table
    edits: list[Edit]


def may_edit(table: Table, field: Field | None) -> None:
    """Raise NotPermitted for a cell that cannot be edited here; its text says why."""
    name = table.name
    if not table.keyed or field is None:
        raise NotPermitted(f"the map {name!r} is of type {table.kind.word}, and what is in it is not edited here")
    if table.kind.per_cpu:
        raise NotPermitted(
            f"the map {name!r} has a value for each CPU, written all at once: boardmaps map update {name}"
        )
    if field.locked:
        raise NotPermitted(f"field {field.name!r}: only the firmware writes it")


def edited(table: Table, row: Row, field: Field, text: str, base: bytes | None = None) -> Edit | None:
    """Return what `text`, typed into a cell, changes; None when that is what the cell has.

    `base`: the field's bytes when the edit began, else those of the row. Raises NotPermitted, InvalidValue.
    """
    may_edit(table, field)
    before = content(row, field) if base is None else base
    new = bytes_of(field, text)
    return None if new == before else Edit(row.key, field, before, new)


def content(row: Row, field: Field) -> bytes:
    """Return the bytes of a cell."""
    return row.data[field.offset : field.offset + field.size]


def bytes_of(field: Field, text: str) -> bytes:
    """Return the bytes of a field that `text` stands for, as the schema allows. Raises InvalidValue."""
    if field.count:
        parts = [part.strip() for part in text.strip().strip("[]").split(",")]
        return values.pack(field, [_typed(field, part) for part in parts])
    return values.pack(field, _typed(field, text if field.letter == "s" else text.strip()))


def _typed(field: Field, text: str) -> Any:
    if field.letter == "s" and field.kind.endswith("b"):
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise InvalidValue(f"field {field.name!r}: {text!r} is not pairs of hexadecimal digits") from None
    return values.parsed(field, text) if field.letter == "?" else text


def stepped(field: Field, data: bytes, steps: int) -> str | None:
    """Return a field some steps further, within its range, as it is typed: a number by its step, an enum or a bool to the next.

    None for what has no steps: texts, bits, arrays.
    """
    if field.count or field.letter == "s" or field.bits:
        return None
    stored = values.numbers_of(field, bytes(field.offset) + data)[0]
    if field.letter == "?":
        return values.shown(field, bool((int(stored) + steps) % 2))
    if field.names:
        there = sorted(field.names)
        at = there.index(stored) if stored in there else 0
        number: Any = there[(at + steps) % len(there)]
    else:
        step = field.step if field.step is not None else _usual_step(field)
        least: Any = field.low if field.low is not None else field.least if field.whole else None
        most: Any = field.high if field.high is not None else field.most if field.whole else None
        number = stored + steps * step
        number = number if least is None else max(least, number)
        number = number if most is None else min(most, number)
    return values.shown(field, number)


def _usual_step(field: Field) -> Any:
    """Return a step where the schema has none: a hundredth of the range, else one that counts."""
    low: Any = field.low
    if low is not None and field.high is not None:
        hundredth = (field.high - low) / 100
        return max(1, round(hundredth)) if field.whole else hundredth or 1.0
    return 1 if field.whole else 0.1


def share(field: Field, data: bytes) -> float | None:
    """Return where a number is in its range, 0 to 1; None for a field that has none."""
    if field.count or field.low is None or field.high is None or field.high == field.low:
        return None
    stored = values.numbers_of(field, bytes(field.offset) + data)[0]
    return float(min(1.0, max(0.0, (stored - field.low) / (field.high - field.low))))


def at_share(field: Field, share_of_range: float) -> str:
    """Return a number at a place in its range, on the nearest of its steps, as it is typed."""
    low: Any = field.low
    high: Any = field.high
    step = field.step if field.step is not None else 1 if field.whole else None
    number = low + share_of_range * (high - low)
    if step is not None:
        number = min(low + round((number - low) / step) * step, high)
    return values.shown(field, round(number) if field.whole else number)


def write(the_map: Any, table: Table, edits: Sequence[Edit]) -> None:
    """Write edits of one entry, in one step, over what was there when they began.

    Raises Changed, and what the board refuses with.
    """
    key = edits[0].key
    for tries in range(_TRIES):
        old = _there(table, key, the_map.lookup(key))
        new = _over(old, table, edits)
        if new == old:
            return
        try:
            if not table.kind.has("compare_and_swap"):
                the_map.update(key, new, BPF_EXIST)
                return
            if len(edits) == 1 and tries == _TRIES - 1:  # a firmware that changes the entry all the time
                the_map.update_part(key, edits[0].field.offset, edits[0].new)
                return
            if the_map.compare_and_swap(key, old, new):
                return
        except KeyNotFound:
            continue  # the next look says that it is gone
    raise MapError(
        f"{table.name} {table.key_text(key)}: others changed the entry each time, {_TRIES} times; nothing was written"
    )


def write_all(board: "Board", entries: Sequence[Together]) -> None:
    """Write edits of several entries, of several maps: all hold together, in one step of the board, or none.

    That is for arrays and hash maps; where another map is among them each entry is a step of its own. Raises what write() raises.
    """
    if len(entries) == 1 or not all(one.table.kind.has("update_part") for one in entries):
        for one in entries:
            write(one.map, one.table, one.edits)
            _wrote(one)
        return
    for tries in range(_TRIES):
        seen = [_seen(one) for one in entries]
        try:
            with board.commit() as commit:
                for one, old in zip(entries, seen, strict=True):
                    for edit in one.edits:
                        begin = edit.field.offset
                        commit.expect(one.map, edit.key, old[begin : begin + edit.field.size], begin)
                        one.map.update_part(edit.key, begin, edit.new)
            break
        except MapError:  # the next look says who was first, if that is why
            if tries == _TRIES - 1 or [_seen(one) for one in entries] == seen:
                raise
    for one in entries:
        _wrote(one)


def _seen(one: Together) -> bytes:
    """Return what an entry holds. Raises Changed when somebody else has changed what the edits are about."""
    old = _there(one.table, one.edits[0].key, one.map.lookup(one.edits[0].key))
    _over(old, one.table, one.edits)
    return old


def _wrote(one: Together) -> None:
    """Have the table hold what was written, until it is read again."""
    for edit in one.edits:
        row = one.table.find(edit.key)
        if row is not None:
            row.data = row.data[: edit.field.offset] + edit.new + row.data[edit.field.offset + edit.field.size :]


def _there(table: Table, key: bytes, value: bytes | None) -> bytes:
    if value is None:
        raise Changed(f"{table.name} {table.key_text(key)}: the entry is not there any more")
    return value


def _over(old: bytes, table: Table, edits: Sequence[Edit]) -> bytes:
    """Return a value with the edits in it. Raises Changed when somebody else has changed one of the cells."""
    new = bytearray(old)
    for edit in edits:
        begin, end = edit.field.offset, edit.field.offset + edit.field.size
        if not edit.anyway and old[begin:end] not in (edit.base, edit.new):
            now = values.show(edit.field, old)
            then = values.show(edit.field, bytes(begin) + edit.base)
            where = f"{table.name} {table.key_text(edit.key)} {edit.field.name}"
            text = f"{where}: somebody else has changed it from {then} to {now}; nothing was written"
            raise Changed(text, edit, old[begin:end])
        new[begin:end] = edit.new
    return bytes(new)

"""Edits: what is typed is held against the schema, nothing is written that is as it was, and nobody's change is lost unseen."""

from dataclasses import replace
from typing import Any

import pytest

from boardmaps import HashMap, InvalidValue, LpmTrie, NotPermitted, PerCpuArray, Queue
from boardmaps_host import connect
from boardmaps_host.live import edits
from boardmaps_host.live.tables import Row, Table
from boardmaps_host.twin import Registry
from boardmaps_host.typed.records import TypedMap

VALUE = (
    "temp:i16/100(5..35~0.5=21) °C, mode:u8{off,heat,cool=4}, on:bool, runs:u32!+, gains:f32[3], name:8s, "
    "bits:u8&{low,high}, raw:4b, free:u16"
)
KEY = b"kitchen\0"


class Rooms:
    """A typed map of the twin, its table, and the row of its one entry; `written` counts the writes."""

    def __init__(self) -> None:
        self.written = 0
        self.typed = TypedMap(HashMap.typed("rooms", key="room:8s", value=VALUE, max_entries=4))
        self.typed["kitchen"] = {"temp": 20, "mode": "heat", "name": "warm"}
        self.table = Table(self.typed.map.definition)
        self.read()

    def read(self) -> Row:
        """Read the map into the table; return the row."""
        self.table.take([(key, [value]) for key, value in self.typed.map.items()], 1.0)
        (row,) = self.table.rows
        return row

    def edit(self, field: str, text: str) -> edits.Edit | None:
        """Type a text into a cell."""
        return edits.edited(self.table, self.read(), self.table.schema.find(field), text)  # type: ignore[union-attr]

    def write(self, *together: edits.Edit | None) -> None:
        """Write edits."""
        edits.write(self, self.table, [edit for edit in together if edit is not None])

    def lookup(self, key: bytes) -> Any:
        """What write() asks of a map."""
        return self.typed.map.lookup(key)

    def compare_and_swap(self, key: bytes, expected: bytes, new: bytes) -> bool:
        """The same; counted."""
        self.written += 1
        return bool(self.typed.map.compare_and_swap(key, expected, new))


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("temp", "21.5", 21.5),
        ("temp", " 5 ", 5),
        ("mode", "cool", "cool"),
        ("mode", "4", "cool"),
        ("on", "true", True),
        ("gains", "1, 2.5,3", (1, 2.5, 3)),
        ("gains", "[1,2,3]", (1, 2, 3)),
        ("name", "a b", "a b"),
        ("bits", "low|high", ("low", "high")),
        ("raw", "01 ff 00 7f", b"\x01\xff\x00\x7f"),
    ],
)
def test_what_is_typed_is_written(rooms: Rooms, field: str, text: str, value: Any) -> None:
    before = dict(rooms.typed["kitchen"])
    rooms.write(rooms.edit(field, text))
    assert dict(rooms.typed["kitchen"]) == before | {field: value}


@pytest.mark.parametrize(
    ("field", "text", "error", "says"),
    [
        ("temp", "40", InvalidValue, "not in the range"),
        ("temp", "warm", InvalidValue, "no number"),
        ("temp", "20.001", InvalidValue, "no multiple"),
        ("mode", "hot", InvalidValue, "no name of it"),
        ("on", "maybe", InvalidValue, "not true or false"),
        ("runs", "0", NotPermitted, "only the firmware"),
        ("gains", "1,2", InvalidValue, "2 values for 3"),
        ("name", "far too long", InvalidValue, "12 bytes"),
        ("raw", "zz", InvalidValue, "hexadecimal"),
        ("free", "70000", InvalidValue, "does not fit"),
    ],
)
def test_what_the_schema_forbids_is_refused(
    rooms: Rooms, field: str, text: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        rooms.edit(field, text)


@pytest.mark.parametrize(("field", "text"), [("temp", "20"), ("temp", "20.00"), ("mode", "heat"), ("name", "warm")])
def test_a_cell_that_is_left_as_it_was_is_no_edit(rooms: Rooms, field: str, text: str) -> None:
    assert rooms.edit(field, text) is None


def test_what_somebody_else_changed_is_not_overwritten_unseen(rooms: Rooms) -> None:
    edit = rooms.edit("temp", "25")
    rooms.typed["kitchen"].temp = 18
    with pytest.raises(edits.Changed, match=r"rooms kitchen temp: somebody else .* from 20.00 °C to 18.00 °C") as told:
        rooms.write(edit)
    assert rooms.written == 0
    assert rooms.typed["kitchen"].temp == 18
    assert told.value.now == (1800).to_bytes(2, "little")
    assert edit is not None
    rooms.write(replace(edit, anyway=True))
    assert rooms.typed["kitchen"].temp == 25


def test_others_may_change_other_fields_meanwhile(rooms: Rooms) -> None:
    edit = rooms.edit("temp", "25")
    rooms.typed["kitchen"].mode = "cool"
    rooms.write(edit)
    assert (rooms.typed["kitchen"].temp, rooms.typed["kitchen"].mode) == (25, "cool")


def test_edits_of_an_entry_are_one_step(rooms: Rooms) -> None:
    rooms.write(rooms.edit("temp", "25"), rooms.edit("mode", "off"))
    assert rooms.written == 1
    assert (rooms.typed["kitchen"].temp, rooms.typed["kitchen"].mode) == (25, "off")


def test_what_is_there_already_is_not_written_again(rooms: Rooms) -> None:
    edit = rooms.edit("temp", "25")
    rooms.typed["kitchen"].temp = 25
    rooms.write(edit)
    assert rooms.written == 0


def test_an_entry_that_is_gone_is_not_made_again(rooms: Rooms) -> None:
    edit = rooms.edit("temp", "25")
    del rooms.typed["kitchen"]
    with pytest.raises(edits.Changed, match="not there any more"):
        rooms.write(edit)
    assert len(rooms.typed.map) == 0


def test_a_firmware_that_writes_all_the_time_is_written_over_in_the_field_alone(rooms: Rooms) -> None:
    class Busy:
        """Changes another field before each step."""

        runs = 0
        parts: tuple[int, bytes] | None = None

        def lookup(self, key: bytes) -> Any:
            return rooms.typed.map.lookup(key)

        def compare_and_swap(self, key: bytes, expected: bytes, new: bytes) -> bool:
            self.runs += 1
            rooms.typed.force["kitchen"].runs = self.runs
            return bool(rooms.typed.map.compare_and_swap(key, expected, new))

        def update_part(self, key: bytes, offset: int, data: bytes) -> None:
            self.parts = offset, data
            rooms.typed.map.update_part(key, offset, data)

    busy = Busy()
    edits.write(busy, rooms.table, [rooms.edit("temp", "25")])  # type: ignore[list-item]
    assert busy.parts == (0, (2500).to_bytes(2, "little"))
    assert (rooms.typed["kitchen"].temp, rooms.typed["kitchen"].runs) == (25, busy.runs)


@pytest.mark.parametrize("field", ["temp", "mode"])
def test_edits_of_several_entries_go_over_nothing_that_was_written_behind_the_look(rooms: Rooms, field: str) -> None:
    class Watched:
        """A map in which somebody else changes a field behind the first look."""

        looks = 0

        def __init__(self, m: Any) -> None:
            self.update_part = m.update_part
            self.map = m

        def lookup(self, key: bytes) -> Any:
            found = self.map.lookup(key)
            self.looks += 1
            if self.looks == 1:
                rooms.typed.force["kitchen"][field] = {"temp": 18, "mode": "cool"}[field]
            return found

    with Registry(), connect("twin") as board:
        board.create_map(HashMap, name="rooms", key="room:8s", value=VALUE, max_entries=4)
        rooms.typed = board.maps.rooms
        for room in ("kitchen", "bath"):
            rooms.typed[room] = {"temp": 20, "mode": "heat"}
        rooms.table.take([(key, [value]) for key, value in rooms.typed.map.items()], 1.0)
        temp = rooms.table.schema.find("temp")  # type: ignore[union-attr]
        watched = Watched(rooms.typed.map)
        together = [
            edits.Together(watched, rooms.table, [edit])
            for row in rooms.table.rows
            if (edit := edits.edited(rooms.table, row, temp, "25"))
        ]
        together.sort(key=lambda one: one.edits[0].key, reverse=True)
        assert len(together) == 2
        if field == "temp":
            with pytest.raises(edits.Changed, match=r"rooms kitchen temp: somebody else .* from 20.00 °C to 18.00 °C"):
                edits.write_all(board, together)
        else:  # another field of the entry is nothing to the edit
            edits.write_all(board, together)
        there = [(rooms.typed[room].temp, rooms.typed[room].mode) for room in ("kitchen", "bath")]
        assert there == ([(18, "heat"), (20, "heat")] if field == "temp" else [(25, "cool"), (25, "heat")])


@pytest.mark.parametrize(
    ("field", "steps", "text"),
    [
        ("temp", 1, "20.50"),
        ("temp", -3, "18.50"),
        ("temp", 1000, "35.00"),
        ("mode", 1, "cool"),
        ("mode", 2, "off"),
        ("on", 1, "true"),
        ("free", -1, "0"),
        ("free", 2, "2"),
        ("name", 1, None),
        ("gains", 1, None),
        ("bits", 1, None),
    ],
)
def test_steps(rooms: Rooms, field: str, steps: int, text: str | None) -> None:
    found = rooms.table.schema.find(field)  # type: ignore[union-attr]
    assert edits.stepped(found, edits.content(rooms.read(), found), steps) == text


@pytest.mark.parametrize(("share", "text"), [(0.0, "5.00"), (0.5, "20.00"), (0.51, "20.50"), (1.0, "35.00")])
def test_the_slider_keeps_to_steps(rooms: Rooms, share: float, text: str) -> None:
    field = rooms.table.schema.find("temp")  # type: ignore[union-attr]
    assert edits.at_share(field, share) == text
    assert edits.share(field, edits.bytes_of(field, text)) == pytest.approx(share, abs=0.02)


def test_what_is_not_edited_says_why() -> None:
    for made, why in (
        (PerCpuArray.typed("cores", value="n:u32", max_entries=2), "each CPU"),
        (Queue.typed("jobs", value="n:u32", max_entries=2), "type queue"),
    ):
        table = Table(made.definition)
        with pytest.raises(NotPermitted, match=why):
            edits.may_edit(table, table.columns[0])


def test_a_map_without_compare_and_swap_is_written_too() -> None:
    routes = LpmTrie.typed("routes", key="bits:u32, net:4b", value="hop:u8", max_entries=4)
    key = b"\x08\0\0\0\x0a\0\0\0"
    routes.update(key, b"\1")
    table = Table(routes.definition)
    table.take([(key, [b"\1"])], 1.0)
    edit = edits.edited(table, table.rows[0], table.columns[0], "7")
    edits.write(routes, table, [edit])  # type: ignore[list-item]
    assert routes.lookup(key) == b"\7"

"""Tables: rows, cells as people read them, what changed and when, rates, and the past of a cell."""

import pytest

from boardmaps import ArrayMap, HashMap, TimeSeries
from boardmaps_host import Board
from boardmaps_host.live.reading import read
from boardmaps_host.live.tables import LATELY, Table

VALUE = "temp:i16/100 °C, mode:u8{off,heat}, hits:u32+"


def table_of(*entries: tuple[bytes, bytes], at: float = 1.0) -> Table:
    rooms = HashMap.typed("rooms", key="room:4s", value=VALUE, max_entries=1000)
    table = Table(rooms.definition)
    table.take([(key, [value]) for key, value in entries], at)
    return table


def value(temp: int, mode: int = 0, hits: int = 0) -> bytes:
    return temp.to_bytes(2, "little") + bytes((mode,)) + hits.to_bytes(4, "little")


def test_cells_are_shown_by_their_schema() -> None:
    table = table_of((b"bath", value(2150, 1, 7)))
    (row,) = table.rows
    assert row.label == "bath"
    assert [table.text(row, field) for field in table.columns] == ["21.50", "heat", "7"]
    assert table.number(table.columns[0], row.data) == 21.5


def test_what_a_board_says_draws_nothing_but_itself() -> None:
    table = Table(HashMap.typed("rooms", key="room:4s", value="name:8s", max_entries=4).definition)
    table.take([(b"\x1b[2J", [b"\x1b[31m\nX\0"])], 1.0)
    (row,) = table.rows
    assert row.label == "\\x1b[2J"
    assert table.text(row, table.columns[0]) == "\\x1b[31m\\nX"


def test_only_the_cells_that_changed_are_marked() -> None:
    table = table_of((b"bath", value(2150)), (b"hall", value(1900)))
    assert all(not row.changed for row in table.rows), "nothing has changed at the first look"
    assert table.take([(b"bath", [value(2150, 1)]), (b"hall", [value(1900)])], 2.0) == 1
    assert [row.changed for row in table.rows] == [{"mode": 2.0}, {}]
    assert table.take([(b"bath", [value(2150, 1)]), (b"new ", [value(0)])], 3.0) == 2, "one came, one went"
    assert table.find(b"hall") is None
    assert table.rows[1].changed == {"temp": 3.0, "mode": 3.0, "hits": 3.0}


def test_rates_are_of_the_last_seconds() -> None:
    table = table_of((b"bath", value(2150)), at=0.0)
    for tick in range(1, 41):  # ten times a second
        table.take([(b"bath", [value(2150, 0, 5 * tick)])], tick / 10)
    (row,) = table.rows
    assert table.rate == pytest.approx(10, rel=0.1)
    assert table.pace(row, table.columns[2]) == pytest.approx(50)
    assert table.track(row, table.columns[2])[-1] == (4.0, 200.0)


def test_the_past_is_bounded() -> None:
    table = table_of((b"bath", value(0)))
    for tick in range(2 * LATELY):
        table.take([(b"bath", [value(tick)])], float(tick))
    assert len(table.track(table.rows[0], table.columns[0])) == LATELY
    many = table_of(*((n.to_bytes(4, "little"), value(n)) for n in range(1000)))
    for tick in range(150):
        many.take([(n.to_bytes(4, "little"), [value(n)]) for n in range(1000)], float(tick))
    assert sum(len(row.history) for row in many.rows) <= 100_000


def test_a_map_without_a_schema_has_numbers_or_bytes() -> None:
    hits = Table(ArrayMap.with_entries(value_size=4, max_entries=2, name="hits").definition)
    hits.take([(bytes(4), [b"\x2a\0\0\0"])], 1.0)
    assert (hits.rows[0].label, hits.text(hits.rows[0], hits.columns[0])) == ("0", "42")
    big = Table(ArrayMap.with_entries(value_size=5, max_entries=2, name="big").definition)
    big.take([(bytes(4), [b"hello"])], 1.0)
    assert big.text(big.rows[0], big.columns[0]) == "68 65 6c 6c 6f 'hello'"


def test_a_series_has_its_samples_and_those_that_came_are_new(twin: Board) -> None:
    temps = twin.create_map(TimeSeries, value_size=2, max_entries=4, name="temps", field="h")
    for n in range(6):
        temps.push(n, n.to_bytes(2, "little"))
    table = Table(temps.definition)
    assert read(twin, temps, table, lambda: 1.0, lambda: None) == 4
    assert [(row.label, table.text(row, table.columns[0])) for row in table.rows] == [
        ("2", "2"),
        ("3", "3"),
        ("4", "4"),
        ("5", "5"),
    ]
    temps.push(6, b"\6\0")
    assert read(twin, temps, table, lambda: 2.0, lambda: None) == 1, "those that were there are not new"
    assert [row.label for row in table.rows] == ["2", "3", "4", "5", "6"]


def test_others_have_their_turn_between_two_requests(twin: Board) -> None:
    hits = twin.create_map(ArrayMap, value_size=100, max_entries=100, name="hits")
    turns: list[None] = []
    read(twin, hits, Table(hits.definition), lambda: 1.0, lambda: turns.append(None))
    assert len(turns) >= 100


def test_what_was_read_before_an_edit_is_not_shown_behind_it(twin: Board) -> None:
    hits = twin.create_map(ArrayMap, value_size=4, max_entries=3, name="hits")
    edits = [b"\7\0\0\0"]

    def edit() -> bool:
        if not edits:
            return False
        hits.update(0, edits.pop())
        return True

    table = Table(hits.definition)
    read(twin, hits, table, lambda: 1.0, edit)
    assert table.rows[0].data == b"\7\0\0\0"


def test_a_map_that_may_not_be_read_says_so(twin: Board) -> None:
    hidden = twin.create_map(ArrayMap, value_size=4, max_entries=2, name="hidden", map_flags=16)
    table = Table(hidden.definition)
    read(twin, hidden, table, lambda: 1.0, lambda: None)
    assert "write-only" in table.why
    assert table.rows == []

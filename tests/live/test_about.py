"""What is live, pinned and the default, of each cell."""

from boardmaps import ArrayMap, HashMap
from boardmaps_host.live.about import beside, default_of, differing
from boardmaps_host.live.tables import Table


def test_cells_that_are_not_as_they_are_pinned() -> None:
    rooms = HashMap.typed("rooms", key="room:4s", value="temp:u16(=21), mode:u8", max_entries=4)
    table = Table(rooms.definition)
    table.take([(b"bath", [b"\x14\0\1"]), (b"hall", [b"\x15\0\0"]), (b"new ", [b"\x15\0\0"])], 1.0)
    pinned = {b"bath": b"\x13\0\1", b"hall": b"\x15\0\0"}
    assert differing(table, pinned) == {(b"bath", "temp"), (b"new ", "temp"), (b"new ", "mode")}
    temp = table.columns[0]
    assert [beside(table, row, temp, pinned) for row in table.rows] == [
        ["pinned 19", "default 21"],
        ["pinned 21", "default 21"],
        ["not in the pin", "default 21"],
    ]
    assert beside(table, table.rows[0], temp, None) == ["default 21"]


def test_the_default_of_a_map_without_a_schema() -> None:
    assert default_of(Table(ArrayMap.with_entries(value_size=3, max_entries=1, name="a").definition)) == bytes(3)
    assert default_of(Table(HashMap(4, 3, 1, name="h").definition)) is None

"""A map's object after the board has restarted: it is the map of its name and definition, or none."""

from collections.abc import Iterator

import pytest

from boardmaps import ArrayMap, HashMap
from boardmaps.errors import MapError, StaleMap
from boardmaps_host import Board
from boardmaps_host.client.errors import OutcomeUnknown
from boardmaps_host.client.link import Link
from boardmaps_host.twin.registries import Registry
from tests.client.memory_board import MemoryBoard


class Restarting(MemoryBoard):
    """Boots anew with the maps of the registry that is active then, behind as many writes as `left` says."""

    left = -1

    def write(self, data: bytes) -> None:
        super().write(data)
        self.left -= 1
        if not self.left:
            said = self._waiting
            self.restart()
            self._waiting = said


@pytest.fixture
def line() -> Iterator[Restarting]:
    with Registry():
        yield Restarting()


def test_maps_that_come_back_in_another_order(line: Restarting) -> None:
    ArrayMap(4, 1, 0, "a")
    ArrayMap(4, 1, 0, "b")
    board = Board(Link(line, 2))
    a, b = board.map("a"), board.map("b")
    numbers = a.id, b.id
    with Registry():
        first_of_new = ArrayMap(4, 1, 0, "b")
        second_of_new = ArrayMap(4, 1, 0, "a")
        line.restart()
        assert board.link.request(b"\0", changes=False) == b"\0"  # else the restart is met with a change in flight
        a.update(0, b"AAAA")
        assert second_of_new.lookup(0) == b"AAAA"
        assert first_of_new.lookup(0) == bytes(4)
        assert b.lookup(0) == bytes(4)
        assert (b.id, a.id) == numbers, "the two have changed their numbers"
        assert board.map("a").info().id == a.id


@pytest.mark.parametrize("other", ["name", "definition", "type", "two", "unnamed", "parameters"])
def test_a_map_that_does_not_come_back_is_stale(line: Restarting, other: str) -> None:
    board = Board(Link(line, 2))
    name = "" if other == "unnamed" else "m"
    if other == "parameters":
        m = board.create_map("TimeSeries", value_size=8, max_entries=4, name=name, field="h")
    else:
        m = board.create_map("ArrayMap", value_size=4, max_entries=1, name=name)
    with Registry():
        made: dict[str, object] = {
            "name": lambda: ArrayMap(4, 1, 0, "n"),
            "definition": lambda: ArrayMap(4, 2, 0, "m"),
            "type": lambda: HashMap(4, 4, 1, 0, "m"),
            "two": lambda: (ArrayMap(4, 1, 0, "m"), ArrayMap(4, 1, 0, "m")),
            "unnamed": lambda: ArrayMap(4, 1),
            "parameters": lambda: board.create_map("TimeSeries", value_size=8, max_entries=4, name=name, field="i"),
        }
        line.restart()
        assert board.link.request(b"\0", changes=False) == b"\0"
        made[other]()  # type: ignore[operator]
        for _ in range(2):
            with pytest.raises(StaleMap, match="the board restarted"):
                m.info()
        with pytest.raises(MapError):
            m.clear()
        assert all(info.count in (0, 1, 2) for info in board.maps())


def test_a_restart_inside_a_long_reply_gives_the_new_value_or_an_error(line: Restarting) -> None:
    board = Board(Link(line, 2))
    old = board.create_map("ArrayMap", value_size=20_000, max_entries=1, name="long")
    old.update(0, b"1" * 20_000)
    with Registry():
        ArrayMap(20_000, 1, 0, "long").update(0, b"2" * 20_000)
        line.left = 1
        assert old.lookup(0) == b"2" * 20_000
    with Registry():
        line.restart()
        assert board.link.request(b"\0", changes=False) == b"\0"
        again = board.create_map("Queue", value_size=20_000, max_entries=2, name="again")
        again.push(b"1" * 20_000)  # type: ignore[attr-defined]
        with Registry():
            line.left = 1
            with pytest.raises(OutcomeUnknown, match="The change was made"):
                again.pop()  # type: ignore[attr-defined]

"""What a board says of itself, and how the readings of one that goes are told."""

import threading
import time

import pytest

from boardmaps import HashMap
from boardmaps.errors import InvalidValue, NotSupported
from boardmaps_host import Board, connect
from boardmaps_host.client.errors import LinkError, PortGone
from boardmaps_host.client.health import heap
from boardmaps_host.export.poller import Fleet
from boardmaps_host.export.reading import Reader, Reading
from boardmaps_sim.unix import UnixBoard
from tests.export.conftest import Door
from tests.waits import PATIENCE, eventually


def test_the_heap_of_a_board(firmware: UnixBoard) -> None:
    with connect(firmware.port, share=True) as board:
        first, found = heap(board.link), heap(board.link, largest=True)
        assert first.largest is None
        assert found.kernels == first.kernels
        assert found.kernels in ("viper", "native")
        assert found.free + found.used == first.free + first.used
        assert found.largest is not None
        assert 1024 < found.largest <= found.free
        assert not board.link.changed


def test_a_twin_has_no_heap() -> None:
    with connect("twin") as board, pytest.raises(NotSupported, match="no heap of its own"):
        heap(board.link)


def test_the_health_of_a_board(firmware: UnixBoard) -> None:
    with Fleet({"k": lambda: connect(firmware.port, share=True)}, None) as fleet:
        assert fleet.pollers["k"].tried(PATIENCE)
        begun = time.time()
        (first,) = fleet.now(PATIENCE)
        (second,) = fleet.now(PATIENCE)
    health = second.health
    assert health.up
    assert health.since == first.health.since < begun
    assert health.heap is not None
    assert health.pool is not None
    assert 0 < health.pool[1] < health.pool[0]
    assert health.round_trip
    assert (health.crashes, health.why, health.program) == (0, "", True)
    assert {entry.map for entry in first.entries} - {entry.map for entry in second.entries} == {"temps"}


def test_a_write_is_between_two_readings_and_read_back(twin: None) -> None:
    told: list[Reading] = []
    with Fleet({"a": Door()}, 60, ()) as fleet:  # type: ignore[dict-item]
        poller = fleet.pollers["a"]
        reader = threading.Thread(target=lambda: told.extend(fleet.readings(PATIENCE)), daemon=True)
        reader.start()
        assert eventually(lambda: len(told) == 1)
        poller.do(lambda board: board.maps.rooms.change(1, {"temp": 7})).result(PATIENCE)
        assert eventually(lambda: len(told) == 2)
        assert [one.entries[0].points[0].value for one in told] == [0, 7]
        with pytest.raises(InvalidValue):
            poller.do(lambda board: board.maps.rooms.change(1, {"temp": 10})).result(PATIENCE)
        assert eventually(lambda: len(told) == 3)
        assert told[2].entries[0].points[0].value == 7


def test_a_board_that_goes_is_told_once_and_refuses_writes(twin: None) -> None:
    door = Door()
    told: list[Reading] = []

    def break_(board: object) -> None:
        door.open = False
        raise PortGone("door: somebody went")

    with Fleet({"a": door, "b": Door()}, 0.02) as fleet:  # type: ignore[dict-item]
        reader = threading.Thread(target=lambda: told.extend(fleet.readings(PATIENCE)), daemon=True)
        reader.start()
        poller = fleet.pollers["a"]
        assert eventually(lambda: any(one.board == "a" for one in told))
        with pytest.raises(PortGone):
            poller.do(break_).result(PATIENCE)
        assert eventually(lambda: [one.health.why for one in told if not one.health.up][-1:] == ["door: it is closed"])
        with pytest.raises(LinkError, match="the board is down: door: it is closed"):
            poller.do(lambda _: None).result(PATIENCE)
        assert not poller.now().result(PATIENCE).health.up
        others = sum(one.board == "b" for one in told)
        assert eventually(lambda: sum(one.board == "b" for one in told) > others)
        door.open = True
        assert eventually(lambda: poller.health.up)
        assert [one.health.why for one in told if not one.health.up] == ["door: somebody went", "door: it is closed"]


def test_a_board_that_answers_too_late_does_not_hold_up_the_others(twin: None) -> None:
    stuck = threading.Event()
    with Fleet({"a": Door(), "b": Door()}, None) as fleet:  # type: ignore[dict-item]
        assert all(poller.tried(PATIENCE) for poller in fleet.pollers.values())
        waiting = fleet.pollers["a"].do(lambda _: stuck.wait(PATIENCE))
        found = {one.board: one for one in fleet.now(0.5)}
        assert (found["a"].health.up, found["b"].health.up) == (False, True)
        assert found["a"].health.why == "no answer within 0.5 s"
        assert found["b"].entries
        stuck.set()
        assert waiting.result(PATIENCE)


def test_a_board_is_read_in_one_flight_and_one_more_for_each_map(firmware: UnixBoard) -> None:
    with connect(firmware.port, share=False, timeout=PATIENCE) as board:
        reader = Reader(board, ["rooms", "said"])
        names, _ = _flights(board, reader)
        assert {"rooms", "said", "plain"} <= set(names)  # all of the board's maps are listed
        assert _flights(board, reader) == (names, 3), "the list, heap and pool together; rooms; said"
        assert reader.health(0.0).heap is not None


def test_maps_that_come_later_are_listed(twin: None) -> None:
    with connect("twin") as board:
        reader = Reader(board)
        before, _ = _flights(board, reader)
        for number in range(60):  # more than a frame tells
            board.create_map(HashMap, name=f"later{number}", key="k:u8", value="v:u8", max_entries=1)
            if number in (0, 1, 59):
                names, _ = _flights(board, reader)
                assert names == before + [f"later{i}" for i in range(number + 1)]


def _flights(board: Board, reader: Reader) -> tuple[list[str], int]:
    """Read; return the maps' names, and how many flights the whole took."""
    link, flights = board.link, 0

    class Counting:
        def __getattr__(self, name: str) -> object:
            nonlocal flights
            flights += name in ("request", "requests")
            return getattr(link, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board, "link", Counting())
        for typed in reader._typed.values():
            patch.setattr(typed.map, "_link", board.link)
        infos, _ = reader.read()
    return [info.name for info in infos], flights


def test_a_mistake_of_ours_is_told_as_the_board_s_state(twin: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with Fleet({"a": Door(), "b": Door()}, 0.02) as fleet:  # type: ignore[dict-item]
        told = fleet.readings(PATIENCE)
        assert next(told).health.up
        read = Reader.read
        monkeypatch.setattr(Reader, "read", lambda _: 1 // 0)
        whys = (one.health.why for one in told if not one.health.up)
        assert (
            next(whys) == next(whys) == "a mistake in boardmaps: ZeroDivisionError: integer division or modulo by zero"
        )
        monkeypatch.setattr(Reader, "read", read)
        assert next(one for one in told if one.health.up).entries

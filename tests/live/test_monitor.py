"""The monitor on a real board: it reads at its rate, does jobs between requests, and comes through restarts and ends."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from boardmaps import MapError
from boardmaps_host import Board, connect
from boardmaps_host.client import LinkError
from boardmaps_host.deploy import deploy
from boardmaps_host.live import edits
from boardmaps_host.live.monitor import Monitor
from boardmaps_sim.unix import UnixBoard
from tests.waits import eventually

PROGRAM = """
import boardmaps, time
from boardmaps import ArrayMap, HashMap, RingBuf
rooms = HashMap.typed("rooms", key="room:8s", value="temp:i16/100(5..35=21) °C, runs:u32!+", max_entries=16)
rooms.update(b"kitchen\\0", bytes(rooms.definition.value_size))
runs = rooms.field("runs")
order = ArrayMap.typed("order", value="what:u8{nothing,say,fail}", max_entries=1)
log = RingBuf(4096, name="log")
print("begun")
while True:
    boardmaps.poll()
    runs.add(b"kitchen\\0", 1)
    what = order.lookup(0)[0]
    if what:
        order.update(0, b"\\0")
        if what == 2:
            raise ValueError("told to")
        print("as I am told")
        log.output(b"said")
    time.sleep_ms(2)
"""


@pytest.fixture(scope="module")
def unix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board that runs PROGRAM, also after it was switched off and on."""
    folder = tmp_path_factory.mktemp("monitor")
    (folder / "program.py").write_text(PROGRAM)
    with UnixBoard(port=folder / "port", flash=folder / "flash") as board:
        deploy(board.port, app=folder / "program.py")
        yield board


@pytest.fixture
def look(unix: UnixBoard) -> Iterator[Callable[[], tuple[Monitor, Board]]]:
    """look() begins to look at the board."""
    begun: list[tuple[Monitor, Board]] = []

    def one() -> tuple[Monitor, Board]:
        monitor = Monitor(0.05)
        board = connect(unix.port, console=monitor.printed, timeout=2)
        monitor.start(board)
        begun.append((monitor, board))
        assert eventually(lambda: monitor.find("rooms") is not None)
        return monitor, board

    yield one
    for monitor, board in begun:
        monitor.stop()
        board.close()


Look = Callable[[], tuple[Monitor, Board]]


def runs(monitor: Monitor) -> int:
    """Return the firmware's own counter, as it was read last."""
    shown = monitor.find("rooms")
    if shown is None or not shown.table.rows:
        return -1
    return int(shown.table.text(shown.table.rows[0], shown.table.columns[1]))


def told(monitor: Monitor, job: Callable[[Board], object]) -> object:
    """Have a job done; return what it gave."""
    came = threading.Event()
    found: list[object] = []

    def done(result: object) -> None:
        found.append(result)
        came.set()

    monitor.do(job, done)
    assert came.wait(60)
    return found[0]


def test_what_the_firmware_changes_is_seen_and_a_pause_stops_it(look: Look) -> None:
    monitor, _ = look()
    monitor.select("rooms")
    assert eventually(lambda: runs(monitor) >= 0)
    first = runs(monitor)
    assert eventually(lambda: runs(monitor) > first)
    shown = monitor.find("rooms")
    assert shown is not None
    assert eventually(lambda: shown.table.rate)
    assert "runs" in shown.table.rows[0].changed
    assert monitor.line.trip is not None
    assert monitor.pool[1] > 0
    monitor.pause(True)
    told(monitor, lambda _: None)
    told(monitor, lambda _: None)  # the round that was under way is over
    still, done = runs(monitor), monitor.rounds
    told(monitor, lambda _: time.sleep(0.2))  # jobs are done all the same
    assert (runs(monitor), monitor.rounds) == (still, done)
    monitor.pause(False)
    assert eventually(lambda: runs(monitor) > still)


def test_a_job_is_done_and_its_error_is_told(look: Look, unix: UnixBoard) -> None:
    monitor, _ = look()
    shown = monitor.find("rooms")
    assert shown is not None
    assert eventually(lambda: shown.table.rows)
    row, field = shown.table.rows[0], shown.table.columns[0]
    edit = edits.edited(shown.table, row, field, "25")
    assert edit is not None
    assert told(monitor, lambda _: edits.write(shown.map, shown.table, [edit])) is None
    assert eventually(lambda: shown.table.text(row, field) == "25.00")
    assert isinstance(told(monitor, lambda board: board.map("none")), MapError)


def test_the_console_and_a_ring_beside(look: Look) -> None:
    monitor, _ = look()
    monitor.select("log")
    told(monitor, lambda board: board.maps.order.force.change(0, {"what": "say"}))
    assert eventually(lambda: "as I am told" in monitor.console)
    log = monitor.find("log")
    assert log is not None
    assert eventually(lambda: [row.data for row in log.table.rows] == [b"said"])
    assert log.table.used == 16
    assert told(monitor, lambda board: len(board.map("log"))) == 1, "it is still in the ring"


def test_one_request_of_one_frame_is_under_way_at_a_time(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor, board = look()
    seen: list[int] = []
    real = board.link.requests

    def requests(payloads: Sequence[bytes], changes: bool = True, boot: str | None = None) -> list[bytes]:
        replies = real(payloads, changes, boot)
        seen.append(len(payloads))
        assert all(len(reply) <= board.link.mtu for reply in replies)
        return replies

    monkeypatch.setattr(board.link, "requests", requests)
    monitor.select("log")  # read from the pool, which is more than a frame
    done = monitor.rounds
    assert eventually(lambda: monitor.rounds > done + 3)
    assert set(seen) == {1}


def test_a_program_that_ends_and_a_board_that_goes_are_said_until_it_is_back(look: Look, unix: UnixBoard) -> None:
    monitor, board = look()
    monitor.select("rooms")
    assert eventually(lambda: runs(monitor) > 0)
    boot = board.link.boot
    told(monitor, lambda board: board.maps.order.force.change(0, {"what": "fail"}))
    assert eventually(lambda: monitor.ended)
    assert "ValueError: told to" in monitor.ended
    unix.stop()
    assert eventually(lambda: monitor.problem or monitor.waiting() > 1)
    assert eventually(lambda: unix.port in monitor.problem)
    assert isinstance(told(monitor, lambda board: board.map("rooms").lookup(b"kitchen\0")), LinkError)
    unix.start()
    assert eventually(lambda: monitor.boot != boot and not monitor.problem and runs(monitor) > 0)

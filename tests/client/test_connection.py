"""The connection's states, its port, and its subscriptions in another session.

More than 300 lines: each row of the table of states, and what a connection does in each.
"""

import threading
import time
from collections.abc import Callable, Iterator
from unittest import mock

import pytest

from boardmaps import ArrayMap, StaleMap
from boardmaps.line import session as line_session
from boardmaps.line.session import pack_hello
from boardmaps_host import Board
from boardmaps_host.client import (
    FirmwareError,
    LinkError,
    LinkTimeout,
    NoAnswer,
    OutcomeUnknown,
    PortGone,
    connection,
    states,
)
from boardmaps_host.client import session as client_session
from boardmaps_host.client.requests import Requests
from boardmaps_host.client.states import TABLE, ImpossibleStep, State, Step, after
from boardmaps_host.twin import registry
from tests.client.locked import Locked, host
from tests.client.memory_board import TRACEBACK, MemoryBoard, board_on, silence


@pytest.fixture
def line() -> Iterator[MemoryBoard]:
    yield MemoryBoard()
    registry.reset()


# -- the table


def test_every_state_is_explained_reached_and_left() -> None:
    reached = {State.UNCONNECTED} | {state for steps in TABLE.values() for state in steps.values()}
    assert reached == set(State) == set(TABLE)
    assert {state for state, steps in TABLE.items() if not steps} == {State.CLOSED}
    assert {step for steps in TABLE.values() for step in steps} == set(Step)
    assert all(f"\n    {state.name} " in (states.__doc__ or "") for state in State)


@pytest.mark.parametrize("state", State)
def test_what_is_not_in_the_table_is_a_mistake(state: State) -> None:
    for step in Step:
        if step not in TABLE[state]:
            with pytest.raises(ImpossibleStep, match=f"{step.name} cannot happen in the state {state.name}"):
                after(state, step)


def lose_in_flight(line: MemoryBoard, board: Board, then: Callable[[], None]) -> None:
    """Have a change in flight when the port goes; when it is back, `then` has happened."""
    write = line.write

    def cut(data: bytes) -> None:
        write(data)
        line.write = write  # type: ignore[method-assign]
        line.connected = False
        line._waiting = b""

    def back() -> None:
        then()
        line.connected = True

    board.pool.total_size()  # the session is fresh: what is written next is the request
    line.write = cut  # type: ignore[method-assign]
    timer = threading.Timer(0.1, back)
    timer.start()
    try:
        board.link.request(b"\x0b", changes=True)
    finally:
        timer.join()


def interrupted_resume(line: MemoryBoard, board: Board) -> None:
    """Ctrl-C while it is being found out whether the session still lives."""
    silence(board)
    with mock.patch.object(line, "read", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        board.pool.total_size()


def test_every_step_of_the_table_is_taken() -> None:
    """No row is there for nothing; and all that happens here is in the table, or ImpossibleStep would be raised."""
    taken: set[tuple[State, Step]] = set()

    def recording(state: State, step: Step) -> State:
        taken.add((state, step))
        return after(state, step)

    with mock.patch.object(connection, "after", recording):
        lost_and_found()
        opened_and_not()
        closed_from_everywhere()
        host(Locked()).interrupt()  # OPEN, ENDED
    registry.reset()
    assert {(state, step) for state, steps in TABLE.items() for step in steps} - taken == set()


def lost_and_found() -> None:
    line = MemoryBoard()
    board = board_on(line)
    silence(board)
    board.pool.total_size()  # DOUBTFUL, CONTINUES
    silence(board)
    line.restart()
    board.pool.total_size()  # DOUBTFUL, LOST
    line.restart()
    board.link.request(b"\x0b", changes=False)  # OPEN, LOST
    line.end_program()
    with pytest.raises(FirmwareError):  # OPEN, SILENCE; DOUBTFUL, ENDED
        board.listen(10)
    board.pool.total_size()  # the REPL: SERVER_STARTED
    line.silent = True
    with pytest.raises(LinkTimeout):  # OPEN, GAVE_UP
        board.link.request(b"\x0b", changes=False)
    line.silent = False
    lose_in_flight(line, board, lambda: None)  # OPEN, CUT; GONE, CUT and BACK
    with pytest.raises(OutcomeUnknown, match="restarted"):
        lose_in_flight(line, board, line.restart)
    with pytest.raises(FirmwareError):  # DOUBTFUL, ENDED
        lose_in_flight(line, board, line.end_program)
    board.pool.total_size()
    with pytest.raises(OutcomeUnknown, match="no answer"):  # DOUBTFUL, GAVE_UP
        lose_in_flight(line, board, lambda: setattr(line, "silent", True))
    line.silent = False
    board.pool.total_size()
    board.close()  # OPEN, CLOSE


def opened_and_not() -> None:
    line = MemoryBoard()
    board = board_on(line)
    line.restart()
    line.silent = True
    silence(board)
    for _ in range(2):  # DOUBTFUL, LOST; OPENING, FAILED; UNCONNECTED, GAVE_UP
        with pytest.raises(NoAnswer):
            board.pool.total_size()
    line.silent = False
    read = line.read

    def cut(_: float) -> bytes:
        line.read = read  # type: ignore[method-assign]
        raise PortGone("memory: the port is gone.")

    line.read = cut  # type: ignore[method-assign]
    board.pool.total_size()  # OPENING, CUT
    silence(board)
    line.read = cut  # type: ignore[method-assign]
    board.pool.total_size()  # DOUBTFUL, CUT
    line.connected = False
    with pytest.raises(PortGone):  # GONE, CUT and GAVE_UP
        board.pool.total_size()
    line.connected = True
    board.close()
    line = MemoryBoard(at_repl=True)
    line.starts = False
    with pytest.raises(LinkError, match="ValueError: no"):  # AT_REPL, FAILED
        board_on(line)
    line = MemoryBoard(at_repl=True)
    write = line.write

    def cut_behind_the_program(data: bytes) -> None:
        write(data)
        if data.endswith(b"\x04"):
            line.write = write  # type: ignore[method-assign]
            line.read = cut_behind_ok  # type: ignore[method-assign]

    reads = line.read

    def cut_behind_ok(timeout: float) -> bytes:
        data = reads(timeout)
        if not data:
            line.read = reads  # type: ignore[method-assign]
            raise PortGone("memory: the port is gone.")
        return data.partition(b"OK")[1] if b"OK" in data else b""

    line.write = cut_behind_the_program  # type: ignore[method-assign]
    with pytest.raises(PortGone):  # AT_REPL, CUT
        board_on(line)


def closed_from_everywhere() -> None:
    line = MemoryBoard()
    board = board_on(line)
    line.end_program()
    with pytest.raises(FirmwareError):
        board.listen(10)
    board.close()  # UNCONNECTED, CLOSE
    board.close()
    with pytest.raises(LinkError, match="was closed"):
        board.pool.total_size()
    with pytest.raises(LinkError, match="was closed"):
        board.listen(0)
    line = MemoryBoard()
    board = board_on(line)
    interrupted_resume(line, board)
    board.close()  # DOUBTFUL, CLOSE
    line = MemoryBoard()
    board = board_on(line)
    line.connected = False
    with pytest.raises(PortGone):
        board.listen(2)
    assert board.link.gone
    board.close()  # GONE, CLOSE


@pytest.mark.parametrize("number", sorted(set(b" >FKTM")), ids=chr)
def test_a_session_s_number_that_begins_lines_hides_no_end(line: MemoryBoard, number: int) -> None:
    """Such a number behind a line's end looks like the start of a frame."""
    board = board_on(line)
    session = board.link.connection.session
    while session.session != number:
        session.renew()
    session.opened = True
    line.end_program(TRACEBACK)
    with pytest.raises(FirmwareError, match="KeyError: 1"):
        board.listen(10)


# -- the port, while nobody asks for anything


def test_a_doubt_ends_with_any_frame_of_the_session(line: MemoryBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board whose heap is full answers HELLO with a NAK, and its program prints what looks like a prompt."""

    def no_memory(_: object) -> bytes:
        raise MemoryError

    def lose(data: bytes) -> None:
        line.write = write  # type: ignore[method-assign]
        lost.append(data)
        line._waiting += b"\r\n>>> "

    board = board_on(line, timeout=5)
    size = board.pool.total_size()
    write, lost = line.write, list[bytes]()
    line.write = lose  # type: ignore[method-assign]
    monkeypatch.setattr(line_session, "pack_hello", no_memory)
    monkeypatch.setattr(client_session, "pack_hello", pack_hello)
    assert board.pool.total_size() == size
    assert lost
    assert board.link.connection.state is State.OPEN


def test_a_port_that_comes_back_while_one_listens_goes_on_by_itself(line: MemoryBoard) -> None:
    board = board_on(line, timeout=5)
    m = board.create_map(ArrayMap, value_size=4, max_entries=1, name="m")
    with m.watch(0, every=0) as changes:
        assert changes.get(1) is not None
        session = board.link.connection.session.session
        line.connected = False
        threading.Timer(0.2, setattr, (line, "connected", True)).start()
        assert changes.get(1) is None
        m.update(0, b"back")
        change = changes.get(2)
        assert change is not None
        assert change.value == b"back"
        assert board.link.connection.session.session == session


def test_a_port_that_stays_away_is_told_and_may_still_come_back(line: MemoryBoard) -> None:
    board = board_on(line, timeout=0.2)
    line.connected = False
    began = time.monotonic()
    with pytest.raises(PortGone):
        board.listen(60)
    assert 0.2 <= time.monotonic() - began < 5
    line.connected = True
    line.restart()
    board.listen(0.1)
    assert board.link.connection.state is State.OPEN


# -- subscriptions in another session


def test_a_subscription_that_cannot_be_made_again_is_nobody_elses_affair(line: MemoryBoard) -> None:
    board = board_on(line, timeout=2)
    gone = board.create_map(ArrayMap, value_size=4, max_entries=1, name="gone")
    stays = board.create_map(ArrayMap, value_size=4, max_entries=1, name="stays")
    depth: list[int] = []
    run = Requests.run

    def one_at_a_time(self: Requests, payloads: list[bytes], changes: bool, boot: str | None = None) -> list[bytes]:
        assert depth == [], "a request inside of a request"
        depth.append(1)
        try:
            return run(self, payloads, changes, boot)
        finally:
            depth.pop()

    with mock.patch.object(Requests, "run", one_at_a_time), gone.watch(every=0) as a, stays.watch(every=0) as b:
        assert a.get(1) is not None
        assert b.get(1) is not None
        registry._maps.pop(gone.id)
        line.restart()
        assert [m.name for m in board.maps()] == ["stays"]
        assert b.get(2) is not None, "it tells again what is there"
        stays.update(0, b"more")
        change = b.get(2)
        assert change is not None
        assert change.value == b"more"
        with pytest.raises(StaleMap):
            a.get(1)


def test_a_callback_s_subscription_that_has_ended_is_told_once(line: MemoryBoard) -> None:
    board = board_on(line, timeout=2)
    gone = board.create_map(ArrayMap, value_size=4, max_entries=1, name="gone")
    stays = board.create_map(ArrayMap, value_size=4, max_entries=1, name="stays")
    told: list[object] = []
    gone.watch(every=0, callback=told.append)
    stays.watch(every=0, callback=told.append)
    board.listen(0.1)
    assert len(told) == 2
    registry._maps.pop(gone.id)
    line.restart()
    board.maps()
    with pytest.raises(StaleMap):
        board.listen(1)
    board.listen(0.1)
    stays.update(0, b"more")
    board.listen(0.1)
    assert getattr(told[-1], "value", None) == b"more"

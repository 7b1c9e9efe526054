"""What a call that fails says of its change: whether the board may have made it."""

from collections.abc import Callable, Iterator
from unittest import mock

import pytest

from boardmaps import ArrayMap
from boardmaps_host.client import LinkError, NoAnswer, OutcomeUnknown
from boardmaps_host.client.requests import Requests
from boardmaps_host.twin import registry
from tests.client.memory_board import TRACEBACK, MemoryBoard, board_on, silence


@pytest.fixture
def line() -> Iterator[MemoryBoard]:
    yield MemoryBoard()
    registry.reset()


def prompt_for_an_answer(line: MemoryBoard) -> None:
    write = line.write

    def end(_: bytes) -> None:
        line.write = write  # type: ignore[method-assign]
        line.end_program(TRACEBACK)

    line.write = end  # type: ignore[method-assign]


def fall_silent(line: MemoryBoard) -> None:
    line.silent = True


def go(line: MemoryBoard) -> None:
    line.connected = False


def go_with_the_answer(line: MemoryBoard) -> None:
    line.write = lambda _: go(line)  # type: ignore[method-assign]


@pytest.mark.parametrize("what", [prompt_for_an_answer, fall_silent, go_with_the_answer])
@pytest.mark.parametrize("changes", [True, False])
def test_every_error_says_whether_the_change_may_have_happened(
    line: MemoryBoard, what: Callable[[MemoryBoard], None], changes: bool
) -> None:
    board = board_on(line, timeout=1)
    board.pool.total_size()
    what(line)
    with pytest.raises(LinkError) as caught:
        board.link.request(b"\x0b", changes)
    assert caught.value.may_have_happened is changes
    assert ("A change was in flight" in str(caught.value)) is changes
    assert isinstance(caught.value, OutcomeUnknown) is (changes and what is not prompt_for_an_answer)


def test_what_was_never_sent_has_not_happened(line: MemoryBoard) -> None:
    board = board_on(line)
    silence(board)
    line.silent = True
    with pytest.raises(NoAnswer) as caught:
        board.link.request(b"\x0b", changes=True)
    assert caught.value.may_have_happened is False


def test_a_batch_of_several_frames_may_have_happened_in_part(line: MemoryBoard) -> None:
    board = board_on(line)
    m = board.create_map(ArrayMap, value_size=2000, max_entries=10)
    run, runs = Requests.run, []

    def second_fails(self: Requests, payloads: list[bytes], changes: bool, boot: str) -> list[bytes]:
        runs.append(payloads)
        if len(runs) == 2:
            raise NoAnswer("nothing answers.")
        return run(self, payloads, changes, boot)

    with mock.patch.object(Requests, "run", second_fails), pytest.raises(NoAnswer) as caught:
        m.batch_update(range(10), [bytes(2000)] * 10)
    assert caught.value.may_have_happened is True
    with mock.patch.object(Requests, "run", side_effect=NoAnswer("nothing answers.")), pytest.raises(NoAnswer) as first:
        m.batch_update(range(10), [bytes(2000)] * 10)
    assert first.value.may_have_happened is False


def test_a_map_whose_record_is_wrong_has_been_made(line: MemoryBoard) -> None:
    board = board_on(line)
    run = Requests.run

    def cut(self: Requests, payloads: list[bytes], changes: bool, boot: str | None = None) -> list[bytes]:
        return [reply[:-1] for reply in run(self, payloads, changes, boot)]

    with mock.patch.object(Requests, "run", cut), pytest.raises(LinkError, match="not what it should be") as caught:
        board.create_map(ArrayMap, value_size=1, max_entries=1, name="made")
    assert caught.value.may_have_happened is True
    assert [m.name for m in board.maps()] == ["made"]


def test_the_lost_rest_of_a_long_reply_is_an_error_that_tells_of_the_change(line: MemoryBoard) -> None:
    board = board_on(line)
    queue = board.create_map("Queue", value_size=10_000, max_entries=1)
    queue.push(bytes(range(250)) * 40)  # type: ignore[attr-defined]
    run = Requests.run

    def dropping(self: Requests, payloads: list[bytes], changes: bool, boot: str | None = None) -> list[bytes]:
        replies = run(self, payloads, changes, boot)
        line._session._long = None
        return replies

    with mock.patch.object(Requests, "run", dropping):
        with pytest.raises(LinkError, match="inside a long reply") as read:
            queue.peek()  # type: ignore[attr-defined]
        assert read.value.may_have_happened is False
        with pytest.raises(OutcomeUnknown, match="its result is lost") as popped:
            queue.pop()  # type: ignore[attr-defined]
        assert popped.value.may_have_happened is True
    assert len(queue) == 0

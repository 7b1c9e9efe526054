"""A real board that is sent what nobody would send: nothing is executed, nothing hangs, all goes on."""

import random
from collections.abc import Iterator

import pytest

from boardmaps.line.dispatch import Dispatcher
from boardmaps_host import Board, connect
from boardmaps_host.twin import Registry
from tests.link.fuzz import fuzz_board, fuzz_requests


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with connect("unix") as connected:
        yield connected


def test_a_hundred_thousand_broken_frames_at_a_board(board: Board) -> None:
    assert fuzz_board(random.Random(1), 100_000, board) == 0


def test_nonsense_is_answered_by_a_board(board: Board) -> None:
    assert fuzz_requests(random.Random(2), 2000, board.link.request) == 0
    assert board.link.request(b"\0here", changes=False) == b"\0here"


def test_nonsense_is_answered_by_the_twin() -> None:
    with Registry() as registry:
        dispatcher = Dispatcher(registry)
        assert fuzz_requests(random.Random(3), 20_000, lambda request: dispatcher.handle(request, 64)) == 0

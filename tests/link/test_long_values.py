"""A value that takes nearly all of a pool, over the line: what can be made can be written and read."""

import os
from struct import pack

import pytest

from boardmaps import ArrayMap, HashMap, Queue
from boardmaps.abi import OP_UPDATE
from boardmaps.errors import OutOfMemory
from boardmaps_host import Board, connect
from boardmaps_host.client.info import ask
from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard, default_port
from tests.contract.test_long import filled

NEARLY = 60_000


def check(board: Board) -> None:
    array = board.create_map(ArrayMap, value_size=NEARLY, max_entries=1)
    array.update(0, filled(NEARLY))
    assert array.lookup(0) == filled(NEARLY)
    board.pool.reset()
    array = board.create_map(ArrayMap, value_size=16_384, max_entries=1)
    assert array.compare_and_swap(0, bytes(16_384), filled(16_384))
    assert not array.compare_and_swap(0, bytes(16_384), filled(16_384))
    assert array.lookup(0) == filled(16_384)
    board.pool.reset()
    values = board.create_map(HashMap, key_size=4, value_size=NEARLY, max_entries=1)
    values.update(b"key1", filled(NEARLY))
    assert values.lookup_and_delete(b"key1") == filled(NEARLY)
    assert values.lookup(b"key1") is None
    board.pool.reset()
    queue = board.create_map(Queue, value_size=NEARLY, max_entries=1)
    queue.push(filled(NEARLY))
    assert queue.pop() == filled(NEARLY)


def test_on_the_twin() -> None:
    with connect("twin", allow_reset=True) as board:
        check(board)


def test_on_a_board() -> None:
    """A word has 64 bits here, so its heap is larger than a board's for the same."""
    name = f"long-{os.getpid()}"
    with UnixBoard(name, port=default_port(name), heap="320K") as simulated:
        deploy(simulated.port, reset=False)
        with connect(simulated.port, allow_reset=True) as board:
            check(board)


def test_a_request_that_the_board_cannot_take_is_refused_at_its_first_part() -> None:
    with connect("unix") as board:
        m = board.create_map(ArrayMap, value_size=4, max_entries=1)
        before = board.link.connection.session._seq
        with pytest.raises(OutOfMemory, match="140013 bytes are more than any map here needs"):
            ask(board.link, pack("<BHIH", OP_UPDATE, m.id, 0, 4) + bytes(4) + bytes(140_000))
        assert board.link.connection.session._seq == before + 1, "the other parts are not sent"
        assert m.add(0, 1) == 1

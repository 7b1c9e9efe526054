"""Values and records that no frame holds: what can be made can be written and read."""

from collections.abc import Callable

import pytest

from boardmaps import ArrayMap, HashMap, Queue, RingBuf
from boardmaps.errors import InvalidValueSize, KeyExists
from boardmaps_host import Board


@pytest.fixture
def size(steps: Callable[[int], int]) -> int:
    """Return 16 KB; a kilobyte, which is some frames too, where the target is slow."""
    return steps(64) * 256


def filled(n: int, first: int = 1) -> bytes:
    """Return n bytes of which no two neighbourhoods are alike."""
    return bytes((i * 31 + (i >> 8) + first) & 0xFF for i in range(n))


def test_a_large_value_of_an_array(board: Board, size: int) -> None:
    m = board.create_map(ArrayMap, value_size=size, max_entries=1)
    m.update(0, filled(size))
    assert m.lookup(0) == filled(size)
    m.delete(0)
    assert m.lookup(0) == bytes(size)


def test_a_large_value_of_a_hash(board: Board, size: int) -> None:
    m = board.create_map(HashMap, key_size=4, value_size=size, max_entries=1, name="large")
    m.update(b"key1", filled(size))
    with pytest.raises(KeyExists, match="update 'large'"):
        m.update(b"key1", filled(size, 2), 1)
    with pytest.raises(InvalidValueSize, match=f"update 'large': value is {size - 1} bytes, not {size}"):
        m.update(b"key1", filled(size - 1))
    assert m.lookup(b"key1") == filled(size)
    assert m.lookup(b"none") is None
    assert m.lookup_and_delete(b"key1") == filled(size)
    assert m.lookup(b"key1") is None


def test_a_large_value_of_a_queue(board: Board, size: int) -> None:
    queue = board.create_map(Queue, value_size=size, max_entries=1)
    queue.push(filled(size))
    assert queue.peek() == filled(size)
    assert queue.pop() == filled(size)
    assert queue.pop() is None


def test_a_large_record_of_a_ring(board: Board, size: int) -> None:
    ring = board.create_map(RingBuf, size=2 * size)
    assert ring.output(b"small")
    assert ring.output(filled(size))
    assert ring.output(b"behind")
    found = []
    while records := ring.read_many():
        found += records
    assert [data for _, data in found] == [b"small", filled(size), b"behind"]

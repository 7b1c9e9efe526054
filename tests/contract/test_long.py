"""Values and records that no frame holds: what can be made can be written and read."""

import pytest

from boardmaps import ArrayMap, HashMap, Queue, RingBuf
from boardmaps.errors import InvalidValueSize, KeyExists
from boardmaps_host import Board

SIZE = 16 * 1024


def filled(n: int, first: int = 1) -> bytes:
    """Return n bytes of which no two neighbourhoods are alike."""
    return bytes((i * 31 + (i >> 8) + first) & 0xFF for i in range(n))


def test_a_large_value_of_an_array(board: Board) -> None:
    m = board.create_map(ArrayMap, value_size=SIZE, max_entries=1)
    m.update(0, filled(SIZE))
    assert m.lookup(0) == filled(SIZE)
    m.delete(0)
    assert m.lookup(0) == bytes(SIZE)


def test_a_large_value_of_a_hash(board: Board) -> None:
    m = board.create_map(HashMap, key_size=4, value_size=SIZE, max_entries=1, name="large")
    m.update(b"key1", filled(SIZE))
    with pytest.raises(KeyExists, match="update 'large'"):
        m.update(b"key1", filled(SIZE, 2), 1)
    with pytest.raises(InvalidValueSize, match=f"update 'large': value is {SIZE - 1} bytes, not {SIZE}"):
        m.update(b"key1", filled(SIZE - 1))
    assert m.lookup(b"key1") == filled(SIZE)
    assert m.lookup(b"none") is None
    assert m.lookup_and_delete(b"key1") == filled(SIZE)
    assert m.lookup(b"key1") is None


def test_a_large_value_of_a_queue(board: Board) -> None:
    queue = board.create_map(Queue, value_size=SIZE, max_entries=1)
    queue.push(filled(SIZE))
    assert queue.peek() == filled(SIZE)
    assert queue.pop() == filled(SIZE)
    assert queue.pop() is None


def test_a_large_record_of_a_ring(board: Board) -> None:
    ring = board.create_map(RingBuf, size=2 * SIZE)
    assert ring.output(b"small")
    assert ring.output(filled(SIZE))
    assert ring.output(b"behind")
    found = []
    while records := ring.read_many():
        found += records
    assert [data for _, data in found] == [b"small", filled(SIZE), b"behind"]

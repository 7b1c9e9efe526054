"""ArrayMap: all entries are there from the start, and zero."""

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_NOEXIST,
    ArrayMap,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
)
from boardmaps_host import Board
from boardmaps_host.client import RemoteMap


@pytest.fixture
def hits(board: Board) -> RemoteMap:
    return board.create_map(ArrayMap, value_size=8, max_entries=5, name="hits")


def u32(n: int) -> bytes:
    return n.to_bytes(4, "little")


def test_every_entry_is_there_and_zero(hits: RemoteMap) -> None:
    assert len(hits) == 5
    assert list(hits.items()) == [(u32(i), bytes(8)) for i in range(5)]


def test_a_key_is_an_index_or_its_four_bytes(hits: RemoteMap) -> None:
    hits.update(3, b"12345678")
    assert hits.lookup(u32(3)) == hits.lookup(3) == b"12345678"
    out = bytearray(8)
    assert hits.lookup_into(3, out)
    assert out == b"12345678"


@pytest.mark.parametrize("index", [5, 6, 2**16, 2**24, 2**30, 2**31, 2**32 - 1, 2**32, 2**64, -1])
def test_out_of_range(hits: RemoteMap, index: int) -> None:
    assert hits.lookup(index) is None
    assert not hits.lookup_into(index, bytearray(8))
    with pytest.raises(KeyNotFound):
        hits.update(index, b"12345678")
    with pytest.raises(KeyNotFound):
        hits.delete(index)
    assert all(value == bytes(8) for _, value in hits.items())


def test_update_flags(hits: RemoteMap) -> None:
    hits.update(0, b"12345678", BPF_EXIST)
    with pytest.raises(KeyExists):
        hits.update(0, b"abcdefgh", BPF_NOEXIST)
    for flags in (3, 4, 8, 1 << 31, 1 << 40, -1):
        with pytest.raises(InvalidFlags):
            hits.update(0, b"abcdefgh", flags)
    assert hits.lookup(0) == b"12345678"


def test_delete_sets_to_zero(hits: RemoteMap) -> None:
    hits.update(2, b"12345678")
    hits.delete(2)
    assert hits.lookup(2) == bytes(8)
    assert len(hits) == 5


def test_next_key_goes_through_the_indices(hits: RemoteMap) -> None:
    assert hits.next_key() == hits.next_key(5) == hits.next_key(2**32 - 1) == u32(0)
    assert hits.next_key(0) == u32(1)
    assert hits.next_key(u32(3)) == u32(4)
    assert hits.next_key(4) is None


@pytest.mark.parametrize("key", [b"", b"123", b"12345", bytes(8)])
def test_a_key_of_another_size(hits: RemoteMap, key: bytes) -> None:
    for call in (hits.lookup, hits.delete, hits.next_key):
        with pytest.raises(InvalidKeySize, match=rf"{len(key)} bytes"):
            call(key)
    with pytest.raises(InvalidKeySize):
        hits.update(key, b"12345678")


@pytest.mark.parametrize("value", [b"", b"1234567", b"123456789"])
def test_a_value_of_another_size(hits: RemoteMap, value: bytes) -> None:
    with pytest.raises(InvalidValueSize, match=rf"{len(value)} bytes"):
        hits.update(0, value)
    with pytest.raises(InvalidValueSize):
        hits.lookup_into(0, bytearray(value))
    assert hits.lookup(0) == bytes(8)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 12, 64, 255, 256, 257, 700, 2000])
def test_values_of_every_size_stay_apart(board: Board, size: int) -> None:
    m = board.create_map(ArrayMap, value_size=size, max_entries=3)
    values = [bytes((7 * i + j) & 0xFF for j in range(size)) for i in range(3)]
    for i in (1, 0, 2):
        m.update(i, values[i])
    assert [m.lookup(i) for i in range(3)] == values
    m.delete(1)
    assert [value for _, value in m.items()] == [values[0], bytes(size), values[2]]

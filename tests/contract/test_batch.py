"""Batches over the line: what is done stays done, and the error says how much that was."""

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_NOEXIST,
    ArrayMap,
    HashMap,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    MapError,
    NotPermitted,
    NotSupported,
    OutOfMemory,
)
from boardmaps_host import Board
from boardmaps_host.client import RemoteMap


@pytest.fixture
def m(board: Board) -> RemoteMap:
    return board.create_map(HashMap, key_size=4, value_size=8, max_entries=300, name="m")


def keys(*numbers: int) -> list[bytes]:
    return [n.to_bytes(4, "little") for n in numbers]


def values(*numbers: int) -> list[bytes]:
    return [n.to_bytes(8, "little") for n in numbers]


def test_many_frames_of_entries(m: RemoteMap) -> None:
    everything = range(300)
    assert m.batch_update(keys(*everything), values(*everything)) == 300
    assert dict(m.items()) == dict(zip(keys(*everything), values(*everything), strict=True))
    assert m.batch_delete(keys(*range(0, 300, 2))) == 150
    assert len(m) == 150
    met: dict[bytes, bytes] = {}
    cursor = None
    while True:
        cursor, ks, vs = m.batch_lookup_and_delete(cursor, 40)
        met |= dict(zip(ks, vs, strict=True))
        if cursor is None:
            break
    assert met == dict(zip(keys(*range(1, 300, 2)), values(*range(1, 300, 2)), strict=True))
    assert len(m) == 0


def test_nothing_to_do(m: RemoteMap) -> None:
    assert m.batch_update([], []) == m.batch_delete([]) == 0
    assert m.batch_lookup(None, 0) == m.batch_lookup_and_delete(None, 0) == (None, [], [])
    assert m.batch_lookup_and_delete() == (None, [], [])


def test_a_full_map_stops_an_update(m: RemoteMap) -> None:
    with pytest.raises(OutOfMemory) as stopped:
        m.batch_update(keys(*range(310)), values(*range(310)))
    assert stopped.value.done == len(m) == 300


@pytest.mark.parametrize("at", [0, 1, 150, 299])
def test_the_first_error_stops_and_tells_how_many_were_done(m: RemoteMap, at: int) -> None:
    m.update(keys(at)[0], values(7)[0])
    with pytest.raises(KeyExists) as stopped:
        m.batch_update(keys(*range(300)), values(*range(300)), BPF_NOEXIST)
    assert stopped.value.done == at
    assert len(m) == at + 1
    assert m.lookup(*keys(at)) == values(7)[0]
    with pytest.raises(KeyNotFound) as missed:
        m.batch_delete(keys(*range(at), 1000, at))
    assert missed.value.done == at
    assert list(m.keys()) == keys(at)
    with pytest.raises(KeyNotFound) as missed:
        m.batch_update(keys(at, 5000), values(1, 2), BPF_EXIST)
    assert missed.value.done == 1
    assert list(m.items()) == list(zip(keys(at), values(1), strict=True))


def test_entries_of_wrong_sizes(m: RemoteMap) -> None:
    with pytest.raises(InvalidKeySize) as stopped:
        m.batch_update([*keys(1, 2), b"abc", *keys(3)], values(1, 2, 3, 4))
    assert stopped.value.done == len(m) == 2
    with pytest.raises(InvalidValueSize) as short:
        m.batch_update(keys(5, 6), [*values(5), b"1234567"])
    assert short.value.done == 1
    with pytest.raises(InvalidValueSize):
        m.batch_update(keys(7, 8), values(7))
    with pytest.raises(InvalidKeySize) as stopped:
        m.batch_delete([*keys(1), b"abcde"])
    assert stopped.value.done == 1
    for flags in (3, 8, 1 << 31):
        with pytest.raises(InvalidFlags):
            m.batch_update(keys(9), values(9), flags)
    assert sorted(m.keys()) == keys(2, 5)


def test_cursors_that_no_call_of_this_map_gave(board: Board, m: RemoteMap) -> None:
    other = board.create_map(HashMap, key_size=4, value_size=8, max_entries=300, name="other")
    for each in (m, other):
        each.batch_update(keys(*range(20)), values(*range(20)))
    theirs, _, _ = other.batch_lookup(None, 5)
    ours, _, _ = m.batch_lookup(None, 5)
    assert theirs is not None
    assert ours is not None
    made_up = (0, 1, 2, 1 << 16, 1 << 20, (1 << 32) - 1, 1 << 32, (1 << 64) - 1, -1, 1 << 64, "1", 1.5)
    for cursor in (theirs, *made_up):
        for batch in (m.batch_lookup, m.batch_lookup_and_delete):
            with pytest.raises(MapError, match=r"'m': .* is not a cursor that a batch call of this map gave"):
                batch(cursor, 5)  # type: ignore[arg-type]
    assert len(m) == len(other) == 20
    assert len(m.batch_lookup(ours, 100)[1]) == 15


def test_a_cursor_from_before_a_reset(board: Board, m: RemoteMap) -> None:
    m.batch_update(keys(*range(20)), values(*range(20)))
    cursor, _, _ = m.batch_lookup(None, 5)
    board.pool.reset()
    again = board.create_map(HashMap, key_size=4, value_size=8, max_entries=300, name="again")
    again.batch_update(keys(1), values(1))
    with pytest.raises(MapError, match="not a cursor"):
        again.batch_lookup_and_delete(cursor, 5)
    assert len(again) == 1


def test_an_arrays_batches(board: Board) -> None:
    a = board.create_map(ArrayMap, value_size=8, max_entries=100)
    assert a.batch_update(list(range(100)), values(*range(100))) == 100
    assert a.batch_delete([5, 7]) == 2
    assert [int.from_bytes(v, "little") for _, v in a.items()][4:8] == [4, 0, 6, 0]
    with pytest.raises(KeyNotFound) as stopped:
        a.batch_update([1, 100, 2], values(0, 0, 0))
    assert stopped.value.done == 1
    with pytest.raises(KeyExists):
        a.batch_update([1], values(0), BPF_NOEXIST)
    with pytest.raises(NotSupported):
        a.batch_lookup_and_delete()


def test_clear(board: Board, m: RemoteMap) -> None:
    m.batch_update(keys(*range(50)), values(*range(50)))
    m.clear()
    assert len(m) == 0
    assert m.batch_update(keys(*range(300)), values(*range(300))) == 300
    a = board.create_map(ArrayMap, value_size=3, max_entries=10)
    a.batch_update(list(range(10)), [b"abc"] * 10)
    a.clear()
    assert [v for _, v in a.items()] == [bytes(3)] * 10


def test_rights(m: RemoteMap) -> None:
    m.batch_update(keys(1), values(1))
    m.freeze()
    for write in (
        lambda: m.batch_update(keys(2), values(2)),
        lambda: m.batch_delete(keys(1)),
        m.batch_lookup_and_delete,
        m.clear,
    ):
        with pytest.raises(NotPermitted, match="frozen"):
            write()
    assert m.batch_lookup() == (None, keys(1), values(1))

"""Batches, and the walks that they and next_key() make."""

import itertools

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
    LruHashMap,
    MapError,
    NotSupported,
    OutOfMemory,
)


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


def ks(*numbers: int) -> list[bytes]:
    return [k(n) for n in numbers]


@pytest.mark.parametrize("cls", [HashMap, LruHashMap])
def test_update_lookup_delete(cls: type[HashMap]) -> None:
    m = cls(4, 4, 10)
    assert m.batch_update(ks(1, 2, 3), ks(10, 20, 30)) == 3
    assert m.batch_update([bytearray(k(3)), k(4), k(4)], [k(33), bytearray(k(40)), k(41)]) == 3
    assert m.batch_lookup(None, 100) == (None, ks(1, 2, 3, 4), ks(10, 20, 33, 41))
    assert m.batch_delete(ks(1, 3)) == 2
    assert m.batch_lookup_and_delete(None, 1)[1:] == (ks(2), ks(20))
    assert list(m.items()) == [(k(4), k(41))]


def test_nothing_is_a_successful_batch() -> None:
    for m in (HashMap(4, 4, 3), LruHashMap(4, 4, 3), ArrayMap(4, 3)):
        assert m.batch_update([], []) == m.batch_delete([]) == 0
        assert m.batch_lookup(None, 0) == (None, [], [])
        m.batch_update(ks(0, 1), ks(0, 1))
        cursor, _, _ = m.batch_lookup(None, 1)
        assert m.batch_lookup(cursor, 0) == (cursor, [], [])


@pytest.mark.parametrize(
    ("keys", "values", "flags", "error", "done"),
    [
        (ks(1, 8, 9), ks(1, 8, 9), 0, OutOfMemory, 2),
        (ks(8, 8, 1, 9), ks(1, 2, 3, 4), 0, OutOfMemory, 3),
        (ks(8, 1, 9), ks(8, 1, 9), BPF_NOEXIST, KeyExists, 1),
        (ks(8, 8), ks(8, 8), BPF_NOEXIST, KeyExists, 1),
        (ks(1, 2, 8), ks(8, 8, 8), BPF_EXIST, KeyNotFound, 2),
        ([k(1), b"xxx", k(2)], ks(8, 8, 8), 0, InvalidKeySize, 1),
        (ks(1, 2), [k(8), b""], 0, InvalidValueSize, 1),
        ([k(8), k(9), b""], ks(8, 9, 9), 0, OutOfMemory, 1),
        (ks(1, 2), ks(1), 0, InvalidValueSize, 0),
        (ks(1, 2), ks(1, 2), 8, InvalidFlags, 0),
    ],
)
def test_a_batch_stops_at_the_first_error(
    keys: list[bytes], values: list[bytes], flags: int, error: type[MapError], done: int
) -> None:
    m = HashMap(4, 4, 4)
    model = dict.fromkeys(ks(1, 2, 3), k(0))
    for key, value in model.items():
        m.update(key, value)
    with pytest.raises(error) as caught:
        m.batch_update(keys, values, flags)
    assert getattr(caught.value, "done", 0) == done
    model.update(list(zip(keys, values, strict=False))[:done])
    assert dict(m.items()) == model


def test_a_batch_delete_stops_too() -> None:
    m = HashMap(4, 4, 4)
    m.batch_update(ks(1, 2, 3), ks(1, 2, 3))
    with pytest.raises(KeyNotFound) as missing:
        m.batch_delete(ks(1, 9, 2))
    with pytest.raises(InvalidKeySize) as wrong:
        m.batch_delete([k(2), b"", k(3)])
    assert (missing.value.done, wrong.value.done) == (1, 1)  # type: ignore[attr-defined]
    assert list(m) == ks(3)


def test_arrays() -> None:
    array = ArrayMap(4, 5)
    assert array.batch_update([0, k(2), 4], ks(1, 2, 3)) == 3
    cursor, *page = array.batch_lookup(None, 3)
    assert page == [ks(0, 1, 2), ks(1, 0, 2)]
    assert array.batch_lookup(cursor, 3) == (None, ks(3, 4), ks(0, 3))
    with pytest.raises(KeyNotFound) as caught:
        array.batch_update([1, 5], ks(9, 9))
    assert caught.value.done == 1  # type: ignore[attr-defined]
    assert array.batch_delete([0, 1]) == 2
    with pytest.raises(NotSupported):
        array.batch_lookup_and_delete(None, 3)  # type: ignore[attr-defined] # a checker knows that an array lacks it
    assert [int.from_bytes(v, "little") for _, v in array.items()] == [0, 0, 2, 0, 3]


def test_cursors_that_no_call_of_this_map_gave() -> None:
    other = HashMap(4, 4, 3)
    other.batch_update(ks(0, 1, 2), ks(0, 1, 2))
    theirs, _, _ = other.batch_lookup(None, 1)
    for m in (HashMap(4, 4, 3), ArrayMap(4, 3), LruHashMap(4, 4, 3)):
        m.batch_update(ks(0, 1, 2), ks(0, 1, 2))
        ours, _, _ = m.batch_lookup(None, 1)
        assert m.batch_lookup(ours, 10) == (None, ks(1, 2), ks(1, 2))
        assert ours is not None
        for past in (ours + 2, ours + 100):  # within the map's own, a place that no call gave is one like any other
            assert m.batch_lookup(past, 10) == (None, [], [])
        for wrong in (theirs, 0, 1, 3, 1 << 31, (1 << 32) - 1, -1, -ours, ours + (1 << 32), 1 << 64, "1", 1.0):
            with pytest.raises(MapError, match=r"not a cursor that a batch call of this map gave"):
                m.batch_lookup(wrong, 1)  # type: ignore[arg-type]
        with pytest.raises(MapError, match="count"):
            m.batch_lookup(None, -1)


@pytest.mark.parametrize("cls", [HashMap, LruHashMap])
@pytest.mark.parametrize("page", [1, 3])
def test_a_staying_key_is_met_once_whatever_comes_and_goes(cls: type[HashMap], page: int) -> None:
    m = cls(4, 4, 64)
    staying = ks(*range(0, 40, 2))
    for n in range(40):
        m.update(k(n), k(n))
    met: list[bytes] = []
    cursor = None
    for step in itertools.count():
        cursor, keys, _ = m.batch_lookup(cursor, page)
        met += keys
        if cursor is None:
            break
        if 2 * step + 1 < 40:
            m.delete(k(2 * step + 1))
        m.update(k(1000 + step % 20), k(0))
        assert step < 1000
    assert [key for key in met if key in staying] == staying


def test_next_key_starts_again_from_a_key_that_is_gone() -> None:
    m = HashMap(4, 4, 8)
    m.batch_update(ks(1, 2, 3), ks(1, 2, 3))
    assert [m.next_key(), m.next_key(k(1)), m.next_key(k(3)), m.next_key(k(9))] == [k(1), k(2), None, k(1)]
    m.delete(k(2))
    m.update(k(4), k(4))
    assert m.next_key(k(2)) == k(1)
    assert [m.next_key(k(1)), m.next_key(k(4))] == [k(4), k(3)]  # in the place that became free


def test_emptying_from_the_front_is_not_quadratic() -> None:
    m = HashMap(4, 4, 20_000)
    numbers = ks(*range(20_000))
    m.batch_update(numbers, numbers)
    met = 0
    while (key := m.next_key()) is not None:  # 200 million steps, if each search began at the first place ever used
        m.delete(key)
        met += 1
    assert met == 20_000

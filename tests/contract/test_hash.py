"""HashMap: exactly `max_entries` keys, no decay, and walks that end."""

import random
from collections.abc import Callable

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_NOEXIST,
    HashMap,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    OutOfMemory,
)
from boardmaps_host import Board
from boardmaps_host.client import RemoteMap


@pytest.fixture
def temps(board: Board) -> RemoteMap:
    return board.create_map(HashMap, key_size=8, value_size=4, max_entries=4, name="temps")


def key(n: int) -> bytes:
    return n.to_bytes(8, "big")


def value(n: int) -> bytes:
    return n.to_bytes(4, "big")


def fill(m: RemoteMap) -> None:
    for n in range(m.definition.max_entries):
        m.update(key(n), value(n))


def test_what_is_put_in_comes_out(temps: RemoteMap) -> None:
    temps.update(b"kitchen\0", b"\x15\0\0\0", BPF_NOEXIST)
    assert temps.lookup(b"kitchen\0") == b"\x15\0\0\0"
    assert temps.lookup(b"kitchen!") is None
    out = bytearray(4)
    assert temps.lookup_into(b"kitchen\0", out)
    assert out == b"\x15\0\0\0"
    assert not temps.lookup_into(b"kitchen!", out)
    assert out == b"\x15\0\0\0"
    assert b"kitchen\0" in temps
    assert len(temps) == 1


def test_noexist_and_exist(temps: RemoteMap) -> None:
    with pytest.raises(KeyNotFound):
        temps.update(key(1), value(1), BPF_EXIST)
    temps.update(key(1), value(1), BPF_NOEXIST)
    with pytest.raises(KeyExists):
        temps.update(key(1), value(2), BPF_NOEXIST)
    assert temps.lookup(key(1)) == value(1)
    temps.update(key(1), value(3), BPF_EXIST)
    assert temps.lookup(key(1)) == value(3)


def test_a_full_map(temps: RemoteMap) -> None:
    fill(temps)
    with pytest.raises(OutOfMemory, match=r"update 'temps': map is full \(4 of 4 entries\)"):
        temps.update(key(9), value(9))
    with pytest.raises(OutOfMemory):
        temps.update(key(9), value(9), BPF_NOEXIST)
    with pytest.raises(KeyNotFound):
        temps.update(key(9), value(9), BPF_EXIST)
    with pytest.raises(KeyExists):
        temps.update(key(0), value(9), BPF_NOEXIST)
    temps.update(key(0), value(7))
    assert dict(temps.items()) == {key(0): value(7), **{key(n): value(n) for n in range(1, 4)}}


def test_the_size_is_checked_before_the_flags_and_those_before_presence(temps: RemoteMap) -> None:
    fill(temps)
    with pytest.raises(InvalidKeySize):
        temps.update(b"", b"", 77)
    with pytest.raises(InvalidValueSize):
        temps.update(key(0), b"", 77)
    with pytest.raises(InvalidFlags):
        temps.update(key(0), value(0), 77)


@pytest.mark.parametrize("bad", [b"", b"1234567", b"123456789"])
def test_a_key_of_another_size(temps: RemoteMap, bad: bytes) -> None:
    for call in (temps.lookup, temps.delete, temps.next_key, temps.lookup_and_delete):
        with pytest.raises(InvalidKeySize, match=f"{len(bad)} bytes, not 8"):
            call(bad)
    with pytest.raises(InvalidKeySize):
        temps.update(bad, value(0))
    assert len(temps) == 0


@pytest.mark.parametrize("flags", [3, 4, 8, 1 << 20, 1 << 31, 1 << 32, -1])
def test_unknown_flags(temps: RemoteMap, flags: int) -> None:
    with pytest.raises(InvalidFlags):
        temps.update(key(0), value(0), flags)
    assert len(temps) == 0


def test_a_deleted_place_is_free_at_once_and_for_ever(temps: RemoteMap, steps: Callable[[int], int]) -> None:
    fill(temps)
    end = 4 + steps(200)
    for n in range(4, end):
        temps.delete(key(n - 4))
        temps.update(key(n), value(n))
    assert dict(temps.items()) == {key(n): value(n) for n in range(end - 4, end)}
    with pytest.raises(KeyNotFound):
        temps.delete(key(0))


def test_lookup_and_delete(temps: RemoteMap) -> None:
    fill(temps)
    assert temps.lookup_and_delete(key(2)) == value(2)
    assert temps.lookup_and_delete(key(2)) is None
    assert len(temps) == 3


def test_next_key_meets_every_key_once(temps: RemoteMap) -> None:
    assert temps.next_key() is None
    assert temps.next_key(key(5)) is None
    fill(temps)
    met = []
    k = temps.next_key()
    first = k
    while k is not None:
        met.append(k)
        k = temps.next_key(k)
    assert sorted(met) == [key(n) for n in range(4)]
    assert temps.next_key(b"nowhere!") == first


def test_a_walk_meets_what_stays_exactly_once(board: Board, steps: Callable[[int], int]) -> None:
    size = 2 * max(steps(32), 6)
    m = board.create_map(HashMap, key_size=8, value_size=4, max_entries=size)
    staying = {key(n) for n in range(0, size, 2)}
    for n in range(size):
        m.update(key(n), value(n))
    met: list[bytes] = []
    cursor = None
    n = size
    while True:
        cursor, keys, _ = m.batch_lookup(cursor, 5)
        met += keys
        for _ in range(3):  # what comes and goes meanwhile
            gone = next((key(i) for i in range(1, n, 2) if m.lookup(key(i)) is not None), None)
            if gone is not None:
                m.delete(gone)
            n += 2
            m.update(key(n + 1), value(0))
        if cursor is None:
            break
    assert len(met) == len(set(met))
    assert staying <= set(met)


@pytest.mark.parametrize("key_size", [1, 2, 3, 4, 5, 8, 16, 33, 512])
@pytest.mark.parametrize("value_size", [1, 4, 6, 64])
def test_every_size_against_a_dict(board: Board, steps: Callable[[int], int], key_size: int, value_size: int) -> None:
    rng = random.Random(key_size * 1000 + value_size)
    m = board.create_map(HashMap, key_size=key_size, value_size=value_size, max_entries=20)
    model: dict[bytes, bytes] = {}
    for _ in range(steps(120)):
        k = bytes(key_size - 1) + bytes((rng.randrange(30),))
        if rng.random() < 0.3:
            k = k[::-1]
        match rng.randrange(4):
            case 0 | 1:
                v = rng.randbytes(value_size)
                if k in model or len(model) < 20:
                    m.update(k, v)
                    model[k] = v
                else:
                    with pytest.raises(OutOfMemory):
                        m.update(k, v)
            case 2:
                assert m.lookup(k) == model.get(k)
            case _:
                if k in model:
                    m.delete(k)
                    del model[k]
                else:
                    with pytest.raises(KeyNotFound):
                        m.delete(k)
    assert dict(m.items()) == model
    assert len(m) == len(model)

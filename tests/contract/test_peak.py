"""High-water marks: how full a map ever was, told per map with the pool's statistics."""

import pytest

from boardmaps import BPF_EXIST, BPF_F_RB_OVERWRITE, ArrayMap, HashMap, PerCpuHash, Queue, RingBuf, Stack, TimeSeries
from boardmaps_host import Board


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


@pytest.mark.parametrize("kind", [HashMap, PerCpuHash])
def test_a_hash(board: Board, kind: type[HashMap | PerCpuHash]) -> None:
    m = board.create_map(kind, key_size=4, value_size=8, max_entries=10, name="m")
    assert m.peak == 0
    value = bytes(8 * getattr(m, "cpus", 1))
    for n in range(6):
        m.update(k(n), value)
        m.update(k(0), value)
    assert m.peak == 6
    m.delete(k(0))
    m.lookup_and_delete(k(1))
    m.batch_delete([k(2)])
    m.update(k(7), value)
    assert (len(m), m.peak, m.info().peak) == (4, 6, 6)
    m.batch_lookup_and_delete(None, 10)
    m.clear()
    assert (len(m), m.peak) == (0, 6)
    assert m.batch_update([k(n) for n in range(8)], [value] * 8) == 8
    assert [info.peak for info in board.maps()] == [8]


@pytest.mark.parametrize("kind", [Queue, Stack])
def test_a_queue(board: Board, kind: type[Queue]) -> None:
    m = board.create_map(kind, value_size=4, max_entries=3)
    assert m.peak == 0
    for n in range(2):
        m.push(k(n))
    m.pop()
    assert m.peak == 2
    for n in range(5):
        m.push(k(n), BPF_EXIST)
    m.clear()
    assert (len(m), m.peak) == (0, 3)


@pytest.mark.parametrize("flags", [0, BPF_F_RB_OVERWRITE])
def test_a_rings_is_in_bytes(board: Board, flags: int) -> None:
    ring = board.create_map(RingBuf, size=64, map_flags=flags)
    assert ring.peak == 0
    ring.output(bytes(8))
    ring.output(bytes(1))
    ring.read()
    ring.read()
    ring.output(bytes(8))
    assert ring.peak == 32
    for _ in range(9):
        ring.output(bytes(8))
    assert ring.peak == 48
    ring.clear()
    assert (ring.query().waiting, ring.peak) == (0, 48)


def test_a_series(board: Board) -> None:
    m = board.create_map(TimeSeries, value_size=4, max_entries=3)
    m.push(1, k(1))
    m.push(2, k(2))
    m.clear()
    m.push(3, k(3))
    assert (len(m), m.peak) == (1, 2)


def test_an_array_is_full_from_the_start(board: Board) -> None:
    assert board.create_map(ArrayMap, value_size=4, max_entries=7).peak == 7

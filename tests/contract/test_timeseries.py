"""TimeSeries: the last samples, windows of time, and statistics over a declared field."""

import struct

import pytest

from boardmaps import (
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    InvalidDefinition,
    InvalidKeySize,
    InvalidValueSize,
    MapError,
    NotPermitted,
    NotSupported,
    TimeSeries,
)
from boardmaps_host import Board


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


def test_the_oldest_sample_goes(board: Board) -> None:
    series = board.create_map(TimeSeries, value_size=4, max_entries=3, name="t")
    assert series.newest() is series.oldest() is None
    for n in range(5):
        series.push(100 + n, k(n))
    assert len(series) == 3
    assert series.oldest() == (102, k(2))
    assert series.newest() == (104, k(4))
    assert series.last(2) == [(103, k(3)), (104, k(4))]
    assert series.last(99) == [(102, k(2)), (103, k(3)), (104, k(4))]
    assert series.last(0) == []
    assert series.window(103, 104) == [(103, k(3)), (104, k(4))]
    assert series.window(0, 2**64 - 1) == series.window(-5, 2**70) == series.last(3)
    assert series.window(105, 200) == series.window(104, 103) == []
    series.clear()
    assert series.last(9) == []
    series.push(1, k(9))
    assert series.oldest() == series.newest() == (1, k(9))


def test_timestamps_are_64_bits(board: Board) -> None:
    series = board.create_map(TimeSeries, value_size=3, max_entries=8)
    times = [0, 1, 2**30, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1]
    for t in times:
        series.push(t, b"abc")
    assert series.last(9) == [(t, b"abc") for t in times]
    assert series.window(2**31, 2**63) == [(t, b"abc") for t in times[3:7]]


def test_stats_of_a_number(board: Board) -> None:
    series = board.create_map(TimeSeries, value_size=4, max_entries=10)
    assert series.stats() == (0, None, None, 0, None, 0)
    for t, n in ((10, 5), (12, 1), (17, 9)):
        series.push(t, k(n))
    assert series.stats() == (3, 1, 9, 15, 5.0, 7)
    assert series.stats(2) == (2, 1, 9, 10, 5.0, 5)
    assert series.stats(1).span == series.stats(0).count == 0


def test_sums_above_a_word(board: Board) -> None:
    series = board.create_map(TimeSeries, value_size=8, max_entries=4)
    for t in range(3):
        series.push(t, b"\xff" * 8)
    assert series.stats().sum == 3 * (2**64 - 1)


def test_stats_over_a_declared_field(board: Board) -> None:
    series = board.create_map(TimeSeries, value_size=12, max_entries=4, field="h", field_offset=9)
    for n in (-300, 20):
        series.push(n + 300, struct.pack("<9xhx", n))
    assert series.stats() == (2, -300, 20, -280, -140.0, 320)
    floats = board.create_map(TimeSeries, value_size=4, max_entries=4, field="f")
    floats.push(0, struct.pack("<f", -1.5))
    assert floats.stats() == (1, -1.5, -1.5, -1.5, -1.5, 0)
    with pytest.raises(NotSupported, match="no field"):
        board.create_map(TimeSeries, value_size=3, max_entries=4).stats()
    for wrong in (
        {"field": "s"},
        {"field": "bB"},
        {"field": "I", "field_offset": 1},
        {"field_offset": -1, "field": "I"},
    ):
        with pytest.raises(InvalidDefinition):
            board.create_map(TimeSeries, value_size=4, max_entries=4, **wrong)


def test_a_whole_series_longer_than_a_frame(board: Board) -> None:
    series = board.create_map(TimeSeries, value_size=20, max_entries=200)
    for t in range(200):
        series.push(t, t.to_bytes(20, "big"))
    assert series.last(200) == [(t, t.to_bytes(20, "big")) for t in range(200)]
    assert series.window(50, 60) == series.last(150)[:11]


def test_misuse(board: Board) -> None:
    series = board.create_map(TimeSeries, value_size=4, max_entries=4, name="t")
    for timestamp in (-1, 1 << 64):
        with pytest.raises(InvalidKeySize, match="timestamp"):
            series.push(timestamp, k(1))
    for value in (b"", b"abc", b"abcde"):
        with pytest.raises(InvalidValueSize):
            series.push(1, value)
    with pytest.raises(MapError, match="last 't'"):
        series.last(-1)
    for refused in (lambda: series.lookup(bytes(8)), lambda: series.update(bytes(8), k(1)), series.next_key):
        with pytest.raises(NotSupported, match="'t'"):
            refused()
    assert len(series) == 0
    with pytest.raises(InvalidDefinition):
        board.create_map(TimeSeries, key_size=4, value_size=4, max_entries=4)


def test_rights(board: Board) -> None:
    series = board.create_map(TimeSeries, value_size=4, max_entries=4, map_flags=BPF_F_RDONLY)
    with pytest.raises(NotPermitted, match="read-only"):
        series.push(1, k(1))
    assert series.last(1) == []
    series = board.create_map(TimeSeries, value_size=4, max_entries=4, map_flags=BPF_F_WRONLY)
    series.push(1, k(1))
    for read in (series.newest, series.stats):
        with pytest.raises(NotPermitted, match="write-only"):
            read()

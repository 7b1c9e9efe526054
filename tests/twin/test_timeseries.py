"""TimeSeries: the last samples, windows of time, and statistics over a declared field."""

import struct

import pytest

from boardmaps import InvalidDefinition, InvalidKeySize, InvalidValueSize, MapError, NotSupported, StaleMap
from boardmaps_host.twin import Registry, TimeSeries


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


def test_the_oldest_sample_goes() -> None:
    series = TimeSeries(4, 3, name="t")
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
    assert series.window(105, 200) == series.window(104, 103) == []
    series.clear()
    assert series.last(9) == []


def test_stats() -> None:
    series = TimeSeries(4, 10)
    assert series.stats() == (0, None, None, 0, None, 0)
    for t, n in ((10, 5), (12, 1), (17, 9)):
        series.push(t, k(n))
    assert series.stats() == (3, 1, 9, 15, 5.0, 7)
    assert series.stats(2) == (2, 1, 9, 10, 5.0, 5)
    assert series.stats(1).span == 0


def test_stats_over_a_declared_field() -> None:
    series = TimeSeries(12, 4, field="h", field_offset=9)
    for n in (-300, 20):
        series.push(n + 300, struct.pack("<9xhx", n))
    assert series.stats() == (2, -300, 20, -280, -140.0, 320)
    floats = TimeSeries(4, 4, field="f")
    floats.push(0, struct.pack("<f", -1.5))
    assert floats.stats().mean == -1.5
    with pytest.raises(NotSupported, match="no field"):
        TimeSeries(3, 4).stats()
    for wrong in ({"field": "s"}, {"field": "bB"}, {"field": "I", "field_offset": 1}, {"field_offset": -1}):
        with pytest.raises(InvalidDefinition, match="field"):
            TimeSeries(4, 4, **wrong)


def test_misuse(registry: Registry) -> None:
    series = TimeSeries(4, 4, name="t")
    for timestamp in (-1, 1 << 64, 1.5):
        with pytest.raises(InvalidKeySize, match="timestamp"):
            series.push(timestamp, k(1))  # type: ignore[arg-type]
    with pytest.raises(InvalidValueSize):
        series.push(1, b"")
    for n in (-1, "1"):
        with pytest.raises(MapError, match="last 't'"):
            series.last(n)  # type: ignore[arg-type]
    for refused in (series.lookup, series.update, series.delete, series.next_key, series.lookup_and_delete):
        with pytest.raises(NotSupported, match="'t'"):
            refused()
    assert len(series) == 0
    registry.reset()
    for use in (series.newest, series.stats, lambda: series.push(1, k(1)), lambda: len(series)):
        with pytest.raises(StaleMap):
            use()


def test_resize_keeps_the_newest() -> None:
    series = TimeSeries(4, 4)
    for n in range(4):
        series.push(n, k(n))
    series.resize(2)
    assert series.last(9) == [(2, k(2)), (3, k(3))]
    series.resize(3)
    series.push(4, k(4))
    assert len(series) == 3

"""resize() of arrays and hashes: what stays, what goes, and that a refusal changes nothing."""

import pytest

from boardmaps import (
    ArrayMap,
    HashMap,
    InvalidDefinition,
    LruHashMap,
    OutOfMemory,
    PerCpuHash,
    Queue,
    Stack,
    TimeSeries,
)


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


def test_an_array_grows_with_zeros_and_shrinks_from_the_end() -> None:
    array = ArrayMap.with_entries(4, 100, name="a")
    for n in range(100):
        array.update(n, k(n + 1))
    array.resize(200)
    assert (len(array), array.definition.max_entries) == (200, 200)
    assert [array.lookup(n) for n in (0, 99, 100, 199, 200)] == [k(1), k(100), k(0), k(0), None]
    array.resize(50)
    assert [array.lookup(n) for n in (49, 50)] == [k(50), None]
    array.resize(60)
    assert array.lookup(50) == k(0)


def test_a_hash_grows_with_all_it_has_and_drops_the_latest() -> None:
    table = HashMap(4, 4, 4, name="h")
    for n in range(4):
        table.update(k(n), k(n))
    table.delete(k(0))
    table.update(k(0), k(7))  # now the latest
    table.update(k(1), k(8))  # an old one with a new value stays old
    table.resize(10)
    assert len(table) == 4
    table.resize(3)
    assert dict(table.items()) == {k(1): k(8), k(2): k(2), k(3): k(3)}
    with pytest.raises(OutOfMemory, match=r"update 'h': map is full \(3 of 3 entries\)"):
        table.update(k(9), k(9))


def test_a_walk_goes_on_across_a_resize() -> None:
    table = HashMap(4, 4, 8)
    for n in range(8):
        table.update(k(n), k(n))
    cursor, first, _ = table.batch_lookup(None, 3)
    table.resize(5)
    end, rest, _ = table.batch_lookup(cursor, 100)
    assert (end, first + rest) == (None, [k(n) for n in range(5)])


def test_a_per_cpu_hash_keeps_rows_and_drops_the_latest() -> None:
    table = PerCpuHash(4, 4, 3, cpus=2)
    for n in range(3):
        table.update_percpu(k(n), [k(n), k(n + 10)])
    table.resize(2)
    assert {key: table.lookup_percpu(key) for key in table} == {k(n): [k(n), k(n + 10)] for n in range(2)}
    table.resize(5)
    table.update_percpu(k(9), [k(9), k(9)])
    assert len(table) == 3


@pytest.mark.parametrize("make", [lambda: Queue(4, 3), lambda: Stack(4, 3), lambda: TimeSeries(4, 3)])
@pytest.mark.parametrize(
    ("size", "error"), [*((n, InvalidDefinition) for n in (0, -1, 1 << 32, "9")), ((1 << 32) - 1, OutOfMemory)]
)
def test_a_refused_resize_of_a_map_without_keys_changes_nothing(make, size, error) -> None:  # type: ignore[no-untyped-def]
    m = make()
    arguments = (7,) if isinstance(m, TimeSeries) else ()
    for n in range(3):
        m.push(*arguments, k(n))
    with pytest.raises(error, match="resize"):
        m.resize(size)
    assert (m.definition.max_entries, len(m)) == (3, 3)
    assert (m.oldest() if arguments else m.peek()) is not None


@pytest.mark.parametrize("make", [lambda: ArrayMap(4, 3), lambda: HashMap(4, 4, 3), lambda: LruHashMap(4, 4, 3)])
@pytest.mark.parametrize(
    ("size", "error"),
    [
        *((size, InvalidDefinition) for size in (0, -1, 1 << 32, "9")),
        *((size, OutOfMemory) for size in ((1 << 32) - 1, 1 << 29)),
    ],
)
def test_a_refused_resize_changes_nothing(make, size, error) -> None:  # type: ignore[no-untyped-def]
    m = make()
    m.update(k(1), k(5))
    with pytest.raises(error, match="resize"):
        m.resize(size)
    assert m.definition.max_entries == 3
    assert m.lookup(k(1)) == k(5)
    m.resize(4)

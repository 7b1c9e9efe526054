"""PerCpuArray and PerCpuHash: the host sees one value for each CPU, and writes all of them at once."""

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_NOEXIST,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    NotSupported,
    OutOfMemory,
    PerCpuArray,
    PerCpuHash,
)
from boardmaps_host import Board
from boardmaps_host.client import RemotePerCpu


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


def values_of(m: RemotePerCpu, n: int) -> list[bytes]:
    """Return a value for each CPU, all different."""
    return [bytes((n, cpu)) * 3 for cpu in range(m.cpus)]


@pytest.fixture
def array(board: Board) -> RemotePerCpu:
    return board.create_map(PerCpuArray, value_size=6, max_entries=5, name="a")


@pytest.fixture
def table(board: Board) -> RemotePerCpu:
    return board.create_map(PerCpuHash, key_size=4, value_size=6, max_entries=4, name="h")


def test_an_array_is_there_and_zero(array: RemotePerCpu) -> None:
    assert array.cpus == array.info().cpus >= 1
    assert array.lookup_percpu(4) == [bytes(6)] * array.cpus
    assert array.lookup(4) == bytes(8 * array.cpus)
    assert len(array) == len(list(array.items())) == 5
    for out_of_range in (5, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 40, -1):
        assert array.lookup_percpu(out_of_range) is None
        with pytest.raises(KeyNotFound):
            array.update_percpu(out_of_range, values_of(array, 1))
        with pytest.raises(KeyNotFound):
            array.delete(out_of_range)


def test_an_arrays_values(array: RemotePerCpu) -> None:
    array.update_percpu(3, values_of(array, 7))
    assert array.lookup_percpu(k(3)) == values_of(array, 7)
    assert array.split(array.lookup(3) or b"") == values_of(array, 7)
    array.update(k(1), array.join(values_of(array, 9)), BPF_EXIST)
    assert [array.split(row) for _, row in array.items()][1:4:2] == [values_of(array, 9), values_of(array, 7)]
    with pytest.raises(KeyExists):
        array.update_percpu(3, values_of(array, 8), BPF_NOEXIST)
    array.delete(3)
    assert array.lookup_percpu(3) == [bytes(6)] * array.cpus
    assert array.next_key() == k(0)
    assert array.next_key(3) == k(4)
    assert array.next_key(4) is None
    with pytest.raises(NotSupported):
        array.lookup_and_delete(3)


def test_a_hash(table: RemotePerCpu) -> None:
    assert table.lookup(k(1)) is None
    for n in range(4):
        table.update_percpu(k(n), values_of(table, n), BPF_NOEXIST)
    with pytest.raises(OutOfMemory, match=r"'h': map is full \(4 of 4 entries\)"):
        table.update_percpu(k(9), values_of(table, 9))
    with pytest.raises(KeyExists):
        table.update_percpu(k(1), values_of(table, 9), BPF_NOEXIST)
    with pytest.raises(KeyNotFound):
        table.update_percpu(k(9), values_of(table, 9), BPF_EXIST)
    table.update_percpu(k(1), values_of(table, 11), BPF_EXIST)
    assert {key: table.split(row) for key, row in table.items()} == {
        k(n): values_of(table, 11 if n == 1 else n) for n in range(4)
    }
    assert len(table) == 4
    assert sorted(table.keys()) == [k(n) for n in range(4)]
    walked = [table.next_key()]
    while (key := table.next_key(walked[-1])) is not None:
        walked.append(key)
    assert sorted(map(bytes, filter(None, walked))) == [k(n) for n in range(4)]
    assert table.lookup_and_delete(k(1)) == table.join(values_of(table, 11))
    assert table.lookup_and_delete(k(1)) is None
    table.delete(k(2))
    with pytest.raises(KeyNotFound):
        table.delete(k(2))
    assert len(table) == 2


def test_batches_of_rows(table: RemotePerCpu) -> None:
    keys, rows = [k(n) for n in range(4)], [table.join(values_of(table, n)) for n in range(4)]
    assert table.batch_update(keys, rows) == 4
    assert dict(zip(*table.batch_lookup()[1:], strict=True)) == dict(zip(keys, rows, strict=True))
    with pytest.raises(OutOfMemory) as stopped:
        table.batch_update([k(0), k(9)], rows[:2])
    assert stopped.value.done == 1
    assert table.batch_delete(keys[:1]) == 1
    cursor, taken, found = table.batch_lookup_and_delete()
    assert cursor is None
    assert dict(zip(taken, found, strict=True)) == dict(zip(keys[1:], rows[1:], strict=True))
    assert len(table) == 0
    table.update_percpu(k(5), values_of(table, 5))
    table.clear()
    assert table.lookup(k(5)) is None


@pytest.mark.parametrize("kind", [PerCpuArray, PerCpuHash])
def test_what_has_the_wrong_size(board: Board, kind: type[PerCpuArray | PerCpuHash]) -> None:
    parts = {"key_size": 4} if kind is PerCpuHash else {}
    m: RemotePerCpu = board.create_map(kind, value_size=6, max_entries=2, name="m", **parts)
    row = m.join(values_of(m, 1))
    for wrong in (b"", row[:-1], row + b"\0", row + row):
        with pytest.raises(InvalidValueSize, match="CPU"):
            m.update(k(0), wrong)
    for wrong_values in ([], values_of(m, 1) * 2):
        with pytest.raises(InvalidValueSize, match="CPU"):
            m.update_percpu(k(0), wrong_values)
    with pytest.raises(InvalidValueSize):
        m.join([b"12345"] * m.cpus)
    for key in (b"", b"abc", b"abcde"):
        with pytest.raises(InvalidKeySize):
            m.update(key, row)
        with pytest.raises(InvalidKeySize):
            m.lookup(key)
    for flags in (3, 4, 1 << 31, -1):
        with pytest.raises(InvalidFlags):
            m.update(k(0), row, flags)
    for atomic in (lambda: m.add(k(0), 1, 0, 4), lambda: m.compare_and_swap(k(0), row, row)):
        with pytest.raises(NotSupported, match="each CPU"):
            atomic()
    assert m.lookup(k(0)) == (bytes(len(row)) if kind is PerCpuArray else None)

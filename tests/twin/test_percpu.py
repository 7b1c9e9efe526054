"""Per-CPU maps: each thread counts as a CPU and sees its own value; the host sees all of them."""

import os
import threading

import pytest

from boardmaps import BPF_EXIST, BPF_NOEXIST, InvalidDefinition, InvalidValueSize, KeyExists, KeyNotFound, NotSupported
from boardmaps_host.twin import PerCpuArray, PerCpuHash


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


def in_threads(number: int, work) -> None:  # type: ignore[no-untyped-def]
    """Run `work` in threads that follow each other, so that they are given one CPU after the other."""
    for _ in range(number):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()


def test_each_cpu_has_a_value_of_its_own() -> None:
    for m, key in ((PerCpuArray(4, 3, cpus=4), 1), (PerCpuHash(4, 4, 3, cpus=4), k(1))):
        if isinstance(m, PerCpuHash):
            m.update(key, k(0))
        in_threads(8, lambda m=m, key=key: m.add(key, 1))
        assert m.lookup_percpu(key) == [k(2)] * 4
        m.update(key, k(9))
        values = m.lookup_percpu(key) or []
        assert sorted(values) == [k(2)] * 3 + [k(9)]
        assert m.lookup(key) == k(9)
        assert m.compare_and_swap(key, k(9), k(10))
        assert not m.compare_and_swap(key, k(9), k(11))
        out = bytearray(4)
        assert m.lookup_into(key, out)
        assert out == k(10)
        assert dict(m.items())[k(1)] == k(10)


def test_the_host_writes_all_values_at_once() -> None:
    m = PerCpuHash(4, 6, 2, cpus=3, name="m")
    m.update_percpu(k(1), [b"aaaaaa", b"bbbbbb", b"cccccc"], BPF_NOEXIST)
    assert m.lookup_percpu(k(1)) == [b"aaaaaa", b"bbbbbb", b"cccccc"]
    for values in ([b"aaaaaa"] * 2, [b"aaaaaa"] * 4, [b"aaaaaa", b"bbbbbb", b"ccccc"]):
        with pytest.raises(InvalidValueSize, match="update_percpu 'm'"):
            m.update_percpu(k(1), values)
    with pytest.raises(KeyExists):
        m.update_percpu(k(1), [b"aaaaaa"] * 3, BPF_NOEXIST)
    with pytest.raises(KeyNotFound):
        m.update_percpu(k(2), [b"aaaaaa"] * 3, BPF_EXIST)
    assert m.batch_lookup(None, 5) == (None, [k(1)], [b"aaaaaa\0\0bbbbbb\0\0cccccc\0\0"])
    assert m.batch_update([k(2)], [m.join([b"x" * 6, b"y" * 6, b"z" * 6])]) == 1
    cursor, _, _ = m.batch_lookup(None, 1)
    assert m.split(m.batch_lookup(cursor, 5)[2][0]) == [b"x" * 6, b"y" * 6, b"z" * 6]
    m.delete(k(1))
    assert m.lookup_percpu(k(1)) is None


def test_a_new_entry_is_zero_for_the_other_cpus() -> None:
    m = PerCpuHash(4, 4, 2, cpus=2)
    m.update(k(1), k(7))
    assert sorted(m.lookup_percpu(k(1)) or []) == [k(0), k(7)]
    assert m.lookup_and_delete(k(1)) == k(7)
    assert len(m) == 0


def test_arrays_keep_their_own_rules() -> None:
    m = PerCpuArray(4, 3, cpus=2)
    assert m.lookup_percpu(2) == [k(0), k(0)]
    assert m.lookup(3) is None
    assert m.lookup_percpu(3) is None
    for refused in (lambda: m.update(3, k(0)), lambda: m.update_percpu(3, [k(0)] * 2), lambda: m.add(3, 1)):
        with pytest.raises(KeyNotFound):
            refused()
    with pytest.raises(KeyExists):
        m.update(0, k(0), BPF_NOEXIST)
    with pytest.raises(NotSupported):
        m.lookup_and_delete(0)
    m.update_percpu(2, [k(1), k(2)])
    m.resize(4)
    assert m.lookup_percpu(2) == [k(1), k(2)]
    m.delete(2)
    assert m.lookup_percpu(2) == [k(0), k(0)]


def test_a_field_of_a_larger_value() -> None:
    m = PerCpuArray(12, 1, cpus=3)
    assert m.add(0, 5, 8, 4) == 5
    assert m.add(0, -6, 8) == 2**32 - 1
    assert (m.lookup(0) or b"")[8:] == b"\xff" * 4
    with pytest.raises(InvalidValueSize):
        m.add(0, 1, 9, 4)


def test_cpus() -> None:
    assert PerCpuArray(4, 1).cpus == PerCpuHash(4, 4, 1).cpus == os.cpu_count()
    assert PerCpuArray(4, 10, cpus=3).size == 8 * 10 * 3
    with pytest.raises(InvalidDefinition, match="cpus"):
        PerCpuHash(4, 4, 1, cpus=0)

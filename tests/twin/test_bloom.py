"""BloomFilter: no false no, few false yes, and what it refuses."""

import pytest

from boardmaps import BloomFilter, InvalidDefinition, InvalidFlags, InvalidValueSize, MapDef, NotSupported
from boardmaps.definition import filter_bits


def value(n: int) -> bytes:
    return n.to_bytes(8, "little")


def test_what_was_pushed_is_found_and_little_else() -> None:
    m = BloomFilter(8, 1000)
    assert not m.peek(value(0))
    for n in range(1000):
        m.push(value(n))
    assert all(m.peek(value(n)) for n in range(1000))
    assert sum(m.peek(value(n)) for n in range(1000, 11_000)) < 300  # 8,192 bits: 1 in 50 as a rule
    assert 0 < m.peak <= 1000
    m.clear()
    assert not any(m.peek(value(n)) for n in range(1000))


def test_it_is_never_full() -> None:
    m = BloomFilter(8, 1, functions=1)
    for n in range(2000):
        m.push(value(n))
    assert m.peek(value(5000))


def test_the_kernels_rule_for_its_bits() -> None:
    assert [filter_bits(n, k) for n, k in ((1, 1), (9, 5), (10, 5), (1000, 5), (100, 15), (1 << 28, 1))] == [
        64,
        64,
        128,
        8192,
        4096,
        1 << 29,
    ]
    assert filter_bits(0xFFFFFFFF, 15) == filter_bits(0x80000000, 1) == 1 << 32
    assert BloomFilter(8, 1000).size == 1024


def test_functions_are_part_of_the_definition() -> None:
    assert BloomFilter(8, 10).definition.functions == 5
    m = BloomFilter(8, 10, functions=15, name="f")
    assert m.definition == MapDef(30, 0, 8, 10, 0, "f", functions=15)
    assert m.definition != MapDef(30, 0, 8, 10, 0, "f")
    assert "functions=15" in repr(m.definition)
    for functions in (-1, 16, 1.5):
        with pytest.raises(InvalidDefinition, match="functions"):
            BloomFilter(8, 10, functions=functions)  # type: ignore[arg-type]
    with pytest.raises(InvalidDefinition, match="functions"):
        MapDef(1, 8, 8, 10, functions=5)
    with pytest.raises(InvalidDefinition, match="key_size"):
        MapDef(30, 4, 8, 10)


def test_what_it_refuses() -> None:
    m = BloomFilter(8, 10, name="seen")
    for flags in (1, 2, 3, 1 << 31):
        with pytest.raises(InvalidFlags):
            m.push(value(1), flags)
    for call in (m.push, m.peek):
        with pytest.raises(InvalidValueSize):
            call(b"")
    for refused in (
        lambda: len(m),
        lambda: m.delete(b""),  # type: ignore[attr-defined]
        m.next_key,  # type: ignore[attr-defined]
        m.pop,  # type: ignore[attr-defined]
        lambda: m.lookup(b""),  # type: ignore[attr-defined]
        lambda: m.resize(20),  # type: ignore[attr-defined]
    ):
        with pytest.raises(NotSupported, match="'seen'"):
            refused()
    assert not m.peek(value(1))
    assert m

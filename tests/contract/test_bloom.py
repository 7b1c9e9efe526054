"""BloomFilter: no false negative, few false positives, and nothing that a set of bits cannot tell."""

import random
from collections.abc import Callable

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_NOEXIST,
    BloomFilter,
    InvalidDefinition,
    InvalidFlags,
    InvalidValueSize,
    NotPermitted,
    NotSupported,
)
from boardmaps.definition import MapDef, slice_size
from boardmaps_host import Board
from boardmaps_host.client import RemoteBloomFilter


@pytest.fixture
def seen(board: Board) -> RemoteBloomFilter:
    return board.create_map(BloomFilter, value_size=4, max_entries=100, name="seen")


@pytest.mark.parametrize(("size", "functions"), [(1, 1), (4, 5), (7, 15), (64, 3)])
def test_what_was_pushed_is_found(board: Board, steps: Callable[[int], int], size: int, functions: int) -> None:
    rng = random.Random(size)
    m = board.create_map(BloomFilter, value_size=size, max_entries=50, functions=functions, name="m")
    pushed: set[bytes] = set()
    for _ in range(steps(150)):  # more than it is made for: never full
        value = rng.randbytes(size)
        m.push(value)
        pushed.add(value)
        assert m.peek(rng.choice(sorted(pushed)))
    assert all(m.peek(value) for value in pushed)
    assert 0 < m.info().count <= len(pushed)
    assert m.peak == m.info().count
    m.clear()
    assert not any(m.peek(value) for value in pushed)
    assert m.info().count == 0


def test_few_strangers_are_taken_for_members(seen: RemoteBloomFilter, steps: Callable[[int], int]) -> None:
    for n in range(100):
        seen.push(n.to_bytes(4, "little"))
    asked = steps(600)
    wrong = sum(seen.peek(n.to_bytes(4, "little")) for n in range(1000, 1000 + asked))
    assert wrong <= max(asked // 10, 3), "1 in 100 is to be expected"


def test_what_it_does_not_do(seen: RemoteBloomFilter) -> None:
    seen.push(b"1234")
    for flags in (BPF_NOEXIST, BPF_EXIST, 4, 1 << 31):
        with pytest.raises(InvalidFlags):
            seen.push(b"1234", flags)
    for value in (b"", b"123", b"12345"):
        with pytest.raises(InvalidValueSize):
            seen.push(value)
        with pytest.raises(InvalidValueSize):
            seen.push(value, 1)
        with pytest.raises(InvalidValueSize):
            seen.peek(value)
    for call in (
        lambda: seen.lookup(b""),
        lambda: seen.update(b"", b"1234"),
        lambda: seen.delete(b""),
        seen.next_key,
        lambda: seen.lookup_and_delete(b""),
        lambda: seen.batch_lookup(None, 3),
        lambda: seen.add(b"", 1),
        lambda: seen.watch(b""),
        lambda: list(seen.keys()),
        lambda: len(seen),
    ):
        with pytest.raises(NotSupported):
            call()
    for op in ("pop", "fetch_or", "output", "view"):
        with pytest.raises(NotSupported, match=op):
            getattr(seen, op)(b"", 1)
    assert bool(seen)
    assert seen.info().count == 1


def test_frozen(seen: RemoteBloomFilter) -> None:
    seen.push(b"1234")
    seen.freeze()
    with pytest.raises(NotPermitted, match="push 'seen': the map is frozen"):
        seen.push(b"1235")
    assert seen.peek(b"1234")


@pytest.mark.parametrize("flags", [BPF_F_RDONLY, BPF_F_WRONLY])
def test_rights(board: Board, flags: int) -> None:
    m = board.create_map(BloomFilter, value_size=4, max_entries=2, map_flags=flags)
    write, read = (lambda: m.push(b"1234")), (lambda: m.peek(b"1234"))
    refused, allowed = (write, read) if flags == BPF_F_RDONLY else (read, write)
    allowed()
    with pytest.raises(NotPermitted):
        refused()


def test_the_functions_are_a_part_of_the_definition(board: Board) -> None:
    for functions in (None, 0, 1, 15):
        given = {} if functions is None else {"functions": functions}
        m = board.create_map(BloomFilter, value_size=8, max_entries=1000, **given)
        assert m.definition.functions == board.map(m.id).definition.functions == (functions or 5)
        bits = slice_size(MapDef(m.definition.map_type, 0, 8, 1000, functions=functions or 0)) - 96
        assert m.size in (96 + bits, bits), "the twin's are on a heap and have no header"
    for wrong in (16, 255, 256, -1):
        with pytest.raises(InvalidDefinition):
            board.create_map(BloomFilter, value_size=8, max_entries=1000, functions=wrong)

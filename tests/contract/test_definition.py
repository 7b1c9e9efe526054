"""What may be made, and what is refused before anything changes."""

import pytest

from boardmaps import (
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    ArrayMap,
    HashMap,
    InvalidDefinition,
    InvalidFlags,
    MapError,
    OutOfMemory,
)
from boardmaps.abi import CLASS_NAMES, LRU_HASH, OP_CREATE, RINGBUF
from boardmaps.definition import KEY_SIZES
from boardmaps_host import Board
from boardmaps_host.client.maps.base import ask


def test_a_map_tells_its_definition(board: Board) -> None:
    made = board.create_map(HashMap, key_size=8, value_size=4, max_entries=64, name="temps")
    d = board.map("temps").definition
    assert (d.map_type, d.key_size, d.value_size, d.max_entries, d.map_flags) == (1, 8, 4, 64, 0)
    assert made.id == board.map("temps").id
    assert [m.name for m in board.maps()] == ["temps"]


def test_an_array_has_keys_of_four_bytes(board: Board) -> None:
    assert board.create_map(ArrayMap, value_size=8, max_entries=3).definition.key_size == 4


def test_names_may_be_empty_and_have_up_to_fifteen_bytes(board: Board) -> None:
    board.create_map(ArrayMap, value_size=1, max_entries=1, name="")
    board.create_map(ArrayMap, value_size=1, max_entries=1, name="A.b_3456789012x"[:15])
    assert len(board.maps()) == 2


def raw_create(board: Board, map_type: int, sizes: tuple[int, int, int], flags: int, name: bytes) -> None:
    """Ask the board itself: the client would refuse most of these before they are sent."""
    ask(board.link, bytes((OP_CREATE,)) + b"".join(n.to_bytes(4, "little") for n in (map_type, *sizes, flags)) + name)


HASH, ARRAY = 1, 2


@pytest.mark.parametrize(
    ("map_type", "sizes", "flags", "name", "error"),
    [
        pytest.param(HASH, (0, 4, 4), 0, b"", InvalidDefinition, id="key_size 0"),
        pytest.param(HASH, (4, 0, 4), 0, b"", InvalidDefinition, id="value_size 0"),
        pytest.param(HASH, (4, 4, 0), 0, b"", InvalidDefinition, id="max_entries 0"),
        pytest.param(HASH, (513, 4, 4), 0, b"", InvalidDefinition, id="key_size past the limit"),
        pytest.param(ARRAY, (8, 4, 4), 0, b"", InvalidDefinition, id="array with keys of 8 bytes"),
        pytest.param(77, (4, 4, 4), 0, b"", InvalidDefinition, id="no such type"),
        pytest.param(HASH, (4, 4, 4), 1 << 30, b"", InvalidFlags, id="unknown flag"),
        pytest.param(
            HASH, (4, 4, 4), BPF_F_RDONLY | BPF_F_WRONLY, b"", InvalidDefinition, id="read-only and write-only"
        ),
        pytest.param(HASH, (4, 4, 4), 0, b"sixteen.letters.", InvalidDefinition, id="long name"),
        pytest.param(HASH, (4, 4, 4), 0, b"no spaces", InvalidDefinition, id="bad name"),
        pytest.param(HASH, (4, 4, 4), 0, b"\xff", MapError, id="name that is no text"),
        pytest.param(ARRAY, (4, 0xFFFFFFFF, 0xFFFFFFFF), 0, b"", MapError, id="sizes near 2**32"),
        pytest.param(HASH, (512, 0xFFFFFFFF, 0xFFFFFFFF), 0, b"", MapError, id="hash sizes near 2**32"),
    ],
)
def test_a_bad_definition_makes_nothing(
    board: Board, map_type: int, sizes: tuple[int, int, int], flags: int, name: bytes, error: type[MapError]
) -> None:
    with pytest.raises(error):
        raw_create(board, map_type, sizes, flags, name)
    assert board.maps() == []


HUGE = 0xFFFFFFFF


@pytest.mark.parametrize("kind", [number for number in CLASS_NAMES if number != LRU_HASH], ids=CLASS_NAMES.get)
def test_sizes_near_2_to_the_32_make_nothing_of_any_type(board: Board, kind: int) -> None:
    small = board.create_map(ArrayMap, value_size=1, max_entries=1, name="small")
    used = board.pool.stats()
    key = KEY_SIZES.get(kind, 8)
    near = (HUGE, HUGE - 7, 1 << 31, (1 << 31) - 1)
    sizes = [(0, size) for size in near] if kind == RINGBUF else [(a, b) for a in (*near, 8) for b in near]
    sizes += [] if kind == RINGBUF else [(size, 1) for size in near]
    for value_size, max_entries in sizes:
        if board.info["profile"] == "cloud" and (kind == RINGBUF or value_size * max_entries < 1 << 32):
            continue  # computers have that much memory
        with pytest.raises((InvalidDefinition, OutOfMemory)):
            raw_create(board, kind, (key, value_size, max_entries), 0, b"big")
    if kind not in KEY_SIZES:
        with pytest.raises(InvalidDefinition, match="key_size"):
            raw_create(board, kind, (HUGE, 8, 8), 0, b"big")
    assert [m.name for m in board.maps()] == ["small"]
    assert board.pool.stats() == used
    assert small.lookup(0) == b"\0"


def test_maps_of_one_name_are_told_apart_by_id(board: Board) -> None:
    first = board.create_map(ArrayMap, value_size=1, max_entries=1, name="same")
    second = board.create_map(ArrayMap, value_size=1, max_entries=1, name="same")
    with pytest.raises(InvalidDefinition, match=f"{first.id}, {second.id}"):
        board.map("same")
    assert board.map(second.id).id == second.id

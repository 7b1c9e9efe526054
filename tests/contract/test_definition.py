"""What may be made, and what is refused before anything changes."""

import random
from collections.abc import Callable

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
from boardmaps.abi import OP_CREATE
from boardmaps_host import Board
from boardmaps_host.client.maps.base import ask
from boardmaps_host.kinds import KINDS, Kind


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
    ask(
        board.link,
        bytes((OP_CREATE,))
        + b"".join(n.to_bytes(4, "little") for n in (map_type, *sizes, flags))
        + bytes((len(name),))
        + name,
    )


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


ON_BOARDS = [kind for kind in KINDS if kind.on_boards]


@pytest.mark.parametrize("kind", ON_BOARDS, ids=lambda kind: kind.class_name)
def test_sizes_near_2_to_the_32_make_nothing_of_any_type(board: Board, kind: Kind, steps: Callable[[int], int]) -> None:
    small = board.create_map(ArrayMap, value_size=1, max_entries=1, name="small")
    used = board.pool.stats()
    valued = kind.has_values
    key = 8 if kind.key_size is None else kind.key_size
    near = (HUGE, HUGE - 7, 1 << 31, (1 << 31) - 1)
    sizes = [(a, b) for a in (*near, 8) for b in near] if valued else [(0, size) for size in near]
    sizes += [(size, 1) for size in near] if valued else []
    some = random.Random(kind.number).sample(sizes, min(steps(len(sizes)), len(sizes)))
    for value_size, max_entries in some:
        if board.info["profile"] == "cloud" and (not valued or kind.in_bits or value_size * max_entries < 1 << 32):
            continue  # computers have that much memory
        with pytest.raises((InvalidDefinition, OutOfMemory)):
            raw_create(board, kind.number, (key, value_size, max_entries), 0, b"big")
    if kind.key_size is None:
        with pytest.raises(InvalidDefinition, match="key_size"):
            raw_create(board, kind.number, (HUGE, 8, 8), 0, b"big")
    assert [m.name for m in board.maps()] == ["small"]
    assert board.pool.stats() == used
    assert small.lookup(0) == b"\0"


def test_maps_of_one_name_are_told_apart_by_id(board: Board) -> None:
    first = board.create_map(ArrayMap, value_size=1, max_entries=1, name="same")
    second = board.create_map(ArrayMap, value_size=1, max_entries=1, name="same")
    with pytest.raises(InvalidDefinition, match=f"{first.id}, {second.id}"):
        board.map("same")
    assert board.map(second.id).id == second.id

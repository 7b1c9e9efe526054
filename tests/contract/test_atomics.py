"""add() and compare_and_swap() over the line: one step each, the new number back, and nothing changed by a refusal."""

import pytest

from boardmaps import (
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    ArrayMap,
    HashMap,
    InvalidKeySize,
    InvalidValueSize,
    KeyNotFound,
    NotPermitted,
)
from boardmaps_host import Board
from boardmaps_host.client import RemoteMap

KEY = b"a\0\0\0"  # an index of an array too


@pytest.fixture(params=[ArrayMap, HashMap])
def m(request: pytest.FixtureRequest, board: Board) -> RemoteMap:
    parts = {"key_size": 4} if request.param is HashMap else {}
    made: RemoteMap = board.create_map(request.param, value_size=8, max_entries=100, name="m", **parts)
    made.update(KEY, bytes(8))
    return made


def test_add_gives_the_new_number_and_wraps(m: RemoteMap) -> None:
    assert [m.add(KEY, delta) for delta in (1, 41, -2, 1 << 32, -1 << 40)] == [
        1,
        42,
        40,
        40 + (1 << 32),
        (40 + (1 << 32) - (1 << 40)) % (1 << 64),
    ]
    m.update(KEY, b"\xff" * 8)
    assert m.add(KEY, 1) == 0
    assert m.add(KEY, -1) == m.add(KEY, 1 << 64) == 2**64 - 1


@pytest.mark.parametrize(("offset", "width"), [(0, 1), (7, 1), (1, 2), (3, 4), (0, 8), (6, None), (4, None)])
def test_add_changes_its_field_alone(m: RemoteMap, offset: int, width: int | None) -> None:
    m.update(KEY, b"\xff" * 8)
    size = width or 8 - offset
    assert m.add(KEY, 2, offset, width) == 1
    assert m.lookup(KEY) == b"\xff" * offset + (1).to_bytes(size, "little") + b"\xff" * (8 - offset - size)


def test_compare_and_swap(m: RemoteMap) -> None:
    assert not m.compare_and_swap(KEY, b"12345678", b"abcdefgh")
    assert m.lookup(KEY) == bytes(8)
    assert m.compare_and_swap(KEY, bytes(8), b"abcdefgh")
    assert m.lookup(KEY) == b"abcdefgh"


def test_refusals_change_nothing(m: RemoteMap) -> None:
    missing = b"\xff" * 4
    for call in (lambda: m.add(missing, 1), lambda: m.compare_and_swap(missing, bytes(8), bytes(8))):
        with pytest.raises(KeyNotFound):
            call()
    for key in (b"", b"abc", b"abcde"):
        with pytest.raises(InvalidKeySize):
            m.add(key, 1)
        with pytest.raises(InvalidKeySize):
            m.compare_and_swap(key, bytes(8), bytes(8))
    for offset, width in ((0, 3), (5, 4), (8, 1), (-1, 1), (5, None), (1 << 32, 1)):
        with pytest.raises(InvalidValueSize):
            m.add(KEY, 1, offset, width)
    for expected, new in ((b"", bytes(8)), (bytes(8), bytes(7)), (bytes(9), bytes(9))):
        with pytest.raises(InvalidValueSize):
            m.compare_and_swap(KEY, expected, new)
    assert m.lookup(KEY) == bytes(8)
    m.freeze()
    for write in (lambda: m.add(KEY, 1), lambda: m.compare_and_swap(KEY, bytes(8), b"abcdefgh")):
        with pytest.raises(NotPermitted, match="frozen"):
            write()
    assert m.lookup(KEY) == bytes(8)


@pytest.mark.parametrize("flags", [BPF_F_RDONLY, BPF_F_WRONLY])
def test_both_rights_are_needed(board: Board, flags: int) -> None:
    m = board.create_map(ArrayMap, value_size=8, max_entries=2, map_flags=flags)
    for atomic in (lambda: m.add(0, 1), lambda: m.compare_and_swap(0, bytes(8), b"abcdefgh")):
        with pytest.raises(NotPermitted, match=r"read-only|write-only"):
            atomic()

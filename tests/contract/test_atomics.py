"""Numbers and parts of values over the line: one step each, the right number back, and nothing changed by a refusal."""

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
    NotSupported,
    PerCpuArray,
    PerCpuHash,
    Queue,
)
from boardmaps_host import Board
from boardmaps_host.client import RemoteNumbers

KEY = b"a\0\0\0"  # an index of an array too


@pytest.fixture(params=[ArrayMap, HashMap])
def m(request: pytest.FixtureRequest, board: Board) -> RemoteNumbers:
    parts = {"key_size": 4} if request.param is HashMap else {}
    made: RemoteNumbers = board.create_map(request.param, value_size=8, max_entries=100, name="m", **parts)
    made.update(KEY, bytes(8))
    return made


def test_add_gives_the_new_number_and_wraps(m: RemoteNumbers) -> None:
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
def test_add_changes_its_field_alone(m: RemoteNumbers, offset: int, width: int | None) -> None:
    m.update(KEY, b"\xff" * 8)
    size = width or 8 - offset
    assert m.add(KEY, 2, offset, width) == 1
    assert m.lookup(KEY) == b"\xff" * offset + (1).to_bytes(size, "little") + b"\xff" * (8 - offset - size)


def test_compare_and_swap(m: RemoteNumbers) -> None:
    assert not m.compare_and_swap(KEY, b"12345678", b"abcdefgh")
    assert m.lookup(KEY) == bytes(8)
    assert m.compare_and_swap(KEY, bytes(8), b"abcdefgh")
    assert m.lookup(KEY) == b"abcdefgh"


def test_refusals_change_nothing(m: RemoteNumbers) -> None:
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


def test_the_old_number_comes_back(m: RemoteNumbers) -> None:
    m.update(KEY, b"12345678")
    old = int.from_bytes(b"12345678", "little")
    assert m.fetch_or(KEY, 0xFF) == old
    assert m.fetch_and(KEY, ~0xF0) == old | 0xFF
    assert m.fetch_xor(KEY, 1) == (old | 0xFF) & ~0xF0
    assert m.exchange(KEY, -1) == old & ~0xFF | 0x0E
    assert m.exchange(KEY, 5 + (7 << 64)) == 2**64 - 1
    assert m.lookup(KEY) == (5).to_bytes(8, "little")


@pytest.mark.parametrize(("offset", "width"), [(0, 1), (7, 1), (1, 2), (3, 4), (0, 8), (6, None), (4, None)])
def test_a_field_alone_changes(m: RemoteNumbers, offset: int, width: int | None) -> None:
    m.update(KEY, b"\xff" * 8)
    size = width or 8 - offset
    assert m.exchange(KEY, 0, offset, width) == (1 << 8 * size) - 1
    assert m.fetch_or(KEY, 6, offset, width) == 0
    assert m.fetch_xor(KEY, 3, offset, width) == 6
    assert m.fetch_and(KEY, 4, offset, width) == 5
    out = bytearray(size)
    m.add_into(KEY, -5, out, offset)
    assert out == b"\xff" * size
    m.add_into(KEY, 3, memoryview(out), offset)
    assert out == (2).to_bytes(size, "little")
    m.fetch_or_into(KEY, 9, out, offset)
    m.fetch_and_into(KEY, 10, out, offset)
    assert out[0] == 11
    m.fetch_xor_into(KEY, 1, out, offset)
    assert out[0] == 10
    m.exchange_into(KEY, 2, out, offset)
    assert out[0] == 11
    assert m.lookup(KEY) == b"\xff" * offset + (2).to_bytes(size, "little") + b"\xff" * (8 - offset - size)


def test_update_part(m: RemoteNumbers) -> None:
    m.update(KEY, b"12345678")
    m.update_part(KEY, 2, b"ab")
    m.update_part(KEY, 8, b"")
    m.update_part(KEY, 7, bytearray(b"z"))
    assert m.lookup(KEY) == b"12ab567z"
    for offset, data in ((7, b"ab"), (-1, b"a"), (9, b""), (0, bytes(9)), (1 << 31, b"a"), (1 << 64, b"a")):
        with pytest.raises(InvalidValueSize, match="update_part"):
            m.update_part(KEY, offset, data)
    with pytest.raises(TypeError):
        m.update_part(KEY, 0, 5)  # type: ignore[arg-type]
    assert m.lookup(KEY) == b"12ab567z"


def test_refused_changes_leave_the_value(m: RemoteNumbers) -> None:
    missing, out = b"\xff" * 4, bytearray(4)
    m.update(KEY, b"12345678")
    for call in (
        lambda key: m.fetch_or(key, 1),
        lambda key: m.fetch_and(key, 1),
        lambda key: m.fetch_xor(key, 1),
        lambda key: m.exchange(key, 1),
        lambda key: m.add_into(key, 1, out),
        lambda key: m.update_part(key, 0, b"a"),
    ):
        with pytest.raises(KeyNotFound):
            call(missing)
        with pytest.raises(InvalidKeySize):
            call(b"abc")
    for offset, width in ((0, 3), (5, 4), (8, 1), (-1, 1), (5, None), (1 << 32, 1)):
        with pytest.raises(InvalidValueSize):
            m.fetch_or(KEY, 1, offset, width)
    for size in (0, 3, 16):
        with pytest.raises(InvalidValueSize):
            m.add_into(KEY, 1, bytearray(size))
    m.freeze()
    for write in (lambda: m.fetch_or(KEY, 1), lambda: m.exchange(KEY, 1), lambda: m.update_part(KEY, 0, b"x")):
        with pytest.raises(NotPermitted, match="frozen"):
            write()
    assert m.lookup(KEY) == b"12345678"
    assert out == bytes(4)


def test_other_types_refuse(board: Board) -> None:
    maps = (
        board.create_map(PerCpuArray, value_size=8, max_entries=4),
        board.create_map(PerCpuHash, key_size=4, value_size=8, max_entries=4),
        board.create_map(Queue, value_size=8, max_entries=4),
    )
    for other in maps:
        for op in (
            "fetch_or",
            "fetch_and",
            "fetch_xor",
            "exchange",
            "update_part",
            "add_into",
            "exchange_into",
            "view",
        ):
            with pytest.raises(NotSupported, match=op):
                getattr(other, op)(KEY, 1, b"1")
    for name in ("ArrayMap", "HashMap"):
        m = board.create_map(name, value_size=8, max_entries=4, **({"key_size": 4} if name == "HashMap" else {}))
        with pytest.raises(NotSupported, match="view"):
            m.view(0)  # type: ignore[attr-defined]

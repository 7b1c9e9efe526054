"""Queue and Stack: order, full and empty, and what they do not have."""

import random
from collections import deque
from collections.abc import Callable

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_NOEXIST,
    InvalidDefinition,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    NotPermitted,
    NotSupported,
    OutOfMemory,
    Queue,
    Stack,
)
from boardmaps_host import Board
from boardmaps_host.client import RemoteQueue

both = pytest.mark.parametrize("kind", [Queue, Stack])


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


@both
@pytest.mark.parametrize("size", [1, 4, 7, 16, 37, 200])
def test_against_a_deque(board: Board, steps: Callable[[int], int], kind: type[Queue], size: int) -> None:
    rng = random.Random(size)
    m = board.create_map(kind, value_size=size, max_entries=5, name="m")
    model: deque[bytes] = deque()
    for _ in range(steps(200)):
        value = rng.randbytes(size)
        flags = rng.choice((0, 0, BPF_EXIST))
        if rng.random() < 0.6:
            if len(model) == 5 and not flags:
                with pytest.raises(OutOfMemory, match=r"'m': map is full \(5 of 5 entries\)"):
                    m.push(value, flags)
            else:
                if len(model) == 5:
                    model.popleft()  # the oldest, for a stack too
                m.push(value, flags)
                model.append(value)
        else:
            at = 0 if kind is Queue else -1
            expected = model[at] if model else None
            assert m.peek() == expected
            assert m.pop() == expected
            if model:
                del model[at]
    assert len(m) == len(model)


@both
def test_the_words_of_other_maps(board: Board, kind: type[Queue]) -> None:
    m = board.create_map(kind, value_size=4, max_entries=2)
    m.update(None, k(1))
    m.update(b"", k(2), 0)
    out = bytearray(4)
    assert m.lookup_into(b"", out)
    assert m.lookup() == m.lookup(b"") == bytes(out) == k(1 if kind is Queue else 2)
    assert {m.lookup_and_delete(), m.lookup_and_delete(b"")} == {k(1), k(2)}
    assert m.lookup_and_delete() is m.lookup() is None
    with pytest.raises(InvalidKeySize, match="4 bytes, not 0"):
        m.update(k(1), k(1))
    for call in (m.lookup, m.lookup_and_delete):
        with pytest.raises(InvalidKeySize):
            call(b"x")
    for refused in (lambda: m.delete(b""), m.next_key, lambda: list(m.items()), lambda: m.add(b"", 1)):
        with pytest.raises(NotSupported):
            refused()


@both
def test_what_push_refuses(board: Board, kind: type[Queue]) -> None:
    m = board.create_map(kind, value_size=4, max_entries=2)
    m.push(k(1))
    for value in (b"", b"abc", b"abcde"):
        with pytest.raises(InvalidValueSize, match=f"{len(value)} bytes, not 4"):
            m.push(value, BPF_NOEXIST)
    for flags in (BPF_NOEXIST, 3, 4, 8, 1 << 31, 1 << 32, -1):
        with pytest.raises(InvalidFlags):
            m.push(k(3), flags)
    assert [m.pop(), m.pop()] == [k(1), None]


@both
def test_into_the_callers_buffer(board: Board, kind: type[Queue]) -> None:
    m: RemoteQueue = board.create_map(kind, value_size=4, max_entries=3)
    out = bytearray(4)
    assert not m.peek_into(out)
    assert not m.pop_into(out)
    m.push(k(1))
    for wrong in (bytearray(3), bytearray(5)):
        with pytest.raises(InvalidValueSize):
            m.pop_into(wrong)
        with pytest.raises(InvalidValueSize):
            m.peek_into(wrong)
    with pytest.raises(TypeError, match="writable"):
        m.pop_into(bytes(4))  # type: ignore[arg-type]
    assert m.peek_into(out)
    assert out == k(1)
    out = bytearray(4)
    assert m.pop_into(memoryview(out))
    assert out == k(1)
    assert len(m) == 0


@both
def test_clear(board: Board, kind: type[Queue]) -> None:
    m = board.create_map(kind, value_size=4, max_entries=3)
    for n in range(3):
        m.push(k(n))
    m.pop()
    m.clear()
    assert len(m) == 0
    assert m.peek() is None
    for n in range(3):
        m.push(k(n))
    assert len(m) == 3


def test_rights(board: Board) -> None:
    m: RemoteQueue = board.create_map(Queue, value_size=4, max_entries=3, name="cold")
    m.push(k(1))
    m.freeze()
    for write in (lambda: m.push(k(2)), m.pop, m.clear):
        with pytest.raises(NotPermitted, match="frozen"):
            write()
    assert m.peek() == k(1)
    m = board.create_map(Queue, value_size=4, max_entries=3, map_flags=BPF_F_RDONLY)
    for write in (lambda: m.push(k(2)), m.pop):
        with pytest.raises(NotPermitted, match="read-only"):
            write()
    m = board.create_map(Stack, value_size=4, max_entries=3, map_flags=BPF_F_WRONLY)
    m.push(k(2))
    for read in (m.pop, m.peek):
        with pytest.raises(NotPermitted, match="write-only"):
            read()
    assert len(m) == 1


@both
def test_definitions(board: Board, kind: type[Queue]) -> None:
    for parts in (
        {"value_size": 0, "max_entries": 1},
        {"value_size": 1, "max_entries": 0},
        {"value_size": 1, "max_entries": 1, "key_size": 4},
        {"value_size": 1},
    ):
        with pytest.raises(InvalidDefinition):
            board.create_map(kind, **parts)
    with pytest.raises((OutOfMemory, InvalidDefinition)):
        board.create_map(kind, value_size=0xFFFFFFFF, max_entries=0xFFFFFFFF)
    assert board.maps() == []

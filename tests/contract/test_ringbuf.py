"""RingBuf: space, order, numbers, and what is dropped. Reserving is the firmware's alone: tests/board has it."""

import random
from collections.abc import Callable

import pytest

from boardmaps import (
    BPF_F_RB_OVERWRITE,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    InvalidDefinition,
    InvalidFlags,
    NotPermitted,
    NotSupported,
    Queue,
    RingBuf,
)
from boardmaps_host import Board


def test_records_come_out_in_order_with_running_numbers(board: Board) -> None:
    ring = board.create_map(RingBuf, size=64, name="r")
    assert ring.output(b"one")
    assert ring.output(bytearray(b""))
    assert ring.output(memoryview(b"three"))
    assert len(ring) == 3
    assert [ring.read(), ring.read(), ring.read(), ring.read()] == [(0, b"one"), (1, b""), (2, b"three"), None]


def test_space_is_as_in_the_kernel(board: Board) -> None:
    ring = board.create_map(RingBuf, size=64)
    assert not ring.output(bytes(56)), "a record that exactly fills the ring never fits"
    assert ring.output(bytes(48))
    assert not ring.output(b"")
    assert ring.query() == (56, 64, 0, 56, 2)
    assert ring.read() == (1, bytes(48))
    assert ring.output(b"x")
    assert ring.read() == (3, b"x"), "the numbers show the two that were dropped"
    assert ring.query() == (0, 64, 72, 72, 2)


def test_overwriting_drops_the_oldest(board: Board) -> None:
    ring = board.create_map(RingBuf, size=64, map_flags=BPF_F_RB_OVERWRITE)
    for n in range(6):
        assert ring.output(bytes((n,) * 8))
    assert ring.query().dropped == 3
    assert ring.read_many() == [(n, bytes((n,) * 8)) for n in (3, 4, 5)]
    assert not ring.output(bytes(1000))
    assert ring.query().dropped == 4


@pytest.mark.parametrize("flags", [0, BPF_F_RB_OVERWRITE])
@pytest.mark.parametrize("size", [64, 1024])
def test_every_record_is_read_or_counted(board: Board, steps: Callable[[int], int], flags: int, size: int) -> None:
    rng = random.Random(size + flags)
    ring = board.create_map(RingBuf, size=size, map_flags=flags)
    sent: list[bytes] = []
    read: list[tuple[int, bytes]] = []
    for _ in range(steps(200)):
        if rng.random() < 0.7:
            sent.append(rng.randbytes(rng.randrange(size // 2)))
            ring.output(sent[-1])
        else:
            read += ring.read_many(rng.randrange(1, 4))
    waiting = len(ring)
    rest = ring.read_many()
    while more := ring.read_many():
        rest += more
    assert len(rest) == waiting
    read += rest
    numbers = [number for number, _ in read]
    assert numbers == sorted(set(numbers))
    assert all(sent[number] == data for number, data in read)
    state = ring.query()
    assert len(read) + state.dropped == len(sent)
    assert (state.waiting, state.producer) == (0, state.consumer)


def test_a_record_longer_than_a_frame(board: Board) -> None:
    ring = board.create_map(RingBuf, size=8192)
    data = bytes(range(256)) * 20
    assert ring.output(data)
    assert ring.output(b"next")
    assert ring.read() == (0, data)
    assert ring.read() == (1, b"next")


def test_clear(board: Board) -> None:
    ring = board.create_map(RingBuf, size=64)
    assert ring.output(bytes(40))
    ring.clear()
    assert ring.read() is None
    assert ring.query() == (0, 64, 48, 48, 0)


def test_what_a_ring_does_not_have(board: Board) -> None:
    ring = board.create_map(RingBuf, size=64, map_flags=BPF_F_RB_OVERWRITE, name="r")
    assert (ring.definition.key_size, ring.definition.value_size, ring.definition.max_entries) == (0, 0, 64)
    for refused in (
        lambda: ring.lookup(b""),
        lambda: ring.update(b"", b""),
        lambda: ring.delete(b""),
        ring.next_key,
        lambda: ring.lookup_and_delete(b""),
        lambda: list(ring.items()),
    ):
        with pytest.raises(NotSupported, match="'r'"):
            refused()
    assert board.create_map(Queue, value_size=1, max_entries=1).peek() is None


def test_definitions(board: Board) -> None:
    for size in (0, 100, 1 << 32):
        with pytest.raises(InvalidDefinition):
            board.create_map(RingBuf, size=size)
    with pytest.raises(InvalidFlags):
        board.create_map(RingBuf, size=64, map_flags=1 << 20)
    with pytest.raises(InvalidFlags):
        board.create_map(Queue, value_size=1, max_entries=1, map_flags=BPF_F_RB_OVERWRITE)
    assert board.maps() == []
    assert not board.create_map(RingBuf, size=8).output(b""), "8 bytes hold no record: it would fill the ring"


def test_rights(board: Board) -> None:
    ring = board.create_map(RingBuf, size=64, map_flags=BPF_F_RDONLY)
    for write in (lambda: ring.output(b"x"), ring.read, ring.clear):
        with pytest.raises(NotPermitted, match="read-only"):
            write()
    assert ring.query().waiting == 0
    ring = board.create_map(RingBuf, size=64, map_flags=BPF_F_WRONLY)
    assert ring.output(b"x")
    for read in (ring.read, ring.query):
        with pytest.raises(NotPermitted, match="write-only"):
            read()
    ring = board.create_map(RingBuf, size=64)
    ring.freeze()
    with pytest.raises(NotPermitted, match="frozen"):
        ring.output(b"x")


def test_empty_records_fill_a_frame_to_its_last_bytes(board: Board) -> None:
    ring = board.create_map(RingBuf, size=1024)
    for _ in range(100):
        assert ring.output(b"")
    found = []
    while records := ring.read_many():
        found += records
    assert found == [(number, b"") for number in range(100)]

"""RingBuf: space, order, what is dropped, and records that are reserved for a while."""

import random

import pytest

from boardmaps import (
    BPF_EXIST,
    InvalidDefinition,
    InvalidFlags,
    InvalidValueSize,
    NotPermitted,
    NotSupported,
    StaleMap,
)
from boardmaps.abi import BPF_F_RB_OVERWRITE, BPF_F_RDONLY
from boardmaps_host.twin import Registry, RingBuf


def test_records_come_out_in_order_with_running_numbers() -> None:
    ring = RingBuf(64, name="r")
    assert ring.output(b"one")
    assert ring.output(bytearray(b""))
    assert ring.output(memoryview(b"three"))
    assert len(ring) == 3
    assert [ring.read(), ring.read(), ring.read(), ring.read()] == [(0, b"one"), (1, b""), (2, b"three"), None]


def test_into_the_callers_buffer() -> None:
    ring = RingBuf(64, name="r")
    out = bytearray(9)
    assert ring.read_into(out) == -1
    assert ring.output(b"12345")
    gone = ring.reserve(1)
    assert gone is not None
    with pytest.raises(InvalidValueSize, match="read_into 'r': the next record is longer than 4 bytes"):
        ring.read_into(bytearray(4))
    with pytest.raises(TypeError, match="writable"):
        ring.read_into(b"123456789")  # type: ignore[arg-type]
    assert ring.read_into(memoryview(out)) == 5
    assert out == b"12345\0\0\0\0"
    assert ring.read_into(out) == -1, "the next record is still reserved"
    gone.discard()
    assert ring.output(b"")
    assert ring.read_into(bytearray()) == 0
    assert ring.query().waiting == 0


def test_space_is_as_in_the_kernel() -> None:
    ring = RingBuf(64)
    assert not ring.output(bytes(56)), "a record that exactly fills the ring never fits"
    assert ring.output(bytes(48))
    assert not ring.output(b"")
    assert ring.query() == (56, 64, 0, 56, 2)
    assert ring.read() == (1, bytes(48))
    assert ring.output(b"x")
    assert ring.read() == (3, b"x"), "the numbers show the two that were dropped"
    assert ring.query() == (0, 64, 72, 72, 2)


def test_a_reserved_record_holds_back_later_ones() -> None:
    ring = RingBuf(128)
    first, second = ring.reserve(4), ring.reserve(5)
    assert first is not None
    assert second is not None
    assert ring.output(b"third")
    second.data[:] = b"22222"
    second.submit()
    assert ring.read() is None
    assert len(ring) == 2
    first.data[:2] = b"11"
    first.submit()
    assert [ring.read(), ring.read(), ring.read()] == [(0, b"11\0\0"), (1, b"22222"), (2, b"third")]


def test_a_discarded_record_takes_space_and_is_skipped() -> None:
    ring = RingBuf(64)
    record = ring.reserve(16)
    assert record is not None
    record.discard()
    assert ring.output(b"next")
    assert ring.query().waiting == 24 + 16
    assert ring.read() == (1, b"next")
    assert ring.query().waiting == 0


def test_a_record_is_finished_once(registry: Registry) -> None:
    ring = RingBuf(64, name="r")
    record, other = ring.reserve(4), ring.reserve(4)
    assert record is not None
    assert other is not None
    view = record.data
    record.submit()
    for again in (record.submit, record.discard):
        with pytest.raises(NotPermitted, match="'r': record 0"):
            again()
    view[:] = b"late"
    with pytest.raises(TypeError):
        record.data[:] = b"late"
    assert ring.read() == (0, bytes(4))
    registry.reset()
    for use in (other.submit, other.discard, ring.read, ring.query, lambda: ring.output(b""), lambda: ring.reserve(1)):
        with pytest.raises(StaleMap):
            use()


def test_a_record_that_is_left_behind_is_discarded() -> None:
    ring = RingBuf(64)
    with ring.reserve(5) as record:  # type: ignore[union-attr]
        record.data[:] = b"given"
        record.submit()
    with pytest.raises(ZeroDivisionError), ring.reserve(5):  # type: ignore[union-attr]
        1 / 0  # noqa: B018 - raises
    lost = ring.reserve(5)
    assert len(ring) == 1
    del lost  # nobody can submit it any more
    assert (ring.read(), ring.read(), len(ring)) == ((0, b"given"), None, 0)


def test_overwriting_drops_the_oldest_but_never_a_reserved_one() -> None:
    ring = RingBuf(64, BPF_F_RB_OVERWRITE)
    for n in range(6):
        assert ring.output(bytes((n,) * 8))
    assert ring.query().dropped == 3
    assert [ring.read(), ring.read(), ring.read(), ring.read()] == [(n, bytes((n,) * 8)) for n in (3, 4, 5)] + [None]
    held = ring.reserve(8)
    assert held is not None
    assert ring.output(bytes(8))
    assert ring.output(bytes(8))
    assert not ring.output(bytes(8))
    assert not ring.output(bytes(1000))
    assert ring.query().dropped == 5


@pytest.mark.parametrize("flags", [0, BPF_F_RB_OVERWRITE])
@pytest.mark.parametrize("seed", range(3))
def test_every_record_is_read_or_counted(flags: int, seed: int) -> None:
    rng = random.Random(seed)
    ring = RingBuf(256, flags)
    numbers, tried = [], 0
    for _ in range(2000):
        if rng.random() < 0.6:
            ring.output(bytes(rng.randrange(100)))
            tried += 1
        elif (record := ring.read()) is not None:
            numbers.append(record[0])
        state = ring.query()
        assert state.producer - state.consumer == state.waiting < 256
    while (record := ring.read()) is not None:
        numbers.append(record[0])
    assert numbers == sorted(set(numbers))
    assert len(numbers) + ring.query().dropped == tried, f"seed {seed}"


def test_definitions_and_what_a_ring_does_not_have() -> None:
    for size in (0, -8, 100, "64", 1 << 32):
        with pytest.raises(InvalidDefinition):
            RingBuf(size)  # type: ignore[arg-type]
    with pytest.raises(InvalidFlags):
        RingBuf(64, 1 << 20)
    ring = RingBuf(64, BPF_F_RDONLY | BPF_F_RB_OVERWRITE, "r")
    assert (ring.definition.key_size, ring.definition.value_size, ring.size) == (0, 0, 64)
    for refused in (ring.lookup, ring.update, ring.delete, ring.next_key, ring.lookup_and_delete):
        with pytest.raises(NotSupported, match="'r'"):
            refused()
    with pytest.raises(NotSupported):
        ring.update(b"", b"", BPF_EXIST)
    for length in (-1, 1 << 32, "4"):
        with pytest.raises(InvalidValueSize):
            ring.reserve(length)  # type: ignore[arg-type]
    assert ring.reserve((1 << 32) - 1) is None


def test_clear_and_resize() -> None:
    ring = RingBuf(64)
    assert ring.output(bytes(40))
    with pytest.raises(InvalidDefinition, match="48 bytes"):
        ring.resize(32)
    with pytest.raises(InvalidDefinition, match="power of two"):
        ring.resize(100)
    ring.resize(128)
    assert ring.output(bytes(64))
    ring.clear()
    assert ring.query() == (0, 128, 120, 120, 0)
    held = ring.reserve(1)
    assert held is not None
    with pytest.raises(NotPermitted):
        ring.clear()
    held.discard()
    ring.clear()
    ring.resize(8)

"""Queue and Stack: order, full and empty, and what they do not have."""

import random
import threading
from collections import deque

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_NOEXIST,
    InvalidDefinition,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    NotSupported,
    OutOfMemory,
    StaleMap,
)
from boardmaps_host.twin import Queue, Registry, Stack


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


@pytest.mark.parametrize("cls", [Queue, Stack])
@pytest.mark.parametrize("seed", range(3))
def test_against_a_deque(cls: type[Queue], seed: int) -> None:
    rng = random.Random(seed)
    m = cls(4, 5, name="m")
    model: deque[bytes] = deque()
    for _ in range(2000):
        value = k(rng.randrange(1 << 32))
        flags = rng.choice((0, 0, BPF_EXIST))
        if rng.random() < 0.6:
            if len(model) == 5 and not flags:
                with pytest.raises(OutOfMemory, match=r"push 'm': map is full \(5 of 5 entries\)"):
                    m.push(value, flags)
            else:
                if len(model) == 5:
                    model.popleft()  # the oldest, for a stack too
                m.push(value, flags)
                model.append(value)
        else:
            at = 0 if cls is Queue else -1
            expected = model[at] if model else None
            assert m.peek() == m.lookup() == expected, f"seed {seed}"
            assert rng.choice((m.pop, m.lookup_and_delete))() == expected, f"seed {seed}"
            if model:
                del model[at]
        assert len(m) == len(model)


@pytest.mark.parametrize("cls", [Queue, Stack])
def test_misuse(cls: type[Queue], registry: Registry) -> None:
    m = cls(4, 2, name="m")
    m.update(None, k(1))
    m.update(b"", k(2), 0)
    for flags in (BPF_NOEXIST, 3, 4, -1):
        with pytest.raises(InvalidFlags):
            m.push(k(3), flags)
    with pytest.raises(InvalidValueSize):
        m.push(b"abc", BPF_NOEXIST)
    with pytest.raises(InvalidValueSize):
        m.pop_into(bytearray(3))
    with pytest.raises(InvalidKeySize):
        m.update(k(1), k(1))
    for refused in (lambda: m.delete(k(1)), m.next_key):
        with pytest.raises(NotSupported, match="'m'"):
            refused()
    assert len(m) == 2
    with pytest.raises(InvalidDefinition):
        cls(0, 2)
    registry.reset()
    for use in (m.pop, m.peek, lambda: m.push(k(1)), lambda: len(m), m.clear):
        with pytest.raises(StaleMap):
            use()


def test_into_the_callers_buffer() -> None:
    m = Stack(4, 3)
    out = bytearray(4)
    assert not m.pop_into(out)
    assert not m.peek_into(out)
    m.push(bytearray(k(1)))
    m.push(k(2))
    assert m.peek_into(out)
    assert out == k(2)
    assert m.pop_into(memoryview(out))
    assert m.pop_into(out)
    assert out == k(1)


@pytest.mark.parametrize(("cls", "left"), [(Queue, [k(2), k(3)]), (Stack, [k(3), k(2)])])
def test_resize_drops_the_oldest(cls: type[Queue], left: list[bytes]) -> None:
    m = cls(4, 3)
    for n in (1, 2, 3):
        m.push(k(n))
    m.resize(2)
    assert [m.pop(), m.pop(), m.pop()] == [*left, None]
    m.resize(4)
    for n in range(4):
        m.push(k(n))
    m.clear()
    assert m.peek() is None


def test_nothing_is_lost_or_doubled_between_threads() -> None:
    m = Queue(4, 50)
    got: list[bytes] = []
    pushed = 2000

    def produce(start: int) -> None:
        for n in range(start, start + pushed):
            while True:
                try:
                    m.push(k(n))
                    break
                except OutOfMemory:
                    pass

    def consume() -> None:
        while len(got) < 4 * pushed:
            value = m.pop()
            if value is not None:
                got.append(value)

    threads = [threading.Thread(target=produce, args=(i * pushed,), daemon=True) for i in range(4)]
    threads += [threading.Thread(target=consume, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got) == sorted(k(n) for n in range(4 * pushed))

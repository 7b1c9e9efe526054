"""add() and compare_and_swap(): one step, no heap, the same numbers as the twin's."""

import random

import pytest

from boardmaps_host import twin as cloud
from tests.board.conftest import Run

DELTAS = (0, 1, -1, 255, -256, 65535, 1 << 29, -(1 << 30), (1 << 31) - 1, 1 << 31, 1 << 32, -(1 << 40), (1 << 63) + 5)


@pytest.mark.parametrize("size", [1, 2, 4, 8, 11])
def test_add_is_what_the_twin_makes_of_it(micropython: Run, size: int) -> None:
    rng = random.Random(size)
    steps: list[tuple[int, ...]] = []
    for _ in range(300):
        width = rng.choice([w for w in (1, 2, 4, 8) if w <= size])
        place = (rng.randrange(size - width + 1), width)
        steps.append((rng.randrange(4), rng.choice(DELTAS), *(place if size == 11 or rng.random() < 0.5 else ())))
    out = micropython(f"""
        from boardmaps import ArrayMap, HashMap
        a = ArrayMap({size}, 4); h = HashMap(4, {size}, 4); odd = HashMap(3, {size}, 4)
        for i in range(4):
            h.update(bytes((i, 0, 0, 0)), bytes({size})); odd.update(bytes((i, 1, 2)), bytes({size}))
        for i, *rest in {steps}:
            new = a.add(i, *rest)
            assert new == h.add(bytes((i, 0, 0, 0)), *rest) == odd.add(bytes((i, 1, 2)), *rest)
            assert a.lookup(i) == h.lookup(bytes((i, 0, 0, 0))) == odd.lookup(bytes((i, 1, 2)))
            print(new, a.lookup(i)[0])
    """)
    twin = cloud.ArrayMap(size, 4)
    expected = []
    for i, *rest in steps:
        expected.append(f"{twin.add(i, *rest)} {(twin.lookup(i) or b'?')[0]}")
    assert out.split("\n")[:-1] == expected


def test_misuse(micropython: Run) -> None:
    micropython("""
        from boardmaps import ArrayMap, HashMap, InvalidKeySize, InvalidValueSize, KeyNotFound, StaleMap, StaticPool
        h = HashMap(4, 8, 4); a = ArrayMap(8, 4); three = ArrayMap(3, 4)
        h.update(b"abcd", bytes(8))
        v = bytes(8)
        cases = [
            (KeyNotFound, lambda: h.add(b"none", 1)), (KeyNotFound, lambda: a.add(4, 1)), (KeyNotFound, lambda: a.add(-1, 1)),
            (KeyNotFound, lambda: a.add(1 << 64, 1)), (InvalidKeySize, lambda: h.add(b"abc", 1)),
            (InvalidKeySize, lambda: a.add(b"abc", 1)), (InvalidValueSize, lambda: three.add(0, 1)),
            (InvalidValueSize, lambda: h.add(b"abcd", 1, 5)), (InvalidValueSize, lambda: h.add(b"abcd", 1, 7, 2)),
            (InvalidValueSize, lambda: h.add(b"abcd", 1, -1, 1)), (InvalidValueSize, lambda: a.add(0, 1, 0, 0)),
            (KeyNotFound, lambda: h.compare_and_swap(b"none", v, v)), (KeyNotFound, lambda: a.compare_and_swap(9, v, v)),
            (InvalidValueSize, lambda: h.compare_and_swap(b"abcd", b"", v)),
            (InvalidValueSize, lambda: h.compare_and_swap(b"abcd", v, b"")),
        ]
        def all_raise(cases):
            for error, use in cases:
                try:
                    use()
                    assert False, error
                except error:
                    pass
        all_raise(cases)
        assert h.lookup(b"abcd") == v and a.lookup(0) == v
        StaticPool.reset()
        ArrayMap(8, 100)
        all_raise([(StaleMap, lambda: h.add(b"abcd", 1)), (StaleMap, lambda: a.add(0, 1)), (StaleMap, lambda: a.add(0, 1, 0, 4)),
                   (StaleMap, lambda: h.compare_and_swap(b"abcd", v, v))])
    """)


def test_compare_and_swap(micropython: Run) -> None:
    micropython("""
        from boardmaps import ArrayMap, HashMap
        h = HashMap(5, 3, 4); a = ArrayMap(3, 4)
        h.update(b"abcde", b"one"); a.update(2, b"one")
        for m, key in ((h, b"abcde"), (a, 2), (a, b"\\2\\0\\0\\0")):
            assert not m.compare_and_swap(key, b"two", b"xxx")
            assert m.compare_and_swap(key, b"one", b"two") and m.lookup(key) == b"two"
            assert m.compare_and_swap(key, b"two", b"one")
    """)

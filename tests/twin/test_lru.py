"""LruHashMap: exact order, evictions counted and told."""

import random
from collections import OrderedDict

import pytest

from boardmaps import BPF_EXIST, BPF_NOEXIST, KeyExists, KeyNotFound, LruHashMap
from boardmaps_host.twin import lru as twin_lru
from boardmaps_host.twin.ordered import Ordered


@pytest.fixture(autouse=True, params=["lru-dict", "OrderedDict"])
def order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps the entries in their order: the same behaviour, whether lru-dict is installed or not."""
    if request.param == "OrderedDict":
        monkeypatch.setattr(LruHashMap, "_order", Ordered)
    else:
        assert twin_lru.LruHashMap._order is not Ordered, "the extra lru is installed for these tests"


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


def test_the_guides_example() -> None:
    lru = LruHashMap(4, 4, 50)
    for n in range(150):
        lru.update(k(n), k(n))
    assert [lru.lookup(k(n)) for n in range(100)] == [None] * 100
    assert [lru.lookup(k(n)) for n in range(100, 150)] == [k(n) for n in range(100, 150)]
    assert lru.evictions == 100


def test_lookup_counts_as_use() -> None:
    lru = LruHashMap(4, 4, 2)
    lru.update(k(1), k(1))
    lru.update(k(2), k(2))
    lru.lookup(k(1))
    lru.update(k(3), k(3))
    assert sorted(lru) == [k(1), k(3)]


def test_update_and_the_atomics_count_as_use() -> None:
    lru = LruHashMap(4, 4, 3)
    for n in (1, 2, 3):
        lru.update(k(n), k(n))
    lru.update(k(1), k(9))
    assert lru.add(k(2), 5) == 7
    lru.update(k(4), k(4))
    assert k(3) not in lru
    assert lru.compare_and_swap(k(1), k(9), k(10))
    lru.update(k(5), k(5))
    assert k(2) not in lru
    assert lru.lookup(k(1)) == k(10)


def test_looking_around_is_no_use() -> None:
    lru = LruHashMap(4, 4, 2)
    lru.update(k(1), k(1))
    lru.update(k(2), k(2))
    assert k(1) in lru
    assert lru.next_key() == k(1)
    assert list(lru.items()) == [(k(1), k(1)), (k(2), k(2))]
    assert lru.batch_lookup(None, 1)[1:] == ([k(1)], [k(1)])
    lru.update(k(3), k(3))
    assert k(1) not in lru


def test_a_refused_update_evicts_nothing() -> None:
    lru = LruHashMap(4, 4, 2)
    lru.update(k(1), k(1))
    lru.update(k(2), k(2))
    with pytest.raises(KeyNotFound):
        lru.update(k(3), k(3), BPF_EXIST)
    with pytest.raises(KeyExists):
        lru.update(k(1), k(3), BPF_NOEXIST)
    assert dict(lru.items()) == {k(1): k(1), k(2): k(2)}
    assert lru.evictions == 0


def test_every_eviction_is_told_with_its_value_and_may_use_the_map() -> None:
    told: list[tuple[bytes, bytes]] = []

    def on_evict(key: bytes, value: bytes) -> None:
        assert lru.lookup(key) is None
        told.append((key, value))

    lru = LruHashMap(4, 4, 2, on_evict=on_evict)
    assert lru.batch_update([k(1), k(2), k(3)], [k(10), k(20), k(30)]) == 3
    assert told == [(k(1), k(10))]
    lru.update(k(4), k(40))
    lru.resize(1)
    assert told == [(k(1), k(10)), (k(2), k(20)), (k(3), k(30))]
    lru.delete(k(4))
    lru.clear()
    assert len(told) == lru.evictions == 3


def test_peak() -> None:
    lru = LruHashMap(4, 4, 3)
    for n in range(2):
        lru.update(k(n), k(n))
    lru.delete(k(0))
    assert (len(lru), lru.peak) == (1, 2)
    for n in range(9):
        lru.update(k(n), k(n))
    lru.resize(1)
    lru.clear()
    assert (len(lru), lru.peak) == (0, 3)


def test_resize() -> None:
    lru = LruHashMap(4, 4, 3)
    for n in (1, 2, 3):
        lru.update(k(n), k(n))
    lru.lookup(k(1))
    lru.resize(2)
    assert sorted(lru) == [k(1), k(3)]
    lru.resize(4)
    for n in (4, 5):
        lru.update(k(n), k(n))
    assert sorted(lru) == [k(1), k(3), k(4), k(5)]
    lru.update(k(6), k(6))
    assert k(3) not in lru


def test_keys_and_values_that_are_not_bytes() -> None:
    lru = LruHashMap(4, 4, 2)
    value = bytearray(k(7))
    lru.update(bytearray(k(1)), value)
    value[0] = 99
    lru.update(memoryview(bytearray(k(2))), memoryview(value))
    assert lru.lookup(memoryview(bytearray(k(1)))) == k(7)
    lru.update(bytearray(k(3)), k(3))
    assert sorted(lru) == [k(1), k(3)]


@pytest.mark.parametrize("seed", range(5))
def test_against_an_ordered_dict(seed: int) -> None:
    rng = random.Random(seed)
    lru = LruHashMap(4, 4, 20)
    model: OrderedDict[bytes, bytes] = OrderedDict()
    for _ in range(5000):
        key, value = k(rng.randrange(40)), k(rng.randrange(1 << 32))
        match rng.randrange(8):
            case 0 | 1 | 2 | 3:
                lru.update(key, value)
                model[key] = value
                model.move_to_end(key)
                if len(model) > 20:
                    model.popitem(last=False)
            case 4 | 5:
                assert lru.lookup(key) == model.get(key)
                if key in model:
                    model.move_to_end(key)
            case 6:
                assert lru.lookup_and_delete(key) == model.pop(key, None)
            case 7 if rng.random() < 0.05:
                lru.next_key()  # from here on the map keeps places for walks
        assert len(lru) == len(model), f"seed {seed}"
    assert dict(lru.items()) == dict(model), f"seed {seed}"

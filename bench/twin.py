"""The twin's maps against what Python programs use instead, in one run: 16-byte keys made afresh, 64-byte values.

Every pair is measured in turns and the best turn of each counts, so that what else the machine does matters little.
"""

import os
import random
from collections.abc import Callable
from timeit import Timer

import cachetools
from lru import LRU
from report import Row, publish

from boardmaps import ArrayMap, HashMap, LruHashMap
from boardmaps_host.cloud import Registry

KEY, VALUE = 16, bytes(64)
SMALL, LARGE, SAMPLE = 1_000, 1_000_000, 50_000
TURNS = 15

Loop = Callable[[], object]


def fresh(call: Callable[[bytes], object], blob: bytes, places: list[int]) -> Loop:
    """Return a loop that makes each key anew, as a program that reads it from a packet does, and calls with it."""

    def loop() -> None:
        for at in places:
            call(blob[at : at + KEY])

    return loop


def storing(target: dict[bytes, bytes], blob: bytes, places: list[int]) -> Loop:
    """Return the same loop with an item assignment: a dict's, lru-dict's or cachetools's own way to store."""

    def loop() -> None:
        for at in places:
            target[blob[at : at + KEY]] = VALUE

    return loop


def getting(target: dict[bytes, bytes], blob: bytes, places: list[int]) -> Loop:
    """Return the same loop with a subscript."""

    def loop() -> None:
        for at in places:
            target[blob[at : at + KEY]]

    return loop


def updating(call: Callable[[bytes, bytes], object], blob: bytes, places: list[int]) -> Loop:
    """Return the same loop with a call of key and value."""

    def loop() -> None:
        for at in places:
            call(blob[at : at + KEY], VALUE)

    return loop


def by_index(array: ArrayMap, indices: list[int]) -> Loop:
    """Return a loop of an array's lookups."""

    def loop() -> None:
        for index in indices:
            array.lookup(index)

    return loop


def best(loops: dict[str, tuple[Loop, int]]) -> dict[str, float]:
    """Return the nanoseconds that one of a loop's operations takes; `loops` gives each with its number of operations."""
    found = dict.fromkeys(loops, float("inf"))
    for _ in range(TURNS):
        for name, (loop, operations) in loops.items():
            rounds = max(1, 20_000 // operations)
            found[name] = min(found[name], Timer(loop).timeit(rounds) / rounds / operations * 1e9)
    return found


def single_calls() -> list[Row]:
    """Measure hash and LRU maps of 1,000 entries, all keys there, and an LRU map in which every key is new."""
    blob = os.urandom(KEY * SMALL)
    places = list(range(0, len(blob), KEY))
    keys = [blob[at : at + KEY] for at in places]
    hashed, lru = HashMap(KEY, 64, SMALL), LruHashMap(KEY, 64, SMALL)
    table: dict[bytes, bytes] = {}
    alone: LRU[bytes, bytes] = LRU(SMALL)
    cache: cachetools.LRUCache[bytes, bytes] = cachetools.LRUCache(SMALL)
    for key in keys:
        hashed.update(key, VALUE)
        lru.update(key, VALUE)
        table[key] = alone[key] = cache[key] = VALUE
    ns = best(
        {
            "dict.get": (fresh(table.get, blob, places), SMALL),
            "hash lookup": (fresh(hashed.lookup, blob, places), SMALL),
            "dict set": (storing(table, blob, places), SMALL),
            "hash update": (updating(hashed.update, blob, places), SMALL),
            "cachetools get": (fresh(cache.get, blob, places), SMALL),
            "lru-dict get": (getting(alone, blob, places), SMALL),  # type: ignore[arg-type]
            "LRU lookup": (fresh(lru.lookup, blob, places), SMALL),
            "cachetools set": (storing(cache, blob, places), SMALL),  # type: ignore[arg-type]
            "lru-dict set": (storing(alone, blob, places), SMALL),  # type: ignore[arg-type]
            "LRU update": (updating(lru.update, blob, places), SMALL),
        }
    )
    other = os.urandom(KEY * SMALL * 3)
    new = list(range(0, len(other), KEY))
    ns |= best(
        {
            "cachetools set, evicting": (storing(cache, other, new), len(new)),  # type: ignore[arg-type]
            "lru-dict set, evicting": (storing(alone, other, new), len(new)),  # type: ignore[arg-type]
            "LRU update, evicting": (updating(lru.update, other, new), len(new)),
        }
    )

    def held(name: str, peer: str, reach: str) -> Row:
        return Row.held(name, ns[name], "ns", f"{peer}: {ns[peer]:.0f} ns", ns[name] / ns[peer], reach)

    return [
        held("hash lookup", "dict.get", "<= 1.8"),
        held("hash update", "dict set", "<= 4"),
        held("LRU lookup", "cachetools get", "<= 0.67"),
        held("LRU lookup", "lru-dict get", "<= 2.5"),
        held("LRU update", "cachetools set", "<= 0.67"),
        held("LRU update", "lru-dict set", "<= 2.5"),
        held("LRU update, evicting", "cachetools set, evicting", "<= 0.67"),
        held("LRU update, evicting", "lru-dict set, evicting", "<= 2.5"),
    ]


def sizes() -> list[Row]:
    """Measure maps of 1,000,000 entries against those of 1,000.

    Held against the reach with the same number of different keys in use, 1,000 of them spread over the whole map: what a
    larger map costs an operation. With every key in use the processor's caches tell more than the map does; those rows
    stand beside a plain dict's, without a reach.
    """
    blob = os.urandom(KEY * LARGE)
    rng = random.Random(1)
    uses = {
        SMALL: {
            "": list(range(SMALL)),
            ", all keys in order": list(range(SMALL)),
            ", all keys at random": list(range(SMALL)),
        },
        LARGE: {
            "": sorted(rng.sample(range(LARGE), SMALL)),
            ", all keys in order": list(range(SAMPLE)),
            ", all keys at random": [rng.randrange(LARGE) for _ in range(SAMPLE)],
        },
    }
    loops: dict[str, tuple[Loop, int]] = {}
    for entries, orders in uses.items():
        hashed, lru, array = HashMap(KEY, 64, entries), LruHashMap(KEY, 64, entries), ArrayMap(64, entries)
        table: dict[bytes, bytes] = {}
        for at in range(0, KEY * entries, KEY):
            key, value = blob[at : at + KEY], bytes(bytearray(VALUE))
            hashed.update(key, value)
            lru.update(key, value)
            array.update(at // KEY, value)
            table[key] = value
        for order, indices in orders.items():
            places = [KEY * index for index in indices]
            for name, loop in {
                "dict.get": fresh(table.get, blob, places),
                "hash lookup": fresh(hashed.lookup, blob, places),
                "hash update": updating(hashed.update, blob, places),
                "LRU lookup": fresh(lru.lookup, blob, places),
                "LRU update": updating(lru.update, blob, places),
                "array lookup": by_index(array, indices),
            }.items():
                loops[f"{name}{order} {entries}"] = loop, len(places)
    ns = best(loops)
    rows = []
    for name in dict.fromkeys(key.rpartition(" ")[0] for key in ns):
        small, large = ns[f"{name} {SMALL}"], ns[f"{name} {LARGE}"]
        row, against = f"1,000,000 entries: {name}", f"1,000 entries: {small:.0f} ns"
        if "," in name or name.startswith("dict"):
            rows.append(Row(row, large, "ns", against, large / small))
        else:
            rows.append(Row.held(row, large, "ns", against, large / small, "<= 1.5"))
    return rows


def batches() -> list[Row]:
    """Measure batches of 1,000 entries, per entry, against the calls that do the same one by one."""
    keys = [os.urandom(KEY) for _ in range(SMALL)]
    values = [bytes(bytearray(VALUE)) for _ in keys]
    m = HashMap(KEY, 64, SMALL)

    def fill_singly() -> None:
        m.clear()
        for key, value in zip(keys, values, strict=True):
            m.update(key, value)

    def fill() -> None:
        m.clear()
        m.batch_update(keys, values)

    def rewrite_singly() -> None:
        for key, value in zip(keys, values, strict=True):
            m.update(key, value)

    def walk_singly() -> None:
        key = m.next_key()
        while key is not None:
            m.lookup(key)
            key = m.next_key(key)

    def empty_singly() -> None:
        fill()
        for key in keys:
            m.delete(key)

    def empty() -> None:
        fill()
        m.batch_delete(keys)

    pairs: dict[str, tuple[Loop, Loop, str]] = {
        "fill": (fill, fill_singly, "update"),
        "rewrite": (lambda: m.batch_update(keys, values), rewrite_singly, "update"),
        "read": (lambda: m.batch_lookup(None, SMALL), walk_singly, "next_key and lookup"),
        "fill and empty": (empty, empty_singly, "batch_update and delete"),
    }
    fill()
    ns = best({f"{name} {i}": (pair[i], SMALL) for name, pair in pairs.items() for i in (0, 1)})  # type: ignore[misc]
    rows = []
    for name, (_, _, calls) in pairs.items():
        batch, single = ns[f"{name} 0"], ns[f"{name} 1"]
        peer = f"{calls}: {single:.0f} ns"
        if name in ("fill", "read"):
            rows.append(Row.held(f"batch of 1,000: {name}", batch, "ns/entry", peer, batch / single, "<= 0.4"))
        else:
            rows.append(Row(f"batch of 1,000: {name}", batch, "ns/entry", peer, batch / single))
    return rows


def main() -> None:
    """Measure and publish; a ratio below 1 says how much faster than the peer."""
    with Registry():
        publish("twin", "the twin (16-byte keys made afresh, 64-byte values)", single_calls() + sizes() + batches())


if __name__ == "__main__":
    main()

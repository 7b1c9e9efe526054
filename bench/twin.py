"""The twin's maps against what Python programs use instead, in one run: 16-byte keys made afresh, 64-byte values.

`python -m bench.twin`; as root on Linux also against the kernel's own maps.

Every pair is measured in turns and the best round of each counts, and a round is short, a thousand operations as a rule: it falls
between two turns of the system's scheduler, so that what else the machine does matters little.

More than 300 lines: one row after the other, each with its peer.
"""

import os
import random
from collections.abc import Callable
from timeit import Timer

import cachetools
from lru import LRU

from bench.report import Row, publish
from boardmaps import ArrayMap, HashMap, LruHashMap, Queue
from boardmaps.kinds import ARRAY, HASH, LRU_HASH, QUEUE
from boardmaps_host.twin import Registry
from tests.differential.kernel import KernelMap, unavailable

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


def by_index(call: Callable[[int], object], indices: list[int]) -> Loop:
    """Return a loop of calls with the index of an array's entry."""

    def loop() -> None:
        for index in indices:
            call(index)

    return loop


def by_bytes(call: Callable[[bytes], object], indices: list[int]) -> Loop:
    """Return the same loop with the index in the form that the kernel takes."""

    def loop() -> None:
        for index in indices:
            call(index.to_bytes(4, "little"))

    return loop


def best(loops: dict[str, tuple[Loop, int]]) -> dict[str, float]:
    """Return the nanoseconds that one of a loop's operations takes; `loops` gives each with its number of operations."""
    found = dict.fromkeys(loops, float("inf"))
    for _ in range(TURNS):
        for name, (loop, operations) in loops.items():
            rounds = Timer(loop).repeat(max(1, 20_000 // operations), 1)
            found[name] = min(found[name], min(rounds) / operations * 1e9)
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


def inserting(update: Callable[[bytes, bytes], object], delete: Callable[[bytes], object], blob: bytes) -> Loop:
    """Return a loop that puts each key in and takes it out again."""

    def loop() -> None:
        for at in range(0, len(blob), KEY):
            update(blob[at : at + KEY], VALUE)
            delete(blob[at : at + KEY])

    return loop


def queueing(push: Callable[[bytes], object], pop: Callable[[], object]) -> Loop:
    """Return a loop that pushes and pops."""

    def loop() -> None:
        for _ in range(SMALL):
            push(VALUE)
            pop()

    return loop


def against_the_kernel() -> list[Row]:
    """Measure the same calls on the twin and on the kernel's maps, which a Python program reaches through bpf(2) and ctypes.

    The kernel's side is the driver of the differential tests: buffers made once a map, a system call each. Held against the
    reach is what the rows before hold against dict and LRU caches. Beside it stands what the twin takes a lock for, since
    threads of Python may come between its steps (a lock is a third to a half of such a call), and batches, which are one
    system call for a thousand entries.
    """
    reason = unavailable()
    if reason is not None:
        return [Row("times faster than the kernel's maps", None, "", f"not measured: {reason}")]
    blob, other = os.urandom(KEY * SMALL), os.urandom(KEY * SMALL)
    places = list(range(0, len(blob), KEY))
    keys = [blob[at : at + KEY] for at in places]
    values = [VALUE] * SMALL
    indices = list(range(SMALL))
    with (
        KernelMap(HASH, KEY, 64, 2 * SMALL) as kernel_hash,
        KernelMap(LRU_HASH, KEY, 64, SMALL) as kernel_lru,
        KernelMap(ARRAY, 4, 64, SMALL) as kernel_array,
        KernelMap(QUEUE, 0, 64, SMALL) as kernel_queue,
    ):
        hashed, lru, array = HashMap(KEY, 64, 2 * SMALL), LruHashMap(KEY, 64, SMALL), ArrayMap(64, SMALL)
        queue = Queue(64, SMALL)
        for table in (hashed, lru, kernel_hash, kernel_lru):
            for key in keys:
                table.update(key, VALUE)
        pairs: dict[str, tuple[Loop, Loop]] = {
            "hash lookup": (fresh(hashed.lookup, blob, places), fresh(kernel_hash.lookup, blob, places)),
            "hash update": (updating(hashed.update, blob, places), updating(kernel_hash.update, blob, places)),
            "hash insert and delete": (
                inserting(hashed.update, hashed.delete, other),
                inserting(kernel_hash.update, kernel_hash.delete, other),
            ),
            "LRU lookup": (fresh(lru.lookup, blob, places), fresh(kernel_lru.lookup, blob, places)),
            "LRU update": (updating(lru.update, blob, places), updating(kernel_lru.update, blob, places)),
            "array lookup": (by_index(array.lookup, indices), by_bytes(kernel_array.lookup, indices)),
            "array update": (
                by_index(lambda index: array.update(index, VALUE), indices),
                by_bytes(lambda key: kernel_array.update(key, VALUE), indices),
            ),
            "queue push and pop": (
                queueing(queue.push, queue.pop),
                queueing(lambda value: kernel_queue.update(b"", value), kernel_queue.lookup_and_delete),
            ),
            "batch of 1,000: rewrite": (
                lambda: hashed.batch_update(keys, values),
                lambda: kernel_hash.batch_update(keys, values),
            ),
            "batch of 1,000: read": (
                lambda: hashed.batch_lookup(None, SMALL),
                lambda: kernel_hash.batch_lookup(None, SMALL),
            ),
        }
        ns = best({f"{name} {i}": (pair[i], SMALL) for name, pair in pairs.items() for i in (0, 1)})
    rows = []
    for name in pairs:
        ours, theirs = ns[f"{name} 0"], ns[f"{name} 1"]
        row, peer = f"{name}, times faster", f"the kernel's through bpf(2): {theirs:.0f} ns"
        if name in ("hash lookup", "hash update", "LRU lookup", "LRU update"):
            rows.append(Row.held(row, ours, "ns", peer, theirs / ours, ">= 3"))
        else:
            rows.append(Row(row, ours, "ns/entry" if "batch" in name else "ns", peer, theirs / ours))
    return rows


def sizes() -> list[Row]:
    """Measure maps of 1,000,000 entries against those of 1,000.

    Held against the reach with the same number of different keys in use, 1,000 of them spread over the whole map: what a
    larger map costs an operation. What they show is where memory lies: a lookup goes to four places, the dict's two tables,
    the key and the value, and 1,000 spread entries are on thousands of pages. 1,000 that were stored one after the other
    cost the same as in a small map, and those rows stand beside. So do, against a plain dict's, those with every key in
    use: there the processor's caches tell more than the map does.
    """
    blob = os.urandom(KEY * LARGE)
    rng = random.Random(1)
    uses = {
        SMALL: {
            "": list(range(SMALL)),
            ", stored one after the other": list(range(SMALL)),
            ", all keys in order": list(range(SMALL)),
            ", all keys at random": list(range(SMALL)),
        },
        LARGE: {
            "": sorted(rng.sample(range(LARGE), SMALL)),
            ", stored one after the other": list(range(SMALL)),
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
            # As a program that gets them one after the other: what a larger place to find them in costs is not the map's.
            used = b"".join(blob[KEY * index : KEY * index + KEY] for index in indices)
            places = list(range(0, len(used), KEY))
            for name, loop in {
                "dict.get": fresh(table.get, used, places),
                "hash lookup": fresh(hashed.lookup, used, places),
                "hash update": updating(hashed.update, used, places),
                "LRU lookup": fresh(lru.lookup, used, places),
                "LRU update": updating(lru.update, used, places),
                "array lookup": by_index(array.lookup, indices),
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
    ns = best({f"{name} {i}": (loop, SMALL) for name, pair in pairs.items() for i, loop in enumerate(pair[:2])})
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
        rows = single_calls() + against_the_kernel() + sizes() + batches()
        publish("twin", "the twin (16-byte keys made afresh, 64-byte values)", rows)


if __name__ == "__main__":
    main()

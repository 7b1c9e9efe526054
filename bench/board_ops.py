"""Runs on a board: prints what one operation takes, maps against MicroPython's own dict and deque, as a line of JSON.

64 random keys of 8 bytes, in a map of 128 entries. For dict and deque keys and values are made afresh (bytes objects of the
caller's buffers: what a driver has); the maps take the buffers. Every key is used `ROUNDS` times and all of that is timed, the
collections that the garbage causes too. The cost of the empty loop is taken off.

One call does all rounds. A function with so many variables has its frame on the heap, and for each frame the collector looks for
room from the beginning of the heap, over all that is taken; only objects of one block, which dict and deque make and maps do not,
have it begin further on. With a call a round, a lookup on a stock Pico took 7.6 us in a program that measured little else, and
13.3 us in this one as soon as the last small holes in 160 KB of heap were filled.

More than 300 lines: one program that a board runs as it is.
"""

import gc
import json
import random
import sys
import time
from binascii import unhexlify
from collections import deque

GUARD = "none"  # whoever sends this program may replace these
KERNELS = None  # None: those in C where the firmware has them; "viper"
# Keys in hexadecimal that share one bucket in a map with seed 0; with them only the longest operations are measured.
COLLIDING = ""
ROUNDS = 40
COUNT = 100_000  # operations that must take no heap
CHURN = 500_000  # pairs of an insert and a delete
FULL = 512  # entries of the map whose longest operations are told


class Config:
    """Stands in for the board's boardmaps_config."""

    GUARD = GUARD
    KERNELS = KERNELS


sys.modules["boardmaps_config"] = Config

gc.collect()
before = gc.mem_alloc()
from boardmaps import ArrayMap, HashMap, Queue, RingBuf, Stack, StaticPool  # noqa: E402

gc.collect()
imported = gc.mem_alloc() - before

KEYS = 64
if hasattr(time, "ticks_cpu") and sys.platform == "qemu":
    UNIT, ticks = "ticks", time.ticks_cpu
else:
    UNIT, ticks = "us", time.ticks_us


def noise():
    """Return 8 random bytes, the same at every run (an emulated Pico has no randomness in os.urandom)."""
    return random.getrandbits(30).to_bytes(4, "little") + random.getrandbits(30).to_bytes(4, "little")


def operations():
    """Return {name: function of no arguments that does it ROUNDS times for every key}."""
    hashed = HashMap(8, 8, 2 * KEYS)
    array = ArrayMap(8, KEYS)
    counters = ArrayMap(8, KEYS)
    queue, stack, ring = Queue(16, KEYS), Stack(16, KEYS), RingBuf(4096)
    plain, short = {}, {}
    line = deque((), KEYS)  # noqa: RUF037 - MicroPython's needs both
    keys = [bytearray(noise()) for _ in range(KEYS)]
    fresh = [bytearray(noise()) for _ in range(KEYS)]
    indices = [bytearray((i, 0, 0, 0)) for i in range(KEYS)]
    numbers = list(range(KEYS))
    value, out, sample = bytearray(8), bytearray(8), bytearray(16)
    for i in numbers:
        hashed.update(keys[i], value)
        plain[bytes(keys[i])] = bytes(value)
        short[bytes(indices[i])] = bytes(value)

    def loop():
        for _ in range(ROUNDS):
            for _ in keys:
                pass

    def dict_get():
        get = plain.get
        for _ in range(ROUNDS):
            for key in keys:
                get(bytes(key))

    def dict_get_short():
        get = short.get
        for _ in range(ROUNDS):
            for key in indices:
                get(bytes(key))

    def dict_set():
        d = plain
        for _ in range(ROUNDS):
            for key in keys:
                d[bytes(key)] = bytes(value)

    def dict_insert_delete():
        d = plain
        for _ in range(ROUNDS):
            for key in fresh:
                d[bytes(key)] = bytes(value)
                del d[bytes(key)]

    def deque_append_popleft():
        append, popleft = line.append, line.popleft
        for _ in range(ROUNDS):
            for _ in keys:
                append(bytes(sample))
                popleft()

    def hash_lookup_into():
        lookup_into = hashed.lookup_into
        for _ in range(ROUNDS):
            for key in keys:
                lookup_into(key, out)

    def hash_lookup():
        lookup = hashed.lookup
        for _ in range(ROUNDS):
            for key in keys:
                lookup(key)

    def hash_update():
        update = hashed.update
        for _ in range(ROUNDS):
            for key in keys:
                update(key, value)

    def hash_insert_delete():
        update, delete = hashed.update, hashed.delete
        for _ in range(ROUNDS):
            for key in fresh:
                update(key, value)
                delete(key)

    def hash_add():
        add = hashed.add
        for _ in range(ROUNDS):
            for key in keys:
                add(key, 1)

    def array_lookup_into():
        lookup_into = array.lookup_into
        for _ in range(ROUNDS):
            for i in numbers:
                lookup_into(i, out)

    def array_update():
        update = array.update
        for _ in range(ROUNDS):
            for i in numbers:
                update(i, value)

    def array_add():
        add = counters.add
        for _ in range(ROUNDS):
            for i in numbers:
                add(i, 1)

    def queue_push_pop():
        push, pop_into = queue.push, queue.pop_into
        for _ in range(ROUNDS):
            for _ in keys:
                push(sample)
                pop_into(sample)

    def stack_push_pop():
        push, pop_into = stack.push, stack.pop_into
        for _ in range(ROUNDS):
            for _ in keys:
                push(sample)
                pop_into(sample)

    def ring_output_read():
        output, read_into = ring.output, ring.read_into
        for _ in range(ROUNDS):
            for _ in keys:
                output(sample)
                read_into(sample)

    return {
        "loop": loop,
        "dict_get": dict_get,
        "dict_get_short": dict_get_short,
        "dict_set": dict_set,
        "dict_insert_delete": dict_insert_delete,
        "deque_append_popleft": deque_append_popleft,
        "hash_lookup_into": hash_lookup_into,
        "hash_lookup": hash_lookup,
        "hash_update": hash_update,
        "hash_insert_delete": hash_insert_delete,
        "hash_add": hash_add,
        "array_lookup_into": array_lookup_into,
        "array_update": array_update,
        "array_add": array_add,
        "queue_push_pop": queue_push_pop,
        "stack_push_pop": stack_push_pop,
        "ring_output_read": ring_output_read,
    }


def timed(body):
    """Return what one of the KEYS operations of `body` takes; whole ticks where they are exact."""
    gc.collect()
    start = ticks()
    body()
    spent = time.ticks_diff(ticks(), start) / ROUNDS / KEYS
    return round(spent) if UNIT == "ticks" else spent  # exact but for the fraction of a tick at which a run begins


def worst(n, key_of):
    """Return {operation: the longest one} of a map that n keys fill; as many others are not there.

    What a call of nothing takes at least is taken off: no operation took longer than is said here.
    """
    StaticPool.reset()
    gc.collect()
    keys = [key_of(i) for i in range(2 * n)]
    m = HashMap(8, 8, n)
    lookup_into, update, delete = m.lookup_into, m.update, m.delete
    key, other, value = bytearray(8), bytearray(8), bytearray(8)
    for k in keys[:n]:
        update(k, value)
    calls = (
        ("nothing", lambda: None),
        ("lookup_into", lambda: lookup_into(key, value)),
        ("update", lambda: update(key, value)),
        ("delete", lambda: delete(key)),
        ("insert", lambda: update(key, value)),
        ("lookup_into, a miss", lambda: lookup_into(other, value)),
    )
    longest = [0] * len(calls)
    least = 1 << 29
    gc.collect()
    gc.disable()  # a collection is not the map's
    for number in range(n):
        key[:] = keys[number]
        other[:] = keys[n + number]
        for i, (_, call) in enumerate(calls):
            start = ticks()
            call()
            spent = time.ticks_diff(ticks(), start)
            longest[i] = max(spent, longest[i])
            if i == 0:
                least = min(spent, least)
    gc.enable()
    return {calls[i][0]: longest[i] - least for i in range(1, len(calls))}


def chosen():
    """Return {what keys they are: function that gives the i-th}, as somebody may choose who does not know a map's seed."""
    return {
        "random": lambda _: noise(),
        "counters": lambda i: i.to_bytes(8, "little"),
        "counters, big-endian": lambda i: i.to_bytes(8, "big"),
        "multiples of 2**16": lambda i: (i << 16).to_bytes(8, "little"),
        "one bucket of seed 0": lambda i: unhexlify(COLLIDING[16 * i : 16 * i + 16]),
    }


def after_churn(pairs):
    """Return what a lookup takes in a new map, and in one that has seen `pairs` random inserts and deletes."""
    StaticPool.reset()
    keys = [bytearray(noise()) for _ in range(KEYS)]
    others = [bytearray(noise()) for _ in range(KEYS)]
    key, out = bytearray(8), bytearray(8)
    old, new = HashMap(8, 8, 2 * KEYS), HashMap(8, 8, 2 * KEYS)
    new._slice[32:40] = old._slice[32:40]  # the seed and the multiplier: both maps have the same chains
    for k in keys:
        old.update(k, out)
    for i in range(pairs):
        key[:] = others[i * 7 & KEYS - 1]
        key[i & 7] ^= i >> 3 & 255
        old.update(key, out)
        old.delete(key)
        if not i & 15:  # the keys that stay move to other places, too
            k = keys[i >> 4 & KEYS - 1]
            old.delete(k)
            old.update(k, out)
    for k in keys:
        new.update(k, out)

    def lookups(lookup_into):
        def body():
            for _ in range(ROUNDS):
                for k in keys:
                    lookup_into(k, out)

        return timed(body)

    return lookups(new.lookup_into), lookups(old.lookup_into)


def mixed(count, hashed, array, key, out):
    """Do about `count` operations of every kind with the same buffers."""
    for i in range(count // 8):
        key[0] = i & 63
        hashed.update(key, out)
        hashed.lookup_into(key, out)
        hashed.add(key, 1)
        array.update(i & 63, out)
        array.lookup_into(i & 63, out)
        array.add(i & 63, 1)
        array.delete(i & 63)
        hashed.delete(key)


def heap_of_operations(count):
    """Return the bytes that `count` operations take of the heap; no collection helps, for it is off."""
    hashed, array, key, out = HashMap(8, 8, 64), ArrayMap(8, 64), bytearray(8), bytearray(8)
    mixed(800, hashed, array, key, out)
    gc.collect()
    gc.disable()
    held = gc.mem_alloc()
    mixed(count, hashed, array, key, out)
    held = gc.mem_alloc() - held
    gc.enable()
    return held


def heap_of_server():
    """Return the bytes of heap that a server takes, its modules included."""
    gc.collect()
    held = gc.mem_alloc()
    # what it takes of the heap is measured here
    from boardmaps import Server

    server = Server()
    gc.collect()
    held = gc.mem_alloc() - held
    server.close()
    return held


def main():
    """Measure everything and print it."""
    random.seed(1)
    if COLLIDING:
        print(json.dumps({"worst": {kind: worst(FULL, key_of) for kind, key_of in chosen().items()}, "full": FULL}))
        return
    heap = {"imported": imported, "server": heap_of_server()}
    bodies = operations()
    empty = timed(bodies.pop("loop"))
    times = {name: timed(body) - empty for name, body in bodies.items()}
    if GUARD == "none":
        StaticPool.reset()
        heap["count"] = COUNT
        heap["operations"] = heap_of_operations(COUNT)
        print(json.dumps({"churn": after_churn(CHURN), "churned": 2 * CHURN}))
    print(json.dumps({"unit": UNIT, "operations": times, "heap": heap}))


main()

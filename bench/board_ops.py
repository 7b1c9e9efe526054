"""Runs on a board: prints what one operation takes, maps against the built-in dict, as JSON.

Keys are made afresh for the dict (a bytes object from the caller's buffer: what a driver has), and are the caller's buffer for
the maps. The cost of the empty loop is taken off. `ticks` is the board's clock; counts are per operation, in its unit.
"""

import gc
import json
import time

from boardmaps import ArrayMap, HashMap

try:
    from bench_clock import UNIT, ticks  # a board with an exact counter brings its own
except ImportError:
    UNIT = "ns"

    def ticks():
        return time.ticks_us() * 1000


N = 100  # operations in one timed block: the caller repeats blocks
KEYS = 64


def timed(body, repeat):
    """Return the least time that `body(N)` took in `repeat` blocks."""
    best = None
    for _ in range(repeat):
        start = ticks()
        body(N)
        spent = ticks() - start
        if best is None or spent < best:
            best = spent
    return best


def run(repeat=20):
    """Measure everything; return {name: time of one operation}."""
    hashed = HashMap(8, 8, 2 * KEYS)
    array = ArrayMap(8, KEYS)
    plain = {}
    short = {}
    key = bytearray(8)
    index = bytearray(4)
    value = bytearray(8)
    out = bytearray(8)
    for i in range(KEYS):
        key[0] = i
        index[0] = i
        hashed.update(key, value)
        plain[bytes(key)] = bytes(value)
        short[bytes(index)] = bytes(value)
    key[0] = index[0] = KEYS // 2

    def loop(n):
        for _ in range(n):
            pass

    def dict_get(n):
        get = plain.get
        for _ in range(n):
            get(bytes(key))

    def dict_get_short(n):
        get = short.get
        for _ in range(n):
            get(bytes(index))

    def dict_set(n):
        d = plain
        for _ in range(n):
            d[bytes(key)] = bytes(value)

    def dict_insert_delete(n):
        d = plain
        for _ in range(n):
            d[bytes(fresh)] = bytes(value)
            del d[bytes(fresh)]

    def hash_lookup_into(n):
        lookup_into = hashed.lookup_into
        for _ in range(n):
            lookup_into(key, out)

    def hash_lookup(n):
        lookup = hashed.lookup
        for _ in range(n):
            lookup(key)

    def hash_update(n):
        update = hashed.update
        for _ in range(n):
            update(key, value)

    def hash_insert_delete(n):
        update = hashed.update
        delete = hashed.delete
        for _ in range(n):
            update(fresh, value)
            delete(fresh)

    def array_lookup_into(n):
        lookup_into = array.lookup_into
        for _ in range(n):
            lookup_into(7, out)

    def array_update(n):
        update = array.update
        for _ in range(n):
            update(7, value)

    fresh = bytearray(b"freshkey")
    found = {}
    bodies = (
        dict_get,
        dict_get_short,
        dict_set,
        dict_insert_delete,
        hash_lookup_into,
        hash_lookup,
        hash_update,
        hash_insert_delete,
        array_lookup_into,
        array_update,
    )
    gc.collect()
    empty = timed(loop, repeat)
    for body in bodies:
        gc.collect()
        found[body.__name__] = (timed(body, repeat) - empty) / N
    return found


print(json.dumps({"unit": UNIT, "operations": run()}))

"""Runs on a board: ticks of the operations that set the mark of a slice, and of a look-up, as JSON."""

import gc
import json
import time

from boardmaps import ArrayMap, HashMap, PerCpuArray, Queue

ROUNDS = 2000


def measured():
    """Return {operation: ticks of one, the loop's own taken off}."""
    hashed, array, rows, queue = HashMap(8, 8, 64), ArrayMap(8, 64), PerCpuArray(8, 64), Queue(8, 64)
    key, value = bytearray(b"12345678"), bytearray(8)
    hashed.update(key, value)

    def loop():
        pass

    def popped():
        queue.push(value)
        queue.pop_into(value)

    bodies = {
        "hash update": lambda: hashed.update(key, value),
        "hash add": lambda: hashed.add(key, 1),
        "hash look-up": lambda: hashed.lookup_into(key, value),
        "array update": lambda: array.update(5, value),
        "array add": lambda: array.add(5, 1),
        "array look-up": lambda: array.lookup_into(5, value),
        "per-CPU array add": lambda: rows.add(5, 1),
        "queue push and pop": popped,
        "": loop,
    }
    found = {}
    for name, body in bodies.items():
        gc.collect()
        begin = time.ticks_cpu()
        for _ in range(ROUNDS):
            body()
        found[name] = time.ticks_diff(time.ticks_cpu(), begin) / ROUNDS
    empty = found.pop("")
    return {name: spent - empty for name, spent in found.items()}


print(json.dumps(measured()))

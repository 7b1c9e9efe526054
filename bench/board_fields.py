"""Runs on a board: ticks of a field's get and set by prepared functions, and of lookup_into and struct without names, as JSON."""

import gc
import json
import time
from struct import pack_into, unpack_from

from boardmaps import ArrayMap, HashMap

ROUNDS = 2000
VALUE = "temp:i16/100, mode:u8{off,heat,cool}, on:bool, total:u32"


def measured(m, key):
    """Return {name: ticks of one}, the loop's own taken off, and the heap that ROUNDS of a get, a set and an add take."""
    temp = m.field("temp").raw
    get, store, add = temp.get, temp.set, temp.add
    value, part = bytearray(m.definition.value_size), bytearray(2)
    lookup_into, update, update_part = m.lookup_into, m.update, m.update_part

    def loop():
        for _ in range(ROUNDS):
            pass

    def field_get():
        for _ in range(ROUNDS):
            get(key)

    def struct_get():
        for _ in range(ROUNDS):
            lookup_into(key, value)
            unpack_from("<h", value, 0)[0]

    def field_set():
        for _ in range(ROUNDS):
            store(key, -5)

    def struct_set():
        for _ in range(ROUNDS):
            lookup_into(key, value)
            pack_into("<h", value, 0, -5)
            update(key, value)

    def part_set():
        for _ in range(ROUNDS):
            pack_into("<h", part, 0, -5)
            update_part(key, 0, part)

    def field_add():
        for _ in range(ROUNDS):
            add(key, -1)

    found = {}
    for work in (loop, field_get, struct_get, field_set, struct_set, part_set, field_add):
        gc.collect()
        begin = time.ticks_cpu()
        work()
        found[work.__name__] = time.ticks_diff(time.ticks_cpu(), begin) / ROUNDS
    gc.collect()
    before = gc.mem_alloc()
    field_get()
    field_set()
    field_add()
    found["heap"] = gc.mem_alloc() - before
    return found


rows = HashMap.typed("rooms", key="room:8s", value=VALUE, max_entries=64)
array = ArrayMap.typed("array", value=VALUE, max_entries=64)
rows.update(b"kitchen\0", bytes(rows.definition.value_size))
print(json.dumps({"hash": measured(rows, b"kitchen\0"), "array": measured(array, 7)}))

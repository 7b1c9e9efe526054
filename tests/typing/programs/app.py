"""A program for the computer. On a board LruHashMap and resize() do not exist: the marked lines are those that must fail."""

import struct

from boardmaps import ArrayMap, HashMap, LruHashMap  # not embedded: attr-defined

hits = ArrayMap.with_entries(value_size=8, max_entries=100, name="hits")
temps = HashMap(key_size=8, value_size=4, max_entries=64, name="temps")


def count(index: int) -> int:
    temps.update(b"kitchen\0", struct.pack("<i", index))
    return hits.add(index, 1)


def grow() -> None:
    hits.resize(200)  # not embedded: attr-defined
    temps.resize(128)  # not embedded: attr-defined
    recent = LruHashMap(key_size=8, value_size=4, max_entries=64)
    recent.update(b"kitchen\0", b"\x15\0\0\0")

"""A program for the board. On the computer there is no pool, nor MicroPython's library: the marked lines must fail there."""

import gc
import time

from boardmaps import HashMap, StaticPool, serve  # not cloud: attr-defined attr-defined

temps = HashMap(key_size=8, value_size=4, max_entries=64, name="temps")


def main() -> None:
    started = time.ticks_ms()  # not cloud: attr-defined
    if StaticPool.remaining() < 1024 or gc.mem_free() < 4096:  # not cloud: attr-defined
        raise MemoryError
    value: bytes | None = temps.lookup(b"kitchen\0")
    print(value, time.ticks_diff(time.ticks_ms(), started))  # not cloud: attr-defined attr-defined
    serve(allow_reset=True)

"""The embedded maps on MicroPython's unix port: times against its own dict in the same run, and how much a pool holds.

The times have no reach: they are this machine's wall clock.
"""

import json
import os
import subprocess
from pathlib import Path

from bench.report import Row, publish
from boardmaps.definition import MapDef, slice_size
from boardmaps.kinds import HASH
from boardmaps_host.planner import POOL_SIZE
from boardmaps_sim.find import find_micropython

FIRMWARE = Path(__file__).parents[1] / "firmware"

PEERS = {
    "hash_lookup_into": "dict_get",
    "hash_lookup": "dict_get",
    "hash_update": "dict_set",
    "hash_insert_delete": "dict_insert_delete",
    "array_lookup_into": "dict_get_short",
    "array_update": "dict_get_short",
    "array_add": "dict_get_short",
    "queue_push_pop": "deque_append_popleft",
    "stack_push_pop": "deque_append_popleft",
    "ring_output_read": "deque_append_popleft",
}


# Makes the largest map that the pool has room for, fills it, and looks at every entry.
FILL = """
from boardmaps import HashMap, OutOfMemory, StaticPool
try:
    HashMap({key}, {value}, {most} + 1)
    raise SystemExit("one more than planned fits")
except OutOfMemory:
    pass
m = HashMap({key}, {value}, {most})
for i in range({most}):
    m.update(i.to_bytes({key}, "big"), i.to_bytes({value}, "big"))
assert all(m.lookup(i.to_bytes({key}, "big")) == i.to_bytes({value}, "big") for i in range({most}))
try:
    m.update(b"k" * {key}, bytes({value}))
    raise SystemExit("more than max_entries fit")
except OutOfMemory:
    pass
print(len(m), StaticPool.used(), StaticPool.total_size())
"""


def run(code: str) -> str:
    """Run a program on the unix port with boardmaps at hand; return what it printed."""
    done = subprocess.run(
        [find_micropython(None), "-X", "heapsize=2M", "-c", code],
        env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def measure() -> dict[str, float]:
    """Run the board's program, many rounds: the clock there counts microseconds. Returns nanoseconds."""
    code = (Path(__file__).parent / "board_ops.py").read_text().replace("ROUNDS = 40\n", "ROUNDS = 4000\n")
    operations: dict[str, float] = json.loads(run(code).splitlines()[-1])["operations"]
    return {name: spent * 1000 for name, spent in operations.items()}


def capacity(key: int, value: int) -> Row:
    """Plan the largest hash map of such entries that a pool has room for, and make and fill it on the unix port."""
    bare = POOL_SIZE / (key + value)
    most = int(bare)
    while slice_size(MapDef(HASH, key, value, most)) > POOL_SIZE:
        most -= 1
    count, used, total = map(int, run(FILL.format(key=key, value=value, most=most)).split())
    if (count, used, total) != (most, slice_size(MapDef(HASH, key, value, most)), POOL_SIZE):
        raise SystemExit(f"planned {most} entries in {POOL_SIZE} bytes, and the board has {count} in {used} of {total}")
    name = f"pool of {total:,} bytes: entries of {key} and {value} bytes"
    return Row.held(name, count, "entries", f"{bare:.0f} without header and index", count / bare, ">= 0.94")


def main() -> None:
    """Measure and publish; the ratio says how many times faster than the dict."""
    found = measure()
    rows = [Row(name, found[name], "ns") for name in dict.fromkeys(PEERS.values())]
    rows += [Row(name, found[name], "ns", peer, found[peer] / found[name]) for name, peer in PEERS.items()]
    rows.append(capacity(16, 64))
    publish("unix", "embedded maps on the unix port (64-bit; keys made afresh; ratio: times faster than dict)", rows)


if __name__ == "__main__":
    main()

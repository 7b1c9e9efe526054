"""The embedded maps on MicroPython's unix port, against its own dict in the same run. No reach: wall-clock time of this machine."""

import json
import os
import subprocess
from pathlib import Path

from report import Row, publish

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


def measure() -> dict[str, float]:
    """Run the board's program, many rounds: the clock there counts microseconds. Returns nanoseconds."""
    code = (Path(__file__).parent / "board_ops.py").read_text().replace("ROUNDS = 40\n", "ROUNDS = 4000\n")
    done = subprocess.run(
        [find_micropython(None), "-X", "heapsize=2M", "-c", code],
        env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    operations: dict[str, float] = json.loads(done.stdout.splitlines()[-1])["operations"]
    return {name: spent * 1000 for name, spent in operations.items()}


def main() -> None:
    """Measure and publish; the ratio says how many times faster than the dict."""
    found = measure()
    rows = [Row(name, found[name], "ns") for name in dict.fromkeys(PEERS.values())]
    rows += [Row(name, found[name], "ns", peer, found[peer] / found[name]) for name, peer in PEERS.items()]
    publish("unix", "embedded maps on the unix port (64-bit; keys made afresh; ratio: times faster than dict)", rows)


if __name__ == "__main__":
    main()

"""The line for long: what CI does in short, a hundred times over. `python -m soak.line`, a few minutes; any miss is an error."""

import os
import random
import sys
import time

from bench.report import Row, publish
from boardmaps import ArrayMap
from boardmaps.session import ServerSession
from boardmaps_host import connect
from boardmaps_host.deploy import deploy
from boardmaps_sim.faulty import Faults
from boardmaps_sim.relay import FaultyBoard
from boardmaps_sim.unix import UnixBoard, default_port
from tests.link.fuzz import fuzz_host, fuzz_server, resynchronised
from tests.link.simulation import World, run

_BAD = Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3, latency=0.001)
_WORSE = Faults(corrupt=1e-2, loss=1e-3, duplicate=1e-3, latency=0.001)


def exactly_once(name: str, faults: Faults, operations: int) -> Row:
    """Have so many additions done in sessions of 10,000, each with a seed of its own."""
    wrong = 0
    for seed in range(operations // 10_000):
        world = World(seed, faults)
        outcomes = run(world, 10_000)
        wrong += abs(world.total - outcomes["done"]) + 10_000 - outcomes["done"]
    return Row.held(f"exactly once, {name}: {operations:,} additions, wrong", wrong, "", "", wrong, "<= 0")


def on_the_unix_board(operations: int) -> Row:
    """The same on a real board behind the relay."""
    name = f"soak-{os.getpid()}"
    inner = UnixBoard(name, port=default_port(name))
    with FaultyBoard(inner, Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3), 7) as running:
        deploy(inner.port, reset=False)
        with connect(running.port, allow_reset=True) as board:
            board.pool.reset()
            m = board.create_map(ArrayMap, value_size=4, max_entries=1, name="sum")
            for _ in range(operations):
                m.add(0, 1)
            total = int.from_bytes(m.lookup(0) or b"", "little")
    wrong = abs(total - operations)
    return Row.held(f"exactly once, unix board, relay: {operations:,} additions, wrong", wrong, "", "", wrong, "<= 0")


def main() -> int:
    """Print the table; return 1 when something was missed."""
    start = time.monotonic()
    missed = sum(not resynchronised(seed) for seed in range(100_000))
    rows = [
        exactly_once("1e-3", _BAD, 1_000_000),
        exactly_once("1e-2", _WORSE, 100_000),
        Row.held("in step again after garbage: 100,000 seeds, missed", missed, "", "", missed, "<= 0"),
    ]
    accepted = fuzz_host(random.Random(1), 1_000_000)
    rows.append(Row.held("host decoder: 1,000,000 broken frames, accepted", accepted, "", "", accepted, "<= 0"))
    accepted = fuzz_server(random.Random(2), 100_000, ServerSession)
    rows.append(Row.held("board's session: 100,000 broken frames, executed", accepted, "", "", accepted, "<= 0"))
    rows.append(on_the_unix_board(10_000))
    rows.append(Row("time", time.monotonic() - start, "s"))
    publish("line-soak", "The line, soaked", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""The line for long: what CI does in short, a hundred times over. `python -m soak.line`, an hour; any miss is an error."""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from bench.report import Row, none, publish
from boardmaps import ArrayMap
from boardmaps.line.session import ServerSession
from boardmaps_host import Board, connect
from boardmaps_host.deploy import deploy
from boardmaps_sim.faulty import Faults
from boardmaps_sim.relay import FaultyBoard
from boardmaps_sim.unix import UnixBoard
from soak.restless import restless
from tests.link import hostile
from tests.link.fuzz import fuzz_board, fuzz_host, fuzz_requests, fuzz_server, resynchronised
from tests.link.orders import FAULTS, BrokenRule, Walk
from tests.link.simulation import World, at_every_byte, faults_of, mixed, run, script

_BAD = Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3, latency=0.001)
_WORSE = Faults(corrupt=1e-2, loss=1e-3, duplicate=1e-3, latency=0.001)


def seeds(n: int) -> Row:
    """Run so many short sessions, each on a line that is bad in a way of its own."""
    wrong = 0
    for seed in range(n):
        try:
            run(World(seed, faults_of(seed)), 8)
        except AssertionError as e:
            wrong += 1
            print(e, *e.__notes__)
    return none(f"short sessions on bad lines: {n:,} seeds, wrong", wrong)


def interrupted(sessions: int) -> list[Row]:
    """Have the board restart, and the port close, at every byte of so many sessions."""
    rows = []
    kinds: tuple[tuple[Literal["reset", "board", "host"], str], ...] = (
        ("reset", "board reset"),
        ("board", "port closed, to the board"),
        ("host", "port closed, from it"),
    )
    for what, name in kinds:
        at = wrong = 0
        for seed in range(sessions):
            for world in at_every_byte(seed, what):
                at += 1
                try:
                    outcomes = script(world)
                    wrong += what != "reset" and outcomes != Counter(done=12)
                except AssertionError as e:
                    wrong += 1
                    print(e, *e.__notes__)
        rows.append(none(f"{name}: at each of {at:,} bytes, wrong", wrong))
    return rows


def exactly_once(name: str, faults: Faults, operations: int) -> Row:
    """Have so many additions done in sessions of 10,000, each with a seed of its own."""
    wrong = 0
    for seed in range(operations // 10_000):
        world = World(seed, faults)
        outcomes = run(world, 10_000)
        wrong += abs(world.total - outcomes["done"]) + 10_000 - outcomes["done"]
    return none(f"exactly once, {name}: {operations:,} additions, wrong", wrong)


def everything_at_once(operations: int) -> list[Row]:
    """Have additions done while errors, bursts, silences, cuts and restarts come, also inside long replies."""
    outcomes: Counter[str] = Counter()
    happened: Counter[str] = Counter()
    wrong = 0
    for seed in range(operations // 10_000):
        try:
            found, more = mixed(seed, 10_000)
        except AssertionError as e:
            wrong += 1
            print(e, *e.__notes__)
            continue
        outcomes.update(found)
        happened.update(more)
    name = f"everything at once: {operations:,} additions"
    return [none(f"{name}, lost, doubled or answered wrong", wrong)] + [
        Row(f"{name}, {what}", n, "") for what, n in (*outcomes.items(), *happened.items())
    ]


# Walks through every order of faults: scenario, faults at most, of which sorts.
_WALKS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("plain", 3, FAULTS),
    ("pieces", 3, FAULTS),
    ("hosts", 2, FAULTS),
    ("long", 3, FAULTS),
    ("short", 4, FAULTS),
    ("locked", 1, FAULTS),
    *(("short", 5, three) for three in combinations(FAULTS, 3)),
)


def walked(scenario: str, faults: int, sorts: tuple[str, ...]) -> tuple[int, str]:
    """Walk through all orders of a small session; return the states, and what breaks a rule with the line that replays it."""
    walk = Walk(scenario, faults, sorts)
    try:
        return walk.run(), ""
    except BrokenRule as e:
        return walk.states, str(e)


def every_order(walks: list[tuple[int, str]]) -> list[Row]:
    """Tell what the walks came to."""
    rows = [
        Row(f"every order: {scenario}, {faults} faults, states", states, "")
        for (scenario, faults, sorts), (states, _) in zip(_WALKS, walks, strict=True)
        if sorts == FAULTS
    ]
    states = sum(n for n, _ in walks)
    broken = [why for _, why in walks if why]
    for why in broken:
        print(why)
    rows.append(Row.held("every order: states visited in all", states, "", "", states, ">= 1000000"))
    rows.append(none("every order: walks with an order that breaks a rule", len(broken)))
    return rows


def on_the_unix_board(operations: int) -> Row:
    """The same on a real board behind the relay."""
    with TemporaryDirectory() as folder:
        inner = UnixBoard(port=Path(folder, "port"))
        with FaultyBoard(inner, Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3), 7) as running:
            deploy(inner.port, reset=False)
            total = _added(running.port, operations)
    wrong = abs(total - operations)
    return none(f"exactly once, unix board, relay: {operations:,} additions, wrong", wrong)


def restless_board(operations: int) -> list[Row]:
    """Do the same on a real board that restarts, behind a line on which everything happens."""
    host = restless(operations)
    for what in host.wrong:
        print(what)
    name = f"everything at once, unix board: {operations:,} operations"
    restarts = host.happened.pop("restarts")
    held = [none(f"{name}, wrong", len(host.wrong)), Row.held(f"{name}, restarts", restarts, "", "", restarts, ">= 1")]
    return held + [Row(f"{name}, {what}", n, "") for what, n in host.happened.items()]


def _added(port: str, operations: int) -> int:
    with connect(port, allow_reset=True, share=False) as board:
        board.pool.reset()
        m = board.create_map(ArrayMap, value_size=4, max_entries=1, name="sum")
        for _ in range(operations):
            m.add(0, 1)
        return int.from_bytes(m.lookup(0) or b"", "little")


def _served(board: UnixBoard) -> Board:
    """Connect to a board that has nothing on it yet."""
    deploy(board.port, reset=False)
    return connect(board.port, share=False)


def broken_frames() -> list[Row]:
    """Give both decoders, and a real board, what nobody would send."""
    rows = [
        none("host decoder: 1,000,000 broken frames, accepted", fuzz_host(random.Random(1), 1_000_000)),
        none("board's session: 100,000 broken frames, executed", fuzz_server(random.Random(2), 100_000, ServerSession)),
    ]
    with TemporaryDirectory() as folder, UnixBoard(port=Path(folder, "port")) as running, _served(running) as board:
        rows.append(
            none("unix board: 1,000,000 broken frames, executed", fuzz_board(random.Random(3), 1_000_000, board))
        )
        wrong = fuzz_requests(random.Random(4), 100_000, board.link.request)
        rows.append(none("unix board: 100,000 requests of nonsense, not answered", wrong))
    return rows


def resynchronising(sessions: int) -> Row:
    """Put garbage before a frame, and see that the frame is found."""
    missed = sum(not resynchronised(seed) for seed in range(sessions))
    return none(f"in step again after garbage: {sessions:,} seeds, missed", missed)


def hostile_board(frames: int) -> Row:
    """Let boards answer anything; each seed is one of 2,000 frames."""
    wrong = 0
    for seed in range(frames // 2000):
        try:
            hostile.run(seed, 2000)
        except Exception as e:
            wrong += 1
            print(type(e).__name__, e, *e.__notes__)
    return none(f"hostile board: {frames:,} frames, other exceptions or unbounded calls", wrong)


# What is run, each part in a process of its own, with the arguments of its function; its rows are in the table in this order.
_PARTS: tuple[tuple[Callable[..., Row | list[Row]], tuple[object, ...]], ...] = (
    (hostile_board, (1_000_000,)),
    (exactly_once, ("1e-3", _BAD, 1_000_000)),
    (exactly_once, ("1e-2", _WORSE, 100_000)),
    (everything_at_once, (100_000,)),
    (seeds, (100_000,)),
    (interrupted, (20,)),
    (resynchronising, (100_000,)),
    (broken_frames, ()),
    (on_the_unix_board, (10_000,)),
    (restless_board, (10_000,)),
)


def main() -> int:
    """Print each part when it is done, then the table; return 1 when something was missed."""
    start = time.monotonic()

    def told(what: str) -> Callable[[object], None]:
        return lambda _: print(f"{time.monotonic() - start:6.0f} s  {what}", flush=True)

    with ProcessPoolExecutor(os.cpu_count()) as pool:
        parts = [pool.submit(part, *arguments) for part, arguments in _PARTS]
        walks = [pool.submit(walked, *walk) for walk in _WALKS]
        for doing, (part, arguments) in zip(parts, _PARTS, strict=True):
            doing.add_done_callback(told(f"{part.__name__} {arguments[0] if arguments else ''}"))
        for walking, (scenario, faults, sorts) in zip(walks, _WALKS, strict=True):
            walking.add_done_callback(told(f"every order: {scenario}, {faults} faults of {', '.join(sorts)}"))
        rows: list[Row] = []
        for done in parts:
            found = done.result()
            rows += found if isinstance(found, list) else [found]
        rows += every_order([walk.result() for walk in walks])
    rows.append(Row("time", time.monotonic() - start, "s"))
    publish("line-soak", "The line, soaked", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

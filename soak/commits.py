"""Commits under faults: `python -m soak.commits [COUNT]`. Each writes four fields over two maps; a firmware looks after each poll
whether they belong together. Torn, lost or doubled ones are errors. Under a clock of their own with restarts and cuts, whose maps
outlive the restart, and on a real board behind a bad line; made in poll(), and at the firmware's tick().
"""

import random
import sys
import time
from collections import Counter
from pathlib import Path
from struct import pack, unpack
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from bench.report import Row, none, publish
from boardmaps import ArrayMap, HashMap
from boardmaps.abi import OP_ADD, OP_COMMIT, OP_COMMITTED, OP_UPDATE_PART
from boardmaps.line.commit import Commits
from boardmaps.line.dispatch import Dispatcher
from boardmaps.line.session import ServerSession
from boardmaps_host import Board, connect
from boardmaps_host.client import commit as client_commit
from boardmaps_host.client.commit import Commit
from boardmaps_host.client.errors import LinkError
from boardmaps_host.client.link import Link
from boardmaps_host.deploy import deploy
from boardmaps_host.twin import Registry
from boardmaps_sim.faulty import Faults
from boardmaps_sim.relay import FaultyBoard
from boardmaps_sim.unix import UnixBoard
from tests.link.simulation import Often, World

KEY = b"the pair"
SECRET = 0x5A5A5A5A
LINE = Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3)
_PATIENCE = 600.0  # seconds
_RESTART = 10_000  # bytes between two restarts, and two cuts, of the simulation on the average

# What the two maps hold: in "pair" i and i ^ SECRET, in "row" 3 i and how many commits there were.
FIRMWARE = """
import boardmaps
from boardmaps import ArrayMap, HashMap
pair = HashMap(key_size=8, value_size=8, max_entries=4, name="pair")
row = ArrayMap.with_entries(value_size=8, max_entries=2, name="row")
seen = ArrayMap.with_entries(value_size=4, max_entries=3, name="seen")  # what was wrong; rounds; changes
ticks = %r
pair.update(b"the pair", (0).to_bytes(4, "little") + (0x5A5A5A5A).to_bytes(4, "little"))
a, b = bytearray(8), bytearray(8)
before = None

def look(may_change):
    global before
    pair.lookup_into(b"the pair", a)
    row.lookup_into(1, b)
    i, j = int.from_bytes(a[:4], "little"), int.from_bytes(a[4:], "little")
    k, n = int.from_bytes(b[:4], "little"), int.from_bytes(b[4:], "little")
    now = i, n
    if j != i ^ 0x5A5A5A5A or k != 3 * i:
        seen.add(0, 1)
    if before is not None and now != before:
        seen.add(2, 1)
        if not may_change or i == before[0] or n != before[1] + 1:
            seen.add(0, 1)
    before = now
    seen.add(1, 1)

server = boardmaps.Server(idle=5)
while True:
    server.poll(2)
    look(not ticks)
    if ticks:
        boardmaps.tick()
        look(True)
"""


def changes(pair: int, row: int, i: int) -> list[bytes]:
    """Return the changes of commit i: two fields of each map, as requests on the maps with these numbers."""
    index = pack("<I", 1)
    return [
        pack("<BHIH", OP_UPDATE_PART, pair, 0, 8) + KEY + pack("<I", i),
        pack("<BHIBq", OP_ADD, row, 4, 4, 1) + index,
        pack("<BHIH", OP_UPDATE_PART, row, 0, 4) + index + pack("<I", 3 * i),
        pack("<BHIH", OP_UPDATE_PART, pair, 4, 8) + KEY + pack("<I", i ^ SECRET),
    ]


class Firmware:
    """A board's maps, and its look at them after each poll, on the twin's maps, for a World.

    They outlive its restarts; what waits for a tick does not.
    """

    def __init__(self, registry: Registry, rng: random.Random, ticks: bool) -> None:
        self.pair = HashMap(8, 8, 4, name="pair")
        self.pair.update(KEY, pack("<II", 0, SECRET))
        self.row = ArrayMap.with_entries(8, 2, name="row")
        self._rng = rng
        self._ticks = ticks
        self._before = self.held()
        self.wrong: list[str] = []
        dispatcher = Dispatcher(registry)
        dispatcher.extra = dict.fromkeys((OP_COMMIT, OP_COMMITTED), self._commit)
        self.handle = dispatcher.handle
        self._commits = Commits()
        firmware = self

        class Polled(ServerSession):
            """A session, each of whose turns is a poll of this firmware's."""

            def __init__(self, *arguments: Any, **named: Any) -> None:
                super().__init__(*arguments, **named)  # type: ignore[no-untyped-call]
                firmware._commits = Commits()  # a boot

            def receive(self, data: bytes) -> bytes:
                reply: bytes = super().receive(data)
                firmware.polled()
                return reply

        self.server = Polled

    def _commit(self, request: bytes, map_of: Any) -> bytes:
        reply: bytes = self._commits.handle(request, map_of, (lambda f, *a: f(*a)) if self._ticks else None)
        return reply

    def held(self) -> tuple[int, int]:
        """Return i and the number of commits. Raises AssertionError when the fields do not belong together."""
        i, j = unpack("<II", self.pair.lookup(KEY) or b"")
        k, n = unpack("<II", self.row.lookup(1) or b"")
        if j != i ^ SECRET or k != 3 * i:
            raise AssertionError(f"torn: {i}, {j ^ SECRET}, {k / 3}, {n}")
        return i, n

    def polled(self) -> None:
        """Look, as the firmware does after each poll, and call tick() now and then where it does."""
        self._look(not self._ticks)
        if self._ticks and self._rng.random() < 0.5:
            self._commits.tick()
            self._look(True)

    def _look(self, may_change: bool) -> None:
        try:
            now = self.held()
        except AssertionError as torn:
            self.wrong.append(str(torn))
            return
        if now != self._before and (not may_change or now[0] == self._before[0]):
            self.wrong.append(f"{now} follows {self._before}")
        self._before = now


def made(link: Link, numbers: tuple[int, int], i: int, outcomes: Counter[str]) -> None:
    """Make commit i; count its outcome."""
    commit = Commit(link)
    for change in changes(*numbers, i):
        commit.stage(change)
    try:
        commit.make()
    except LinkError as e:
        outcomes["unknown" if e.may_have_happened else "refused"] += 1
    else:
        outcomes["done"] += 1


def simulated(seed: int, count: int, ticks: bool, restart: int = _RESTART) -> tuple[Counter[str], list[str]]:
    """Make so many commits under a clock of their own; return their outcomes, and what was wrong."""
    outcomes: Counter[str] = Counter()
    faults = Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3, latency=0.001)
    with Registry() as registry:
        firmware = Firmware(registry, random.Random(seed), ticks)
        often = Often(restart=restart, cut=restart)
        world = World(seed, faults, server=firmware.server, handle=firmware.handle, often=often)
        numbers = firmware.pair.id, firmware.row.id
        with mock.patch.object(client_commit, "time", world), world.link() as link:
            for i in range(1, count + 1):
                before = Counter(outcomes)
                n = firmware.held()[1]
                made(link, numbers, i, outcomes)
                found, how = firmware.held(), outcomes - before
                right = {"done": (n + 1,), "refused": (n,), "unknown": (n, n + 1)}[next(iter(how))]
                if found[1] not in right or (found[0] == i) != (found[1] == n + 1):
                    firmware.wrong.append(f"commit {i} is {how}, and {n} became {found}")
        outcomes["restarts"] = world.happened["restarts"]
        return outcomes, [f"seed {seed}: {what}" for what in firmware.wrong]


def on_the_unix_board(seed: int, count: int, ticks: bool) -> tuple[Counter[str], list[str]]:
    """Make so many commits on a real board behind a bad line; return their outcomes, and what was wrong."""
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    with TemporaryDirectory() as folder:
        program = Path(folder, "program.py")
        program.write_text(FIRMWARE % ticks)
        inner = UnixBoard(port=Path(folder, "port"))
        with FaultyBoard(inner, LINE, seed) as running:
            deploy(inner.port, app=program)
            with connect(running.port, share=False, timeout=_PATIENCE) as board:
                many(board, count, outcomes, wrong)
                outcomes["frames sent again"] = board.link.resent
    return outcomes, [f"seed {seed}: {what}" for what in wrong]


def many(board: Board, count: int, outcomes: Counter[str], wrong: list[str]) -> None:
    """Make so many commits on a board that runs FIRMWARE; see what it holds then, and has seen."""
    pair, row, seen = board.map("pair"), board.map("row"), board.map("seen")
    for i in range(1, count + 1):
        made(board.link, (pair.id, row.id), i, outcomes)
    held = unpack("<II", pair.lookup(KEY) or b"") + unpack("<II", row.lookup(1) or b"")
    if held != (count, count ^ SECRET, 3 * count, count):
        wrong.append(f"after {count} commits the maps hold {held}")
    torn, rounds, changed = [int.from_bytes(value, "little") for _, value in seen.items()]
    if torn or changed != count or rounds < count:
        wrong.append(f"the firmware has seen {torn} torn, {changed} changes for {count} commits, in {rounds} rounds")


def main() -> int:
    """Print the table; return 1 when something was wrong."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    start = time.monotonic()
    rows: list[Row] = []
    found: list[str] = []
    for where, run in (("simulation", simulated), ("unix board", on_the_unix_board)):
        for ticks in (False, True):
            outcomes, wrong = run(1, count // 2, ticks)
            found += wrong
            name = (
                f"{where}, made {'at tick()' if ticks else 'in poll()'}: {count // 2:,} commits of 4 fields over 2 maps"
            )
            rows.append(none(f"{name}, torn, lost or doubled", len(wrong)))
            rows += [Row(f"{name}, {what}", n, "") for what, n in outcomes.items()]
    rows.append(Row("time", time.monotonic() - start, "s"))
    print(*found, sep="\n")
    publish("commits-soak", "Commits, soaked", rows)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())

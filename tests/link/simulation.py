"""Both ends of the line under a clock of their own: the real Link, the real sessions, a faulty line between them.

One run is a World with a seed. It repeats exactly, so a failure is replayed by one line:

    python -m tests.link.simulation SEED --corrupt 1e-3 --loss 1e-3

More than 300 lines: a world, what happens in it, and the command that does it again.
"""

import argparse
import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Literal
from unittest import mock

from boardmaps.abi import OP_ADD
from boardmaps.line.session import ServerSession
from boardmaps_host.client import connection, link, opening, pump, repl, requests
from boardmaps_host.client.errors import LinkError, PortGone
from boardmaps_host.client.link import Link
from boardmaps_host.client.session import ClientSession
from boardmaps_sim.faulty import Faults, FaultyLine

_MOST = 4096  # bytes of a request that comes in parts
_TICK = 1e-6  # seconds that a read without a result takes at least: a clock that stands still ends no loop


class WrongOutcome(AssertionError):
    """An operation was lost, doubled, or answered with something else than what it did."""


@contextmanager
def under_clock(clock: object, session: Callable[..., ClientSession]) -> Iterator[None]:
    """Have every Link go by `clock`, which has monotonic() and sleep(), with sessions that `session` makes."""
    with ExitStack() as patched:
        patched.enter_context(mock.patch.object(connection, "ClientSession", session))
        for module in (connection, link, opening, pump, repl, requests):
            patched.enter_context(mock.patch.object(module, "time", clock))
        yield


@dataclasses.dataclass(frozen=True)
class Often:
    """What comes again and again: a restart and a cut after so many bytes at the board, on the average; 0 is never.

    `inside`: how often the board restarts at a chunk that reaches it while the host has a part of a long reply.
    """

    restart: int = 0
    cut: int = 0
    inside: float = 0.0


class World:
    """A board that adds, a line, a clock. It is the Link's transport and its `time`.

    The board restarts when `reset_at` bytes have reached it; the port closes when `close_at` bytes have reached (board, host).
    A 0 is never.
    """

    name = "simulation"

    def __init__(
        self,
        seed: int,
        faults: Faults | None = None,
        reset_at: int = 0,
        close_at: tuple[int, int] = (0, 0),
        server: type[ServerSession] = ServerSession,
        handle: Callable[[bytes, int], bytes] | None = None,
        often: Often | None = None,
    ) -> None:
        self.seed = seed
        self.faults = faults or Faults()
        self.rng = random.Random(seed)
        self.up = FaultyLine(self.faults, random.Random(seed * 2 + 1))
        self.down = FaultyLine(self.faults, random.Random(seed * 2 + 2))
        self.now = 0.0
        self.executed: Counter[int] = Counter()
        self.total = 0
        self._handle = handle or self._add
        self._server_class = server
        self._reset_at = reset_at
        self._close_at = close_at
        self._often = often or Often()
        self._often_rng = random.Random(seed * 2 + 3)
        self._next_reset = reset_at or self._drawn(self._often.restart)
        self._next_close = close_at[0] or self._drawn(self._often.cut)
        self.happened: Counter[str] = Counter()
        self._closed = False
        self._heard = 0  # bytes that have reached the board
        self._told = 0  # and the host
        self.boots = 0
        self._boot()

    def _boot(self) -> None:
        self.boots += 1
        terms = {"boot": f"{self.seed & 0xFFFF:04x}{self.boots:04x}", "idle": 10}
        self.server = self._server_class(self._handle, terms, most=_MOST)

    def _drawn(self, mean: int) -> int:
        return self._often_rng.randrange(1, 2 * mean) if mean else 0

    def _add(self, payload: bytes, limit: int) -> bytes:  # noqa: ARG002 - a handler's signature
        self.executed[int.from_bytes(payload[1:4], "little")] += 1
        self.total += 1
        return b"\0" + self.total.to_bytes(4, "little") + payload[4:]

    # time

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self._run(self.now + seconds, until_data=False)

    # transport

    def read(self, timeout: float) -> bytes:
        if self._closed:
            raise PortGone("simulation: the port is gone.")
        return self._run(self.now + max(timeout, _TICK), until_data=True)

    def write(self, data: bytes) -> None:
        if self._closed:
            raise PortGone("simulation: the port is gone.")
        self.up.send(data, self.now)

    def reopen(self) -> None:
        self._closed = False

    def close(self) -> None:
        pass

    def _run(self, end: float, until_data: bool) -> bytes:
        while True:
            if until_data and (data := self.down.arrived(self.now)):
                return self._to_host(data)
            lines = (self.up, self.down) if until_data else (self.up,)
            coming = [line.next_arrival for line in lines if line.next_arrival is not None]
            if not coming or min(coming) > end:
                self.now = end
                return b""
            self.now = max(self.now, min(coming))
            if data := self.up.arrived(self.now):
                self._to_board(data)

    def _to_board(self, data: bytes) -> None:
        while data:
            after = min(
                [n - self._heard for n in (self._next_reset, self._next_close) if n > self._heard] + [len(data)]
            )
            part, data = data[:after], data[after:]
            self._heard += len(part)
            reply = self.server.receive(part)
            self.down.send(reply, self.now)
            inside = self._often.inside and self._half_told() and self._often_rng.random() < self._often.inside
            if self._heard == self._next_reset or inside:
                self.happened["restarts inside a long reply" if self._half_told() else "restarts"] += 1
                self._boot()
                self._next_reset = self._heard + self._drawn(self._often.restart)
            if self._heard == self._next_close:
                self.happened["cuts"] += 1
                self._close()
                self._next_close = self._heard + self._drawn(self._often.cut)
                return

    def _half_told(self) -> bool:
        return bool(self.server._long and self.server._long._reply)

    def _to_host(self, data: bytes) -> bytes:
        self._told += len(data)
        if self._close_at[1] and 0 <= self._told - self._close_at[1] < len(data):
            data = data[: len(data) - (self._told - self._close_at[1])]
            self._close()
        return data

    def _close(self) -> None:
        self._closed = True
        self.up.drop()
        self.down.drop()

    @contextmanager
    def link(self, timeout: float = 30.0) -> Iterator[Link]:
        """A connection to the board over the line, under this world's clock."""
        with under_clock(self, partial(ClientSession, self.rng)):
            yield self._connect(timeout)

    def _connect(self, timeout: float) -> Link:
        for attempt in range(40):  # connect() asks a few times; on a very bad line a user asks again
            try:
                return Link(self, timeout)
            except LinkError:
                if attempt == 39:
                    raise
                self.reopen()
        raise AssertionError

    def report(self, outcomes: Counter[str]) -> str:
        """What happened, in a line."""
        return f"{dict(outcomes)} {self.up.hit + self.down.hit} chunks hit, {self.now:.6f} s of the board's time"

    def replay(self) -> str:
        """The line that runs this again."""
        given = {f.name: getattr(self.faults, f.name) for f in dataclasses.fields(Faults)}
        chosen = [f"--{k} {v}" for k, v in given.items() if v and k != "script" and v != getattr(Faults(), k)]
        chosen += [f"--reset-at {self._reset_at}"] * bool(self._reset_at)
        names = {"restart": "--restart-every", "cut": "--cut-every", "inside": "--inside"}
        chosen += [f"{names[k]} {v}" for k, v in dataclasses.asdict(self._often).items() if v]
        chosen += [f"--close-at {self._close_at[0]} {self._close_at[1]}"] * any(self._close_at)
        return " ".join(["python -m tests.link.simulation", str(self.seed), *chosen])


def faults_of(seed: int) -> Faults:
    """Return the faults of a line that is bad in a way of its own."""
    rng = random.Random(seed)
    return Faults(
        corrupt=rng.choice((0, 1e-3, 1e-2)),
        loss=rng.choice((0, 1e-3, 5e-2)),
        duplicate=rng.choice((0, 1e-3, 5e-2)),
        reorder=rng.choice((0, 1e-2)),
        latency=rng.choice((0, 1e-3, 2e-2)),
        late=rng.choice((2e-2, 0.5)),
        baud=rng.choice((0, 115200)),
    )


# All that a line and a board do at once, for run(…, long=0.05).
MIXED = Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3, latency=0.001, burst=2e-3, half_open=5e-4)
OFTEN = Often(restart=10_000, cut=10_000, inside=0.05)


def mixed(seed: int, operations: int) -> tuple[Counter[str], Counter[str]]:
    """Have operations done while everything happens that can; return their outcomes, and what has happened how often."""
    world = World(seed, MIXED, often=OFTEN)
    outcomes = run(world, operations, long=0.05)
    for line in (world.up, world.down):
        world.happened.update({"bursts": line.bursts, "half-open": line.silences})
    return outcomes, world.happened


def run(world: World, operations: int, most: int = 6, size: int = 12, long: float = 0) -> Counter[str]:
    """Have `operations` done, one at a time and several in flight; check each outcome, and say how many were which.

    `long`: how often one is asked for that no frame takes, and whose reply none takes.

    Raises WrongOutcome, with the line that replays it.
    """
    rng = random.Random(world.seed ^ 0x5EED)
    outcomes: Counter[str] = Counter()
    refused: list[int] = []
    try:
        with world.link() as link:
            done = 0
            while done < operations:
                is_long = bool(long) and rng.random() < long
                n = 1 if is_long else min(rng.randrange(1, most + 1), operations - done)
                ids = range(done, done + n)
                done += n
                fill = rng.randbytes(rng.randrange(500, 2000) if is_long else rng.randrange(size))
                payloads = [operation(i) + fill for i in ids]
                before = world.total
                try:
                    replies = (
                        [link.request(p) for p in payloads]
                        if is_long or rng.random() < 0.3
                        else link.requests(payloads)
                    )
                except LinkError as e:
                    outcomes["unknown" if e.may_have_happened else "refused"] += n
                    if not e.may_have_happened:  # else whether one was doubled is seen at the end
                        refused += ids
                        expect(not any(world.executed[i] for i in ids), f"{ids} were executed, and said to be refused")
                    continue
                outcomes["done"] += n
                for k, i in enumerate(ids):
                    expect(world.executed[i] == 1, f"operation {i} was executed {world.executed[i]} times")
                    expect(
                        replies[k] == b"\0" + (before + k + 1).to_bytes(4, "little") + fill,
                        f"operation {i}: {replies[k]!r}",
                    )
            for i in range(operations):
                expect(world.executed[i] <= 1, f"operation {i} was executed {world.executed[i]} times in the end")
            expect(not any(world.executed[i] for i in refused), "what was said to be refused was executed in the end")
    except Exception as e:
        e.add_note(
            f"seed {world.seed}; replay: {world.replay()} --operations {operations} --most {most} --size {size} --long {long}"
        )
        raise
    return outcomes


def operation(i: int) -> bytes:
    """Return the request that a World counts as operation i."""
    return bytes((OP_ADD,)) + i.to_bytes(3, "little")


def script(world: World) -> Counter[str]:
    """Run the session that is interrupted at every byte."""
    return run(world, 12, most=4)


def at_every_byte(seed: int, what: Literal["reset", "board", "host"]) -> Iterator[World]:
    """Yield a world for each byte of the scripted session.

    The board restarts when the byte has reached it ("reset"), or the port closes when it has reached the board or the host.
    """
    faults = Faults(latency=0.001)
    whole = World(seed, faults)
    script(whole)
    for at in range(1, (whole.down if what == "host" else whole.up).sent + 1):
        yield World(seed, faults, at * (what == "reset"), (at * (what == "board"), at * (what == "host")))


def expect(right: bool, what: str) -> None:
    """Raise WrongOutcome unless `right`."""
    if not right:
        raise WrongOutcome(what)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run one seed of the line's simulation again.")
    parser.add_argument("seed", type=int)
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--most", type=int, default=6, help="requests at once")
    parser.add_argument("--size", type=int, default=12, help="bytes of a request's payload, less than")
    parser.add_argument("--long", type=float, default=0.0, help="how often one that no frame takes")
    parser.add_argument("--restart-every", type=int, default=0, help="bytes at the board, on the average")
    parser.add_argument("--cut-every", type=int, default=0, help="bytes at the board, on the average")
    parser.add_argument("--inside", type=float, default=0.0, help="how often it restarts inside a long reply")
    parser.add_argument("--reset-at", type=int, default=0, help="the board restarts when so many bytes have reached it")
    parser.add_argument("--close-at", type=int, nargs=2, default=(0, 0), help="the port closes; bytes at board, host")
    for f in dataclasses.fields(Faults):
        if f.name not in ("script", "cut_at"):
            parser.add_argument(f"--{f.name}", type=int if f.name == "baud" else float, default=f.default)
    given = vars(parser.parse_args())
    seed, reset_at, close_at = given.pop("seed"), given.pop("reset_at"), tuple(given.pop("close_at"))
    how = {name: given.pop(name) for name in ("operations", "most", "size", "long")}
    often = Often(given.pop("restart_every"), given.pop("cut_every"), given.pop("inside"))
    world = World(seed, Faults(**given), reset_at, close_at, often=often)
    print(world.report(run(world, **how)))


if __name__ == "__main__":
    main()

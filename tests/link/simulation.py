"""Both ends of the line under a clock of their own: the real Link, the real sessions, a faulty line between them.

One run is a World with a seed. It repeats exactly, so a failure is replayed by one line:

    python -m tests.link.simulation SEED --corrupt 1e-3 --loss 1e-3
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
from boardmaps_host.client.errors import LinkError, OutcomeUnknown, PortGone
from boardmaps_host.client.link import Link
from boardmaps_host.client.session import ClientSession
from boardmaps_sim.faulty import Faults, FaultyLine

_TICK = 1e-6  # seconds that a read without a result takes at least: a clock that stands still ends no loop


class WrongOutcome(AssertionError):
    """An operation was lost, doubled, or answered with something else than what it did."""


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
        self._closed = False
        self._heard = 0  # bytes that have reached the board
        self._told = 0  # and the host
        self.boots = 0
        self._boot()

    def _boot(self) -> None:
        self.boots += 1
        terms = {"boot": f"{self.seed & 0xFFFF:04x}{self.boots:04x}", "idle": 10}
        self.server = self._server_class(self._handle, terms)

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
            after = min([n - self._heard for n in (self._reset_at, self._close_at[0]) if n > self._heard] + [len(data)])
            part, data = data[:after], data[after:]
            self._heard += len(part)
            reply = self.server.receive(part)
            self.down.send(reply, self.now)
            if self._heard == self._reset_at:
                self._boot()
            if self._heard == self._close_at[0]:
                self._close()
                return

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
        session = partial(ClientSession, self.rng)
        with ExitStack() as patched:
            patched.enter_context(mock.patch.object(connection, "ClientSession", session))
            for module in (connection, link, opening, pump, repl, requests):
                patched.enter_context(mock.patch.object(module, "time", self))
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


def run(world: World, operations: int, most: int = 6, size: int = 12) -> Counter[str]:
    """Have `operations` done, one at a time and several in flight; check each outcome, and say how many were which.

    Raises WrongOutcome, with the line that replays it.
    """
    rng = random.Random(world.seed ^ 0x5EED)
    outcomes: Counter[str] = Counter()
    try:
        with world.link() as link:
            done = 0
            while done < operations:
                n = min(rng.randrange(1, most + 1), operations - done)
                ids = range(done, done + n)
                done += n
                fill = rng.randbytes(rng.randrange(size))
                payloads = [operation(i) + fill for i in ids]
                before = world.total
                try:
                    replies = [link.request(p) for p in payloads] if rng.random() < 0.3 else link.requests(payloads)
                except OutcomeUnknown:
                    outcomes["unknown"] += n
                    continue  # whether one was doubled is seen at the end
                except LinkError:
                    outcomes["refused"] += n
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
    except Exception as e:
        e.add_note(f"seed {world.seed}; replay: {world.replay()} --operations {operations} --most {most} --size {size}")
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
    parser.add_argument("--reset-at", type=int, default=0, help="the board restarts when so many bytes have reached it")
    parser.add_argument("--close-at", type=int, nargs=2, default=(0, 0), help="the port closes; bytes at board, host")
    for f in dataclasses.fields(Faults):
        if f.name not in ("script", "cut_at"):
            parser.add_argument(f"--{f.name}", type=int if f.name == "baud" else float, default=f.default)
    given = vars(parser.parse_args())
    seed, reset_at, close_at = given.pop("seed"), given.pop("reset_at"), tuple(given.pop("close_at"))
    how = {name: given.pop(name) for name in ("operations", "most", "size")}
    world = World(seed, Faults(**given), reset_at, close_at)
    print(world.report(run(world, **how)))


if __name__ == "__main__":
    main()

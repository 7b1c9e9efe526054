"""A real board on which everything happens at once: a bad line, a half-open one, cuts, resets, also inside long replies.

The firmware resets the board at random and keeps its sum in a file, so that each addition is counted over all its boots.
`python -m soak.restless 1000` runs a thousand operations and prints what came of them.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from boardmaps_host import Board, connect
from boardmaps_host.client.errors import LinkError, Restarted
from boardmaps_host.deploy import deploy
from boardmaps_sim.faulty import Faults, FaultyLine
from boardmaps_sim.relay import FaultyBoard
from boardmaps_sim.unix import UnixBoard

LINE = Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3, burst=1e-3, half_open=2e-4)
_LONG = 2000  # bytes of the value that takes a long request and a long reply
_CUT = 300  # operations between two cuts, on the average
_TIMEOUT = 30.0
_START = 20.0  # seconds in which a board has started, also on a busy machine, should nobody hear it say so
_TRIES = 20  # of one operation that does not begin: then the board is lost
_FIRMWARE = """
import micropython
micropython.kbd_intr(-1)  # a 3 is the host's, or noise
print("ready")
import machine, os, select, sys
import boardmaps
from boardmaps.serving.server import Server

def one_of(n):
    return not int.from_bytes(os.urandom(2), "little") % n

def kept(name):
    try:
        with open(name) as f:
            return int(f.read())
    except OSError:
        return 0

def keep(name, value):
    with open(name, "w") as f:
        f.write(str(value))

total = boardmaps.ArrayMap(4, 1, 0, "sum")
total.update(0, kept("sum").to_bytes(4, "little"))
resets = boardmaps.ArrayMap(4, 2, 0, "resets")
for i in (0, 1):
    resets.update(i, kept("resets%d" % i).to_bytes(4, "little"))
long = boardmaps.ArrayMap(2000, 1, 0, "long")
server = Server()
session = server.session
served = 0
come = select.poll()
come.register(sys.stdin, select.POLLIN)
while True:
    try:
        server.poll(20)
        if session.served == served:
            continue
        served = session.served
        inside = bool(session._long and session._long._reply)
        if one_of(10 if inside else EVERY):
            resets.add(int(inside), 1)
            keep("sum", int.from_bytes(total.lookup(0), "little"))
            for i in (0, 1):
                keep("resets%d" % i, int.from_bytes(resets.lookup(i), "little"))
            print("restarts")
            while come.poll(200):  # what was under way must not be there still when a 3 is Ctrl-C again
                sys.stdin.buffer.read(1)
            machine.reset()
    except KeyboardInterrupt:  # noise, too
        pass
"""


class _Up(FaultyLine):
    """To the board: what comes while it starts is lost. To a board that starts a 3 is Ctrl-C, before any of its program runs."""

    starts_until = 0.0

    def send(self, data: bytes, now: float) -> None:
        if now >= self.starts_until:
            super().send(data, now)


class _Down(FaultyLine):
    """From the board: says when it starts, and when its program has begun."""

    def __init__(self, faults: Faults, rng: random.Random, up: _Up) -> None:
        super().__init__(faults, rng)
        self._up = up
        self._tail = b""

    def send(self, data: bytes, now: float) -> None:
        self._tail = self._tail[-20:] + data
        starts = self._tail.rfind(b"restarts\n")
        if starts >= 0:
            self._up.starts_until = now + _START
            self._up.drop()
        if self._tail.rfind(b"ready\n") > starts:
            self._up.starts_until = 0.0
        super().send(data, now)


class Restless:
    """What one host does with such a board, and what it knows. `happened` counts; `wrong` has a sentence for each miss."""

    def __init__(self, running: FaultyBoard, board: Board, seed: int) -> None:
        self.running = running
        self.board = board
        self.rng = random.Random(seed)
        self.happened: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._sum = 0  # additions that are known to have happened
        self._maybe = 0  # and those that may have, since
        self._boot = ""
        self._written = bytes(_LONG)
        self._may_be: set[bytes] = {self._written}  # what the long value can be

    def run(self, operations: int) -> None:
        """Do so many, then look at the sum."""
        for i in range(operations):
            if not self.rng.randrange(_CUT):
                self.running.cut()
                self.happened["cuts"] += 1
            kind = self.rng.random()
            self._do(self._add if kind < 0.97 else self._write if kind < 0.98 else self._read, i)
        self._do(self._look, -1)
        self.happened["bursts"] = sum(line.bursts for line in self.running.lines)
        self.happened["half-open"] = sum(line.silences for line in self.running.lines)

    def _do(self, operation: Callable[[int], None], i: int) -> None:
        refused = 0
        while True:
            try:
                operation(i)
            except Restarted:
                continue
            except LinkError as e:
                self.happened["unknown" if e.may_have_happened else "refused"] += 1
                if not e.may_have_happened:
                    refused += 1
                    if refused == _TRIES:
                        raise
                    continue
            return

    def _in_this_boot(self) -> None:
        """A restart empties the long value."""
        if self.board.link.boot != self._boot:
            self._boot = self.board.link.boot
            self._may_be.add(bytes(_LONG))

    def _add(self, i: int) -> None:
        m = self.board.map("sum")
        try:
            value = m.add(0, 1)
        except LinkError as e:
            self._maybe += e.may_have_happened
            raise
        self._is(int(value), 1, f"operation {i}")
        self.happened["done"] += 1

    def _is(self, value: int, more: int, what: str) -> None:
        low = self._sum + more
        if not low <= value <= low + self._maybe:
            self.wrong.append(f"{what}: the sum is {value}, and not {low} to {low + self._maybe}")
        self._sum, self._maybe = value, 0

    def _write(self, i: int) -> None:
        value = i.to_bytes(4, "little") + self.rng.randbytes(_LONG - 4)
        m = self.board.map("long")
        self._in_this_boot()
        try:
            m.update(0, value)
        except LinkError as e:
            if e.may_have_happened:
                self._may_be.add(value)
            raise
        self._may_be = {value}
        self.happened["long written"] += 1

    def _read(self, i: int) -> None:
        m = self.board.map("long")
        value = bytes(m.lookup(0) or b"")
        self._in_this_boot()
        if value not in self._may_be:
            self.wrong.append(f"operation {i}: the long value is {value[:8]!r}…, which nobody wrote last")
        self._may_be = {value}
        self.happened["long read"] += 1

    def _look(self, _: int) -> None:
        self._is(int.from_bytes(self.board.map("sum").lookup(0) or b"", "little"), 0, "the end")
        resets = self.board.map("resets")
        for i, name in enumerate(("restarts", "restarts inside a long reply")):
            self.happened[name] = int.from_bytes(resets.lookup(i) or b"", "little")


def restless(operations: int, seed: int = 1, line: Faults = LINE, every: int = 300) -> Restless:
    """Have so many operations done on a board of our own, which resets itself after `every` requests on the average."""
    with TemporaryDirectory() as folder:
        inner = UnixBoard(port=Path(folder, "port"))
        app = Path(folder, "main.py")
        app.write_text(f"EVERY = {every}\n{_FIRMWARE}")
        running = FaultyBoard(inner, line, seed)
        up = _Up(line, random.Random(seed * 2 + 1))
        running.lines = up, _Down(line, random.Random(seed * 2 + 2), up)
        with running:
            deploy(inner.port, app=app)
            with connect(running.port, timeout=_TIMEOUT, share=False) as board:
                host = Restless(running, board, seed)
                host.run(operations)
                return host


def main() -> int:
    host = restless(int(sys.argv[1]))
    print(dict(host.happened), *host.wrong, sep="\n")
    return bool(host.wrong)


if __name__ == "__main__":
    sys.exit(main())

"""Eight programs on one board at once, some of them killed: nothing is lost, nothing is counted twice.

Three add, one watches a map, one dumps it again and again, one has the console, one polls numbers and records, one tests a map
of its own. Each is a process, and ends with an error when what it sees cannot be. `python -m soak.sharing 100000` makes so many
additions.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from boardmaps_host import Board, connect
from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard

WRITERS = 3
ROLES = ("writer0", "writer1", "writer2", "watch", "dump", "console", "poll", "test")
_PATIENCE = 600.0  # seconds
_READY = "ready"
_FIRMWARE = """
import boardmaps
from boardmaps import ArrayMap, HashMap, RingBuf
hits = ArrayMap.with_entries(value_size=8, max_entries=8, name="hits")
own = HashMap(key_size=8, value_size=8, max_entries=64, name="own")
log = RingBuf(8192, name="log")
turns = 0
while True:
    boardmaps.poll()
    turns += 1
    if turns % 512 == 0:
        log.output(turns.to_bytes(4, "little"))
        print("turn", turns)
"""


def _number(value: bytes | None) -> int:
    return int.from_bytes(value or b"", "little")


def _say(text: object) -> None:
    print(text, flush=True)


# -- the programs


def write(board: Board, which: int, count: int) -> None:
    """Add 1 so often; say each number that the board answers."""
    hits = board.map("hits")
    before = _number(hits.lookup(which))
    for _ in range(count):
        now = hits.add(which, 1)
        if now != before + 1:
            raise AssertionError(f"{now} follows {before}")
        before = now
        _say(now)


def watch(board: Board) -> None:
    """See each number grow, in a watch of all of them."""
    seen: dict[bytes, int] = {}
    for change in board.map("hits").watch(every=0.001):
        now = _number(change.value)
        if now < seen.get(change.key, 0):
            raise AssertionError(f"{change.key!r}: {now} follows {seen[change.key]}")
        seen[change.key] = now


def dump(board: Board) -> None:
    """Dump the map again and again: all of its entries, none twice."""
    hits = board.map("hits")
    while True:
        keys = [key for key, _ in hits.items()]
        if keys != [i.to_bytes(4, "little") for i in range(8)]:
            raise AssertionError(f"a dump has {keys}")


def console(board: Board, lines: list[str]) -> None:
    """Have every line that the firmware prints, in its order, none missing."""
    last = 0
    while True:
        board.listen(0.2)
        for line in lines:
            turn = int(line.removeprefix("turn "))
            if last and turn != last + 512:
                raise AssertionError(f"turn {turn} follows {last}")
            last = turn
        lines.clear()


def poll(board: Board) -> None:
    """Look numbers up, which only grow, and take the ring's records: complete, or counted."""
    hits = board.map("hits")
    records = board.map("log").records()  # type: ignore[attr-defined]
    seen, expected, last = [0] * WRITERS, 0, 0
    while True:
        for i in range(WRITERS):
            now = _number(hits.lookup(i))
            if now < seen[i]:
                raise AssertionError(f"number {i}: {now} follows {seen[i]}")
            seen[i] = now
        while (record := records.get(0)) is not None:
            turn = _number(record.data)
            if last and (record.number != expected + record.lost or turn != last + 512 * (1 + record.lost)):
                raise AssertionError(f"record {record} follows turn {last}")
            expected, last = record.number + 1, turn


def test(board: Board) -> None:
    """Do what a test does, on keys of its own."""
    own, rng, model = board.map("own"), random.Random(), dict[bytes, bytes]()
    own.clear()
    while True:
        key, value = b"key %04d" % rng.randrange(40), rng.randbytes(8)
        if rng.random() < 0.7:
            own.update(key, value)
            model[key] = value
        elif key in model:
            own.delete(key)
            del model[key]
        if own.lookup(key) != model.get(key):
            raise AssertionError(f"{key!r}: {own.lookup(key)!r} is not {model.get(key)!r}")


def program(role: str, port: str, count: int) -> None:
    """Be one of the eight."""
    lines: list[str] = []
    with connect(port, share=True, timeout=60, console=lines.append if role == "console" else None) as board:
        _say(_READY)
        roles: dict[str, Callable[[], None]] = {
            "watch": lambda: watch(board),
            "dump": lambda: dump(board),
            "console": lambda: console(board, lines),
            "poll": lambda: poll(board),
            "test": lambda: test(board),
        }
        if role in roles:
            roles[role]()
        else:
            write(board, int(role.removeprefix("writer")), count)


# -- who starts, kills and counts


class Running:
    """A process of one role. `last` is the last number that a writer has said, `said` how many."""

    def __init__(self, role: str, port: str, count: int) -> None:
        self.role = role
        self.said = self.last = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "soak.sharing", role, port, str(count)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        self.ready = threading.Event()
        self._error = ""
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip().isdigit() and line.endswith("\n"):
                self.last = int(line)
                self.said += 1
            self.ready.set()
        self.ready.set()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self._error = self.process.stderr.read()

    def end(self) -> str:
        """Kill it, if it still runs; return what it has complained of."""
        complained = self.process.poll() not in (None, 0)
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return self._error if complained else ""


def company(board: UnixBoard, additions: int, seed: int) -> dict[str, int]:
    """Have eight programs use a board until three have made `additions`, and kill three of them. Returns what was counted.

    Raises AssertionError with the seed when a number is not what was added, or a program has complained.
    """
    rng = random.Random(seed)
    each = additions // WRITERS
    running = {role: Running(role, board.port, each) for role in ROLES}
    doubtful = [0] * WRITERS  # additions of killed writers that nobody has heard of
    answered = [0] * WRITERS
    victims = rng.sample(ROLES, 3)
    marks = sorted(rng.randrange(each // 10 or 1, WRITERS * each * 8 // 10) for _ in victims)
    killed = 0
    complaints = []

    def done() -> int:
        return sum(answered) + sum(running[f"writer{i}"].said for i in range(WRITERS))

    try:
        for one in running.values():
            one.ready.wait(_PATIENCE)
        end = time.monotonic() + _PATIENCE + additions / 50
        while any(running[f"writer{i}"].process.poll() is None for i in range(WRITERS)):
            if time.monotonic() > end:
                raise AssertionError(f"seed {seed}: {done()} of {additions} additions, and no more")
            if marks and done() >= marks[0]:
                marks.pop(0)
                role = victims[killed]
                killed += 1
                complaints.append(running[role].end())
                left = each
                if role.startswith("writer"):
                    which = int(role[-1])
                    answered[which] += running[role].said
                    doubtful[which] += 1
                    left = each - answered[which]
                running[role] = Running(role, board.port, left)
            time.sleep(0.01)
    finally:
        complaints += [one.end() for one in running.values()]
    for i in range(WRITERS):
        answered[i] += running[f"writer{i}"].said
    with connect(board.port, share=True, timeout=60) as last:
        numbers = [_number(last.map("hits").lookup(i)) for i in range(WRITERS)]
    for i, number in enumerate(numbers):
        if not answered[i] <= number <= answered[i] + doubtful[i]:
            raise AssertionError(f"seed {seed}: {answered[i]} additions were answered, and the number is {number}")
    if told := [text for text in complaints if text]:
        raise AssertionError(f"seed {seed}: {told[0]}")
    return {"additions": sum(answered), "killed": killed, "in flight and counted": sum(numbers) - sum(answered)}


def main() -> None:
    """Run the eight, or be one of them."""
    if sys.argv[1:2] and sys.argv[1] in ROLES:
        program(sys.argv[1], sys.argv[2], int(sys.argv[3]))
        return
    additions = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 31)
    print(f"seed {seed}", flush=True)
    with TemporaryDirectory() as folder, UnixBoard(port=Path(folder, "port")) as board:
        firmware = Path(folder, "firmware.py")
        firmware.write_text(_FIRMWARE)
        deploy(board.port, app=firmware)
        began = time.monotonic()
        counted = company(board, additions, seed)
        print(", ".join(f"{name}: {n}" for name, n in counted.items()), f"in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

"""The coverage-guided fuzzer of the kernels, the frames and the line in C: clang's libFuzzer over fuzz.c.

python -m tests.kernels.fuzzing --seconds 600    look for that long, from the sessions of seeds()
python -m tests.kernels.fuzzing --replay HEX     do again what a failure printed
"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from boardmaps import ArrayMap, HashMap
from boardmaps.line.frame import decode
from boardmaps_host.twin import registry
from tests.client.memory_board import MemoryBoard, board_on
from tests.kernels.sanitized import CORE, program

# Numbers of fuzz.c's kinds
_FRAMES, _ARRAY, _BLOOM, _LINE_TO_ARRAY, _LINE_TO_HASH = 0, 1, 11, 12, 13
_HASHED = (2, 4, 11, 13, 14)  # a seed and a multiplier follow the sizes


@dataclass(frozen=True, slots=True)
class Found:
    """What a run of the fuzzer did: sessions, calls, and in hex the session that failed, with what was said of it."""

    sessions: int
    calls: int
    failed: str
    said: str

    def told(self) -> str:
        """Say what failed, and the line that does it again."""
        return f"{self.said[-3000:]}\nreplay: python -m tests.kernels.fuzzing --replay {self.failed}"


def real_session(rng: random.Random) -> list[bytes]:
    """Return the frames, without their zeros, that a host sends to a board with an array and a hash map."""
    registry.reset()  # a test before this one may have left maps
    try:
        line = MemoryBoard()
        ArrayMap(8, 5, 0, "a")
        HashMap(4, 4, 6, 0, "h")
        with board_on(line) as board:
            a, h = board.map("a"), board.map("h")
            for _ in range(40):
                i = rng.randrange(9)
                key = bytes((i, 0, 0, 0))
                h.update(bytes((i % 5, 1, 2, 3)), rng.randbytes(4))
                h.lookup(key)
                h.add(bytes((i % 5, 1, 2, 3)), 1)
                if i < 5:
                    a.update(key, rng.randbytes(8))
                    a.add(key, 3, 4, 2)
                    a.lookup(key)
                    h.batch_lookup(None, 4)
                else:
                    h.clear()
            sent = b"".join(line.heard)
        return [chunk for chunk in sent.split(b"\0") if chunk]
    finally:
        registry.reset()


def seeds(rng: random.Random) -> Iterator[bytes]:
    """Yield sessions to begin with: a real one's frames and requests, and calls on maps of every kind."""
    frames = real_session(rng)
    for frame in frames[:60]:
        yield bytes((_FRAMES,)) + frame
    requests = [found[4] for frame in frames if (found := decode(frame)) and found[0] == 8 and len(found[4]) < 64]
    called = b"".join(bytes((len(request),)) + request for request in requests)
    yield bytes((_LINE_TO_ARRAY, 0, 7, 4, 0)) + called
    yield bytes((_LINE_TO_HASH, 3, 3, 5, 0)) + rng.randbytes(8) + called
    for kind in range(_ARRAY, _LINE_TO_ARRAY):
        for _ in range(6):
            sizes = bytes((kind, rng.randrange(9), rng.randrange(9), rng.randrange(12), rng.randrange(3)))
            hashed = rng.randbytes(8) if kind in _HASHED else b""
            yield sizes + hashed + bytes(rng.choice((0, 1, 2, 3, 4, 8, rng.randrange(256))) for _ in range(500))


def fuzz(core: Path = CORE, *, runs: int = -1, seconds: int = 0, seed: int = 1) -> Found:
    """Fuzz for so many sessions, or so many seconds."""
    tool = program("fuzz.c", compiler="clang", core=core)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        corpus.mkdir()
        for i, session in enumerate(seeds(random.Random(seed))):
            (corpus / str(i)).write_bytes(session)
        limits = [f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={seed}", "-max_len=600", "-timeout=20"]
        command = [str(tool), *limits, "-print_final_stats=1", f"-artifact_prefix={folder}/failed-", str(corpus)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        failed = "".join(path.read_bytes().hex() for path in folder.glob("failed-*"))
    said = done.stdout + done.stderr
    sessions = re.search(r"stat::number_of_executed_units: (\d+)", said)
    calls = re.search(r"^(\d+) calls", said, re.MULTILINE)
    if done.returncode and not failed:
        raise AssertionError(f"the fuzzer ended with {done.returncode}:\n{said[-3000:]}")
    return Found(int(sessions[1]) if sessions else 0, int(calls[1]) if calls else 0, failed, said if failed else "")


def replay(sessions: list[bytes], core: Path = CORE) -> tuple[int, str]:
    """Do sessions again, in a program that gcc made; return how many calls they were, and what a sanitizer said."""
    text = "".join(f"{session.hex()}\n" for session in sessions)
    tool = program("fuzz.c", "-DALONE", core=core)
    done = subprocess.run([tool], input=text, capture_output=True, text=True, errors="replace", check=False)
    return (0 if done.returncode else int(done.stdout.split()[0])), done.stderr if done.returncode else ""


def main() -> int:
    """Return 1 when a session fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", metavar="HEX")
    given = parser.parse_args()
    if given.replay:
        calls, said = replay([bytes.fromhex(given.replay)])
        print(said or f"{calls} calls, nothing wrong")
        return int(bool(said))
    found = fuzz(seconds=given.seconds, seed=given.seed)
    print(found.told() if found.failed else f"{found.sessions:,} sessions, {found.calls:,} calls, nothing wrong")
    return int(bool(found.failed))


if __name__ == "__main__":
    sys.exit(main())

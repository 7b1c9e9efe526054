"""The kernels in C, stopped between any two stores: stopped.c, which says what must hold in each such moment."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from boardmaps_sim.chips.cache import digest, locked
from tests.kernels.fuzzing import seeds
from tests.kernels.sanitized import CORE, OUT

_RING, _LPM = 8, 10  # numbers of fuzz.c's kinds
_UPDATE, _LOOKUP, _DELETE, _NEXT = 0, 3, 5, 7

_SOURCES = Path(__file__).parent
# As plain as it may be, so that each store of the source is one: -O1, no calls in the place of loops.
_FLAGS = ("-std=gnu99", "-g", "-O1", "-fno-tree-loop-distribute-patterns", "-fno-builtin", "-fsanitize=thread")


def stopped_program(core: Path = CORE) -> Path:
    """Compile stopped.c, unless it is there already; return the program."""
    folder = OUT if core == CORE else core.parent
    made = folder / f"stopped-{digest([*_FLAGS, _SOURCES / 'stopped.c', _SOURCES / 'fuzz.c', core])}"
    with locked(folder, "stopped"):
        if not made.exists():
            for old in folder.glob("stopped-*"):
                old.unlink()
            part = folder / "stopped.o"
            for command in (
                ["gcc", *_FLAGS, f"-I{core}", "-c", str(_SOURCES / "stopped.c"), "-o", str(part)],
                ["gcc", str(part), "-o", str(made)],  # without the sanitizer's library
            ):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise AssertionError(f"gcc does not compile stopped.c:\n{done.stderr}")
    return made


def sessions(rng: random.Random) -> Iterator[bytes]:
    """Yield sessions of every kind of map, those of the fuzzer and some in which rare calls are frequent."""
    yield from seeds(rng)
    for kind in range(1, 12):
        sizes = bytes((kind, rng.randrange(9), rng.randrange(9), rng.randrange(4), rng.randrange(3)))
        rare = (0x06, 0x0E, 0x46, 0x7F, 0xFF, 0x07, 0x05, 0x0A, rng.randrange(256))
        yield sizes + rng.randbytes(8) + bytes(rng.choice((0, 1, 2, 3, *rare)) for _ in range(600))
    calls = bytearray((_LPM, 0, 0, 5, 0))  # a trie of prefixes of 8 bits, 6 of them
    for _ in range(200):
        what = rng.choice((_UPDATE, _UPDATE, _LOOKUP, _DELETE, _DELETE, _NEXT))
        bits = rng.randrange(9)
        calls += bytes((what, bits, 0, 0, 0, rng.randrange(4) << 6))
        calls += bytes({_DELETE: 0, _NEXT: 5}.get(what, 1))
    yield bytes(calls)
    # A ring of 64 bytes: reserve 4 bytes, discard them, pass what is discarded
    yield bytes((_RING, 0, 0, 5, 0)) + bytes((0x05, 4, 0, 0x46, 0, 0, 0, 1, 2, 3, 4, 0x07, 0, 0)) * 30


def stopped(seeded: int, core: Path = CORE) -> tuple[dict[str, tuple[int, int]], str]:
    """Run the sessions of a number of seeds; return {kernel: (calls, those that changed a slice)}, and what was wrong."""
    text = "".join(f"{session.hex()}\n" for seed in range(seeded) for session in sessions(random.Random(seed)))
    done = subprocess.run([stopped_program(core)], input=text, capture_output=True, text=True, check=False)
    told = [line.split() for line in done.stdout.splitlines() if line.startswith("bm_")]
    return {name: (int(calls), int(changed)) for name, calls, changed in told}, done.stderr

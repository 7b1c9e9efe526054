"""The kernels in C for long, on this computer under sanitizers: `python -m soak.kernels`. Any report is an error.

Random calls against the plain Python kernels, every case up to a size, and the fuzzer.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.report import Row, publish
from boardmaps.abi import BPF_F_RB_OVERWRITE, BPF_F_RDONLY
from boardmaps.kinds import ARRAY, HASH, PERCPU_ARRAY, PERCPU_HASH, QUEUE, STACK
from tests.kernels import test_core, test_line_core
from tests.kernels.fuzzing import fuzz
from tests.kernels.sanitized import enumerated, program

_SEEDS = 250
_FUZZED = 300  # seconds
_CASES = (
    ("hashes", 5, "hash tables of 5 entries"),
    ("tries", 3, "tries of 3 entries, prefixes of at most 3 bits"),
    ("tries", 4, "tries of 4 entries, prefixes of at most 2 bits"),
    ("rings", 32, "rings of 32 bytes"),
    ("rings", 64, "rings of 64 bytes"),
    ("stuffed", 14, "zeros in 14 bytes, at most two in 253 to 510"),
    ("unstuffed", 7, "chunks of 7 bytes"),
    ("blocks", 520, "rows of blocks in 520 bytes"),
)


def walks() -> list[tuple[Callable[..., None], tuple[object, ...]]]:
    """Return each random walk of the tests, with its arguments before the seed."""
    found: list[tuple[Callable[..., None], tuple[object, ...]]] = [
        *((test_core.test_hash, sizes) for sizes in ((8, 8), (1, 3), (5, 1), (4, 12), (7, 17))),
        *((test_core.test_array, (size,)) for size in (1, 4, 8, 11)),
        *((test_core.test_queue_and_stack, (size, kind)) for size in (1, 4, 16, 19) for kind in (QUEUE, STACK)),
        *((test_core.test_ring, (flags,)) for flags in (0, BPF_F_RB_OVERWRITE)),
        (test_core.test_series, ()),
        *((test_core.test_rows, (kind,)) for kind in (PERCPU_ARRAY, PERCPU_HASH)),
        *((test_core.test_lpm, sizes) for sizes in ((1, 1), (1, 4), (2, 13), (4, 40), (16, 9))),
        *((test_core.test_bloom, sizes) for sizes in ((1, 3, 1), (4, 100, 5), (7, 60, 15), (8, 1, 2))),
        *((test_line_core.test_requests, (ARRAY, 4, 8, flags)) for flags in (0, BPF_F_RDONLY)),
        *((test_line_core.test_requests, (HASH, 5, 11, flags)) for flags in (0, BPF_F_RDONLY)),
        (test_line_core.test_frames, ()),
    ]
    return found


def walked(driver: Path) -> Row:
    """Run every walk under many seeds."""
    wrong = done = 0
    for seed in range(1, _SEEDS + 1):
        for walk, given in walks():
            try:
                walk(driver, *given, seed)
            except AssertionError as error:
                wrong += 1
                print(f"{walk.__name__}({', '.join(map(str, given))}, seed={seed}): {error}")
            done += 1
    return Row.held(f"random walks against the plain kernels: {done:,}, wrong", wrong, "", "", wrong, "<= 0")


def cases(part: str, size: int, what: str) -> tuple[Row, int]:
    """Go through every case; a report of a sanitizer is one wrong."""
    try:
        found, calls = enumerated(part, size)
    except AssertionError as error:
        print(error)
        return Row.held(f"every case of {what}, reports", 1, "", "", 1, "<= 0"), 0
    return Row.held(f"every case of {what}: {found:,}, {calls:,} calls, reports", 0, "", "", 0, "<= 0"), calls


def main() -> int:
    """Print the table; return 1 when a sanitizer reported anything, or an answer was wrong."""
    start = time.monotonic()
    rows = [walked(program("driver.c"))]
    total = 0
    for part, size, what in _CASES:
        row, calls = cases(part, size, what)
        rows.append(row)
        total += calls
    found = fuzz(seconds=_FUZZED, seed=int(time.time()))
    if found.failed:
        print(found.told())
    failed = int(bool(found.failed))
    what = f"fuzzed: {found.sessions:,} sessions, {found.calls:,} calls, reports"
    rows.append(Row.held(what, failed, "", "", failed, "<= 0"))
    total += found.calls
    rows.append(Row.held("calls under the sanitizers, without the walks", total, "", "", total, ">= 10000000"))
    rows.append(Row("time", time.monotonic() - start, "s"))
    publish("kernels-soak", "The kernels in C, soaked", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""The kernels in C for long, on this computer under sanitizers: `python -m soak.kernels`. Any report is an error.

Random calls against the plain Python kernels, every case up to a size, and the fuzzer.
"""

import inspect
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.report import Row, none, publish
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


def walks() -> Iterator[tuple[Callable[..., None], dict[str, object]]]:
    """Give each random walk of the tests once with each of its arguments, the seed left out."""
    for module in (test_core, test_line_core):
        for walk in vars(module).values():
            if inspect.isfunction(walk) and "seed" in inspect.signature(walk).parameters:
                marks = [mark.args for mark in vars(walk)["pytestmark"] if mark.args[0] != "seed"]
                for given in itertools.product(*(_choices(*mark) for mark in marks)):
                    yield walk, dict(itertools.chain.from_iterable(given))


def _choices(names: str | tuple[str, ...], values: list[Any]) -> list[list[tuple[str, object]]]:
    """Return (name, value) pairs for each row of a parametrize mark."""
    if isinstance(names, str):
        return [[(names, value)] for value in values]
    return [list(zip(names, row, strict=True)) for row in values]


def walked(driver: Path) -> Row:
    """Run every walk under many seeds."""
    wrong = done = 0
    for seed in range(1, _SEEDS + 1):
        for walk, given in walks():
            try:
                walk(driver, **given, seed=seed)
            except AssertionError as error:
                wrong += 1
                print(f"{walk.__name__}(**{given}, seed={seed}): {error}")
            done += 1
    return none(f"random walks against the plain kernels: {done:,}, wrong", wrong)


def cases(part: str, size: int, what: str) -> tuple[Row, int]:
    """Go through every case; a report of a sanitizer is one wrong."""
    try:
        found, calls = enumerated(part, size)
    except AssertionError as error:
        print(error)
        return none(f"every case of {what}, reports", 1), 0
    return none(f"every case of {what}: {found:,}, {calls:,} calls, reports", 0), calls


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
    rows.append(none(f"fuzzed: {found.sessions:,} sessions, {found.calls:,} calls, reports", failed))
    total += found.calls
    rows.append(Row.held("calls under the sanitizers, without the walks", total, "", "", total, ">= 10000000"))
    rows.append(Row("time", time.monotonic() - start, "s"))
    publish("kernels-soak", "The kernels in C, soaked", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""The kernels in C for long: `python -m soak.kernels [--chips [CHIP]]`. Any report, and any difference, is an error.

On this computer under sanitizers: random calls against the plain Python kernels, every case up to a size, and the fuzzer. Then on
x64 and on three emulated chips as native modules, against viper and plain Python; with --chips that alone, or one of them.
"""

import argparse
import inspect
import itertools
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.report import Row, none, publish
from boardmaps_sim.base import BoardError
from tests.board.chips import CHIPS
from tests.board.test_both_kernels import WALKS, walking
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
    ("lines", 7, "turns of the line in buffers of 7 bytes"),
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


_EACH = 20  # calls after which a map gets other kernels
_PROCESSORS = {"unix": "x64", "qemu": "armv7m", "rv32": "rv32imc", "pico": "armv6m"}


def compared(chip: str) -> list[Row]:
    """Do the walks of every kind with native modules, viper and plain Python by turns."""
    calls, differences = [0], list[str]()

    def go(walks: Iterator[str]) -> None:
        with TemporaryDirectory() as folder, CHIPS[chip](Path(folder)) as run:
            for walk in walks:
                try:
                    said = run(walking(walk, seed=0, each=_EACH, sorts="viper native plain"))
                    calls.append(int(said.split()[-1]))
                except (AssertionError, BoardError) as error:
                    differences.append(walk)
                    print(f"{walk} on {chip}: {error}")

    shared = _Shared(WALKS)
    with ThreadPoolExecutor(2) as both:  # two boards
        for done in [both.submit(go, shared) for _ in range(2)]:
            done.result()
    name = f"{_PROCESSORS[chip]}: calls of native modules, viper and plain Python"
    return [
        Row.held(f"{name}, compared", sum(calls), "", "", sum(calls), ">= 20000"),
        none(f"{name}, walks with a difference in answers, errors or bytes", len(differences)),
    ]


class _Shared:
    """An iterator that two threads take turns with."""

    def __init__(self, walks: Iterable[str]) -> None:
        self._left = deque(walks)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            return self._left.popleft()
        except IndexError:
            raise StopIteration from None


def under_sanitizers() -> list[Row]:
    """Do what this computer does by itself."""
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
    return rows


def main() -> int:
    """Print the table; return 1 when a sanitizer reported anything, or an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--chips", nargs="*", choices=CHIPS, help="leave out what runs under the sanitizers, and other chips"
    )
    given = parser.parse_args()
    start = time.monotonic()
    rows = under_sanitizers() if given.chips is None else []
    for chip in given.chips or CHIPS:
        rows += compared(chip)
    rows.append(Row("time", time.monotonic() - start, "s"))
    publish("kernels-soak", "The kernels in C, soaked", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""Pins on littlefs for long, on MicroPython's unix port and the emulated Pico: `python -m soak.pins`.

What is neither the old nor the new is an error.
"""

import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from mpremote.transport import TransportError

from bench.report import Row, none, publish
from boardmaps_sim.base import BoardError
from boardmaps_sim.power import PowerCut
from tests.board.power_cuts import TEARS, cut_once, formatted, operations
from tests.board.test_pins import cut_at_random, read_back
from tests.sim.stock import stock_pico

_SEEDS = 10
_CUTS = 100  # each
_PINS = 1000
_STOCK_CUTS = 8  # each takes two boots, of 20 s each


def cut_pico(begin: Path, cuts: Sequence[PowerCut], *, built_in: bool) -> tuple[int, int, int]:
    """Cut the emulated Pico's power so; return after how many cuts there was the old content, the new, and anything else."""

    def outcome(cut: PowerCut) -> int:
        with TemporaryDirectory() as folder:
            try:
                return int(cut_once(begin, Path(folder), cut, built_in=built_in))
            except (AssertionError, BoardError, TransportError) as error:
                print(f"cut_once(…, {cut}, built_in={built_in}): {error}")
                return 2

    with ThreadPoolExecutor(2) as both:
        outcomes = list(both.map(outcome, cuts))
    return outcomes.count(0), outcomes.count(1), outcomes.count(2)


def on_pico() -> Row:
    """Cut each operation in each way."""
    with TemporaryDirectory() as folder:
        begin = formatted(Path(folder))
        total = operations(begin, Path(folder))
        cuts = [PowerCut(at, torn) for at in range(total) for torn in TEARS]
        old, new, wrong = cut_pico(begin, cuts, built_in=True)
    ways = f"each cut before it and torn in {len(TEARS) - 1} ways"
    return none(f"emulated Pico, {total} operations of its flash, {ways}, {old} old, {new} new, else", wrong)


def on_stock_pico(seed: int) -> Row:
    """Cut some operations of the board whose boardmaps is in its files."""
    with TemporaryDirectory() as folder:
        begin = stock_pico(Path(folder)).flash
        total = operations(begin, Path(folder), built_in=False)
        rng = random.Random(seed)
        cuts = [PowerCut(at, rng.choice(TEARS)) for at in rng.sample(range(total), _STOCK_CUTS)]
        old, new, wrong = cut_pico(begin, cuts, built_in=False)
    return none(f"emulated stock Pico, {len(cuts)} of {total} operations cut, {old} old, {new} new, else", wrong)


def main() -> int:
    """Print the table; return 1 when a map held what it never was given to keep."""
    start = time.monotonic()
    wrong = pins = old = new = 0
    seed = int(start)
    for number in range(seed, seed + _SEEDS):
        try:
            made, kept, replaced = cut_at_random(number, _CUTS)
        except AssertionError as error:
            wrong += 1
            print(f"cut_at_random({number}, {_CUTS}): {error}")
            continue
        pins, old, new = pins + made, old + kept, new + replaced
    rows = [
        none(f"{_SEEDS * _CUTS:,} power cuts at random in {pins:,} pins, {old} old, {new} new, else", wrong),
    ]
    try:
        read_back(_PINS)
        lost = 0
    except AssertionError as error:
        print(error)
        lost = 1
    rows.append(none(f"{_PINS:,} pins without a reset, each read back, wrong", lost))
    rows += [on_pico(), on_stock_pico(seed)]
    rows.append(Row("time", time.monotonic() - start, "s"))
    publish("pins-soak", "Pins, soaked", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

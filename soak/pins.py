"""Pins on littlefs for long, on MicroPython's unix port: `python -m soak.pins`. What is neither the old nor the new is an error."""

import sys
import time

from bench.report import Row, none, publish
from tests.board.test_pins import cut_at_random, read_back

_SEEDS = 10
_CUTS = 100  # each
_PINS = 1000


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
    rows.append(Row("time", time.monotonic() - start, "s"))
    publish("pins-soak", "Pins, soaked", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

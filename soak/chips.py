"""The emulated chips for long: a million operations under a hard timer interrupt, a hundred hosts. `python -m soak.chips`.

The Pico is the slowest: two of them do half of its million each. Any miss is an error.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, none, publish
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.qemu_exact import ICOUNT
from tests.sim.hard_irq import Outcome, on_pico, on_qemu
from tests.sim.stock import stock_pico
from tests.sim.test_pico_cycles import cycles


def hammered(name: str, outcomes: list[Outcome]) -> Row:
    """Say how many runs found something wrong, and what."""
    wrong = "; ".join(found.wrong for found in outcomes if found.wrong)
    main, handler = sum(found.main for found in outcomes), sum(found.handler for found in outcomes)
    rounds = f"{main:,} rounds of the program, {handler:,} of the handler"
    bad = sum(bool(found.wrong) for found in outcomes)
    return Row.held(f"hard timer, {name}, runs with anything wrong", bad, "", wrong or rounds, bad, "<= 0")


@contextmanager
def a_pico() -> Iterator[PicoBoard]:
    """Run an emulated Pico."""
    with TemporaryDirectory() as folder, PicoBoard(port=Path(folder, "port"), built_in=True) as board:
        yield board


def main() -> int:
    """Print the table; return 1 when something was missed."""
    start = time.monotonic()
    with TemporaryDirectory() as folder, QemuBoard(port=Path(folder, "port"), icount=ICOUNT) as board:
        rows = [hammered("Cortex-M3, 10,000,000 operations", [on_qemu(board, "irq", 10_000_000)])]

    def half(frequency: int) -> Outcome:
        with a_pico() as board:
            return on_pico(board, "irq+lock", 500_000, frequency)

    def half_of_stock(frequency: int) -> Outcome:
        with TemporaryDirectory() as folder, stock_pico(Path(folder)) as board:
            return on_pico(board, "irq", 500_000, frequency, native=True)

    with ThreadPoolExecutor(2) as both:
        rows.append(hammered("emulated Pico, 1,000,000 operations", list(both.map(half, (401, 433)))))
        name = "emulated stock Pico, native modules, guard irq, 1,000,000 operations"
        rows.append(hammered(name, list(both.map(half_of_stock, (401, 433)))))
    with a_pico() as pico:
        resets = len(cycles(pico, 100)) - 1
    rows.append(none("emulated Pico: 100 hosts, one after the other, resets", resets))
    rows.append(Row("time", time.monotonic() - start, "s"))
    publish("chips-soak", "The emulated chips, soaked", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

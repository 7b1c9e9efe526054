"""The embedded maps on the emulated Pico (Cortex-M0+), in emulated microseconds, and what its collector does with the pool.

python -m bench.pico [--stock]: with --stock that firmware alone, with the native modules that deploy sends it.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.on_board import said
from bench.qemu import Found, measure, measure_all, operations, rows
from bench.report import Row, publish
from boardmaps_sim.base import BoardError
from boardmaps_sim.pico import PicoBoard
from tests.sim.stock import stock_pico

GUARDS = {"C": ("none", "irq"), "viper": ("none", "irq", "irq+lock")}  # those in C do the same for both guards
NUMBERS = {"ROUNDS": 100, "COUNT": 100_000, "CHURN": 2_000}  # the emulator is slow
STOCK_GUARDS = ("none", "irq", "irq+lock")
STOCK_REACHES = {
    "hash_lookup_into": ">= 2.7",
    "array_lookup_into": ">= 3.2",
    "array_update": ">= 2.7",
    "array_add": ">= 2.7",
}
COLLECT = """
import gc, sys, time
class config: POOL_SIZE = {size}
sys.modules["boardmaps_config"] = config
{take}
gc.collect()
start = time.ticks_us()
for _ in range(10):
    gc.collect()
print(time.ticks_diff(time.ticks_us(), start) / 10)
"""


def collection(size: int, *, built_in: bool) -> float:
    """Return the microseconds of a collection with a pool of `size` bytes: outside the heap in built-in firmware, else on it."""
    take = "import boardmaps" if built_in else f"pool = bytearray({size})"
    with TemporaryDirectory() as folder, PicoBoard(port=Path(folder) / "port", built_in=built_in) as board:
        output = said(board, COLLECT.format(take=take, size=size))
    return float(output)


def on_stock() -> list[Row]:
    """Measure on stock firmware with native modules, with each guard."""
    found: dict[str, Found] = {}
    for guard in STOCK_GUARDS:
        with TemporaryDirectory() as folder:
            found[guard] = measure(stock_pico(Path(folder), seed=1), "stock", guard, **NUMBERS)
    heap = found["none"]["heap"]
    name = f"heap: {heap['count']:,} operations, stock"
    taken = Row(name, heap["operations"], "bytes", reach="0 bytes", met=heap["operations"] == 0)
    return [*operations(found, "us", ", stock", STOCK_REACHES), taken]


def main() -> int:
    """Measure and publish; 1 when there is no board."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stock", action="store_true", help="leave out the firmware that has boardmaps in it")
    given = parser.parse_args()
    try:
        result = on_stock()
        if given.stock:
            publish("pico-stock", "embedded maps on an emulated Pico with stock firmware", result)
            return 0
        found = measure_all(lambda port: PicoBoard(port=port, built_in=True), GUARDS, **NUMBERS)
        result += rows(found, held=False)
        for name, built_in in (("built-in", True), ("stock", False)):
            without, with_pool = (collection(size, built_in=built_in) for size in (256, 64 * 1024))
            row = Row.held(
                f"gc.collect(), {name}", with_pool, "us", "a pool of 256 bytes", with_pool / without, "<= 1.1"
            )
            if not built_in:
                row.reach, row.met = "", None
            result.append(row)
    except BoardError as error:
        print(error, file=sys.stderr)
        return 1
    publish("pico", "embedded maps on an emulated Pico (us; ratio: times faster than the peer)", result)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The embedded maps on the emulated Pico (Cortex-M0+), in emulated microseconds, and what its collector does with the pool."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mpremote.transport_serial import SerialTransport

from bench.qemu import measure_all, rows
from bench.report import Row, publish
from boardmaps_sim.base import BoardError
from boardmaps_sim.pico import PicoBoard

GUARDS = {"C": ("none", "irq"), "viper": ("none", "irq", "irq+lock")}  # those in C do the same for both guards
NUMBERS = {"ROUNDS": 6, "COUNT": 20_000, "CHURN": 2_000}  # the emulator is slow
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
        repl = SerialTransport(board.port, wait=0)
        try:
            repl.enter_raw_repl(soft_reset=False)
            output, error = repl.exec_raw(COLLECT.format(take=take, size=size), timeout=60)
        finally:
            repl.close()
    if error:
        raise BoardError(error.decode())
    return float(output)


def main() -> int:
    """Measure and publish; 1 when there is no board."""
    try:
        found = measure_all(lambda port: PicoBoard(port=port, built_in=True), GUARDS, **NUMBERS)
        result = rows(found, held=False)
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

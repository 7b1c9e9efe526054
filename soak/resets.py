"""A thousand resets of each chip while its maps are changed: `python -m soak.resets [BOOTS]`.

The Cortex-M3 and the Pico with boardmaps built in lose the map that was being changed at most. The stock Pico, with a tenth as
many boots because each takes long, keeps all that were not being changed in 95 of 100 resets. Nowhere is a wrong value served.
Any miss is an error.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, publish
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.qemu import QemuBoard
from tests.board.resets import MAPS, SMALLER, VIPER, Said, reset_often
from tests.sim.stock import stock_pico

BOOTS = 1001


def on_cortex_m3(boots: int) -> Said:
    """Reset it with the kernels in C, and once more with those that MicroPython compiled."""
    with TemporaryDirectory() as folder, QemuBoard(port=Path(folder, "port")) as board:
        said = reset_often(board, "qemu", boots)
        other = reset_often(board, "qemu", boots, VIPER, seed=2)
    said.boots += other.boots
    said.opened += other.opened
    said.lost += other.lost
    said.discarded += other.discarded
    said.wrong += other.wrong
    said.by_host += other.by_host
    said.worst = max(said.worst, other.worst)
    return said


def on_built_in_pico(boots: int) -> Said:
    """Reset the one whose firmware has boardmaps in it."""
    with TemporaryDirectory() as folder, PicoBoard(port=Path(folder, "port"), built_in=True) as board:
        return reset_often(board, "rp2", boots)


def on_stock_pico(boots: int) -> Said:
    """Reset the one with stock firmware."""
    with TemporaryDirectory() as folder, stock_pico(Path(folder)) as board:
        return reset_often(board, "rp2", boots, SMALLER)


def told(name: str, run: Callable[[int], Said], boots: int, *, built_in: bool = True) -> list[Row]:
    """Reset a chip, and say what came of it."""
    begin = time.monotonic()
    said = run(boots)
    resets = said.boots - 1
    rows = [
        Row.held(
            f"{name}: wrong values or states", len(said.wrong), "", "; ".join(said.wrong)[:200], len(said.wrong), "<= 0"
        )
    ]
    if built_in:
        rows.append(Row.held(f"{name}: most maps that a reset lost", said.worst, "", f"of {MAPS}", said.worst, "<= 1"))
    else:
        kept = 1 - said.lost / resets
        what = f"{name}: resets that kept all maps that were not changed"
        rows.append(Row.held(what, kept, "", f"of {resets}", kept, ">= 0.95"))
    rows.append(Row(f"{name}: maps lost within a change", len(said.discarded), f"of {resets * MAPS:,}"))
    rows.append(Row(f"{name}: operations of a host meanwhile", said.by_host, ""))
    rows.append(Row(f"{name}: time", time.monotonic() - begin, "s"))
    return rows


def main() -> int:
    """Print the table; return 1 when something was missed."""
    boots = int(sys.argv[1]) if len(sys.argv) > 1 else BOOTS
    rows = told("Cortex-M3", on_cortex_m3, boots)
    rows += told("Pico, built in", on_built_in_pico, boots)
    rows += told("Pico, stock", on_stock_pico, boots // 10 + 1, built_in=False)
    publish("resets-soak", "Resets while maps are changed", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

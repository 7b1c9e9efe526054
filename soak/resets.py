"""A thousand resets of each chip while its maps are changed: `python -m soak.resets [RESETS] [CHIP …]`.

The Cortex-M3 and the Pico with boardmaps built in lose the map that was being changed at most. The stock Pico, with a tenth as
many because each takes long, keeps all that were not being changed in 95 of 100 resets. Nowhere is a wrong value served.
Any miss is an error. CHIP is one of cortex-m3, built-in and stock; two boards run side by side, each with half of a chip's resets.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, publish
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.qemu import QemuBoard
from tests.board.resets import MAPS, SMALLER, VIPER, Said, reset_often
from tests.sim.stock import stock_pico

RESETS = 1000


def on_cortex_m3(boots: int, seed: int) -> Said:
    """Reset it, with the kernels in C and, with an even seed, those that MicroPython compiled."""
    with TemporaryDirectory() as folder, QemuBoard(port=Path(folder, "port")) as board:
        return reset_often(board, "qemu", boots, "" if seed % 2 else VIPER, seed=seed)


def on_built_in_pico(boots: int, seed: int) -> Said:
    """Reset the one whose firmware has boardmaps in it."""
    with TemporaryDirectory() as folder, PicoBoard(port=Path(folder, "port"), built_in=True) as board:
        return reset_often(board, "rp2", boots, seed=seed)


def on_stock_pico(boots: int, seed: int) -> Said:
    """Reset the one with stock firmware."""
    with TemporaryDirectory() as folder, stock_pico(Path(folder)) as board:
        return reset_often(board, "rp2", boots, SMALLER, seed=seed)


def together(run: Callable[[int, int], Said], resets: int) -> Said:
    """Reset two boards of a chip, each half as often; return what both said."""
    with ThreadPoolExecutor(2) as both:
        said, other = both.map(run, ((resets + 1) // 2 + 1, resets // 2 + 1), (1, 2))  # the first boot is no reset
    said.boots += other.boots - 1
    said.interrupted += other.interrupted
    said.ids |= other.ids
    said.opened += other.opened
    said.lost += other.lost
    said.discarded += other.discarded
    said.wrong += other.wrong
    said.by_host += other.by_host
    said.worst = max(said.worst, other.worst)
    return said


def told(name: str, run: Callable[[int, int], Said], resets: int, *, built_in: bool) -> list[Row]:
    """Reset a chip, and say what came of it."""
    begin = time.monotonic()
    said = together(run, resets)
    resets = said.boots - 1
    rows = [
        Row.held(
            f"{name}: wrong values or states", len(said.wrong), "", "; ".join(said.wrong)[:200], len(said.wrong), "<= 0"
        )
    ]
    again = said.boots + 1 - len(said.ids)  # two boards' first boots are one
    rows.append(Row.held(f"{name}: boots with an id that was there before", again, "", "", again, "<= 0"))
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


# What each is called, how it is reset, and how much oftener than asked for: the Cortex-M3 so often with each sort of kernels.
CHIPS: dict[str, tuple[str, Callable[[int, int], Said], float]] = {
    "cortex-m3": ("Cortex-M3", on_cortex_m3, 2),
    "built-in": ("Pico, built in", on_built_in_pico, 1),
    "stock": ("Pico, stock", on_stock_pico, 0.1),
}


def main() -> int:
    """Print the table; return 1 when something was missed."""
    resets = int(sys.argv[1]) if len(sys.argv) > 1 else RESETS
    wanted = sys.argv[2:] or list(CHIPS)
    if unknown := set(wanted) - set(CHIPS):
        print(f"no such chip: {', '.join(sorted(unknown))}. There are {', '.join(CHIPS)}.", file=sys.stderr)
        return 2
    rows = []
    for word, (name, run, share) in CHIPS.items():
        if word in wanted:
            rows += told(name, run, ceil(resets * share), built_in=word != "stock")
    publish("resets-soak", "Resets while maps are changed", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

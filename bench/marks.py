"""What the mark costs that kernels set while they change a slice, on the Cortex-M3 in exact ticks: python -m bench.marks.

The kernels in C as native modules and those that MicroPython compiles, as they are and without the mark.
"""

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.on_board import said
from bench.qemu import ICOUNT
from bench.report import Row, publish
from boardmaps_sim.chips.given import BEHIND_FLASH, WITHOUT_C, flash_with, importing, joined
from boardmaps_sim.chips.native import OUT, PARTS, build_native
from boardmaps_sim.qemu import QemuBoard

ROOT = Path(__file__).parents[1]
PROGRAM = Path(__file__).parent / "board_marks.py"
KERNELS = ROOT / "firmware" / "boardmaps" / "kernels"
UNMARKED = ROOT / "build" / "bench" / "unmarked"
ALLOWED = 6  # ticks of an operation that changes a value, in C
_VIPER = "import sys\nsys.modules['_boardmaps'] = None\nimport micropython\n"
# A kernel from source in the place of the frozen one.
_AS_KERNEL = """
names = {{"__name__": "boardmaps.kernels.{name}"}}
exec({source!r}, names)
class Kernel:
    pass
for key, value in names.items():
    setattr(Kernel, key, staticmethod(value) if callable(value) else value)
sys.modules["boardmaps.kernels.{name}"] = Kernel
"""


def run(begin: str, flash: Path | None, folder: Path) -> dict[str, float]:
    """Run the program behind `begin` on a board; return its ticks by operation."""
    with QemuBoard(port=folder / "port", icount=ICOUNT, flash=flash) as board:
        output = said(board, begin + PROGRAM.read_text())
    found: dict[str, float] = json.loads(output)
    return found


def in_c(modules: Path) -> dict[str, float]:
    """Measure with these native modules."""
    parts = {f"{part}.mpy": (modules / f"{part}.mpy").read_bytes() for part in PARTS}
    with TemporaryDirectory() as folder:
        begin = WITHOUT_C + importing(parts, BEHIND_FLASH)
        return run(begin, flash_with(joined(parts, Path(folder))), Path(folder))


def in_viper(marked: bool) -> dict[str, float]:
    """Measure with the kernels of arrays and hash tables from their sources, with the lines that set the mark or without."""
    begin = _VIPER
    for name in ("viper_array", "viper_hash"):
        source = (KERNELS / f"{name}.py").read_text()
        without, n = re.subn(r"^( +)ptr8\(.*\)\[_MARK_AT\] = [01]$", r"\1pass", source, flags=re.MULTILINE)
        assert n
        begin += _AS_KERNEL.format(name=name, source=source if marked else without)
    with TemporaryDirectory() as folder:
        return run(begin, None, Path(folder))


def main() -> int:
    """Measure and publish."""
    build_native(["armv7m"])
    (unmarked,) = build_native(["armv7m"], UNMARKED, ("-DBOARDMAPS_UNMARKED=1",))
    rows = []
    for kernels, marked, plain in (
        ("C", in_c(OUT / "armv7m"), in_c(unmarked)),
        ("viper", in_viper(True), in_viper(False)),
    ):
        for name, ticks in marked.items():
            cost = round(ticks - plain[name], 2)
            what, against = f"the mark, {kernels}: {name}", f"{plain[name]:.1f} ticks without"
            if "look-up" in name:
                rows.append(Row.held(what, cost, "ticks", against, cost, "<= 0"))
            elif kernels == "C" and "push" not in name:
                rows.append(Row.held(what, cost, "ticks", against, cost, f"<= {ALLOWED}"))
            elif kernels == "C" or name.startswith(("hash", "array")):
                rows.append(Row(what, cost, "ticks", against))
    publish("marks", "What the mark of a slice costs, in ticks of 40 ns", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What boardmaps takes of a board's heap, by step of a program: frozen into the firmware, and from the files that deploy sends.

python -m bench.heap [--modules] [--no-pico]: with --modules also what each module takes on the Cortex-M3. There the names in files
are those of the firmware, which has boardmaps frozen in beside them; on the stock Pico they take heap too.
"""

import argparse
import ast
import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.on_board import said
from bench.report import Row, publish
from boardmaps_host.deploy import DeployError, deploy
from boardmaps_host.deploy.files import Target, modules, payload_for
from boardmaps_host.kinds import KINDS
from boardmaps_sim.base import BoardError
from boardmaps_sim.chips.given import BEHIND_FLASH, WITHOUT_C, flash_with, joined, mounted
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.process_board import ProcessBoard
from boardmaps_sim.qemu import QemuBoard

TWO = "HashMap ArrayMap"
FIVE = TWO + " Queue Stack RingBuf"
ALL = " ".join(kind.class_name for kind in KINDS if kind.on_boards)
ON_M3 = Target("micropython", "", "qemu", 5 << 10 | 3 << 8 | 6)
KB = 1024
_PATIENCE = 120  # seconds that the emulator may take to answer on a busy machine

PROGRAM = Path(__file__).parent / "board_heap.py"
Found = dict[str, Any]  # what a step took, in bytes; under "loaded" the modules that are there with the server


def in_memory(files: dict[str, bytes]) -> str:
    """Return what a program begins with to import these files before what is frozen; they lie in its memory, joined."""
    inside = {f"boardmaps/{name}": content for name, content in files.items()}
    return WITHOUT_C + mounted(inside, BEHIND_FLASH) + 'sys.path[:] = ["/given", ".frozen"]\n'


def in_order(names: list[str]) -> list[str]:
    """Return modules' names (line.frame) so that each stands behind those that it imports when it is loaded."""
    sources, found = {_name(file): path for file, path in modules().items()}, list[str]()

    def add(name: str) -> None:
        if name in found or name not in names:
            return
        tree = ast.parse(sources[name].read_text()) if name in sources else ast.Module([], [])
        for node in _outside_functions(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                parts = name.split(".")[: -node.level] + ([node.module] if node.module else [])
                for one in (parts, *([*parts, alias.name] for alias in node.names)):
                    add(".".join(one))
        found.append(name)

    for name in names:
        add(name)
    return found


def _outside_functions(node: ast.AST) -> list[ast.AST]:
    inside = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.FunctionDef)]
    return [*inside, *(more for child in inside for more in _outside_functions(child))]


def _name(file: str) -> str:
    return file.rsplit(".", 1)[0].removesuffix("/__init__").replace("/", ".")


def measure(board: ProcessBoard, before: str = "", **given: str) -> Found:
    """Run board_heap.py behind a program on a started board, with other values for its constants."""
    code = PROGRAM.read_text()
    for name, value in given.items():
        code, done = re.subn(rf'^{name} = "[^"]*"', f"{name} = {value!r}", code, count=1, flags=re.MULTILINE)
        assert done, name
    output = said(board, before + code, soft_reset=True)
    return dict(json.loads(output.splitlines()[-1]))


def on_m3(files: dict[str, bytes] | None, **given: str) -> Found:
    """Measure on a Cortex-M3 started for it: what is frozen into its firmware, or these files."""
    with TemporaryDirectory() as folder:
        flash = flash_with(joined(files, Path(folder))) if files else None
        before = in_memory(files) if files else ""
        with QemuBoard(port=Path(folder, "port"), flash=flash) as board:
            return measure(board, before, **given)


def on_pico(kinds: list[str]) -> list[Found]:
    """Measure on the stock Pico, once for each of these kinds, what deploy has put there."""
    with TemporaryDirectory() as folder, PicoBoard(port=Path(folder) / "port") as board:
        deploy(board.port, reset=False, timeout=_PATIENCE)
        return [measure(board, KINDS=some, RARE="yes") for some in kinds]


def rows(where: str, found: Found) -> list[Row]:
    """Return a row a step."""
    return [Row(f"{where}: {name}", taken, "bytes") for name, taken in found.items() if name != "loaded"]


def total(where: str, found: Found, kinds: str, reach: int | None = None) -> Row:
    """Return a row of all that a program takes up to the server, a map of each kind left out."""
    names = kinds.split()
    taken = sum(found[name] for name in ("import boardmaps", *names, "server"))
    return held(f"{where}: {len(names)} kinds and server", taken, reach)


def held(name: str, value: int, reach: int | None) -> Row:
    """Return a row that should be at most `reach`."""
    return (
        Row(name, value, "bytes")
        if reach is None
        else Row.held(name, value, "bytes", f"{reach}", value / reach, "<= 1")
    )


def by_module(files: dict[str, bytes] | None) -> list[Row]:
    """Return a row for what each module of the Cortex-M3 takes when it is loaded, its own imports left out."""
    names = [_name(file) for file in files or modules()]
    # Not what needs threads, and of the frozen kernels none in Python: there they are not used.
    names = [n for n in names if n not in ("__init__", "serving.threaded") and (files or not n.startswith("kernels."))]
    found = on_m3(files, MODULES=" ".join(in_order(names)), ROOT="/given" if files else ".frozen")
    where = "files" if files else "frozen"
    return [Row(f"{where}: module {name}", taken, "bytes") for name, taken in found.items()]


def main() -> int:
    """Measure and publish; 1 when there is no board."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", action="store_true", help="tell what each module takes too")
    parser.add_argument("--no-pico", action="store_true", help="leave out the emulated Pico, which takes minutes")
    given = parser.parse_args()
    try:
        files = payload_for(ON_M3).files
        frozen = on_m3(None, KINDS=ALL)
        imported = sum(frozen[name] for name in ("import boardmaps", *FIVE.split()))
        result = [
            held("Cortex-M3, frozen: import and five kinds", imported, 5 * KB),
            *rows("Cortex-M3, frozen", frozen),
        ]
        two, five, everything = (on_m3(files, KINDS=kinds) for kinds in (TWO, FIVE, ALL))
        result += [total("Cortex-M3, files", two, TWO), total("Cortex-M3, files", five, FIVE)]
        result += rows("Cortex-M3, files", everything)
        needed = [content for file, content in files.items() if _name(file) in ("__init__", *two["loaded"])]
        result.append(held("Cortex-M3: files of 2 kinds and server", sum(map(len, needed)), 36 * KB))
        result.append(held("Cortex-M3: all files", sum(map(len, files.values())), 60 * KB))
        if not given.no_pico:
            two, five = on_pico([TWO, FIVE])
            result += [total("stock Pico", two, TWO, 28 * KB), total("stock Pico", five, FIVE, 38 * KB)]
            result += rows("stock Pico", five)
        for of in (None, files) if given.modules else ():
            result += by_module(of)
    except (BoardError, DeployError) as error:
        print(error, file=sys.stderr)
        return 1
    publish("heap", "heap that stays taken, by step, the pool left out", result)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The embedded maps on the Cortex-M3, in exact ticks, against MicroPython's own dict and deque in the same run.

python -m bench.qemu [--twice]: with --twice all is measured on two boards, and they must agree to a tick.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.on_board import said
from bench.report import Row, publish
from boardmaps_sim.base import BoardError
from boardmaps_sim.chips.given import BEHIND_FLASH, WITHOUT_C, flash_with, importing, joined
from boardmaps_sim.chips.native import OUT, PARTS
from boardmaps_sim.process_board import ProcessBoard
from boardmaps_sim.qemu import QemuBoard

PROGRAM = Path(__file__).parent / "board_ops.py"
ICOUNT = 5  # an instruction takes 2**5 ns, a tick 40 ns
# The kernels in C, which this firmware has; the same as native modules, for stock firmware; and those that it uses without.
# One core: what a lock adds, bench.pico says.
GUARDS: dict[str, tuple[str, ...]] = {"C": ("none", "irq"), "native": ("none", "irq"), "viper": ("none", "irq")}
FULL = 512  # entries of the map whose longest operations are told

DEQUE = "deque_append_popleft"
REACHES = {
    "hash_lookup_into": ("dict_get", ">= 2.9"),
    "hash_lookup": ("dict_get", ">= 1"),
    "hash_update": ("dict_set", ">= 4.2"),
    "hash_insert_delete": ("dict_insert_delete", ">= 10"),
    "array_lookup_into": ("dict_get_short", ">= 5"),
    "array_update": ("dict_get_short", ">= 4.1"),
    "array_add": ("dict_get_short", ">= 3.4"),
    "queue_push_pop": (DEQUE, ">= 2.3"),
    "stack_push_pop": (DEQUE, ">= 2.3"),
    "ring_output_read": (DEQUE, ">= 2.3"),
}
GUARDED = [*REACHES, "hash_add"]
GUARD_REACHES = {"irq": "<= 1.03", "irq+lock": "<= 1.15"}  # of kernels in C

Found = dict[str, Any]


def one_bucket(n: int) -> str:
    """Return n keys of 8 bytes that share a bucket of a map of FULL entries with the smallest seed and multiplier."""
    keys, number = bytearray(), 0
    while len(keys) < 8 * n:
        number += 1
        key = (number * 0x9E3779B97F4A7C15 & (1 << 64) - 1).to_bytes(8, "little")
        x = 0
        for i in range(0, 8, 2):
            x = (x ^ (key[i] | key[i + 1] << 8)) * 0x10000001 & (1 << 30) - 1
            x ^= x >> 15
        if x & FULL - 1 == 0:
            keys += key
    return keys.hex()


def measure(board: ProcessBoard, kernels: str, guard: str, **numbers: int | str) -> Found:
    """Run board_ops.py on a board with these kernels, this guard and other numbers; return everything that it printed."""
    code = PROGRAM.read_text()
    given = {"GUARD": guard, "KERNELS": "viper" if kernels == "viper" else None, **numbers}
    for name, value in given.items():
        code, done = re.subn(rf"^{name} = .*$", f"{name} = {value!r}", code, count=1, flags=re.MULTILINE)
        assert done, name
    if kernels == "native":
        code = WITHOUT_C + importing(_native(), BEHIND_FLASH) + code
    with board:
        output = said(board, code)
    found: Found = {}
    for line in output.splitlines():
        found.update(json.loads(line))
    return found


def measure_all(
    board: Callable[[Path], ProcessBoard], guards: dict[str, tuple[str, ...]], **numbers: int
) -> dict[str, dict[str, Found]]:
    """Measure both kernels with each guard, on a board started for it; and in a program of its own what takes longest."""
    found: dict[str, dict[str, Found]] = {}
    for kernels, each in guards.items():
        found[kernels] = {}
        for guard in each:
            with TemporaryDirectory() as folder:
                found[kernels][guard] = measure(board(Path(folder, "port")), kernels, guard, **numbers)
        if kernels == "native":
            continue  # the longest are those of C, and the keys for them do not fit beside a pool on the heap
        with TemporaryDirectory() as folder:
            keys = one_bucket(2 * FULL)
            longest = measure(board(Path(folder, "port")), kernels, "none", FULL=FULL, COLLIDING=keys)
            found[kernels]["none"].update(longest)
    return found


def on_qemu() -> dict[str, dict[str, Found]]:
    """Measure on the Cortex-M3."""

    def board(port: Path) -> QemuBoard:
        return QemuBoard(port=port, icount=ICOUNT, flash=flash_with(joined(_native(), port.parent)))

    return measure_all(board, GUARDS)


def _native() -> dict[str, bytes]:
    """Return the native modules for the Cortex-M3, file name to content."""
    try:
        return {f"{part}.mpy": (OUT / "armv7m" / f"{part}.mpy").read_bytes() for part in PARTS}
    except OSError as error:
        raise BoardError(f"{error.filename} is not there. Build it: make native-deps native") from error


def agree(one: Any, other: Any) -> bool:
    """Whether two runs gave the same numbers; a run may begin at another fraction of a tick, which shows as one tick."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(agree(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(agree, one, other))
    return bool(one == other if isinstance(one, str) else abs(one - other) <= 1)


def rows(found: dict[str, dict[str, Found]], held: bool = True) -> list[Row]:
    """Say what was found as rows: the C kernels `held` against the reaches, which are for the Cortex-M3; others are named so."""
    reaches = {name: reach for name, (_, reach) in REACHES.items()} if held else None
    plain = found["C"]["none"]
    ticks, unit = plain["operations"], plain["unit"]
    result = [Row(name, ticks[name], unit) for name in dict.fromkeys(peer for peer, _ in REACHES.values())]
    for kernels, of in found.items():
        held_against = reaches if kernels != "viper" else None
        result += operations(of, unit, "" if kernels == "C" else f", {kernels}", held_against)
    for kernels, of in found.items():
        if "worst" not in of["none"]:
            continue
        result += longest(of["none"], unit, "" if kernels == "C" else f", {kernels}")
    heap = plain["heap"]
    for what, limit in (("imported", 4096), ("server", 8192)):
        taken = heap[what]
        result.append(Row.held(f"heap: {what}", taken, "bytes", f"{limit} bytes", taken / limit, "<= 1"))
    result.append(Row("heap: imported, viper", found["viper"]["none"]["heap"]["imported"], "bytes"))
    for kernels, of in found.items():
        heap = of["none"]["heap"]
        name = f"heap: {heap['count']:,} operations{'' if kernels == 'C' else f', {kernels}'}"
        result.append(Row(name, heap["operations"], "bytes", reach="0 bytes", met=heap["operations"] == 0))
    return result


def operations(found: dict[str, Found], unit: str, suffix: str, held: dict[str, str] | None) -> list[Row]:
    """Rows of the operations with one kind of kernel, without a guard and with each; those that are `held` against a reach."""
    result = []
    ticks = found["none"]["operations"]
    for name, (peer, _) in REACHES.items():
        result.append(_row(name + suffix, ticks[name], unit, peer, ticks[peer] / ticks[name], (held or {}).get(name)))
    result.append(Row("hash_add" + suffix, ticks["hash_add"], unit))
    for guard in list(found)[1:]:
        reach = None if held is None else GUARD_REACHES[guard]
        for name in GUARDED:
            guarded = found[guard]["operations"][name]
            row = _row(f"guard {guard}: {name}{suffix}", guarded, unit, "none", guarded / ticks[name], reach)
            result.append(row)
    return result


def _row(name: str, value: float, unit: str, peer: str, ratio: float, reach: str | None) -> Row:
    return Row.held(name, value, unit, peer, ratio, reach) if reach else Row(name, value, unit, peer, ratio)


def longest(found: Found, unit: str, suffix: str) -> list[Row]:
    """Rows of the longest operations of a full map: each with random keys, the longest of all with others; and after churn."""
    result = [
        Row(f"longest of {found['full']}, map full: {name}{suffix}", spent, unit)
        for name, spent in sorted(found["worst"]["random"].items())
    ]
    for kind, of in found["worst"].items():
        if kind != "random":
            result.append(Row(f"longest of all, keys: {kind}{suffix}", max(of.values()), unit))
    new, old = found["churn"]
    name = f"lookup_into after {found['churned']:,} inserts and deletes{suffix}"
    return [*result, Row(name, old, unit, "new map", old / new)]


def main() -> int:
    """Measure and publish; 1 when two runs differ or there is no board."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--twice", action="store_true", help="measure twice and compare")
    twice = parser.parse_args().twice
    try:
        found = on_qemu()
        if twice and not agree(found, on_qemu()):
            print("two runs differ: the ticks are not exact", file=sys.stderr)
            return 1
    except BoardError as error:
        print(error, file=sys.stderr)
        return 1
    title = "embedded maps on a Cortex-M3 (QEMU; 25 MHz ticks of 1.25 instructions; ratio: times faster than the peer)"
    publish("qemu", title + ("; two runs agree" if twice else ""), rows(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The embedded maps on the Cortex-M3, in exact ticks, against MicroPython's own dict and deque in the same run.

python bench/qemu.py [--twice]: with --twice all is measured on two boards, and they must agree to a tick.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mpremote.transport_serial import SerialTransport
from report import Row, publish

from boardmaps_sim.base import BoardError
from boardmaps_sim.process_board import ProcessBoard
from boardmaps_sim.qemu import QemuBoard

PROGRAM = Path(__file__).parent / "board_ops.py"
ICOUNT = 5  # an instruction takes 2**5 ns, a tick 40 ns
GUARDS = ("none", "irq")  # the machine has one core; what a lock adds, bench/pico.py says

DEQUE = "deque_append_popleft"
REACHES = {
    "hash_lookup_into": ("dict_get", ">= 2.5"),
    "hash_lookup": ("dict_get", ">= 1"),
    "hash_update": ("dict_set", ">= 2"),
    "hash_insert_delete": ("dict_insert_delete", ">= 1.5"),
    "array_lookup_into": ("dict_get_short", ">= 3"),
    "array_update": ("dict_get_short", ">= 3"),
    "array_add": ("dict_get_short", ">= 3"),
    "queue_push_pop": (DEQUE, ">= 1.5"),
    "stack_push_pop": (DEQUE, ">= 1.5"),
    "ring_output_read": (DEQUE, ">= 1.5"),
}
GUARDED = [*REACHES, "hash_add"]

Found = dict[str, Any]


def measure(board: ProcessBoard, guard: str, **numbers: int) -> Found:
    """Run board_ops.py on a board with this guard and these ROUNDS, COUNT and CHURN; return everything that it printed."""
    code = PROGRAM.read_text().replace('GUARD = "none"', f'GUARD = "{guard}"', 1)
    for name, number in numbers.items():
        code = re.sub(rf"^{name} = \S+", f"{name} = {number}", code, count=1, flags=re.MULTILINE)
    with board:
        repl = SerialTransport(board.port, wait=0)
        try:
            repl.enter_raw_repl(soft_reset=False)
            output, error = repl.exec_raw(code, timeout=300)
        finally:
            repl.close()
    if error:
        raise BoardError(error.decode())
    found: Found = {}
    for line in output.decode().splitlines():
        found.update(json.loads(line))
    return found


def on_qemu() -> dict[str, Found]:
    """Measure with each guard, on a board started for it."""
    found = {}
    for guard in GUARDS:
        with TemporaryDirectory() as folder:
            found[guard] = measure(QemuBoard(port=Path(folder) / "port", icount=ICOUNT), guard)
    return found


def agree(one: Any, other: Any) -> bool:
    """Whether two runs gave the same numbers; a run may begin at another fraction of a tick, which shows as one tick."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(agree(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(agree, one, other))
    return one == other if isinstance(one, str) else abs(one - other) <= 1


def rows(found: dict[str, Found], held: bool = True) -> list[Row]:
    """Say what was found as rows: `held` against the reaches, which are for the Cortex-M3."""
    plain = found["none"]
    ticks, heap = plain["operations"], plain["heap"]
    peers = dict.fromkeys(peer for peer, _ in REACHES.values())
    unit = plain["unit"]
    result = [Row(name, ticks[name], unit) for name in peers]
    for name, (peer, reach) in REACHES.items():
        row = Row.held(name, ticks[name], unit, peer, ticks[peer] / ticks[name], reach)
        if not held:
            row.reach, row.met = "", None
        result.append(row)
    result.append(Row("hash_add", ticks["hash_add"], unit))
    for guard in list(found)[1:]:
        for name in GUARDED:
            guarded = found[guard]["operations"][name]
            result.append(Row(f"guard {guard}: {name}", guarded, unit, "none", guarded / ticks[name]))
    for name, spent in sorted(plain["worst"].items()):
        result.append(Row(f"longest of 512, map full: {name}", spent, unit))
    new, old = plain["churn"]
    result.append(Row(f"lookup_into after {plain['churned']:,} inserts and deletes", old, unit, "new map", old / new))
    for what, limit in (("imported", 4096), ("server", 8192)):
        taken = heap[what]
        result.append(Row.held(f"heap: {what}", taken, "bytes", f"{limit} bytes", taken / limit, "<= 1"))
    taken = heap["operations"]
    result.append(Row(f"heap: {heap['count']:,} operations", taken, "bytes", reach="0 bytes", met=taken == 0))
    return result


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

"""What a boot takes that finds 16 maps in a full pool, on the Cortex-M3 in exact ticks of 25 MHz: python -m bench.reopening."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.on_board import said
from bench.qemu import ICOUNT
from bench.report import Row, publish
from boardmaps_sim.base import BoardError
from boardmaps_sim.qemu import QemuBoard

TICKS = 500_000  # 20 ms
PROGRAM = """
import gc, json, time
ticks = time.ticks_cpu
begin = ticks()
import boardmaps
imported = ticks() - begin
from boardmaps import ArrayMap, HashMap, Queue, RingBuf, StaticPool
makers = (
    lambda name: HashMap(8, 8, 128, name=name),
    lambda name: ArrayMap(8, 500, name=name),
    lambda name: RingBuf(4096, name=name),
    lambda name: Queue(16, 250, name=name),
)
begin = ticks()
maps = [makers[i & 3]("m%d" % i) for i in range(16)]
made = ticks() - begin
for i in range(0, 16, 4):
    for n in range(128):
        maps[i].update(n.to_bytes(8, "little"), bytes(8))
    while maps[i + 2].output(b"sixteen bytes!!!"):
        pass
told = boardmaps.recovered()
found = {"imported": imported, "made": made, "left": StaticPool.remaining(), "opened": len(told)}
if told:
    from boardmaps import pool
    from boardmaps.adoption import Kept
    image = bytes(pool._memory)
    StaticPool.reset()
    pool._memory[:] = image
    gc.collect()  # at boot the heap has no garbage yet
    begin = ticks()
    kept = Kept(pool.built_in.memory(), pool._view, pool._clear, [])
    found["looked"] = ticks() - begin
    assert len(kept.waiting) == 16
print(json.dumps(found))
"""


def boot(board: QemuBoard, *, again: bool) -> dict[str, int]:
    """Run the program in this boot of the board, or in another one; return what it found."""
    output = said(board, PROGRAM, soft_reset=again)
    found: dict[str, int] = json.loads(output)
    return found


def main() -> int:
    """Measure and publish; 1 when there is no board."""
    try:
        with TemporaryDirectory() as folder, QemuBoard(port=Path(folder, "port"), icount=ICOUNT) as board:
            empty, full = boot(board, again=False), boot(board, again=True)
    except BoardError as error:
        print(error, file=sys.stderr)
        return 1
    looked = full["looked"]
    rows = [
        Row.held("16 maps that a reset left, looked at", looked, "ticks", f"{TICKS:,}", looked / TICKS, "<= 1"),
        Row("import boardmaps, that included", full["imported"], "ticks"),
        Row("import boardmaps, an empty pool", empty["imported"], "ticks"),
        Row("16 maps opened", full["made"], "ticks"),
        Row("16 maps made", empty["made"], "ticks"),
    ]
    publish(
        "reopening",
        f"a boot that finds 16 maps, {full['left']:,} bytes of the pool free (Cortex-M3 in QEMU, ticks of 25 MHz)",
        rows,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

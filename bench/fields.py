"""Fields by name on the Cortex-M3, in exact ticks, against lookup_into and the struct module: python -m bench.fields."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.on_board import said
from bench.qemu import ICOUNT
from bench.report import Row, none, publish
from boardmaps_sim.qemu import QemuBoard

PROGRAM = Path(__file__).parent / "board_fields.py"
_PAIRS = (("get", "struct_get", ">= 1.5"), ("set", "struct_set", ">= 1.5"), ("set", "part_set", ""))
_PEERS = {
    "struct_get": "lookup_into and unpack_from",
    "struct_set": "lookup_into, pack_into and update",
    "part_set": "pack_into and update_part",
}


def main() -> int:
    """Measure and publish."""
    with TemporaryDirectory() as folder, QemuBoard(port=Path(folder, "port"), icount=ICOUNT) as board:
        output = said(board, PROGRAM.read_text())
    rows = []
    for kind, found in json.loads(output).items():
        for name, peer, reach in _PAIRS:
            own, other = (found[of] - found["loop"] for of in (f"field_{name}", peer))
            what = f"{kind}: a field's {name}"
            against = f"{_PEERS[peer]}: {other:.0f} ticks"
            rows.append(
                Row.held(what, own, "ticks", against, other / own, reach)
                if reach
                else Row(what, own, "ticks", against, other / own)
            )
        rows.append(Row(f"{kind}: a field's add", found["field_add"] - found["loop"], "ticks"))
        rows.append(none(f"{kind}: heap of get, set and add of small numbers", found["heap"]))
    publish("fields", "Fields by name on the Cortex-M3, in ticks of 40 ns", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Build MicroPython for the emulated boards, and native modules: python boards/build.py deps|pico|qemu|rv32|native ...

deps installs the cross tool chains, what the tests examine the C with and the engines that exports are tested against (root), and
fetches MicroPython's source; native writes build/native/, the others write build/firmware/.
"""

import argparse
import os
import sys
import time

from boardmaps_sim.chips.cache import CHIPS_OUT, BuildError, locked
from boardmaps_sim.chips.native import OTHERS, PROCESSORS, build_native
from boardmaps_sim.chips.source import fetch_source
from boardmaps_sim.chips.tools import NEEDS, install_tools


def main() -> int:
    """Run the named steps in order; 1 and the reason when one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "steps", nargs="+", choices=("deps", "trust-deps", "engines-deps", *(f"{name}-deps" for name in NEEDS), *NEEDS)
    )
    parser.add_argument(
        "--if-possible",
        action="store_true",
        help="a step that fails is told and passed over, unless BOARDMAPS_REQUIRE=1",
    )
    parser.add_argument(
        "--arch",
        choices=(*PROCESSORS, *OTHERS),
        help="the processor to build native modules for; by default all but xtensawin, which needs Espressif's compiler",
    )
    given = parser.parse_args()
    may_fail = given.if_possible and os.environ.get("BOARDMAPS_REQUIRE") != "1"
    with locked(CHIPS_OUT, "build"):  # two builds at once would write the same files
        for step in given.steps:
            begin = time.monotonic()
            try:
                print(f"{step}: {'; '.join(_run(step, given.arch))} ({time.monotonic() - begin:.1f} s)")
            except BuildError as error:
                print(f"{step}: {error}", file=sys.stderr)
                if not may_fail:
                    return 1
    return 0


def _run(step: str, arch: str | None) -> list[str]:
    if step.endswith("deps"):
        installed = install_tools([*NEEDS, "trust", "engines"] if step == "deps" else [step.removesuffix("-deps")])
        if step in ("trust-deps", "engines-deps"):
            return [f"installed {' '.join(installed)}" if installed else "tools present"]
        source = fetch_source()
        return [f"installed {' '.join(installed)}" if installed else "tools present", f"MicroPython {source.version}"]
    if step == "native":
        return [str(path) for path in build_native([arch] if arch else [])]
    if step == "pico":
        from boardmaps_sim.chips.emulator import build_emulator
        from boardmaps_sim.chips.rp2 import build_pico

        return [str(path) for path in (*build_pico(), build_emulator())]
    from boardmaps_sim.chips.qemu_port import build_qemu, build_rv32

    return [str(build_qemu() if step == "qemu" else build_rv32())]


if __name__ == "__main__":
    raise SystemExit(main())

"""MicroPython's qemu port for the MPS2-AN385 (Cortex-M3), built with the board folder boards/qemu."""

from pathlib import Path

from boardmaps_sim.chips.cache import PROJECT, digest, forget_others, publish, published, run
from boardmaps_sim.chips.source import Source, find_source, mpy_cross
from boardmaps_sim.chips.tools import require_tools

IMAGE = "qemu.elf"
_BOARD = PROJECT / "boards" / "qemu"
_MODULES = PROJECT / "boards" / "cmodules"


def build_qemu(manifest: Path = _BOARD / "manifest.py") -> Path:
    """Build the image, or return the one that is there if nothing changed. Raises BuildError."""
    source = find_source()
    # The checkout's path is in it: make goes by the files' times, and those of another checkout say nothing.
    board = [_BOARD / name for name in ("mpconfigboard.h", "mpconfigboard.mk", "mps2.ld")]
    config = digest([source.version, str(PROJECT), *board, _MODULES])
    frozen = digest(
        [manifest, _BOARD / "modules", *(PROJECT / "firmware" / name for name in ("manifest.py", "boardmaps"))]
    )
    key = f"{config} {frozen}"
    done = published(IMAGE, key)
    if done and not source.own:
        return done
    require_tools("qemu")
    build = source.builds / f"qemu-{config}"
    forget_others(build)
    run(_make(source, build, manifest), source.builds / "qemu.log")
    return publish(build / "firmware.elf", IMAGE, key)


def _make(source: Source, build: Path, manifest: Path) -> list[str]:
    return [
        "make",
        "-C",
        str(source.tree / "ports" / "qemu"),
        "-j2",
        "BOARD=BOARDMAPS_MPS2",
        f"BOARD_DIR={_BOARD}",
        f"BUILD={build}",
        f"USER_C_MODULES={_MODULES}",
        f"FROZEN_MANIFEST={manifest}",
        f"MPY_LIB_DIR={source.library}",
        f"MICROPY_MPYCROSS={mpy_cross(source)}",
        f"MICROPY_MPYCROSS_DEPENDENCY={mpy_cross(source)}",
    ]

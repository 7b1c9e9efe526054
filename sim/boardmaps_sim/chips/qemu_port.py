"""MicroPython's qemu port, built with our board folders: boards/qemu for the MPS2-AN385 (Cortex-M3), boards/rv32 for RISC-V."""

from pathlib import Path

from boardmaps_sim.chips.cache import PROJECT, digest, forget_others, publish, published, run
from boardmaps_sim.chips.settings import with_settings
from boardmaps_sim.chips.source import Source, find_source, mpy_cross
from boardmaps_sim.chips.tools import require_tools

IMAGE = "qemu.elf"
FAILING_IMAGE = "qemu-failing.elf"  # the same, linked so that allocations can be made to fail
RV32_IMAGE = "rv32.elf"
_BOARDS = PROJECT / "boards"
_MODULES = _BOARDS / "cmodules"


def build_qemu(manifest: Path = _BOARDS / "qemu" / "manifest.py") -> Path:
    """Build the image, or return the one that is there if nothing changed. Raises BuildError."""
    frozen = [manifest, _BOARDS / "qemu" / "modules"]
    files = ["mpconfigboard.h", "mpconfigboard.mk", "mps2.ld"]
    return _build("qemu", {"firmware": IMAGE, "failing": FAILING_IMAGE}, files, frozen, _BOARDS / "qemu.toml")


def build_rv32() -> Path:
    """Do the same for RISC-V."""
    manifest = _BOARDS / "rv32" / "manifest.py"
    return _build("rv32", {"firmware": RV32_IMAGE}, ["mpconfigboard.h", "mpconfigboard.mk", "rv32_os.h"], [manifest])


def _build(
    target: str,
    images: dict[str, str],
    board_files: list[str],
    frozen_files: list[Path],
    definition: Path | None = None,
) -> Path:
    """Build a target; its manifest is the first of the files that are frozen. What a `definition` says is frozen too.

    `images` are the names under which the build's ELF files are published; the first is returned.
    """
    source = find_source()
    board = _BOARDS / target
    config = digest([source.version, *(board / name for name in board_files), _MODULES])
    firmware = PROJECT / "firmware"
    defined = [definition] if definition else []
    key = f"{config} {digest([*frozen_files, *defined, firmware / 'manifest.py', firmware / 'boardmaps'])}"
    done = [published(image, key) for image in images.values()]
    if done[0] and all(done) and not source.own:
        return done[0]
    require_tools(target)
    build = source.builds / f"{target}-{config}"
    forget_others(build)
    manifest = with_settings(frozen_files[0], definition, build) if definition else frozen_files[0]
    made = [build / f"{name}.elf" for name in images]
    run([*_make(source, build, board, manifest), *map(str, made)], source.builds / f"{target}.log")
    images_made = [publish(elf, image, key) for elf, image in zip(made, images.values(), strict=True)]
    return images_made[0]


def _make(source: Source, build: Path, board: Path, manifest: Path) -> list[str]:
    return [
        "make",
        "-C",
        str(source.tree / "ports" / "qemu"),
        "-j2",
        f"BOARD=BOARDMAPS_{board.name.upper()}",
        f"BOARD_DIR={board}",
        f"BUILD={build}",
        f"USER_C_MODULES={_MODULES}",
        f"FROZEN_MANIFEST={manifest}",
        f"MPY_LIB_DIR={source.micropython_lib}",
        f"MICROPY_MPYCROSS={mpy_cross(source)}",
        f"MICROPY_MPYCROSS_DEPENDENCY={mpy_cross(source)}",
    ]

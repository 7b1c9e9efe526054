"""MicroPython's rp2 port for RPI_PICO: pico-stock.uf2, and pico-builtin.uf2 with boardmaps and its pool inside."""

import os
from pathlib import Path

from boardmaps_sim.chips.cache import PROJECT, digest, forget_others, publish, published, run
from boardmaps_sim.chips.settings import with_settings
from boardmaps_sim.chips.source import Source, find_source, mpy_cross
from boardmaps_sim.chips.tools import require_tools
from boardmaps_sim.chips.uf2 import RP2040_FAMILY, to_uf2

STOCK = "pico-stock.uf2"
BUILT_IN = "pico-builtin.uf2"
_BOARD = PROJECT / "boards" / "pico"
_DEFINITION = PROJECT / "boards" / "pico.toml"
_MODULES = PROJECT / "boards" / "cmodules"
_FLASH_START = 0x10000000


def build_pico(manifest: Path = _BOARD / "manifest.py") -> list[Path]:
    """Build both images, or return those that are there if nothing changed. Raises BuildError."""
    source = find_source()
    plain = _BOARD / "stock.py"
    stock = _build(source, STOCK, plain, [plain], built_in=False)
    firmware = [PROJECT / "firmware" / name for name in ("manifest.py", "boardmaps")]
    built_in = _build(source, BUILT_IN, manifest, [plain, manifest, *firmware], built_in=True)
    return [stock, built_in]


def _build(source: Source, image: str, manifest: Path, frozen: list[Path], *, built_in: bool) -> Path:
    parts = [_BOARD / "usermods.cmake", *([_MODULES / "boardmaps", _DEFINITION] if built_in else [])]
    config = digest([source.version, os.path.relpath(manifest, PROJECT), str(built_in), *parts])
    key = f"{config} {digest(frozen)}"
    done = published(image, key)
    if done and not source.own:
        return done
    require_tools("pico")
    build = source.builds / f"{Path(image).stem}-{config}"
    forget_others(build)
    environment = {"BOARDMAPS_BUILT_IN": str(int(built_in)), "MICROPY_MPYCROSS": str(mpy_cross(source))}
    log = source.builds / f"{image}.log"
    if built_in:
        manifest = with_settings(manifest, _DEFINITION, build)
    if not (build / "build.ninja").exists():
        run(_configure(source, build, manifest), log, env=environment)
    run(["ninja", "-C", str(build)], log, env=environment)
    uf2 = build / image
    uf2.write_bytes(to_uf2((build / "firmware.bin").read_bytes(), _FLASH_START, RP2040_FAMILY))
    return publish(uf2, image, key)


def _configure(source: Source, build: Path, manifest: Path) -> list[str]:
    port = source.tree / "ports" / "rp2"
    return [
        "cmake",
        "-G",
        "Ninja",
        "-S",
        str(port),
        "-B",
        str(build),
        "-DPICO_CLIB=newlib",
        "-DPICO_NO_PICOTOOL=1",  # needs a host tool of its own that Debian 12 lacks; to_uf2() does its part
        "-DMICROPY_BOARD=RPI_PICO",
        f"-DMICROPY_BOARD_DIR={port / 'boards' / 'RPI_PICO'}",
        f"-DMICROPY_FROZEN_MANIFEST={manifest}",
        f"-DMICROPY_LIB_DIR={source.micropython_lib}",
        f"-DUSER_C_MODULES={_BOARD / 'usermods.cmake'}",
    ]

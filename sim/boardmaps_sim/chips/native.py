"""The C kernels as native modules: .mpy files that stock firmware loads, three for each processor, in build/native.

MicroPython's linker, tools/mpy_ld.py, makes them. It knows qstrs by the names in the sources and by no macro, so what the sources
write as MP_QSTR_name is turned into numbers in names.h, which boards/cmodules/boardmaps/native/runtime.h explains. A CRC-32 goes
behind each file, where MicroPython reads no more and kernels/native.py looks first.
"""

import json
import re
import shutil
import subprocess
import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

from boardmaps.abi import VERSION
from boardmaps_sim.chips.cache import PROJECT, BuildError, digest, run
from boardmaps_sim.chips.source import Source, find_source
from boardmaps_sim.chips.tools import require_tools

OUT = PROJECT / "build" / "native"
SOURCES = PROJECT / "boards" / "cmodules" / "boardmaps"
_SHARED = ("kernel.c", "native/init.c", "native/library.c")
_PARTS_OF_VALUES = ("slots.c", "parts.c")
# Module to its kernels, as native/init.c gives them, and check.c itself; kernels/native.py knows which kinds are in which.
PARTS = {
    "c_common": (
        *(*_SHARED, "native/bytes.c", "base.c", "stdio.c", "frame.c", "line.c"),
        *(*_PARTS_OF_VALUES, "fields.c", "hash.c", "array.c"),
    ),
    "c_queue": (*_SHARED, "queue.c", "ring.c"),
    "c_others": (*_SHARED, *_PARTS_OF_VALUES, "series.c", "percpu.c", "lpm.c", "bloom.c"),
    "c_check": ("native/library.c", "check.c"),
}
# The rest is compiled for size, parts of values too: that takes a third of them, and from add() a fiftieth of its speed.
_FAST = ("kernel.c", "library.c", "hash.c", "array.c", "queue.c", "ring.c")
_FLAGS = (
    *("-std=gnu99", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-DNDEBUG", "-DNO_QSTR"),
    *("-DMICROPY_ENABLE_DYNRUNTIME=1", "-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_NONE"),
    *("-fpic", "-fno-common", "-fno-builtin-memmove", "-fno-stack-protector", "-U_FORTIFY_SOURCE"),
    "-fno-jump-tables",  # which need the compiler's library on a Cortex-M0
)


@dataclass(frozen=True, slots=True)
class Processor:
    """How to compile for an architecture, as mpy-cross calls it: the beginning of the compiler's name, and its options.

    `libgcc` names what c_common, which alone divides, needs of the compiler's own library: mpy_ld.py would read all of that, for
    ten seconds.
    """

    cross: str
    flags: tuple[str, ...]
    libgcc: tuple[str, ...] = ()


PROCESSORS = {
    "armv6m": Processor("arm-none-eabi-", ("-mthumb", "-mcpu=cortex-m0"), ("_udivsi3.o", "_dvmd_tls.o")),
    "armv7m": Processor("arm-none-eabi-", ("-mthumb", "-mcpu=cortex-m3")),
    "x64": Processor("", ()),
    "rv32imc": Processor(
        "riscv64-unknown-elf-", ("-march=rv32imac_zicsr", "-mabi=ilp32", "-mno-relax", "-specs=picolibc.specs")
    ),
}
# Debian has no compiler for it; whoever has Espressif's on PATH names it: make native ARCH=xtensawin
OTHERS = {"xtensawin": Processor("xtensa-esp32-elf-", ())}


def build_native(archs: list[str], out: Path = OUT, options: tuple[str, ...] = ()) -> list[Path]:
    """Build the modules of these architectures, all of PROCESSORS when none is named, each to a folder of `out`. Raises BuildError.

    Those that are there and were made of the same sources stay. `options` go to the compiler beside its own.
    """
    source = find_source()
    wanted = {
        "micropython": source.version,
        "sources": made_of(),
        **({"options": " ".join(options)} if options else {}),
    }
    found = []
    for arch in archs or list(PROCESSORS):
        stamp = out / arch / "made_of.json"
        if source.own or not stamp.exists() or json.loads(stamp.read_text()) != wanted:
            _build(source, out / arch, wanted, options)
        found.append(out / arch)
    return found


def made_of() -> str:
    """Return a key of what this checkout gives to the modules: the version, the C sources, and what this module does."""
    return digest([VERSION, SOURCES, Path(__file__)])


def _build(source: Source, out: Path, wanted: dict[str, str], options: tuple[str, ...]) -> None:
    arch = out.name
    if arch in PROCESSORS:
        require_tools("native")
    processor = {**PROCESSORS, **OTHERS}[arch]
    processor = replace(processor, flags=(*processor.flags, *options))
    compiler = f"{processor.cross}gcc"
    if shutil.which(compiler) is None:
        raise BuildError(f"{compiler} is not on PATH. It comes with ESP-IDF: run its export.sh, then this again")
    fresh = out.with_name(f"{arch}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for part, names in PARTS.items():
        content = _link(source, arch, part, [SOURCES / name for name in names], processor)
        (fresh / f"{part}.mpy").write_bytes(content + zlib.crc32(content).to_bytes(4, "little"))
    (fresh / "made_of.json").write_text(json.dumps(wanted) + "\n")
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)


def _link(source: Source, arch: str, part: str, files: list[Path], processor: Processor) -> bytes:
    """Compile and link one module; return the .mpy."""
    build = source.builds / "native" / arch / part
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    log = source.builds / f"native-{arch}.log"
    linker = [sys.executable, str(source.tree / "tools" / "mpy_ld.py"), "--arch", arch]
    config = build / "config.h"
    scanned = [str(file) for file in (*files, SOURCES / "kernel.h")]
    run([*linker, "--preprocess", "-o", str(config), *scanned], log)
    (build / "names.h").write_text(_names(config.read_text()))
    compiler = f"{processor.cross}gcc"
    objects = [str(build / name) for name in processor.libgcc if part == "c_common"]
    if objects:
        archive = subprocess.check_output([compiler, *processor.flags, "-print-libgcc-file-name"], text=True).strip()
        run([f"{processor.cross}ar", "x", archive, *processor.libgcc], log, cwd=build)
    for file in files:
        objects.append(str(build / f"{file.stem}.o"))
        defined = [f'-DMP_CONFIGFILE="{config}"', f'-DVERSION="{VERSION}"', f"-DPART_{part.upper()}"]
        places = [f"-I{folder}" for folder in (SOURCES, build, source.tree)]
        level = "-O2" if file.name in _FAST else "-Os"
        run([compiler, level, *_FLAGS, *processor.flags, *defined, *places, "-c", str(file), "-o", objects[-1]], log)
    run([*linker, "--qstrs", str(config), "-o", str(build / "module.mpy"), *objects], log)
    return (build / "module.mpy").read_bytes()


def _names(config: str) -> str:
    """Return names.h: for each qstr in the module's table its place there as a constant, see native/runtime.h."""
    entries = re.findall(r"#define (MP_QSTR_\w+) \(mp_native_qstr_table\[(\d+)\]\)", config)
    return "".join(f"#undef {name}\n#define {name} (IN_TABLE | {place})\n" for name, place in entries)

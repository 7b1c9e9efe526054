"""Programs of the kernels in core/ for this computer, compiled with the sanitizers of addresses, undefined behaviour and alignment.

They are kept in build/trust, under a name that changes with what they are made of.
"""

import shutil
import subprocess
from pathlib import Path

from boardmaps_sim.chips.cache import PROJECT, digest, locked

CORE = PROJECT / "boards" / "cmodules" / "boardmaps" / "core"
OUT = PROJECT / "build" / "trust"
_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-fno-sanitize-recover=all")


def program(source: str, *flags: str, compiler: str = "gcc", core: Path = CORE) -> Path:
    """Compile a source of this folder, unless it is there already; return the program."""
    path = Path(__file__).parent / source
    sanitizers = "fuzzer,address,undefined" if compiler == "clang" else "address,undefined"
    given = (*_FLAGS, f"-fsanitize={sanitizers}", *flags)
    folder = OUT if core == CORE else core.parent
    name = "-".join((path.stem, compiler, *(flag.lstrip("-") for flag in flags)))
    made = folder / f"{name}-{digest([compiler, *given, path, core])}"
    with locked(folder, name):  # another worker may want the same
        if not made.exists():
            for old in folder.glob(f"{name}-*"):
                old.unlink()
            fresh = made.with_suffix(".new")
            done = subprocess.run(
                [compiler, *given, f"-I{core}", str(path), "-o", str(fresh)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise AssertionError(f"{compiler} does not compile {source}:\n{done.stderr}")
            fresh.rename(made)
    return made


def missing(*programs: str) -> str:
    """Say which of these programs this machine lacks, and how to get them; "" when all are there."""
    lacking = [name for name in programs if shutil.which(name) is None]
    return f"{' and '.join(lacking)} not on PATH: make trust-deps" if lacking else ""


def enumerated(part: str, size: int, core: Path = CORE) -> tuple[int, int]:
    """Run enumerate.c; return how many cases there were, and how many calls. Raises AssertionError with what a sanitizer says."""
    made = program("enumerate.c", core=core)
    done = subprocess.run([made, part, str(size)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"enumerate {part} {size}:\n{done.stderr[:4000]}")
    cases, calls = map(int, done.stdout.split())
    return cases, calls

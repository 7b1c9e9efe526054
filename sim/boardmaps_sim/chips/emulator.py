"""The RP2040 emulator's own C, compiled for this CPython alone: an emulated Pico is three times as fast with it.

rp2040py's wheels are made for every CPython's stable ABI, in which each of its calls looks a name up. They carry the C that
they were made of. What is compiled here is kept in the cache, for all checkouts; without it a Pico runs with the wheel's.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from boardmaps_sim.chips.cache import cache_root, locked, run
from boardmaps_sim.chips.tools import require_tools

_SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
_FLAGS = ("-O2", "-fPIC", "-shared", "-w", "-DNDEBUG")  # -w: the C is Cython's, not ours to mend


def fast_emulator() -> Path | None:
    """Return the folder to import rp2040py from, or None where there is none for this CPython."""
    folder = _folder()
    return folder if folder.exists() else None


def build_emulator() -> Path:
    """Compile the installed emulator, unless that is done; return the folder to import it from. Raises BuildError."""
    folder = _folder()
    with locked(folder.parent, "build"):
        if not folder.exists():
            require_tools("pico")
            fresh = folder.with_name(f"{folder.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            _compile(fresh / "rp2040py")
            fresh.rename(folder)
    return folder


def _folder() -> Path:
    return cache_root() / "emulator" / f"{importlib.metadata.version('rp2040py')}{_SUFFIX.removesuffix('.so')}"


def _compile(package: Path) -> None:
    found = importlib.util.find_spec("rp2040py")
    assert found is not None
    assert found.submodule_search_locations
    original = Path(found.submodule_search_locations[0])
    shutil.copytree(original, package, ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
    log = cache_root() / "logs" / "emulator.log"

    def compile_one(module: Path) -> None:
        made = package / "native" / (module.stem + _SUFFIX)
        run(["cc", *_FLAGS, f"-I{sysconfig.get_path('include')}", str(module), "-o", str(made)], log)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sorted((original / "native").glob("*.c"), key=lambda file: -file.stat().st_size)))
    # As soon as it is imported, rp2040py takes its slow Python for a part that fails, and says no more than a warning.
    run([sys.executable, "-W", "error", "-c", "import rp2040py.native"], log, env={"PYTHONPATH": str(package.parent)})

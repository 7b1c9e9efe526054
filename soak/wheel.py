"""A wheel, installed where nothing else is and no compiler is on PATH, deploys its native modules: `python -m soak.wheel`.

It builds those of this checkout first. The contract suite runs there, from a copy of the tests alone, on the unix board and on
the emulated Pico with stock firmware. What either board has is what that `deploy` sent; the suite looks that those are native
modules.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, none, publish
from boardmaps_sim.chips.cache import cache_root
from boardmaps_sim.chips.native import PROCESSORS

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("unix", "pico_native")
_LIMIT = 7200  # seconds that the suite may take
_PASSED = re.compile(r"^({})\s+(\d+) passed, (\d+) failed, (\d+) error, (\d+) skipped".format("|".join(TARGETS)), re.M)
_LARGEST = re.compile(r"^pico_native: largest value that comes and goes behind it: (\d+) bytes", re.M)
_NEEDED = 8 * 1024  # bytes: the longest of the suite is 5.6 KB


def installed(folder: Path) -> tuple[Path, str]:
    """Build a wheel and install it into an empty environment; return that one's programs, and which modules the wheel has."""
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("boardmaps-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "empty")], check=True)
    programs = folder / "empty" / "bin"
    needed = [f"{wheel}[sim,deploy]", "pytest", "pytest-timeout", "hypothesis"]
    subprocess.run([programs / "python", *pip[1:], "install", *needed], check=True)
    (carried,) = (folder / "empty").glob("lib/python*/site-packages/boardmaps_host/native")
    return programs, " ".join(sorted(path.name for path in carried.iterdir()))


def contract(folder: Path, programs: Path) -> str:
    """Run the contract suite in a copy of the tests, with no other programs than that environment has; return its output."""
    compilers = [f"{processor.cross}gcc" for processor in PROCESSORS.values()]
    assert not any(shutil.which(name, path=str(programs)) for name in compilers)
    suite = folder / "suite"
    shutil.copytree(ROOT / "tests", suite / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    (suite / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib\npythonpath = .\nboard_timeout = 300\n"
    )
    told = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    told |= {"PATH": str(programs), "BOARDMAPS_CACHE": str(cache_root()), "BOARDMAPS_REQUIRE": "1"}
    told["BOARDMAPS_TARGETS"] = " ".join(TARGETS)
    command = [str(programs / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract"]
    done = subprocess.run(
        command,
        cwd=suite,
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_LIMIT,
    )
    return done.stdout


def main() -> int:
    """Print the table; return 1 when anything was missed."""
    start = time.monotonic()
    build = [sys.executable, str(ROOT / "boards" / "build.py"), "native-deps", "pico-deps", "native", "pico"]
    if subprocess.run(build, check=False).returncode:
        return 1
    with TemporaryDirectory() as name:
        folder = Path(name)
        programs, carried = installed(folder)
        try:
            said = contract(folder, programs)
        except subprocess.TimeoutExpired as late:
            last = (late.stdout or b"").decode(errors="replace")[-500:]
            print(f"The contract suite was not done in {_LIMIT} s. What it said last:\n{last}", file=sys.stderr)
            return 1
    rows = [
        Row.held(
            "processors whose native modules the wheel carries",
            len(carried.split()),
            "",
            carried,
            len(carried.split()),
            ">= 4",
        )
    ]
    found = {target: [int(n) for n in counts] for target, *counts in _PASSED.findall(said)}
    if set(found) != set(TARGETS) or any(sum(others) for _, *others in found.values()):
        print(said)
    for target in TARGETS:
        passed, *others = found.get(target, (0, 1))
        rows.append(Row.held(f"contract tests passed, {target}", passed, "", "", passed, ">= 1"))
        rows.append(none(f"contract tests failed or skipped, {target}", sum(others)))
    largest = int((_LARGEST.findall(said) or ["0"])[0])
    rows.append(
        Row.held(
            "largest value that comes and goes on the stock Pico behind it",
            largest,
            "bytes",
            str(_NEEDED),
            largest / _NEEDED,
            ">= 1",
        )
    )
    rows.append(Row("time", time.monotonic() - start, "s"))
    publish("wheel-soak", "A wheel where no compiler is", rows)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())

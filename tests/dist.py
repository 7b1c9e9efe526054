"""Build what is published, and try it as a stranger gets it: python tests/dist.py [3.13 3.14]; `make dist`.

dist/ gets the source distribution, the wheel that is built from it, with the native modules inside, and the index for mip. twine
looks at the metadata. Then each of the two is installed into an empty environment, of this CPython and of those that are named
(Debian's own, privately: pythons.py), where the demo runs and so does what SMOKE says.
"""

import argparse
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from zipfile import ZipFile

from boardmaps_sim.chips.cache import PROJECT, BuildError
from tests import pythons

DIST = PROJECT / "dist"
# Run in the empty environment: the twin, a simulated board with boardmaps deployed on it, a map of it, no module of the checkout
SMOKE = """
import pathlib, sys, tempfile
import boardmaps, boardmaps_host
from boardmaps import HashMap, LruHashMap
from boardmaps_host import connect
from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard

assert pathlib.Path(boardmaps.__file__).is_relative_to(sys.prefix), boardmaps.__file__
native = sorted(p.parent.name for p in pathlib.Path(boardmaps_host.__file__).parent.glob("native/*/made_of.json"))
assert len(native) >= 4, native
recent = LruHashMap(4, 4, 2)
for n in range(3):
    recent.update(bytes([n, 0, 0, 0]), bytes(4))
assert len(recent) == 2
with tempfile.TemporaryDirectory() as folder, UnixBoard(port=pathlib.Path(folder, "port")) as board:
    report = deploy(board.port)
    with connect(board.port) as line:
        temps = line.create_map(HashMap, key_size=4, value_size=4, max_entries=8, name="temps")
        temps.update(b"abcd", b"1234")
        assert line.map("temps").lookup(b"abcd") == b"1234"
print("boardmaps", boardmaps.__version__, "on Python", sys.version.split()[0], report.kernels, "native modules:", *native)
"""
_NAMES = (
    "boardmaps_host/native/",
    "boardmaps_host/boards/",
    "boardmaps_sim/boards/",
    "boardmaps/__init__.pyi",
    "py.typed",
)


def main() -> int:
    """Build, look, install and try; 1 with the reason when something is not right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="version", help="CPythons beside this one, of a Debian's own")
    versions = parser.parse_args().versions
    try:
        built = build()
        for artifact in built:
            try_here(artifact)
        for version in versions:
            for artifact in built:
                try_there(artifact, version)
    except (BuildError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build() -> list[Path]:
    """Build into dist/, and return the wheel and the source distribution. Raises BuildError when something is not in them."""
    shutil.rmtree(DIST, ignore_errors=True)
    _run(sys.executable, "-m", "build", "--outdir", str(DIST), str(PROJECT))
    (wheel,), (source,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    with ZipFile(wheel) as archive:
        inside = archive.namelist()
    if lacking := [name for name in _NAMES if not any(name in path for path in inside)]:
        raise BuildError(f"{wheel.name} has no {', '.join(lacking)}; make native, and try again")
    with tarfile.open(source) as archive:
        if not any("/build/native/" in path for path in archive.getnames()):
            raise BuildError(f"{source.name} has no native modules; make native, and try again")
    _run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(source))
    shutil.copytree(PROJECT / "build" / "mip" / "index", DIST / "mip")
    return [wheel, source]


def try_here(artifact: Path) -> None:
    """Install a distribution into an empty environment of this Python, and use it there."""
    environment = PROJECT / "build" / "dist" / artifact.name
    shutil.rmtree(environment, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(environment))
    for command in _commands(str(environment / "bin"), str(artifact)):
        _run(*command, cwd=environment)


def try_there(artifact: Path, version: str) -> None:
    """The same with a Debian's own Python."""
    root = pythons.debian(version)
    seen = f"{pythons.SEEN}/{artifact.relative_to(PROJECT)}"
    commands = [[f"python{version}", "-m", "venv", "--clear", "/try"], *_commands("/try/bin", seen)]
    for command in commands:
        if pythons.inside(root, command, "/"):
            raise BuildError(f"CPython {version}: `{' '.join(command)[:80]}` failed")


def _commands(programs: str, artifact: str) -> list[list[str]]:
    return [
        [f"{programs}/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", f"{artifact}[sim,deploy]"],
        [f"{programs}/python", "-m", "pip", "check", "--disable-pip-version-check"],
        [f"{programs}/boardmaps", "--version"],
        [f"{programs}/boardmaps", "demo", "--seconds", "2"],
        [f"{programs}/python", "-c", SMOKE],
    ]


def _run(*command: str, cwd: Path = PROJECT) -> None:
    begin = time.monotonic()
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    words = " ".join(Path(word).name if "/" in word else word for word in command if "\n" not in word)
    if done.returncode:
        raise BuildError(f"`{words}` ended with status {done.returncode}:\n{done.stdout[-3000:]}")
    last = done.stdout.strip().splitlines()[-1:]
    print(f"{words} ({time.monotonic() - begin:.0f} s) {' '.join(last)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

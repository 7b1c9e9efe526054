"""Type-check a program for a profile before it is flashed: what the profile lacks is an error with a line number.

For the cloud profile that is plain mypy. For the embedded one, `--platform micropython` chooses the profile (boardmaps's stub
asks for it), and the program meets MicroPython's own standard library, from the micropython-*-stubs packages.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

PROFILES = ("cloud", "embedded")

# mypy wants stubs outside site-packages, and has no option for the last line: the stubs themselves are not free of errors.
_SETTINGS = """[mypy]
platform = micropython
custom_typeshed_dir = {folder}
cache_dir = {folder}/cache
follow_imports = silent
follow_imports_for_stubs = True
"""


class CheckError(Exception):
    """The check cannot be made; the text says what is missing and how to get it."""


def check(
    programs: Sequence[str | Path], profile: str = "cloud", port: str = "unix", options: Sequence[str] = ()
) -> int:
    """Run mypy on programs as `profile` sees them and return its exit status; its findings go to standard output.

    `port` chooses MicroPython's stubs (unix, rp2, esp32, stm32), `options` are mypy's. Raises CheckError.
    """
    if profile not in PROFILES:
        raise CheckError(f"check: no profile is called {profile!r}. Use {' or '.join(PROFILES)}.")
    try:
        distribution("mypy")
    except PackageNotFoundError:
        raise CheckError("check: mypy is not installed. Run: pip install mypy") from None
    command = [sys.executable, "-m", "mypy"]
    targets = [str(program) for program in programs]
    if profile == "cloud":
        return subprocess.run([*command, "--follow-imports", "silent", *options, *targets], check=False).returncode
    with tempfile.TemporaryDirectory(prefix="boardmaps-typings-") as folder:
        for package in (f"micropython-{port}-stubs", "micropython-stdlib-stubs"):
            _copy(_installed(package), Path(folder))
        settings = Path(folder, "mypy.ini")
        settings.write_text(_SETTINGS.format(folder=folder))
        environment = os.environ | {"MYPYPATH": os.pathsep.join(filter(None, (folder, os.environ.get("MYPYPATH"))))}
        command += ["--config-file", str(settings), *options, *targets]
        return subprocess.run(command, check=False, env=environment).returncode


def _installed(package: str) -> Distribution:
    try:
        return distribution(package)
    except PackageNotFoundError:
        raise CheckError(f"check: MicroPython's stubs are missing. Run: pip install {package}") from None


def _copy(stubs: Distribution, folder: Path) -> None:
    for file in stubs.files or ():
        if file.suffix == ".pyi" or file.name == "VERSIONS":
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)

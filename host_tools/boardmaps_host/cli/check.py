"""`boardmaps check`: type-check a program for one profile, before it is flashed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from . import options, output
from .drawing import click

_STDLIB = "micropython-stdlib-stubs"

# Mistakes inside the stubs are not the program's: imports are followed without a word about them.
_CONFIG = """\
[mypy]
follow_imports = silent
follow_imports_for_stubs = True
[mypy-_mpy_shed.*]
ignore_errors = true
"""


@click.command("check")
@click.argument("program", type=click.Path(exists=True, dir_okay=False), metavar="PROGRAM.py")
@click.option(
    "--profile",
    type=click.Choice(["embedded", "cloud"]),
    default="embedded",
    show_default=True,
    help="Where the program will run: on a board, or on the computer with the twin.",
)
@click.option(
    "--board",
    default="unix",
    show_default=True,
    metavar="NAME",
    help="With the embedded profile: the board whose modules (machine, time, ...) the program may use.",
)
@options.as_json
def command(program: str, profile: str, board: str, as_json: bool) -> int:
    """Type-check PROGRAM.py against one profile: what the profile lacks (LruHashMap and resize on a board) is an error.

    Runs mypy with MicroPython's stubs; mypy says what is wrong and where, and its status is the command's: 0 when there
    is nothing, 1 otherwise. What it needs is in an extra: pip install 'boardmaps[check]'.

    JSON: an object a line for each thing that mypy says: {"file", "line", "column", "message", "hint", "code", "severity"};
    nothing when there is nothing.
    """
    # saves start-up time: needed by this command alone
    import tempfile

    wanted = [] if profile == "cloud" else stubs_of(board)
    _need(wanted)
    paths = [] if _is_installed() else [str(_package().parent)]
    with tempfile.TemporaryDirectory(prefix="boardmaps-check-") as name:
        folder = Path(name)
        (folder / "mypy.ini").write_text(_CONFIG)
        words = [sys.executable, "-m", "mypy", "--config-file", str(folder / "mypy.ini"), "--no-error-summary"]
        words += ["--cache-dir", os.devnull]  # nothing is left in the user's folder
        words += ["--output", "json"] if as_json else []
        if profile == "cloud":
            return _told(_mypy([*words, program], paths), f"{program}: nothing is wrong on the computer.", as_json)
        stubs = folder / "stubs"
        gather_stubs(stubs, wanted)
        words += [
            "--platform",
            "micropython",
            "--custom-typeshed-dir",
            str(stubs),
        ]  # what boardmaps offers depends on it
        status = _mypy([*words, program], [str(stubs), *paths])
        return _told(status, f"{program}: nothing is wrong on the board {board}.", as_json)


def _told(status: int, success: str, as_json: bool) -> int:
    if status == 0 and not as_json:
        output.say(success)
    return status


def stubs_of(board: str) -> list[str]:
    """Return the packages with the stubs of MicroPython's library and of a board's modules."""
    from boardmaps_host.boards import find  # saves start-up time: needed by this command alone

    return [_STDLIB, find(board).stubs]


def _need(stubs: list[str]) -> None:
    """Raise an error that names all that is missing at once."""
    from importlib import metadata  # saves start-up time: needed by this command alone

    missing = ["mypy"] if importlib.util.find_spec("mypy") is None else []
    for package in stubs:
        try:
            metadata.distribution(package)
        except metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        extra = "'boardmaps[check]'" if missing[0] in ("mypy", _STDLIB) else ""
        more = [name for name in missing if not extra or name not in ("mypy", _STDLIB, "micropython-unix-stubs")]
        raise click.ClickException(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed, which the "
                                   f"check needs: pip install {' '.join([extra, *more]).strip()}.")  # fmt: skip


def _mypy(words: list[str], paths: list[str]) -> int:
    return subprocess.run(words, env=os.environ | {"MYPYPATH": os.pathsep.join(paths)}, check=False).returncode


def _package() -> Path:
    spec = importlib.util.find_spec("boardmaps")
    if spec is None or spec.origin is None:
        raise click.ClickException("the package boardmaps is not installed beside boardmaps_host.")
    return Path(spec.origin).parent


def _is_installed() -> bool:
    """mypy finds what is in site-packages by itself, and refuses to have it named on its path."""
    return any(part in ("site-packages", "dist-packages") for part in _package().parts)


def gather_stubs(folder: Path, packages: list[str]) -> None:
    """Copy the stubs of MicroPython's library and the board's modules to where mypy takes them for its own typeshed.

    The packages put them beside each other into site-packages, where mypy looks for no loose modules.
    """
    from importlib import metadata  # saves start-up time: needed by this command alone

    for package in packages:
        for file in metadata.distribution(package).files or []:
            if file.suffix == ".pyi" or file.name == "VERSIONS":
                copy = folder / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_binary())

"""The examples that come with boardmaps, and a project that is made of one: what `boardmaps new` does."""

import contextlib
import shutil
import tempfile
from pathlib import Path

_PROJECT = "thermostat"
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.pyc")


class ProjectError(Exception):
    """A project that cannot be made; the text says why, and what to do."""


def example(name: str) -> Path:
    """Return an example's file or folder, from the installed package or from the checkout."""
    here = Path(__file__).parent
    installed = here / "examples" / name
    return installed if installed.exists() else here.parents[1] / "firmware" / "examples" / name


def new(folder: str | Path) -> list[str]:
    """Make a project in `folder`, which is not there yet or empty; return its files, relative to it.

    It is there whole, or not at all. Raises ProjectError.
    """
    folder = Path(folder)
    try:
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise ProjectError(f"{folder} is there already, and nothing of it is overwritten. Give another name.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".boardmaps-", dir=folder.parent) as beside:
            made = Path(beside) / "project"
            shutil.copytree(example(_PROJECT), made, ignore=_LEFT_OUT)
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()
            made.rename(folder)
    except OSError as error:
        raise ProjectError(
            f"{folder} cannot be made: {error.strerror or error}. Give a folder that you may write."
        ) from error
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())

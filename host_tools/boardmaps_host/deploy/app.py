"""The program that a deploy puts on a board: one file, several, or a folder, one of them the entry, which the board starts."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .link import DeployError

App = str | Path | Iterable[str | Path]

_MOST = 64 << 20  # bytes; more is no program for a board but a folder that was not meant
_ENTRY = "main.py"


@dataclass(frozen=True)
class Program:
    """The files of a program, name to content, and the name of the one that the board starts."""

    files: dict[str, bytes]
    entry: str

    def placed(self, app_path: str, root: str, modules: str) -> dict[str, bytes]:
        """Return path on the board to content: the entry goes to `app_path`, the others beside it under their names.

        `root` is where the board's files begin, `modules` the folder of boardmaps. Raises DeployError.
        """
        target = _place(app_path, root, modules)
        placed: dict[str, bytes] = {}
        for name, content in self.files.items():
            beside = posixpath.join(posixpath.dirname(target), name)
            path = target if name == self.entry else _place(beside, root, modules)
            if path in placed:
                raise DeployError(f"two files of the program would be :{path}: the entry {self.entry} and another one.")
            placed[path] = content
        return placed


def read_app(app: App, entry: str | None) -> Program:
    """Return the program.

    `app` is a file, a folder or several of them; of a folder all files, but for hidden ones, __pycache__ and .pyc. The entry is
    the one that `entry` names, the only one, or the one called main.py. Raises DeployError.
    """
    paths = [Path(app)] if isinstance(app, str | Path) else [Path(one) for one in app]
    files: dict[str, bytes] = {}
    total = 0
    for name, file in (found for path in paths for found in _files_of(path)):
        if name in files:
            raise DeployError(f"the program has two files {name}; {file} is the second. Leave one of them out.")
        files[name] = _read(file)
        total += len(files[name])
        if total > _MOST:
            raise DeployError(f"{file} and those before it have more than {_MOST >> 20} MB: no program for a board.")
    if not files:
        raise DeployError("no file was given for the program.")
    return Program(files, _entry(list(files), entry))


def _files_of(path: Path) -> list[tuple[str, Path]]:
    """Return (name on the board, file) of a file, or of all in a folder."""
    if not path.is_dir():
        return [(path.name, path)]
    found = [
        (file.relative_to(path).as_posix(), file)
        for file in sorted(path.rglob("*"))
        if file.is_file() and not _left_out(file.relative_to(path))
    ]
    if not found:
        raise DeployError(f"the folder {path} has no files for a board. Name the one with the program.")
    return found


def _left_out(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts) or path.suffix == ".pyc"


def _entry(names: list[str], entry: str | None) -> str:
    """Return the name of the file that the board is to start."""
    if entry is not None:
        wanted = posixpath.normpath(entry.replace("\\", "/"))
        found = [name for name in names if name == wanted] or [
            name for name in names if posixpath.basename(name) == wanted
        ]
        if len(found) != 1:
            there = ", ".join(names[:8]) + ", …" * (len(names) > 8)
            raise DeployError(
                f"the entry {entry} is {'none' if not found else 'several'} of the program's files: {there}."
            )
        return found[0]
    if len(names) == 1:
        return names[0]
    if _ENTRY in names:
        return _ENTRY
    there = ", ".join(names[:8]) + ", …" * (len(names) > 8)
    raise DeployError(
        f"none of {there} is called {_ENTRY}: name the one that the board is to start, --entry {names[0]}."
    )


def _place(path: str, root: str, modules: str) -> str:
    """Return a file's place on the board: below the file system's root, which is /flash on some ports."""
    path = posixpath.normpath(posixpath.join(root, path.removeprefix(":")))
    if path == root or (path + "/").startswith(modules + "/"):
        raise DeployError(f"the program cannot go to :{path}: name a file outside :{modules}, such as :main.py.")
    return path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DeployError(f"the program {path} cannot be read: {error.strerror}.") from error

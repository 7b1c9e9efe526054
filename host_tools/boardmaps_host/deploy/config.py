"""The boardmaps_config.py that deploy puts on a board: the pool, the guard and the CPUs of the board's definition.

It goes to the modules' folder; where the firmware has one frozen in, to the root of the board's files, which is searched first.
One that deploy did not write is never touched. What the user's options asked for stays when a later deploy gives none.
"""

import ast
import dataclasses
import hashlib
import posixpath
import re
from dataclasses import dataclass

from ..boards import BoardDefinition, all_boards
from .files import Target
from .link import BoardLink, DeployError

# Every boardmaps_config that an import could find, in the order of the search; a folder without __init__.py counts too.
_PRESENT = """
import os, sys
found = []
for folder in sys.path:
    for ending in ('', '.py', '.mpy'):
        path = (folder or os.getcwd()).rstrip('/') + '/boardmaps_config' + ending
        try:
            os.stat(path)
        except OSError:
            continue
        if path not in found:
            found.append(path)
print(found)
"""
_HEAD = "# Written by `boardmaps deploy%s`%s; a change of yours is kept."
_OPTIONS = re.compile(r"# Written by `boardmaps deploy( --[^`]*)`")

Settings = dict[str, int | str]


@dataclass(frozen=True, slots=True)
class Config:
    """What is to be on the board, path to content, and which files of ours are not. `told` says why, `board` for which."""

    files: dict[str, bytes]
    removed: tuple[str, ...]
    told: str
    board: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for: a definition and a size of the pool in bytes, or neither."""

    board: BoardDefinition | None
    pool: int | None

    @property
    def options(self) -> str:
        """Return the same as options of the command."""
        board = f" --board {self.board.name}" if self.board else ""
        return board + (f" --pool {self.pool}" if self.pool else "")


def config_for(link: BoardLink, target: Target, lib: str, frozen: Settings, wish: Wish) -> Config:
    """Return what goes to the board. `lib` is its folder of modules, `frozen` what its firmware's own config says.

    Raises DeployError for a definition of another processor than the board's.
    """
    board = wish.board or _recognized(target)
    if board:
        _check_fit(link.port, board, target)
    name, to = (board.name, f"for {board.name}") if board else (None, "as asked for")
    settings = settings_of(board, wish.pool)
    if not settings:
        return Config({}, (), "no one definition fits what the board says it is; --board NAME chooses one", None)
    says = ", ".join(f"{name} = {value!r}" for name, value in settings.items())
    path = posixpath.join(posixpath.dirname(lib) if frozen else lib, "boardmaps_config.py")
    present = ast.literal_eval(link.execute(_PRESENT))
    ours = {found: there for found in present if found.endswith(".py") and _is_ours(there := link.read(found))}
    removed = tuple(found for found in ours if found != path)
    theirs = [found for found in present if found not in ours]
    if theirs:
        late = f", though what is frozen in goes before it: move it to {path}" if frozen and path not in theirs else ""
        return Config({}, tuple(ours), f"{theirs[0]} is yours and stays as it is{late}; {to} it would say {says}", name)
    asked = [(there, given[1]) for there in ours.values() if (given := _OPTIONS.match(there.decode()))]
    if asked and not wish.options:
        there, options = asked[0]
        return Config(
            {path: there}, removed, f"{path} stays as deploy{options} wrote it; {to} it would say {says}", name
        )
    if not ours and frozen == settings:
        return Config({}, (), f"{to}, the firmware has {says}", name)
    return Config({path: _written(settings, wish.options, board)}, removed, f"{to}, {path} has {says}", name)


def settings_of(board: BoardDefinition | None, pool: int | None) -> Settings:
    """Return the names and values of boardmaps_config.py; `pool` goes before the definition's."""
    if board is None:
        return {"POOL_SIZE": pool} if pool else {}
    return dataclasses.replace(board, pool=pool or board.pool).settings


def _recognized(target: Target) -> BoardDefinition | None:
    """Return the one definition for what the board says it is, None when there is none or more than one."""
    fitting = [
        board
        for board in all_boards()
        if board.micropython.board == target.build.partition("-")[0] and _has_processor(board, target)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _has_processor(board: BoardDefinition, target: Target) -> bool:
    """Whether the board reports the definition's processor. MicroPython has no armv7m to report: a Cortex-M3 says armv7em."""
    return target.architecture == ("armv7em" if board.arch == "armv7m" else board.arch)


def _check_fit(port: str, board: BoardDefinition, target: Target) -> None:
    stands_in = _recognized(target)  # the simulated unix board is any board of its heap
    if _has_processor(board, target) or target.architecture is None:
        return
    if stands_in and stands_in.name == board.simulator == "unix":
        return
    raise DeployError(
        f"{port}: {board.name} has a processor of {board.arch}, and this board ({target.machine}) is {target.architecture}. "
        f"Nothing was written. Name the board that it is (`boardmaps boards` lists them), or leave --board away."
    )


def _written(settings: Settings, options: str, board: BoardDefinition | None) -> bytes:
    head = _HEAD % (options, f" for {board.title}" if board else "")
    body = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    return f"{head} {_digest(head + body)}\n{body}".encode()


def _is_ours(content: bytes) -> bool:
    """Whether deploy wrote every byte of a file: its first line ends in a digest of all else."""
    first, _, body = content.decode("utf-8", "replace").partition("\n")
    head, _, digest = first.rpartition(" ")
    return head.startswith("# Written by `boardmaps deploy") and digest == _digest(head + body)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

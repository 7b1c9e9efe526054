"""What a suite can run on: the names that `--board` takes, what each board has, and what a test's marker asks for.

Read by plugin.py, before any board is started: nothing here opens a port.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from boardmaps_host.boards import BoardDefinition, DefinitionError, board_names, find

TWIN = "twin"
_PORT = re.compile(r"auto|[auc]\d+|COM\d+|.*[/\\].*", re.IGNORECASE)
_SIZE = re.compile(r"(\d+)([KM]?)")
_UNITS = {"": 1, "K": 1024, "M": 1024 * 1024}


class TargetError(Exception):
    """A board that is not there, or a need that cannot be read; the text says which, why, and what may be given."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a suite runs on. `port` is a real board's, None for the twin and a simulated one.

    `definition` says what the board has; None for the twin, and for a port of which nobody has said what is behind it.
    """

    name: str
    port: str | None
    definition: BoardDefinition | None

    @property
    def is_twin(self) -> bool:
        """Whether it is maps in this process."""
        return self.name == TWIN


def parse(name: str) -> Target:
    """Return what `name` means: twin, a board of `boardmaps boards` (simulated), a .toml file of one, or PORT[=BOARD].

    Raises TargetError.
    """
    if name == TWIN:
        return Target(name, None, None)
    port, _, board = name.rpartition("=") if "://" not in name else (name, "", "")
    if not port:
        port, board = board, ""
    is_file = name.endswith(".toml")
    try:
        if name in board_names() or is_file:
            return Target(name, None, find(name))
        if _PORT.fullmatch(port):
            return Target(name, port, find(board) if board else None)
    except DefinitionError as error:
        raise TargetError(f"--board {name}: {error}") from error
    raise TargetError(
        f"--board {name}: there is no such board. Name twin, a simulated board ({', '.join(board_names())}), or the port of a "
        "real one: /dev/ttyACM0, a0, COM3; PORT=BOARD also says which board that is."
    )


def size(given: object) -> int:
    """Return a size in bytes: a number, or a text such as 192K or 2M. Raises ValueError."""
    if type(given) is int and given >= 0:
        return given
    found = _SIZE.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError("is no size: give bytes, or a text such as '192K'")
    return int(found[1]) * _UNITS[found[2]]


def _number(given: object) -> int:
    if type(given) is not int or given < 1:
        raise ValueError("is no whole number from 1 up")
    return given


def _truth(given: object) -> bool:
    if type(given) is not bool:
        raise ValueError("is neither True nor False")
    return given


# What a marker may ask for: how it is read, what a board has of it, whether that fits.
_NEEDS: Mapping[str, tuple[Callable[[object], Any], Callable[[BoardDefinition], Any], Callable[[Any, Any], bool]]] = {
    "heap": (size, lambda board: board.heap, lambda has, need: has >= need),
    "pool": (size, lambda board: board.pool, lambda has, need: has >= need),
    "cpus": (_number, lambda board: board.settings["CPUS"], lambda has, need: has >= need),
    "word": (_number, lambda board: board.word, lambda has, need: has == need),
}


@dataclass(frozen=True, slots=True)
class Needs:
    """What a test needs of a board, as its marker says."""

    names: tuple[str, ...]
    least: Mapping[str, Any]
    real: bool | None

    @classmethod
    def of(cls, names: tuple[object, ...], needs: Mapping[str, object]) -> "Needs":
        """Read a marker's arguments. Raises TargetError."""
        least = {}
        real = None
        for need, given in needs.items():
            if need not in _NEEDS and need != "real":
                raise TargetError(f"a board has no {need!r}; a test may need {', '.join(_NEEDS)} and real")
            try:
                if need == "real":
                    real = _truth(given)
                else:
                    least[need] = _NEEDS[need][0](given)
            except ValueError as wrong:
                raise TargetError(f"{need}={given!r} {wrong}") from None
        for name in names:
            if not isinstance(name, str):
                raise TargetError(f"{name!r} is no name of a board; give texts, and needs as heap='192K'")
        return cls(tuple(map(str, names)), least, real)

    def lacking(self, target: Target) -> str:
        """Return what a target lacks of it, as a sentence for the reason of a skip; "" when it has all."""
        definition = target.definition
        known = {target.name, *([definition.name] if definition else [])}
        if self.names and not known & set(self.names):
            return f"the test is for {' or '.join(self.names)}, and not for {target.name}"
        if self.real is not None and self.real is not (target.port is not None):
            return f"the test needs a {'real' if self.real else 'simulated'} board, and {target.name} is none"
        for need, least in self.least.items():
            _, told, fits = _NEEDS[need]
            if target.is_twin:
                has = 64 if need == "word" else math.inf  # it has as many CPUs, and as much memory, as it is told
            elif definition is None:
                return f"the test needs {need} {least:,}, and nobody has said which board this is: --board {target.name}=BOARD"
            else:
                has = told(definition)
            if not fits(has, least):
                return f"the test needs {need} {least:,}, and {target.name} has {has:,}"
        return ""

"""The boards of a command that watches many: their options, and what is said when one goes or comes back."""

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import options, output
from .drawing import click

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board
    from boardmaps_host.export.reading import Reading

_NAMED = re.compile(r"([A-Za-z0-9_.-]+)=(.+)")

Boards = Mapping[str, "Callable[[], Board]"]

boards_help = """A board is PORT, or NAME=PORT for a name of yours: `--port kitchen=/dev/ttyACM0 --port cellar=/dev/ttyACM1`. One
that is not there, or goes, is told on stderr and tried again; the others go on."""


every = click.option(
    "--every",
    type=options.Real(0.01, options.SECONDS_MAX),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often the boards are read.",
)


def boards(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --port, several times, --map, --timeout and --key-file: the command gets `maps`, and `boards`, what opens each."""

    @functools.wraps(command)
    def with_boards(*, port: tuple[str, ...], timeout: float, key_file: Path | None, **rest: Any) -> Any:
        key = options.key_of_file(key_file)
        return command(boards=_boards(port, timeout, key), timeout=timeout, **rest)

    with_options = options.as_json(with_boards)
    for option in (
        options.key_file,
        options.timeout,
        click.option(
            "--map",
            "maps",
            multiple=True,
            metavar="MAP",
            help="Only this map; may be given several times. By itself all that have a schema.",
        ),
        click.option(
            "--port",
            "-P",
            envvar="BOARDMAPS_PORT",
            show_envvar=True,
            multiple=True,
            required=True,
            metavar="[NAME=]PORT",
            help="A board; may be given several times.",
        ),
    ):
        with_options = option(with_options)
    return with_options


def _boards(ports: tuple[str, ...], timeout: float, key: bytes | str | None) -> Boards:
    found: dict[str, Callable[[], Board]] = {}
    for word in ports:
        named = _NAMED.fullmatch(word)
        name, port = named.groups() if named else (word, word)
        if name in found:
            raise click.UsageError(f"--port {word}: another board is called {name!r} already. Give names: NAME=PORT.")
        found[name] = functools.partial(_open, port, timeout, key)
    return found


def _open(port: str, timeout: float, key: bytes | str | None) -> "Board":
    """Open a board, of simulated ones only one that runs: one of our own would take its place, and be empty."""
    # saves start-up time: needed by this command alone
    from boardmaps_host import connect
    from boardmaps_host.client.errors import PortMissing
    from boardmaps_host.client.simulated import STARTED, running

    if port in STARTED and not running(port):
        raise PortMissing(
            f"{port}: no simulated board of this name is running. Start one: boardmaps sim --board {port}"
        )
    return connect(port, timeout=timeout, key=key)


class Told:
    """Says on stderr when a board goes, when it is back, and which of the maps that were asked for it has not.

    `boards` are all of them, `maps` the names of those maps: one that no board has, and none had before, is an error as soon as all
    were reached. A board that restarts has not made its maps yet.
    """

    def __init__(self, boards: Boards, maps: tuple[str, ...]) -> None:
        self._boards = set(boards)
        self._down: set[str] = set()
        self._without: dict[str, set[str]] = {name: set() for name in maps}  # the boards that have no such map
        self._met: set[str] = set()  # maps that a board has, or had

    def __call__(self, reading: "Reading") -> None:
        """Take a reading."""
        board, health = reading.board, reading.health
        if not health.up:
            self._down.add(board)
            output.note(f"boardmaps: {board} is down: {health.why}")
            return
        if board in self._down:
            self._down.remove(board)
            output.note(f"boardmaps: {board} is there again")
        for name, without in self._without.items():
            if name not in reading.lacks:
                self._met.add(name)
                without.discard(board)
            elif board not in without:
                without.add(board)
                self._lacks(reading, name)

    def _lacks(self, reading: "Reading", name: str) -> None:
        there = f"it has: {', '.join(sorted(info.name for info in reading.maps if info.name)) or 'none'}"
        if name in self._met or self._without[name] != self._boards:
            output.note(f"boardmaps: {reading.board} has no map {name!r}; {there}")
        elif len(self._boards) == 1:
            raise click.ClickException(f"map {name!r}: the board has no such map; {there}")
        else:
            raise click.ClickException(f"map {name!r}: none of the boards has such a map; {reading.board}: {there}")

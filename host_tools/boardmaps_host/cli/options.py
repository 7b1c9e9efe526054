"""Options that several commands share."""

import functools
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

as_json = click.option(
    "--json", "-j", "as_json", is_flag=True, help="Print JSON, in the shape that the command's help describes."
)


@dataclass(frozen=True)
class Target:
    """The running board that a command is for."""

    port: str
    timeout: float
    key: bytes | None

    def connect(self, console: Callable[[str], None] | None = None) -> "Board":
        """Connect for the time of one command; `console` gets what the board prints."""
        # saves start-up time: needed by this command alone
        from boardmaps_host import connect
        from boardmaps_host.client.simulated import STARTED, running

        fresh = self.port in STARTED and not running(self.port)
        if fresh:
            text = f"no simulated board {self.port} is running: a fresh one is started for this command alone, and nothing stays."
            print(f"boardmaps: {text} To keep one: boardmaps sim --board {self.port}", file=sys.stderr)
        board = connect(self.port, timeout=self.timeout, console=console, key=self.key)
        if not fresh and not board.program_runs:
            text = "no program runs: the board is at its REPL, and its maps are as they were left. Why the last one ended was"
            text += " printed when it did; MicroPython does not keep it."
            print(f"boardmaps: {board.link.name}: {text}", file=sys.stderr)
        return board


def target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --port, --timeout, --key-file and --json: what every command takes that talks to a running board, a Target."""

    @functools.wraps(command)
    def with_target(*, port: str, timeout: float, key_file: Path | None, **rest: Any) -> Any:
        return command(target=Target(port, timeout, _key(key_file)), **rest)

    for option in (as_json, _key_file, _timeout, _port):
        option(with_target)
    return with_target


_port = click.option(
    "--port",
    "-p",
    envvar="BOARDMAPS_PORT",
    show_envvar=True,
    required=True,
    metavar="TARGET",
    help="The board: a port, an mpremote shortcut (a0, u0, auto), unix, pico, qemu or twin.",
)
_timeout = click.option(
    "--timeout",
    type=click.FloatRange(min=0.01),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the board may take to answer.",
)
_key_file = click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The file with a locked line's key, without the newline at its end. Else the key is in $BOARDMAPS_KEY.",
)


def _key(path: Path | None) -> bytes | None:
    """Return the key. It is no option itself: all users of a computer see each other's command lines."""
    if path is None:
        return os.fsencode(os.environ.get("BOARDMAPS_KEY", "")) or None
    try:
        key = re.sub(rb"\r?\n\Z", b"", path.read_bytes())
    except OSError as e:
        raise click.UsageError(
            f"the key file {path} cannot be read: {e.strerror}. Name a file with the key that the board's server has."
        ) from None
    if not key:
        raise click.UsageError(f"the key file {path} is empty. Put the key into it that the board's server has.")
    return key

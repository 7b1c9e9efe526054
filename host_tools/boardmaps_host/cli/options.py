"""Options that several commands share."""

import functools
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import output
from .drawing import click

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

_Any = Callable[..., Any]


class Real(click.FloatRange):
    """A number in a range; neither NaN nor infinity, which no comparison refuses and no clock takes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


SECONDS_MAX = 1e6  # eleven days: what a clock's functions take everywhere


def _asked(_context: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        output.ask(pretty=param.name == "pretty")


def json_flags(command: _Any) -> _Any:
    """Add --json and --pretty, as bpftool has them: before the words of a command, or behind them."""
    for option in (
        click.option(
            *("--pretty", "-p"),
            is_flag=True,
            expose_value=False,
            callback=_asked,
            help="Print JSON, indented for people.",
        ),
        click.option(
            *("--json", "-j"),
            is_flag=True,
            expose_value=False,
            callback=_asked,
            help="Print JSON, in the shape that the command's help describes.",
        ),
    ):
        command = option(command)
    return command


def as_json(command: _Any) -> _Any:
    """Add --json and --pretty and tell the command, as `as_json`, whether they or those before its name were given."""

    @functools.wraps(command)
    def with_json(**rest: Any) -> Any:
        return command(as_json=output.wants_json(), **rest)

    return json_flags(with_json)


@dataclass(frozen=True)
class Target:
    """The running board that a command is for."""

    port: str
    timeout: float
    key: bytes | str | None
    accept_board: bool = False

    def connect(
        self, console: Callable[[str], None] | None = None, *, crashes: bool = True, allow_restore: bool = False
    ) -> "Board":
        """Connect for the time of one command; `console` gets what the board prints. `crashes`: say when one is on record.

        `allow_restore` is connect()'s.
        """
        # saves start-up time: needed by this command alone
        from boardmaps_host import connect
        from boardmaps_host.client.simulated import STARTED, running

        fresh = self.port in STARTED and not running(self.port)
        if fresh:
            text = (
                f"no `boardmaps sim` runs {self.port}: this is a new board, which is empty and ends with this command."
            )
            output.note(f"boardmaps: {text} For one that stays: boardmaps sim --board {self.port}")
        board = connect(
            self.port,
            timeout=self.timeout,
            console=console,
            key=self.key,
            accept_board=self.accept_board,
            allow_restore=allow_restore,
        )
        if not fresh:
            _say_how_it_is(board, crashes)
            board.leaving = _say_unpinned
        return board


def _say_how_it_is(board: "Board", crashes: bool) -> None:
    """Say when no program runs on the board, and when a crash is on record."""
    texts = []
    if not board.program_runs and board.crash_on_record:
        texts.append("no program runs, and the maps are as they were left.")
    elif not board.program_runs:
        texts.append(
            "no program runs: the board has none, or it ended with an exception, or something (mpremote, deploy) stopped it; "
            "the maps are as they were left. Start it: boardmaps deploy --app PATH, or reset the board. "
            "To keep tracebacks: boardmaps.run(main)."
        )
    if crashes and board.crash_on_record:
        # saves start-up time: for a board with a crash alone
        from boardmaps.errors import MapError
        from boardmaps_host.client.crashes import last_crash
        from boardmaps_host.client.errors import LinkError

        try:
            crash = last_crash(board)
        except (MapError, LinkError):
            crash = None  # the command itself will tell
        what = "" if crash is None else f", the last one in boot {crash.boot}:\n{crash.text.rstrip()}\n"
        texts.append(f"A crash is on record{what or '. '}All of it: boardmaps postmortem")
    if texts:
        output.note(f"boardmaps: {board.link.name}: {' '.join(texts)}")


def _say_unpinned(board: "Board") -> None:
    if names := board.unpinned():
        several = len(names) > 1
        what = (
            f"{', '.join(names)} are pinned, and what they hold"
            if several
            else f"{names[0]} is pinned, and what it holds"
        )
        text = f"{what} now is not: it is lost with the power. To keep it: boardmaps map pin {names[0]}"
        output.note(f"boardmaps: {board.link.name}: {text}")


def target(command: _Any) -> _Any:
    """Add the options of a Target and --json: what every command takes that talks to a running board."""
    return _with_target(command, required=True)


def maybe_target(command: _Any) -> _Any:
    """Add the same to a command that may also be about files alone: its target is None when no port is named."""
    return _with_target(command, required=False)


def _with_target(command: _Any, *, required: bool) -> _Any:
    @functools.wraps(command)
    def with_target(*, port: str | None, timeout: float, key_file: Path | None, accept_board: bool, **rest: Any) -> Any:
        target = None if port is None else Target(port, timeout, key_of_file(key_file), accept_board)
        return command(target=target, **rest)

    with_options = as_json(with_target)
    for option in (_accept_board, key_file, timeout, _port(required=required)):
        option(with_options)
    return with_options


def _port(*, required: bool) -> _Any:
    return click.option(
        "--port",
        "-P",
        envvar="BOARDMAPS_PORT",
        show_envvar=True,
        required=required,
        metavar="TARGET",
        help="The board: a port, an mpremote shortcut (a0, u0, auto), unix, pico, qemu or twin.",
    )


timeout = click.option(
    "--timeout",
    type=Real(0.01, SECONDS_MAX),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the board may take to answer.",
)
key_file = click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The file with a locked line's key, as `boardmaps key` tells. Else the key is in $BOARDMAPS_KEY.",
)
_accept_board = click.option(
    "--accept-board",
    is_flag=True,
    help="With a key: another board than the one that was met on this port before is right.",
)


def key_of_file(path: Path | None) -> bytes | str | None:
    """Return the key. It is no option itself: all users of a computer see each other's command lines."""
    if path is None:
        where, key = "BOARDMAPS_KEY", os.fsencode(os.environ.get("BOARDMAPS_KEY", ""))
        return _checked(where, key) if key else None
    where = f"the key file {path}"
    try:
        key = re.sub(rb"\r?\n\Z", b"", path.read_bytes())
    except OSError as e:
        raise click.UsageError(
            f"{where} cannot be read: {e.strerror}. Name a file with the key that the board's server has."
        ) from None
    if not key:
        raise click.UsageError(f"{where} is empty. Put the key into it that the board's server has.")
    return _checked(where, key)


def _checked(where: str, text: bytes) -> bytes | str:
    """Return the key that `text` is: hex:BYTES, pass:PASS PHRASE, or the bytes of a key themselves."""
    # saves start-up time: HMAC, for a key alone
    from boardmaps_host.client.lock import HostLock

    key: bytes | str = text
    try:
        if text.startswith(b"hex:"):
            key = bytes.fromhex(text[4:].decode())
        elif text.startswith(b"pass:"):
            key = text[5:].decode()
        HostLock(key, lambda _: None)
    except ValueError as e:
        raise click.UsageError(f"{where} has no key: {e}.") from None
    return key

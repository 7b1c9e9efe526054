"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

_Command = TypeVar("_Command", bound=Callable[..., Any])

as_json = click.option(
    "--json", "-j", "as_json", is_flag=True, help="Print JSON, in the shape that the command's help describes."
)


def target(command: _Command) -> _Command:
    """Add --port, --timeout and --json: what every command that talks to a running board takes."""
    port = click.option(
        "--port",
        "-p",
        envvar="BOARDMAPS_PORT",
        show_envvar=True,
        required=True,
        metavar="TARGET",
        help="The board: a port, an mpremote shortcut (a0, u0), unix, pico, qemu or twin.",
    )
    timeout = click.option(
        "--timeout",
        type=click.FloatRange(min=0.01),
        default=5.0,
        show_default=True,
        metavar="SECONDS",
        help="How long the board may take to answer.",
    )
    return port(timeout(as_json(command)))

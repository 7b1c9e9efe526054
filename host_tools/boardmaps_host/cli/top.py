"""`boardmaps top`: a running board on the whole terminal."""

import os
import sys

from . import options, output
from .drawing import click
from .words import complete

NEEDS = "needs the extra `top`: pip install 'boardmaps[top]'"


@click.command("top")
@click.argument("map_name", required=False, metavar="[MAP]", shell_complete=complete)
@click.option("--every", type=options.Real(0.02, 60), default=0.2, show_default=True, metavar="SECONDS",
              help="How often the map that is shown is read.")  # fmt: skip
@click.option("--web", is_flag=True, help="Show it in a browser, on this computer alone, until Ctrl-C.")
@click.option("--web-port", type=click.IntRange(1, 65535), default=8000, show_default=True, metavar="NUMBER",
              help="Where the browser finds it.")  # fmt: skip
@options.target
def command(map_name: str | None, target: options.Target, as_json: bool, every: float, web: bool, web_port: int) -> int:
    """Show a running board's maps, live, and change them by name: rates, fields, what changed, edits at once or together.

    ? shows the keys. It works beside any other program of yours on the same board, takes nothing out of a ring or a queue, and
    holds the firmware up by no more than a frame at a time. MAP is shown first.
    """
    if as_json:
        raise click.UsageError("top is for a terminal, and has no JSON. For a script: boardmaps map watch MAP --json")
    if web:
        return _serve(web_port, target, map_name, every)
    in_browser = "textual.drivers.web_driver" in os.environ.get("TEXTUAL_DRIVER", "")
    if not in_browser and not is_terminal():
        raise click.UsageError(
            "top needs a terminal, and this is none that can be drawn on. In a pipe: boardmaps map watch MAP"
        )
    return show(target, map_name, every)


def is_terminal() -> bool:
    """Whether this is a terminal that can be drawn on and typed into."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def show(target: options.Target, map_name: str | None, every: float) -> int:
    """Show the view on this terminal; return the exit status."""
    try:
        # saves start-up time: Textual, for this command alone
        from boardmaps_host.top.app import Top
        from boardmaps_host.top.screen import Screen
    except ModuleNotFoundError as missing:
        if missing.name is None or not missing.name.startswith("textual"):
            raise
        raise click.ClickException(f"boardmaps top {NEEDS}") from None
    from boardmaps_host.live.monitor import Monitor  # saves start-up time: for this command alone

    monitor = Monitor(every)
    with target.connect(monitor.printed) as board:
        if map_name is not None:
            monitor.select(board.map(map_name).info().name)
        app = Top(board, monitor, f"{board.link.name} {board.info.get('machine', '')}".rstrip())
        setattr(sys, "__stderr__", Screen(sys.__stderr__))  # noqa: B010 - what Textual draws on; Final to a type checker
        try:
            status = app.run()
        finally:
            monitor.stop()
    if app.return_code and status is None:
        output.error("the view has failed; what is above says where.")
    return app.return_code or 0 if status is None else status


def _serve(port: int, target: options.Target, map_name: str | None, every: float) -> int:
    try:
        # saves start-up time: a web server, for this option alone
        from boardmaps_host.top.web import HOST, serve
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] not in ("textual_serve", "aiohttp"):
            raise
        raise click.ClickException(f"boardmaps top --web {NEEDS}") from None
    with target.connect():  # whether it is there at all is said here, and not in the browser
        pass
    words = ["top", *([map_name] if map_name else []), "--port", target.port, "--every", f"{every:g}"]
    words += ["--timeout", f"{target.timeout:g}", *(["--accept-board"] if target.accept_board else [])]
    if target.key is not None:  # not among the words: all users of a computer see those
        text = f"pass:{target.key}" if isinstance(target.key, str) else f"hex:{target.key.hex()}"
        os.environ["BOARDMAPS_KEY"] = text
    try:
        return serve([sys.executable, "-m", "boardmaps_host.cli", *words], port, f"boardmaps {target.port}")
    except OSError as error:
        why = error.strerror or str(error)
        raise click.ClickException(
            f"{HOST}:{port} cannot be served: {why}. Give another one: --web-port NUMBER"
        ) from None

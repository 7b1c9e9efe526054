"""`boardmaps top`: a running board on the whole terminal."""

import os
import sys

import rich_click as click

from . import options, output

NEEDS = "needs the extra `top`: pip install 'boardmaps[top]'"


@click.command("top")
@click.argument("map_name", required=False, metavar="[MAP]")
@click.option("--every", type=options.Real(0.02, 60), default=0.2, show_default=True, metavar="SECONDS",
              help="How often the map that is shown is read.")  # fmt: skip
@options.target
def command(map_name: str | None, target: options.Target, as_json: bool, every: float) -> int:
    """Show a running board's maps, live, and change them by name: rates, fields, what changed, edits at once or together.

    ? shows the keys. It works beside any other program of yours on the same board, takes nothing out of a ring or a queue, and
    holds the firmware up by no more than a frame at a time. MAP is shown first.
    """
    if as_json:
        raise click.UsageError("top is for a terminal, and has no JSON. For a script: boardmaps map watch MAP --json")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        raise click.UsageError(
            "top needs a terminal, and this is none that can be drawn on. In a pipe: boardmaps map watch MAP"
        )
    try:
        # saves start-up time: Textual, for this command alone
        from boardmaps_host.top.app import Top
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
        try:
            status = app.run()
        finally:
            monitor.stop()
    if app.return_code and status is None:
        output.error("the view has failed; what is above says where.")
    return app.return_code or 0 if status is None else status

"""`boardmaps demo`: the main job once, in front of your eyes."""

from pathlib import Path

from . import options, output, top
from .drawing import click


@click.command("demo")
@click.option(
    "--seconds", type=options.Real(1, options.SECONDS_MAX), default=10.0, show_default=True, help="How long it goes on."
)
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Save a picture of it.")
def command(seconds: float, svg: Path | None) -> None:
    """Boot a simulated board with a program on it, watch its maps and change them while it runs. Needs no board.

    On a terminal it ends with the view of `boardmaps top` on that board, until q.
    """
    # saves start-up time: needed by this command alone
    from importlib.util import find_spec

    from boardmaps_host.demo import run

    shown = svg is None and top.is_terminal()
    if shown and find_spec("textual") is None:
        output.note(f"boardmaps: the end of the demo is `boardmaps top`, which {top.NEEDS}")
        shown = False
    run(seconds, svg=svg, then=_view if shown else None)


def _view(port: str) -> None:
    """Show the view; leaving it ends the demo."""
    top.show(options.Target(port, 5.0, None), "config", 0.2)

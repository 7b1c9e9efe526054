"""`boardmaps demo`: the main job once, in front of your eyes."""

from pathlib import Path

import rich_click as click

from . import options


@click.command("demo")
@click.option(
    "--seconds", type=options.Real(1, options.SECONDS_MAX), default=10.0, show_default=True, help="How long it goes on."
)
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Save a picture of it.")
def command(seconds: float, svg: Path | None) -> None:
    """Boot a simulated board with a program on it, watch its maps and change them while it runs. Needs no board."""
    # saves start-up time: needed by this command alone
    from boardmaps_host.demo import run

    run(seconds, svg=svg)

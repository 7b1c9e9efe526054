"""`boardmaps demo`: the main job on a simulated board, in some seconds."""

from pathlib import Path

import rich_click as click


@click.command("demo")
@click.option("--seconds", type=click.FloatRange(min=2), default=10.0, show_default=True, help="How long to watch.")
@click.option("--svg", type=click.Path(dir_okay=False), metavar="PATH", help="Also draw the live view into this file.")
def command(seconds: float, svg: str | None) -> None:
    """Boot a simulated board, put an application on it, watch its maps change and change its configuration.

    Needs no hardware and no terminal, and ends by itself.
    """
    from boardmaps_host.demo import run

    run(seconds, svg=Path(svg) if svg else None)

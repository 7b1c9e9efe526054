"""`boardmaps plot`: numbers of a running board over time."""

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import options, output
from .drawing import click
from .forms import data
from .near import near
from .typed import key_of

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board
    from boardmaps_host.live.places import Place
    from boardmaps_host.plotting import Plot

_SUFFIXES = (".svg", ".png", ".pdf", ".csv")


@click.command("plot")
@click.argument("words", nargs=-1, required=True, metavar="PLACE...")
@click.option("--every", type=options.Real(0.01, 3600), default=0.2, show_default=True, metavar="SECONDS",
              help="How often the values are read.")  # fmt: skip
@click.option("--for", "seconds", type=options.Real(0, options.SECONDS_MAX), metavar="SECONDS",
              help="End after so long; else at Ctrl-C.")  # fmt: skip
@click.option("--save", "-s", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write it at the end: .svg, .png, .pdf (the extra `plot`) or .csv.")  # fmt: skip
@options.target
def command(
    words: tuple[str, ...],
    target: options.Target,
    as_json: bool,
    every: float,
    seconds: float | None,
    save: Path | None,
) -> None:
    """Plot numbers of a running board in the terminal, as they come: MAP.KEY.FIELD, of a series or a ring MAP.FIELD.

    boardmaps plot rooms.kitchen.temp rooms.bath.temp --save temps.svg

    A field that is an array needs a number: `gains.0.p[2]`. A map without a schema has no FIELD: `hits.3`; a key without one is
    DATA in one word: `temps.str:kitchen`. Samples and records are drawn by what the board says of their time.
    """
    if as_json:
        raise click.UsageError("plot has no JSON: --save FILE.csv, or for a script boardmaps map watch MAP --json")
    drawn = sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    if save is None and not drawn:
        raise click.UsageError("plot needs a terminal, and this is none that can be drawn on; or --save FILE.")
    if save is not None:
        _can_save(save)
    from boardmaps_host.plotting import Plot, run  # saves start-up time: for this command alone

    with target.connect() as board:
        infos = board.maps()
        plot = Plot(board, [_place(board, word) for word in words], infos)
        try:
            if drawn:
                _live(plot, every, seconds)
            else:
                run(plot, every, 0.0 if seconds is None else seconds, lambda: None)
        finally:  # at Ctrl-C too: what was read is not thrown away
            if save is not None:
                _save(plot, save)


def _live(plot: "Plot", every: float, seconds: float | None) -> None:
    # saves start-up time: rich takes a tenth of a second
    from rich.console import Console
    from rich.live import Live

    from boardmaps_host.plotting import run  # this command's alone, as above

    for number in (
        signal.SIGTERM,
        getattr(signal, "SIGHUP", signal.SIGTERM),
    ):  # else the terminal stays as it is drawn on
        signal.signal(number, lambda which, _: sys.exit(128 + which))
    console = Console(highlight=False)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        run(
            plot,
            every,
            seconds,
            lambda: live.update(plot.draw(console.width, console.height), refresh=True),
        )
    console.print(plot.draw(console.width, min(console.height, 20)), soft_wrap=True)


def _place(board: "Board", word: str) -> "Place":
    # saves start-up time: for this command alone
    from boardmaps_host.client.maps import remote
    from boardmaps_host.live.places import Place, find

    def key_bytes(info: object, text: str) -> bytes:
        the_map = remote(board.link, info)  # type: ignore[arg-type] # a MapInfo
        if ":" in text and "\n" not in the_map.definition.schema:
            return data([text], the_map.definition.key_size, "key")
        return key_of(the_map, text)

    info, key, field, index = find(word, board.maps(), key_bytes)
    the_map = remote(board.link, info)
    if key and the_map.lookup(key) is None:  # mistyped, or else it would only come later: nobody could tell which
        raise click.ClickException(
            f"{word!r}: the map {info.name!r} has no such key; it has {near(the_map, key) or 'none'}."
        )
    return Place(word, info.name, key, field, index)


def _can_save(path: Path) -> None:
    """Refuse a file that cannot be written before anything is read."""
    if path.suffix.lower() not in _SUFFIXES:
        raise click.UsageError(f"--save {path}: its name ends with none of {', '.join(_SUFFIXES)}.")
    if not path.absolute().parent.is_dir():
        raise click.UsageError(f"--save {path}: there is no folder {path.absolute().parent}.")
    if path.suffix.lower() != ".csv":
        # saves start-up time: whether it is there is all that is asked
        from importlib.util import find_spec

        if find_spec("matplotlib") is None:
            raise click.ClickException(
                f"--save {path} needs the extra `plot`: pip install 'boardmaps[plot]'; FILE.csv needs nothing."
            )


def _save(plot: "Plot", path: Path) -> None:
    try:
        plot.save(path)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
    points = sum(map(len, plot.tracks))
    with contextlib.suppress(BrokenPipeError):
        output.note(f"boardmaps: saved {points} points to {path}")

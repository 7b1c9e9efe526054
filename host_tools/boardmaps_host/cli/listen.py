"""`boardmaps console` and `boardmaps map watch`: what a board tells unasked, until Ctrl-C, which stops nothing but the command."""

import sys
from typing import TYPE_CHECKING, Any

import rich_click as click

from . import options, output
from .forms import Words, data

if TYPE_CHECKING:
    from boardmaps_host.client.events import Change, Record, Sampled

_seconds = click.option(
    "--for", "seconds", type=click.FloatRange(min=0), metavar="SECONDS", help="End after so long; else at Ctrl-C."
)


@click.command("console")
@_seconds
@options.target
def console(target: options.Target, as_json: bool, seconds: float | None) -> None:
    """Show what the firmware prints, line by line, while it runs.

    When it ends with an exception, its traceback is shown and the status is 1. JSON: a document a line of output,
    {"text": "..."} with the line's newline in it.
    """

    def show(text: str) -> None:
        if as_json:
            output.as_json({"text": text})
        else:
            sys.stdout.write(text)
            sys.stdout.flush()

    with target.connect(show) as board:
        while seconds is None:
            board.listen(60)
        board.listen(seconds)


@click.command("watch")
@click.argument("words", nargs=-1, metavar="MAP [key DATA]")
@click.option("--every", type=click.FloatRange(min=0, max=65), default=0.05, show_default=True, metavar="SECONDS",
              help="How often the board looks for changes.")  # fmt: skip
@_seconds
@options.target
def watch(words: tuple[str, ...], target: options.Target, as_json: bool, every: float, seconds: float | None) -> None:
    """Print the changes of MAP, or of one key, as the board tells them; of a ring its records, of a series its samples.

    First comes what is there. A ring's records are taken out of it. JSON: a document an event, {"key": ["0x01", ...],
    "value": ["0x2a", ...] or null when it is gone}, {"number": 7, "lost": 0, "data": [...]} or {"number": 7, "lost": 0,
    "timestamp": 1, "value": [...]}.
    """
    taken = Words(words)
    selector = taken.selector()
    key_words = None
    if taken:
        taken.literal("key")
        key_words = taken.until()

    def show(event: "Change | Record | Sampled") -> None:
        if as_json:
            output.as_json({name: _json(value) for name, value in vars(event).items()})
        else:
            print("  ".join(f"{name} {_plain(value)}" for name, value in vars(event).items()), flush=True)

    with target.connect() as board:
        the_map: Any = board.map(selector.key)
        if hasattr(the_map, "records"):
            taken.end()
            told = the_map.records(show)
        else:
            key = None if key_words is None else data(key_words, the_map.definition.key_size, "key")
            told = the_map.watch(key, every=every, callback=show)
        try:
            while seconds is None:
                board.listen(60)
            board.listen(seconds)
        finally:  # also at Ctrl-C: what was taken out of a ring is not there for the next reader
            told.close()
            told.call_back()


def _json(value: object) -> Any:
    return output.hex_bytes(value) if isinstance(value, bytes) else value


def _plain(value: object) -> str:
    if value is None:
        return "gone"
    return f"{value.hex(' ')} {output.readable(value)}".rstrip() if isinstance(value, bytes) else str(value)

"""`boardmaps console` and `boardmaps map watch`: what a board tells unasked, until Ctrl-C, which stops nothing but the command."""

import sys
from typing import TYPE_CHECKING, Any

from . import options, output
from .drawing import click
from .entries import commands_for, entry_json, kind_of, not_for
from .forms import Words, data
from .typed import Names, as_option, key_of, key_words
from .words import complete

if TYPE_CHECKING:
    from boardmaps_host.client.events import Change, Record, Sampled

_seconds = click.option(
    "--for",
    "seconds",
    type=options.Real(0, options.SECONDS_MAX),
    metavar="SECONDS",
    help="End after so long; else at Ctrl-C.",
)


@click.command("console")
@_seconds
@click.option("--raw", is_flag=True, help="Into a pipe: control characters as they come; a terminal would obey them.")
@options.target
def console(target: options.Target, as_json: bool, seconds: float | None, raw: bool) -> None:
    """Show what the firmware prints, line by line, while it runs; control characters in it as escapes such as \\x1b.

    When it ends with an exception, its traceback is shown and the status is 1. JSON: a document a line of output,
    {"text": "..."} with the line's newline in it.
    """

    if raw and sys.stdout.isatty():
        raise click.UsageError("--raw is for a pipe: what the board prints could take hold of this terminal.")

    def show(text: str) -> None:
        if as_json:
            output.as_json({"text": text})
        else:
            output.show(text, raw=raw)

    with target.connect(show) as board:
        if seconds is None:
            output.attached()
        while seconds is None:
            board.listen(60)
        board.listen(seconds)


@click.command("watch")
@click.argument("words", nargs=-1, metavar="MAP [KEY | key DATA]", shell_complete=complete)
@as_option
@click.option("--every", type=options.Real(0, 65), default=0.05, show_default=True, metavar="SECONDS",
              help="How often the board looks for changes.")  # fmt: skip
@_seconds
@options.target
def watch(
    words: tuple[str, ...],
    target: options.Target,
    as_json: bool,
    every: float,
    seconds: float | None,
    as_text: str | None,
) -> None:
    """Print the changes of MAP, or of one key, as the board tells them; of a ring its records, of a series its samples.

    First comes what is there. A ring's records are taken out of it. JSON: a document an event, {"key": ["0x01", ...],
    "value": ["0x2a", ...] or null when it is gone} ("values" of a per-CPU map, as `map dump` has them), {"number": 7,
    "lost": 0, "data": [...]} or {"number": 7, "lost": 0, "timestamp": 1, "value": [...]}; "formatted" too, with a schema.
    """
    taken = Words(words)
    selector = taken.selector()
    asked = key_words(taken) if taken else None
    taken.end()

    def show(event: "Change | Record | Sampled") -> None:
        parts = vars(event)
        if as_json and parts.get("key") is not None and parts["value"] is not None:
            output.as_json(entry_json(the_map, parts["key"], parts["value"], names))
        elif as_json:
            shown = {name: _json(value) for name, value in parts.items()}
            content = parts.get("value", parts.get("data"))
            output.as_json(shown | ({"formatted": names.value_json(content)} if names and content is not None else {}))
        elif names:
            output.say(_typed(parts, names), flush=True)
        else:
            output.say("  ".join(f"{name} {_plain(value)}" for name, value in parts.items()), flush=True)

    with target.connect() as board:
        the_map: Any = board.map(selector.key)
        names = Names(the_map, as_text)
        there = commands_for(the_map)
        if hasattr(the_map, "records") and asked is None:
            told = the_map.records(show)
        elif there:
            raise not_for(the_map, "watch" if asked is None else "watch with a key", there)
        elif asked is None and kind_of(the_map).per_cpu:
            raise not_for(the_map, "watch without a key", ("watch MAP key DATA", "dump"))
        else:
            word, key_data = asked or (None, [])
            size = the_map.definition.key_size
            key = None if asked is None else data(key_data, size, "key") if word is None else key_of(the_map, word)
            told = the_map.watch(key, every=every, callback=show)
        if seconds is None:
            output.attached()
        try:
            while seconds is None:
                board.listen(60)
            board.listen(seconds)
        finally:  # also at Ctrl-C: what was taken out of a ring is not there for the next reader
            told.close()
            told.call_back()


def _typed(parts: dict[str, Any], names: Names) -> str:
    """Return an event on a line: where it is from, then its fields."""
    where = [f"{name} {parts[name]}" for name in ("number", "lost", "timestamp") if name in parts]
    line = names.line(parts.get("key"), parts.get("value", parts.get("data")))
    return "  ".join([*where, line])


def _json(value: object) -> Any:
    return output.hex_bytes(value) if isinstance(value, bytes) else value


def _plain(value: object) -> str:
    if value is None:
        return "gone"
    return f"{value.hex(' ')} {output.readable(value)}".rstrip() if isinstance(value, bytes) else str(value)

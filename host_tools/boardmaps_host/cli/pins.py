"""`boardmaps map pin|unpin` and `boardmaps pin show`: what a board keeps of its maps over a reset and a power cut."""

from typing import TYPE_CHECKING, Any

from . import options, output
from .drawing import click
from .forms import FormError, Words

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board
    from boardmaps_host.client.pins import Pin
    from boardmaps_host.state.slices import Slice

_EVERY_MOST = 1e5  # seconds


@click.command("pin")
@click.argument("words", nargs=-1, metavar="MAP [every SECONDS]")
@options.target
def pin(words: tuple[str, ...], target: options.Target, as_json: bool) -> None:
    """Keep MAP on the board's file system: the map begins with what it holds now when the firmware makes it again.

    With `every` the board looks itself, each so many seconds, whether the map has changed, and keeps it then; 0 is at each turn
    of its server. Each time costs the flash a write. What is kept already is not written again.

    JSON: {"name", "bytes_written", "seconds"}; seconds is how long the board's program stood still.
    """
    taken = Words(words)
    selector = taken.selector()
    every = None
    if taken:
        taken.literal("every")
        every = _seconds(taken.next("the seconds after 'every'"))
    taken.end()
    with target.connect() as board:
        the_map = board.map(selector.key)
        written, seconds = the_map.pin(every)
        name = the_map.name
    if as_json:
        output.as_json({"name": name, "bytes_written": written, "seconds": seconds})
    elif written:
        output.say(
            f"pinned {name!r}: {written} bytes written; the board's program stood still for {seconds * 1000:.1f} ms"
        )
    else:
        output.say(f"pinned {name!r}: it was pinned as it is, and nothing was written")


@click.command("unpin")
@click.argument("words", nargs=-1, metavar="MAP")
@options.target
def unpin(words: tuple[str, ...], target: options.Target, as_json: bool) -> int:
    """Remove the pin of MAP, also of a map that the firmware no longer makes. The map itself stays as it is.

    A map without a pin gives status 1. JSON: {"name", "was_pinned"}.
    """
    taken = Words(words)
    selector = taken.selector()
    taken.end()
    with target.connect() as board:
        name = selector.name if selector.name is not None else board.map(selector.key).name
        was = board.unpin(name)
    if as_json:
        output.as_json({"name": name, "was_pinned": was})
    elif was:
        output.say(f"unpinned {name!r}")
    else:
        output.error(f"unpin {name!r}: there is no pin of this name", plain=True)
    return 0 if was else 1


@click.group("pin", context_settings={"help_option_names": ["-h", "--help"]})
@options.json_flags
def group() -> None:
    """Show what a board keeps of its maps on its file system; `map pin` and `map unpin` change it."""


@group.command("show")
@click.argument("words", nargs=-1, metavar="[MAP]")
@options.target
def show(words: tuple[str, ...], target: options.Target, as_json: bool) -> None:
    """Show which maps are pinned, whether they have changed since, and what writing them took.

    With MAP its entries, as they are (live), as they are pinned, and as a new one begins (default), with a mark at those that
    differ. JSON then: [{"key": [...], "live": [...], "pinned": [...], "default": [...]}, ...], null where there is none; a map
    without keys has no "key", and its values in order.

    State: `same` (the map is as it is pinned), `changed`, `kept` (no such map was made in this boot), `refused` (it was not
    loaded, or not written; the reason is below).

    JSON: {"pins": [{"name", "state", "why", "bytes", "writes", "bytes_written", "every"}, ...], "writes", "unchanged",
    "bytes_written", "longest_stop", "all_stops"}; the last five are since the boot, stops are seconds in which the program
    stood still.
    """
    taken = Words(words)
    selector = taken.selector() if taken else None
    taken.end()
    with target.connect() as board:
        if selector is not None:
            _beside(board, selector.key, as_json)
            return
        found = board.pins()
    if as_json:
        output.as_json(
            {
                "pins": [_pin_json(pin) for pin in found.pins],
                "writes": found.writes,
                "unchanged": found.unchanged,
                "bytes_written": found.written,
                "longest_stop": found.longest_stop,
                "all_stops": found.all_stops,
            }
        )
        return
    if found.pins:
        output.table(
            ("name", "state", "bytes#", "writes#", "bytes written#", "every"),
            (
                (p.name, p.state, p.size, *((p.writes, p.written) if p.writes else ("-", "-")), _every(p))
                for p in found.pins
            ),
        )
    else:
        output.say("no map is pinned; to pin one: boardmaps map pin NAME")
    for pin in found.pins:
        if pin.why:
            output.say(f"{pin.name}: {pin.why}")
    output.say(
        f"since the boot: {found.writes} written, {found.unchanged} times nothing new, {found.written} bytes; "
        f"longest stop {found.longest_stop * 1000:.1f} ms"
    )


def _beside(board: "Board", key: int | str, as_json: bool) -> None:
    """Print a map's entries as they are and as they are pinned."""
    # saves start-up time: needed by this form of the command alone
    from boardmaps.errors import MapError
    from boardmaps_host.state.pin import parse
    from boardmaps_host.state.slices import read

    the_map = board.map(key)
    data = board.kept(f"{the_map.name}.pin") if the_map.name else None
    if data is None:
        raise click.ClickException(
            f"the map {the_map.name!r} is not pinned. To pin it: boardmaps map pin {the_map.name}"
        )
    live = read(board.pool.read_part(the_map.offset, the_map.size))
    try:
        pinned = read(parse(data).slice)
    except MapError as wrong:
        pinned = str(wrong)
    for one, what in ((live, "map"), (pinned, "pin")):
        if isinstance(one, str) or one.wrong:
            why = one if isinstance(one, str) else one.wrong
            raise click.ClickException(f"the {what} {the_map.name!r} cannot be shown: {why}")
    assert not isinstance(live, str)
    assert not isinstance(pinned, str)
    begins = _default(live)
    keyed = live.what == "entries"
    now, then = _contents(live), _contents(pinned)
    keys = sorted({*now, *then})
    if as_json:
        shown = []
        for one_key in keys:
            row: dict[str, Any] = {"key": output.hex_bytes(one_key)} if keyed else {}
            for word, value in (("live", now.get(one_key)), ("pinned", then.get(one_key)), ("default", begins)):
                row[word] = None if value is None else output.hex_bytes(value)
            shown.append(row)
        output.as_json(shown)
        return
    rows = []
    for one_key in keys:
        values = (now.get(one_key), then.get(one_key), begins)
        first = output.readable(one_key) or one_key.hex(" ") if keyed else str(int.from_bytes(one_key, "big"))
        rows.append((first, *map(_cell, values), "" if values[0] == values[1] else "differs"))
    output.table(("key" if keyed else "#", "live", "pinned", "default", ""), rows)


def _contents(one: "Slice") -> dict[bytes, bytes]:
    """Return what is in a slice by its key; where there are none by its place, which is a key of 4 bytes then."""
    if one.what == "entries":
        return dict(one.entries())
    found = one.contents()
    values = [part[1] if isinstance(part, tuple) else part for part in found]
    return {i.to_bytes(4, "big"): value for i, value in enumerate(values)}


def _default(one: "Slice") -> bytes | None:
    """Return what a new entry begins with: by the schema; an array's zeros; None where nothing says it."""
    # saves start-up time: few maps are typed
    from boardmaps.errors import InvalidDefinition
    from boardmaps.schema import Types

    if one.what != "entries":
        return None
    if one.schema:
        try:
            value = Types(one.schema).value
        except InvalidDefinition:  # of a later boardmaps
            value = None
        if value is not None:
            return bytes(value.default())
    return bytes(one.definition.value_size) if one.kind.indexed else None


def _cell(value: bytes | None) -> str:
    if value is None:
        return "-"
    as_text = output.readable(value)
    return f"{value.hex(' ')} ({as_text})" if as_text else value.hex(" ")


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _EVERY_MOST:
        raise FormError(f"the seconds after 'every' are {word!r}, not a number from 0 to {_EVERY_MOST:,.0f}.")
    return seconds


def _every(pin: "Pin") -> str:
    return "-" if pin.every is None else f"{pin.every:g} s"


def _pin_json(pin: "Pin") -> dict[str, Any]:
    return {
        "name": pin.name,
        "state": pin.state,
        "why": pin.why or None,
        "bytes": pin.size,
        "writes": pin.writes,
        "bytes_written": pin.written,
        "every": pin.every,
    }

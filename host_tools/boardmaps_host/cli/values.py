"""bpftool's words for maps without keys, and for locking one: push, pop, peek, enqueue, dequeue, freeze."""

from typing import TYPE_CHECKING

import rich_click as click

from boardmaps_host.kinds import by_number

from . import options, output
from .entries import entry_json, print_values
from .forms import Words, data
from .maps import miss

if TYPE_CHECKING:
    from boardmaps_host import Board
    from boardmaps_host.client.maps.base import RemoteMap

_words = click.argument("words", nargs=-1, metavar="MAP [value DATA]")


def _without_keys(board: "Board", name: str, key: int | str) -> "RemoteMap":
    """Return the map, a queue or a stack."""
    the_map = board.map(key)
    if not by_number(the_map.definition.map_type).has("pop"):
        kind = the_map.info().type_name
        raise click.ClickException(f"{name} is for a queue or a stack, and the map {key!r} is of type {kind}.")
    return the_map


def _add(name: str, ending: str) -> click.Command:
    """Make the command that adds a value; a stack and a queue have the same under two names."""

    @click.command(name, help=f"Add a value to MAP, {ending}: MAP value DATA.\n\nJSON: null, as bpftool.")
    @_words
    @options.target
    def add(words: tuple[str, ...], target: options.Target, as_json: bool) -> None:
        taken = Words(words)
        selector = taken.selector()
        taken.literal("value")
        value_words = taken.until()
        with target.connect() as board:
            the_map = _without_keys(board, name, selector.key)
            value = data(value_words, the_map.definition.value_size, "value")
            the_map.update(b"", value)
        if as_json:
            output.as_json(None)

    return add


def _take(name: str, does: str, *, stays: bool = False) -> click.Command:
    """Make a command that prints the next value; it is removed unless it `stays`."""

    @click.command(
        name,
        help=f'{does}. An empty map gives status 1.\n\nJSON: {{"key": [], "value": [...]}}, as bpftool, or null when empty.',
    )
    @_words
    @options.target
    def take(words: tuple[str, ...], target: options.Target, as_json: bool) -> int:
        taken = Words(words)
        selector = taken.selector()
        taken.end()
        with target.connect() as board:
            the_map = _without_keys(board, name, selector.key)
            value = the_map.lookup(b"") if stays else the_map.lookup_and_delete(b"")
        if value is None:
            return miss(f"{name} {selector.key!r}: the map is empty", None, as_json)
        if as_json:
            output.as_json(entry_json(the_map, b"", value))
        else:
            print_values([value])
        return 0

    return take


@click.command("freeze")
@click.argument("words", nargs=-1, metavar="MAP")
@options.target
def freeze(words: tuple[str, ...], target: options.Target, as_json: bool) -> None:
    """Forbid this and every other computer all writes to MAP, for good; the firmware may still write.

    JSON: null, as bpftool.
    """
    taken = Words(words)
    selector = taken.selector()
    taken.end()
    with target.connect() as board:
        board.map(selector.key).freeze()
    if as_json:
        output.as_json(None)


commands = (
    _add("push", "on top of a stack"),
    _take("pop", "Print the newest value of a stack and remove it"),
    _take("peek", "Print the value that pop or dequeue would give, and leave it", stays=True),
    _add("enqueue", "behind the others of a queue"),
    _take("dequeue", "Print the oldest value of a queue and remove it"),
    freeze,
)

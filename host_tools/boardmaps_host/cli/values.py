"""bpftool's words for maps without keys, and for locking one: push, pop, peek, enqueue, dequeue, freeze."""

from typing import TYPE_CHECKING, Any

from . import options, output
from .drawing import click
from .entries import commands_for, entry_json, kind_of, not_for, print_values
from .forms import FormError, Words, data
from .maps import miss
from .typed import Names, as_option, changes, force_option, typed_map
from .words import complete

if TYPE_CHECKING:
    from boardmaps_host import Board

_words = click.argument("words", nargs=-1, metavar="MAP [FIELD=VALUE... | value DATA]", shell_complete=complete)


def _without_keys(board: "Board", command: str, key: int | str, needs: str = "pop") -> Any:
    """Return the map, which has the operation `needs`."""
    the_map = board.map(key)
    kind = kind_of(the_map)
    if kind.has("next_key"):
        raise click.ClickException(f"{command} is for a queue or a stack, and the map {key!r} is of type {kind.word}.")
    if not (kind.has("peek") and kind.has(needs)):
        raise not_for(the_map, command, commands_for(the_map))
    return the_map


def _add(name: str, ending: str, needs: str) -> click.Command:
    """Make the command that adds a value; a stack and a queue have the same under two names."""

    @click.command(
        name, help=f"Add a value to MAP, {ending}: MAP value DATA, or MAP FIELD=VALUE...\n\nJSON: null, as bpftool."
    )
    @_words
    @force_option
    @options.target
    def add(words: tuple[str, ...], target: options.Target, as_json: bool, force: bool) -> None:
        taken = Words(words)
        selector = taken.selector()
        fields = taken.until("value")
        if not fields:
            taken.literal("value")
        value_words = taken.until()
        with target.connect() as board:
            the_map = _without_keys(board, name, selector.key, needs)
            if fields:
                typed_map(the_map, force=force).push(changes(the_map, fields))
            else:
                the_map.push(data(value_words, the_map.definition.value_size, "value"))
        if as_json:
            output.as_json(None)

    return add


def _take(name: str, does: str) -> click.Command:
    """Make a command that prints the next value and removes it."""

    @click.command(
        name,
        help=f'{does}. An empty map gives status 1.\n\nJSON: {{"key": [], "value": [...]}}, as bpftool, or null when empty.',
    )
    @_words
    @as_option
    @options.target
    def take(words: tuple[str, ...], target: options.Target, as_json: bool, as_text: str | None) -> int:
        taken = Words(words)
        selector = taken.selector()
        taken.end()
        with target.connect() as board:
            the_map = _without_keys(board, name, selector.key)
            names = Names(the_map, as_text)
            value = the_map.pop()
        return _show(the_map, value, f"{name} {selector.key!r}: the map is empty", as_json, names)

    return take


@click.command("peek")
@_words
@as_option
@options.target
def peek(words: tuple[str, ...], target: options.Target, as_json: bool, as_text: str | None) -> int:
    """Print the value that pop or dequeue would give, and leave it; ask a Bloom filter for one: MAP value DATA.

    An empty map gives status 1, as does a value that the filter surely has not.

    JSON: {"key": [], "value": [...]}, as bpftool, or null when it is not there.
    """
    taken = Words(words)
    selector = taken.selector()
    value_words = None
    if taken:
        taken.literal("value")
        value_words = taken.until()
    with target.connect() as board:
        the_map = _without_keys(board, "peek", selector.key, "peek")
        names = Names(the_map, as_text)
        if kind_of(the_map).has("pop"):
            if value_words is not None:
                raise FormError("'value' is one word too many: this map gives the value.")
            value = the_map.peek()
            text = f"peek {selector.key!r}: the map is empty"
        else:
            if value_words is None:
                raise FormError("the word 'value' is missing.")
            asked = data(value_words, the_map.definition.value_size, "value")
            value = asked if the_map.peek(asked) else None
            text = f"peek {selector.key!r}: the value was never pushed"
    return _show(the_map, value, text, as_json, names)


def _show(the_map: Any, value: bytes | None, missing: str, as_json: bool, names: Names) -> int:
    if value is None:
        return miss(missing, None, as_json)
    if as_json:
        output.as_json(entry_json(the_map, b"", value, names))
    else:
        print_values([value], names)
    return 0


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


push = _add("push", "on top of a stack, or to those that a Bloom filter knows", "push")
pop = _take("pop", "Print the newest value of a stack and remove it")
enqueue = _add("enqueue", "behind the others of a queue", "pop")
dequeue = _take("dequeue", "Print the oldest value of a queue and remove it")

"""`boardmaps map`: bpftool's map commands, over any target."""

import copy
from typing import TYPE_CHECKING, Any

from boardmaps.errors import KeyNotFound

from . import options, output
from .drawing import click
from .entries import entry_json, kind_of, need_keys, print_entries
from .forms import HELP, Words, data, update_flags
from .later import Group
from .near import near
from .typed import Names, as_option, changes, field_rows, force_option, key_of, key_words, typed_map
from .words import complete

if TYPE_CHECKING:
    from boardmaps_host.client.maps.base import MapInfo, RemoteMap

_words = click.argument("words", nargs=-1, metavar="MAP [KEY | key DATA]", shell_complete=complete)

_COMMANDS = {
    "create": ("create:command", "Create a map."),
    "delete": ("maps:delete", "Delete an entry."),
    "dequeue": ("values:dequeue", "Print a queue's oldest value and remove it."),
    "dump": ("dump:dump", "Print all that a map holds."),
    "enqueue": ("values:enqueue", "Add a value to a queue."),
    "freeze": ("values:freeze", "Forbid every computer to write to a map, for good."),
    "getnext": ("maps:getnext", "Print the key after a key, or the first one."),
    "help": ("usage:show_help", "Explain the commands, or one of them."),
    "list": ("maps:listed", ""),
    "lookup": ("maps:lookup", "Print the value of a key."),
    "peek": ("values:peek", "Print the next value and leave it; ask a filter."),
    "pin": ("pins:pin", "Keep a map on the board's file system."),
    "pop": ("values:pop", "Print a stack's newest value and remove it."),
    "push": ("values:push", "Add a value to a stack or a filter."),
    "show": ("maps:show", "Show all maps, or one, and how full they are."),
    "stats": ("dump:stats", "Print the statistics of a time series."),
    "unpin": ("pins:unpin", "Remove the pin of a map."),
    "update": ("maps:update", "Set fields, or the value, of a key."),
    "watch": ("listen:watch", "Print a map's changes, records or samples as they come."),
}


@click.group(
    "map",
    cls=Group,
    later=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Show, create, read and change the maps of a running board.\n\n" + HELP,
)
@options.json_flags
def group() -> None:
    """The words are bpftool's: what is said to a kernel there is said to a board here."""


@click.command("show")
@click.argument("words", nargs=-1, metavar="[MAP]", shell_complete=complete)
@options.target
def show(words: tuple[str, ...], target: options.Target, as_json: bool) -> None:
    """Show all maps, or one, with their sizes and how many entries are in use; `list` is the same.

    JSON: a list (an object for one MAP) of {"id", "type", "name", "flags", "bytes_key", "bytes_value", "max_entries",
    "bytes_memlock", "frozen"} as bpftool has them, "entries", those in use, and "schema", if it has one. Sizes are bytes.
    """
    taken = Words(words)
    selector = taken.selector() if taken else None
    taken.end()
    with target.connect() as board:
        infos = [board.map(selector.key).info()] if selector else board.maps()
    if as_json:
        found = [info_json(info) for info in infos]
        output.as_json(found[0] if selector else found)
        return
    output.table(
        ("id#", "type", "name", "key#", "value#", "entries#", "max#", "bytes#", "flags"),
        (
            (i.id, i.type_name, i.name, i.key_size, i.value_size, i.count, i.max_entries, i.slice_bytes, _flags(i))
            for i in infos
        ),
    )
    if selector and infos[0].schema:
        _say_fields(infos[0].schema)


listed = copy.copy(show)
listed.name = "list"
listed.hidden = True  # its help is show's


@click.command("lookup")
@_words
@as_option
@options.target
def lookup(words: tuple[str, ...], target: options.Target, as_json: bool, as_text: str | None) -> int:
    """Print the value of one key: MAP KEY, or MAP key DATA.

    KEY is an index, or what the schema of the map's keys makes of it, several fields with commas between them.

    A key that is not there gives status 1. JSON: {"key": [...], "value": [...]}, as `map dump` has an entry, or null when
    it is not there.
    """
    taken = Words(words)
    selector = taken.selector()
    asked = key_words(taken)
    taken.end()
    with target.connect() as board:
        the_map = board.map(selector.key)
        need_keys(the_map, "lookup")
        names = Names(the_map, as_text)
        key = _key(the_map, asked)
        value = the_map.lookup(key)
        others = "" if value is not None or as_json else _others(the_map, key)
    if value is None:
        return miss(f"lookup {selector.key!r}: no such key{others}", None, as_json)
    if as_json:
        output.as_json(entry_json(the_map, key, value, names))
    else:
        print_entries(the_map, [(key, value)], names)
    return 0


@click.command("update")
@_words
@force_option
@options.target
def update(words: tuple[str, ...], target: options.Target, as_json: bool, force: bool) -> None:
    """Set fields, or the value, of one key: MAP KEY FIELD=VALUE..., or MAP key DATA value DATA [any|exist|noexist].

    boardmaps map update rooms kitchen temp=21.5 mode=heat

    Fields are written in one step; those that are not named stay, or have their defaults in a new entry, which stderr names.
    An array's values have commas between them. `noexist` creates only, `exist` changes only. In a per-CPU map every CPU gets the
    value.

    JSON: null, as bpftool.
    """
    taken = Words(words)
    selector = taken.selector()
    asked = key_words(taken)
    fields = taken.until("value") if asked[0] is not None else []
    flags = 0
    if not fields:
        taken.literal("value")
        value_words = taken.until("any", "exist", "noexist")
        flags = update_flags(taken.next("the flag")) if taken else 0
    taken.end()
    with target.connect() as board:
        the_map = board.map(selector.key)
        need_keys(the_map, "update")
        key = _key(the_map, asked)
        if fields:
            given = changes(the_map, fields)
            typed = typed_map(the_map, force=force)
            if kind_of(the_map).per_cpu:
                made = not kind_of(the_map).indexed and the_map.lookup(key) is None
                typed[key] = given
            else:
                made = typed.change(key, given)
            if made:
                _note_made(the_map, key)
            _note_restart(the_map, given)
        else:
            value = data(value_words, the_map.definition.value_size, "value")
            the_map.update(key, the_map.for_every_cpu(value), flags)
    if as_json:
        output.as_json(None)


@click.command("delete")
@_words
@options.target
def delete(words: tuple[str, ...], target: options.Target, as_json: bool) -> None:
    """Delete one key: MAP KEY, or MAP key DATA. An array's entry becomes zero.

    JSON: null, as bpftool.
    """
    taken = Words(words)
    selector = taken.selector()
    asked = key_words(taken)
    taken.end()
    with target.connect() as board:
        the_map = board.map(selector.key)
        need_keys(the_map, "delete")
        key = _key(the_map, asked)
        try:
            the_map.delete(key)
        except KeyNotFound as missing:
            raise click.ClickException(f"{missing}{_others(the_map, key)}") from None
    if as_json:
        output.as_json(None)


@click.command("getnext")
@_words
@options.target
def getnext(words: tuple[str, ...], target: options.Target, as_json: bool) -> int:
    """Print the key after a key, or the first one: MAP [KEY | key DATA].

    After the last key the status is 1. JSON: {"key": [...] or null, "next_key": [...] or null}.
    """
    taken = Words(words)
    selector = taken.selector()
    asked = key_words(taken) if taken else None
    taken.end()
    with target.connect() as board:
        the_map = board.map(selector.key)
        need_keys(the_map, "getnext")
        names = Names(the_map)
        key = _key(the_map, asked) if asked else None
        following = the_map.next_key(key)
    shown = {
        "key": None if key is None else output.hex_bytes(key),
        "next_key": None if following is None else output.hex_bytes(following),
    }
    if following is None:
        return miss(f"getnext {selector.key!r}: no key comes after that", shown, as_json)
    if as_json:
        output.as_json(shown)
    else:
        output.say("  ".join(names.key_cells(following)) if names.key else following.hex(" "))
    return 0


def _key(the_map: "RemoteMap", asked: tuple[str | None, list[str]]) -> bytes:
    """Return the key that a word, or DATA, stands for."""
    word, key_data = asked
    return data(key_data, the_map.definition.key_size, "key") if word is None else key_of(the_map, word)


def _others(the_map: "RemoteMap", key: bytes) -> str:
    """Return what a typed map has where a key is not, for the end of a sentence."""
    others = near(the_map, key) if Names(the_map).key else ""
    return f"; it has {others}" if others else ""


def _note_made(the_map: "RemoteMap", key: bytes) -> None:
    """Say that an entry is new: whoever has mistyped a key meant one that was there."""
    word = ",".join(Names(the_map).key_cells(key))
    others = near(the_map, key)
    output.note(f"boardmaps: made a new entry {word!r}; the map {f'also has {others}' if others else 'had none'}.")


def _note_restart(the_map: "RemoteMap", given: dict[str, Any]) -> None:
    """Say which of the fields that were written take effect after a restart."""
    schema = Names(the_map).value
    late = [field.name for field in schema.fields if field.restart and field.name in given] if schema else []
    if late:
        output.note(f"boardmaps: {', '.join(late)}: the firmware takes it after a restart.")


def _say_fields(text: str) -> None:
    """Print what a schema says of each field."""
    # saves start-up time: few maps are typed
    from boardmaps.schema import Types

    types = Types(text)
    rows = [
        (what, *row)
        for what, schema in (("key", types.key), ("value", types.value))
        if schema
        for row in field_rows(schema)
    ]
    titles = ("of", "field", "type", "unit", "may be", "default", "note", "text")
    used = [i for i in range(len(titles)) if i < 3 or any(row[i] for row in rows)]
    output.say()
    output.table([titles[i] for i in used], [[row[i] for i in used] for row in rows])


def miss(text: str, shown: Any, as_json: bool) -> int:
    """A key that is not there is an answer, not a fault: no {"error"}, but a status that scripts can test."""
    if as_json:
        output.as_json(shown)
    else:
        output.error(text, plain=True)
    return 1


def info_json(info: "MapInfo") -> dict[str, Any]:
    return {
        "id": info.id,
        "type": info.type_name,
        "name": info.name,
        "flags": info.map_flags,
        "bytes_key": info.key_size,
        "bytes_value": info.value_size,
        "max_entries": info.max_entries,
        "bytes_memlock": info.slice_bytes,
        "frozen": int(info.frozen),
        "entries": info.count,
    } | ({"schema": info.schema} if info.schema else {})


def _flags(info: "MapInfo") -> str:
    # saves start-up time: needed by this command alone
    from boardmaps.abi import BPF_F_RB_OVERWRITE, BPF_F_RDONLY, BPF_F_WRONLY

    names = {BPF_F_RDONLY: "rdonly", BPF_F_WRONLY: "wronly", BPF_F_RB_OVERWRITE: "overwrite"}
    words = [name for bit, name in names.items() if info.map_flags & bit] + ["frozen"] * bool(info.frozen)
    return ",".join(words) or "-"

"""`boardmaps map`: bpftool's map commands, over any target."""

import copy
from typing import TYPE_CHECKING, Any

import rich_click as click

from boardmaps_host.kinds import KINDS, Kind, by_word

from . import options, output
from .entries import entry_json, kind_of, need_keys, print_entries
from .forms import HELP, NUMBERS, FormError, Words, data, number, update_flags
from .typed import Names, as_option, changes, field_rows, force_option, key_of, key_words, typed_map
from .words import complete

if TYPE_CHECKING:
    from boardmaps_host.client.maps.base import MapInfo, RemoteMap

# What the words of `map create` are called in a definition.
_SIZES = {"key": "key_size", "value": "value_size", "entries": "max_entries", "flags": "map_flags"}

_PARAMETERS = {"field": "a field is", "functions": "functions are"}

_words = click.argument("words", nargs=-1, metavar="MAP [KEY | key DATA]", shell_complete=complete)


@click.group(
    "map",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Show, create, read and change the maps of a running board.\n\n" + HELP,
)
@options.json_flags
def group() -> None:
    """The words are bpftool's: what is said to a kernel there is said to a board here."""


@group.command("show")
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
        found = [_info_json(info) for info in infos]
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
group.add_command(listed)


@group.command("create")
@click.argument(
    "words",
    nargs=-1,
    metavar="name NAME type TYPE [key N|SCHEMA] value N|SCHEMA entries N [flags N] [field TYPE[@OFFSET]] [functions N]",
)
@options.target
def create(words: tuple[str, ...], target: options.Target, as_json: bool) -> None:
    """Create a map. Sizes are bytes; an array's keys are always 4.

    boardmaps map create name temps type hash key 8 value 4 entries 64

    boardmaps map create name rooms type hash key room:8s value 'temp:i16/100 °C, mode:u8{off,heat}' entries 16

    A time_series may say which number of its value `map stats` is about, u8 to i64, f32 or f64, @ its offset: `field i16`;
    a bloom_filter with how many hash functions it works, 1 to 15: `functions 5`.

    JSON: the new map, as `map show` prints one.
    """
    # saves start-up time: needed by this command alone
    from boardmaps.errors import InvalidDefinition, InvalidFlags

    given = _create_words(Words(words))
    kind = _kind(given.pop("type", None))
    name = given.get("name")
    with target.connect() as board:
        if name and (there := [info.id for info in board.maps() if info.name == name]):
            raise FormError(f"the board has a map {name!r} already (id {there[0]}): choose another name.")
        for parameter, text in _PARAMETERS.items():
            if parameter in given and parameter not in kind.parameters:
                fits = ", ".join(one.word for one in KINDS if parameter in one.parameters)
                raise FormError(f"{text} for a {fits}, and not for a map of type {kind.word}.")
        try:
            info = board.create_map(kind.class_name, **given).info()
        except (InvalidDefinition, InvalidFlags) as error:
            raise click.ClickException(_in_words(str(error))) from error
    if as_json:
        output.as_json(_info_json(info))
    else:
        output.say(f"created {info.type_name} {info.name!r}: id {info.id}, {info.slice_bytes} bytes of the pool")


@group.command("lookup")
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
    if value is None:
        return miss(f"lookup {selector.key!r}: no such key", None, as_json)
    if as_json:
        output.as_json(entry_json(the_map, key, value, names))
    else:
        print_entries(the_map, [(key, value)], names)
    return 0


@group.command("update")
@_words
@force_option
@options.target
def update(words: tuple[str, ...], target: options.Target, as_json: bool, force: bool) -> None:
    """Set fields, or the value, of one key: MAP KEY FIELD=VALUE..., or MAP key DATA value DATA [any|exist|noexist].

    boardmaps map update rooms kitchen temp=21.5 mode=heat

    Fields are written in one step; those that are not named stay, or have their defaults in a new entry. An array's values have
    commas between them. `noexist` creates only, `exist` changes only. In a per-CPU map every CPU gets the value.

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
                typed[key] = given
            else:
                typed.change(key, given)
            _note_restart(the_map, given)
        else:
            value = data(value_words, the_map.definition.value_size, "value")
            the_map.update(key, the_map.for_every_cpu(value), flags)
    if as_json:
        output.as_json(None)


@group.command("delete")
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
        the_map.delete(_key(the_map, asked))
    if as_json:
        output.as_json(None)


@group.command("getnext")
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


def _kind(word: str | None) -> Kind:
    """Return the type with bpftool's word."""
    if word is None:
        raise FormError("the word 'type' is missing.")
    kind = by_word(word)
    if kind is None:
        raise FormError(f"{word!r} is no map type: {', '.join(kind.word for kind in KINDS)}.")
    return kind


def _in_words(text: str) -> str:
    """Return the text of an error about a definition in the words of `map create`, without an empty name."""
    for word, field in _SIZES.items():
        text = text.replace(field, repr(word))
    return text.replace(" ''", "")


def _create_words(taken: Words) -> dict[str, Any]:
    """Read `name NAME type TYPE key N value N entries N flags N`, in any order."""
    given: dict[str, Any] = {}
    while taken:
        word = taken.next("a word")
        if word in given or _SIZES.get(word) in given:
            raise FormError(f"{word!r} is there twice.")
        if word in ("name", "type"):
            given[word] = taken.next(f"the map's {word}")
        elif word == "field":
            given["field"], given["field_offset"] = _field(taken.next("the field after 'field'"))
        elif word in ("key", "value") and taken and ":" in (text := taken.peek()):
            given[word] = taken.next(text)
        elif word in _SIZES or word == "functions":
            given[_SIZES.get(word, word)] = number(
                taken.next(f"the number after {word!r}"), f"the number after {word!r}"
            )
        else:
            raise FormError(f"{word!r} is none of name, type, key, value, entries, flags, field, functions.")
    return given


def _field(word: str) -> tuple[str, int]:
    """Return struct's letter and the offset of `i16@4`; a letter of struct itself is one too."""
    name, _, offset = word.partition("@")
    letter = NUMBERS.get(name, f"<{name}")[1:]
    if f"<{letter}" not in NUMBERS.values():
        raise FormError(f"the field {word!r} is none of {', '.join(NUMBERS)}, with @ and an offset if it is not 0.")
    return letter, number(offset or "0", "the field's offset")


def miss(text: str, shown: Any, as_json: bool) -> int:
    """A key that is not there is an answer, not a fault: no {"error"}, but a status that scripts can test."""
    if as_json:
        output.as_json(shown)
    else:
        output.error(text, plain=True)
    return 1


def _info_json(info: "MapInfo") -> dict[str, Any]:
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

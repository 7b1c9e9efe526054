"""`boardmaps map create`."""

from typing import Any

from boardmaps_host.kinds import KINDS, Kind, by_word

from . import options, output
from .drawing import click
from .forms import NUMBERS, FormError, Words, number
from .maps import info_json

# What the words of `map create` are called in a definition.
_SIZES = {"key": "key_size", "value": "value_size", "entries": "max_entries", "flags": "map_flags"}

_PARAMETERS = {"field": "a field is", "functions": "functions are"}


@click.command("create")
@click.argument(
    "words",
    nargs=-1,
    metavar="name NAME type TYPE [key N|SCHEMA] value N|SCHEMA entries N [flags N] [field TYPE[@OFFSET]] [functions N]",
)
@options.target
def command(words: tuple[str, ...], target: options.Target, as_json: bool) -> None:
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
        output.as_json(info_json(info))
    else:
        output.say(f"created {info.type_name} {info.name!r}: id {info.id}, {info.slice_bytes} bytes of the pool")


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

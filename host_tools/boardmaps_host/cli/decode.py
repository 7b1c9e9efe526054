"""`boardmaps decode`: every map that a file has in it, without a board."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import options, output
from .drawing import click
from .entries import entry_json, print_entries, print_values
from .forms import Words
from .typed import Names

if TYPE_CHECKING:
    from boardmaps_host.state.images import Found, Image
    from boardmaps_host.state.slices import Slice


@click.command("decode")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.argument("words", nargs=-1, metavar="[MAP]")
@options.as_json
def command(file: str, words: tuple[str, ...], as_json: bool) -> int:
    """Show every map that is in FILE, or the one of a name, from its bytes alone: no board is needed.

    FILE is what `boardmaps pool --save` or `boardmaps snapshot` wrote, a pin, or the littlefs image of a board's flash, also of a
    board that does not start. What is damaged is named and left out, and the status is 1 then.

    JSON: {"what", "about", "notes": [...], "maps": [{"file", "offset", "type", "name", "flags", "bytes_key", "bytes_value",
    "max_entries", "bytes_memlock", "frozen", "entries", "peak", "schema", "changed", "hidden", "wrong", "data"}],
    "files": [{"name", "bytes"}]}; data is what `map dump` prints of such a map (of a Bloom filter {"bits_set"}), null when the map
    is not whole.
    """
    from boardmaps_host.state.images import open_image  # saves start-up time: needed by this command alone

    return show(open_image(file), Words(words), as_json)


def show(image: "Image", words: Words, as_json: bool) -> int:
    """Print an image, or one map of it; return the status."""
    name = words.next("the map's name") if words else None
    words.end()
    maps = [found for found in image.maps if name is None or found.slice.name == name]
    if name is not None and not maps:
        there = ", ".join(found.slice.name or "(no name)" for found in image.maps) or "none"
        raise click.ClickException(f"there is no map {name!r} in it; there are: {there}.")
    if as_json:
        output.as_json(
            {
                "what": image.what,
                "about": image.about,
                "notes": image.notes,
                "maps": [map_json(found) for found in maps],
                "files": [{"name": path, "bytes": len(content)} for path, content in image.files],
            }
        )
        return int(image.damaged)
    about = ", ".join(f"{word} {value}" for word, value in image.about.items())
    output.say(f"{image.what}: {len(image.maps)} map{'s' * (len(image.maps) != 1)}{', ' + about if about else ''}")
    for found in maps:
        show_map(found)
    for path, content in image.files if name is None else ():
        output.say(f"file {path}: {len(content)} bytes")
    for note in image.notes:
        output.note(f"boardmaps: {note}.")
    return int(image.damaged)


def map_json(found: "Found") -> dict[str, Any]:
    """Return a map of an image as the command's JSON has it."""
    one = found.slice
    d = one.definition
    return {
        "file": found.file,
        "offset": found.offset,
        "type": one.kind.word,
        "name": one.name,
        "flags": d.map_flags,
        "bytes_key": d.key_size,
        "bytes_value": d.value_size,
        "max_entries": d.max_entries,
        "bytes_memlock": len(one.data),
        "frozen": int(one.frozen),
        "entries": one.count,
        "peak": one.peak,
        "schema": one.schema,
        "changed": found.changed,
        "hidden": one.hidden,
        "wrong": one.wrong,
        "data": None if one.wrong or one.hidden else _data(one),
    }


def _data(one: "Slice") -> Any:
    from boardmaps import slices as parts  # saves start-up time: needed by this command alone

    if one.what == parts.OF_ENTRIES:
        return [entry_json(one, key, value, Names(one)) for key, value in one.entries()]
    if one.what == parts.OF_VALUES:
        return [entry_json(one, b"", value, Names(one)) for value in one.values()]
    if one.what == parts.OF_RECORDS:
        return [_one({"number": number, "data": output.hex_bytes(data)}, one, data) for number, data in one.records()]
    if one.what == parts.OF_SAMPLES:
        return [_one({"timestamp": at, "value": output.hex_bytes(value)}, one, value) for at, value in one.samples()]
    return {"bits_set": sum(byte.bit_count() for byte in one.contents()[0])}


def _one(document: dict[str, Any], one: "Slice", data: bytes) -> dict[str, Any]:
    """Return a record or a sample, with its fields when the map has a schema."""
    if names := Names(one):
        document["formatted"] = names.value_json(data)
    return document


def show_map(found: "Found") -> None:
    """Print a map of an image."""
    from boardmaps import slices as parts  # saves start-up time: needed by this command alone

    one = found.slice
    d = one.definition
    where = found.file or f"at {found.offset}"
    marks = ", frozen" * one.frozen + ", it changed while it was read" * found.changed
    what = f"{one.kind.word} {one.name!r}, {where}: key {d.key_size}, value {d.value_size}, {one.count} of {d.max_entries}{marks}"
    output.say()
    output.say(what)
    if one.schema:
        output.say(f"schema: {one.schema}")
    if one.wrong or one.hidden:
        output.say(f"not shown: {one.wrong or 'the map is write-only for the computer'}")
    elif one.what == parts.OF_ENTRIES:
        print_entries(one, list(one.entries()), Names(one))
    elif one.what == parts.OF_VALUES:
        print_values(one.values(), Names(one))
    elif one.what == parts.OF_RECORDS:
        _print_timed("number#", "data", one, one.records())
    elif one.what == parts.OF_SAMPLES:
        _print_timed("timestamp#", "value", one, one.samples())
    else:
        output.say(f"{_data(one)['bits_set']} bits are set")


def _print_timed(number: str, title: str, one: "Slice", found: Iterable[tuple[int, bytes]]) -> None:
    if names := Names(one):
        output.table((number, *names.titles()), ((at, *names.cells(data)) for at, data in found))
    else:
        output.table((number, title, "as"), ((at, data.hex(" "), output.readable(data)) for at, data in found))

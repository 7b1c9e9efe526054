"""`boardmaps map dump` and `boardmaps map stats`: all that is in a map, taken out of none."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from . import options, output
from .drawing import click
from .entries import entry_json, kind_of, need_keys, not_for, print_entries, print_values
from .forms import FormError, Words, number
from .typed import Names, as_option, typed_map
from .words import complete

if TYPE_CHECKING:
    from boardmaps_host import Board
    from boardmaps_host.client.maps.base import RemoteMap
    from boardmaps_host.client.maps.timeseries import RemoteTimeSeries


@click.command("dump")
@click.argument("words", nargs=-1, metavar="MAP", shell_complete=complete)
@as_option
@options.target
def dump(words: tuple[str, ...], target: options.Target, as_json: bool, as_text: str | None) -> None:
    """Print every entry of MAP; the values of a queue or stack, the records of a ring, the samples of a series. All stay.

    JSON: a list of {"key": ["0x01", ...], "value": ["0x2a", ...]}; of a per-CPU map {"key": [...], "values": [{"cpu": 0,
    "value": [...]}, ...]}; of a queue or stack, the oldest first, {"key": [], "value": [...]}; of a ring {"number": 7, "data":
    [...]}; of a series {"timestamp": 1, "value": [...], "field": -50}, null without a field. With a schema each also has
    "formatted", as bpftool has it with BTF: {"key": "kitchen", "value": {"temp": 21.5, "mode": "heat"}}.
    """
    taken = Words(words)
    selector = taken.selector()
    taken.end()
    with target.connect() as board:
        the_map = board.map(selector.key)
        kind = kind_of(the_map)
        look = next((look for operation, look in _LOOKS if kind.has(operation)), None)
        if look is None:
            need_keys(the_map, "dump")
        documents, table = (look or _entries)(board, the_map, as_json, Names(the_map, as_text))
    if as_json:
        output.as_json(documents)
    else:
        table()


@click.command("stats")
@click.argument("words", nargs=-1, metavar="MAP [last N]")
@options.target
def stats(words: tuple[str, ...], target: options.Target, as_json: bool) -> None:
    """Print the statistics of a time series, of all its samples or the last N, computed on the board.

    They are of its field: the number in the value that the series was made with, `i16` or `field="h"` for two bytes with a
    sign. Without one a value of 1, 2, 4 or 8 bytes is taken for a number without a sign.

    JSON: {"count", "min", "max", "sum", "mean", "span", "field"}; field is struct's letter, with @ and an offset
    that is not 0; with a schema its name, and the numbers are physical.
    """
    from boardmaps_host.client.look import field  # saves start-up time: needed by this command alone

    taken = Words(words)
    selector = taken.selector()
    last = None
    if taken:
        taken.literal("last")
        last = number(taken.next("the number after 'last'"), "the number after 'last'")
        if last < 0:
            raise FormError(f"the number after 'last' is {last}, not from 0 up.")
    taken.end()
    with target.connect() as board:
        the_map = board.map(selector.key)
        if not kind_of(the_map).has("stats"):
            raise not_for(the_map, "stats", ("dump",))
        of: object = field(board, the_map)
        if the_map.definition.schema:
            typed = typed_map(the_map)
            found, of = typed.stats(last), typed.of_stats() or of
        else:
            found = cast("RemoteTimeSeries", the_map).stats(last)
    shown = {**found._asdict(), "field": None if of is None else str(of)}
    if as_json:
        output.as_json(shown)
    else:
        output.table([f"{name}#" for name in shown], [["-" if value is None else value for value in shown.values()]])


_Dump = tuple[list[Any], Callable[[], None]]


def _entries(_board: "Board", the_map: "RemoteMap", quiet: bool, names: Names) -> _Dump:
    total = len(the_map)
    entries: list[tuple[bytes, bytes]] = []
    with output.progress(the_map.name, quiet=quiet) as shown:
        for entry in the_map.items():
            entries.append(entry)
            if shown and not len(entries) % 64:
                shown(the_map.name, len(entries), max(total, len(entries)))  # firmware may add some meanwhile
    documents = [entry_json(the_map, key, value, names) for key, value in entries]
    return documents, lambda: print_entries(the_map, entries, names)


def _values(board: "Board", the_map: "RemoteMap", _quiet: bool, names: Names) -> _Dump:
    from boardmaps_host.client.look import values  # saves start-up time: needed by this command alone

    found = values(board, the_map)
    return [entry_json(the_map, b"", value, names) for value in found], lambda: print_values(found, names)


def _records(board: "Board", the_map: "RemoteMap", _quiet: bool, names: Names) -> _Dump:
    from boardmaps_host.client.look import records  # saves start-up time: needed by this command alone

    found = records(board, the_map)
    documents: list[dict[str, Any]] = [{"number": count, "data": output.hex_bytes(record)} for count, record in found]
    if names:
        for document, (_, record) in zip(documents, found, strict=True):
            document["formatted"] = {"data": names.value_json(record)}
        typed = [(count, *names.cells(record)) for count, record in found]
        return documents, lambda: output.table(("number#", *names.titles()), typed)
    rows = [(count, record.hex(" "), output.readable(record)) for count, record in found]
    return documents, lambda: output.table(("number#", "data", "as"), rows)


def _samples(board: "Board", the_map: "RemoteMap", _quiet: bool, names: Names) -> _Dump:
    from boardmaps_host.client.look import field  # saves start-up time: needed by this command alone

    of = field(board, the_map)
    found = cast("RemoteTimeSeries", the_map).last(the_map.definition.max_entries)
    numbers = [None if of is None else of.of(value) for _, value in found]
    documents: list[dict[str, Any]] = [
        {"timestamp": at, "value": output.hex_bytes(value), "field": one}
        for (at, value), one in zip(found, numbers, strict=True)
    ]
    if names:
        for document, (at, value) in zip(documents, found, strict=True):
            document["formatted"] = {"timestamp": at, "value": names.value_json(value)}
        typed = [(at, *names.cells(value)) for at, value in found]
        return documents, lambda: output.table(("timestamp#", *names.titles()), typed)
    rows = [
        (at, value.hex(" "), output.readable(value) if one is None else one)
        for (at, value), one in zip(found, numbers, strict=True)
    ]
    title = "as" if of is None else f"field {of}"
    return documents, lambda: output.table(("timestamp#", "value", f"{title}#"), rows)


# How a map without keys is looked into, by an operation that those maps alone have.
_LOOKS = (("pop", _values), ("read", _records), ("stats", _samples))

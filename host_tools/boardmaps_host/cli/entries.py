"""How entries, values, records and samples are printed, and which commands a map without keys has."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from boardmaps.definition import MapDef
from boardmaps_host.kinds import Kind, by_number

from . import output
from .drawing import click
from .typed import Names


class Shown(Protocol):
    """A map whose entries are printed: a board's, or one of a file."""

    @property
    def definition(self) -> MapDef:
        """The map's definition."""
        ...

    @property
    def name(self) -> str:
        """The map's name."""
        ...

    def of_every_cpu(self, value: bytes) -> list[bytes]:
        """Return the values in what a look-up gives."""
        ...


# What `boardmaps map` can do with a map that has no keys, by an operation that those maps alone have; the first one counts.
_WITHOUT_KEYS = (
    ("pop", ("push", "peek", "pop", "dump")),
    ("read", ("dump", "watch")),
    ("stats", ("dump", "stats", "watch")),
    ("peek", ("push MAP value DATA", "peek MAP value DATA")),
)


def kind_of(the_map: Shown) -> Kind:
    """Return the map's type."""
    return by_number(the_map.definition.map_type)


def commands_for(the_map: Shown) -> tuple[str, ...]:
    """Return the commands for a map that has no keys; none for one with keys."""
    kind = kind_of(the_map)
    return next((words for operation, words in _WITHOUT_KEYS if kind.has(operation)), ())


def need_keys(the_map: Shown, command: str) -> None:
    """Raise an error that names the commands for this map when it has no keys."""
    if words := commands_for(the_map):
        raise not_for(the_map, command, words)


def not_for(the_map: Shown, command: str, words: Sequence[str]) -> click.ClickException:
    """Return the error for a command that this map does not have; `words` are those that it has."""
    kind = kind_of(the_map).word
    there = ", ".join(f"boardmaps map {word}" for word in words)
    return click.ClickException(
        f"{command} is not for the map {the_map.name!r}, which is of type {kind}. Use: {there}."
    )


def entry_json(the_map: Shown, key: bytes, value: bytes, names: Names) -> dict[str, Any]:
    """Return an entry in bpftool's shape: the values of a per-CPU map are a list, each of value_size bytes."""
    per_cpu = kind_of(the_map).per_cpu
    each = the_map.of_every_cpu(value)
    shown: dict[str, Any] = {"key": output.hex_bytes(key)}
    if per_cpu:
        shown["values"] = [{"cpu": cpu, "value": output.hex_bytes(one)} for cpu, one in enumerate(each)]
    else:
        shown["value"] = output.hex_bytes(value)
    if names:
        shown["formatted"] = names.formatted(key, each, per_cpu)
    return shown


def print_entries(the_map: Shown, entries: Sequence[tuple[bytes, bytes]], names: Names) -> None:
    """Print a table of entries, a line a CPU where each has a value of its own."""
    if names:
        per_cpu = kind_of(the_map).per_cpu
        output.table(
            (*names.key_titles(), *(["cpu#"] if per_cpu else []), *names.titles()),
            (
                (*names.key_cells(key), *([cpu] if per_cpu else []), *names.cells(value))
                for key, row in entries
                for cpu, value in enumerate(the_map.of_every_cpu(row))
            ),
        )
        return
    if not kind_of(the_map).per_cpu:
        output.table(("key", "as", "value", "as"), ((*_cells(key), *_cells(value)) for key, value in entries))
        return
    output.table(
        ("key", "as", "cpu#", "value", "as"),
        (
            (*_cells(key), cpu, *_cells(value))
            for key, row in entries
            for cpu, value in enumerate(the_map.of_every_cpu(row))
        ),
    )


def print_values(values: Iterable[bytes], names: Names) -> None:
    """Print a table of values that have no key."""
    if names:
        output.table(names.titles(), map(names.cells, values))
        return
    output.table(("value", "as"), (_cells(value) for value in values))


def _cells(data: bytes) -> tuple[str, str]:
    return data.hex(" "), output.readable(data)

"""How entries, values, records and samples are printed, and which commands a map without keys has."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import rich_click as click

from boardmaps.abi import QUEUE, RINGBUF, STACK, TIME_SERIES

from . import output

if TYPE_CHECKING:
    from boardmaps_host.client.maps.base import RemoteMap

# What `boardmaps map` can do with a map that has no keys.
WITHOUT_KEYS = {
    QUEUE: ("enqueue", "peek", "dequeue", "dump"),
    STACK: ("push", "peek", "pop", "dump"),
    RINGBUF: ("dump", "watch"),
    TIME_SERIES: ("dump", "stats", "watch"),
}


def need_keys(the_map: "RemoteMap", command: str) -> None:
    """Raise an error that names the commands for this map when it has no keys."""
    words = WITHOUT_KEYS.get(the_map.definition.map_type)
    if words:
        raise not_for(the_map, command, words)


def not_for(the_map: "RemoteMap", command: str, words: Sequence[str]) -> click.ClickException:
    """Return the error for a command that this map does not have; `words` are those that it has."""
    kind = the_map.info().type_name
    there = ", ".join(f"boardmaps map {word}" for word in words)
    return click.ClickException(
        f"{command} is not for the map {the_map.name!r}, which is of type {kind}. Use: {there}."
    )


def entry_json(the_map: "RemoteMap", key: bytes, value: bytes) -> dict[str, Any]:
    """Return an entry in bpftool's shape: the values of a per-CPU map are a list, each of value_size bytes."""
    each = the_map.per_cpu(value)
    if each is None:
        return {"key": output.hex_bytes(key), "value": output.hex_bytes(value)}
    shown = [{"cpu": cpu, "value": output.hex_bytes(one)} for cpu, one in enumerate(each)]
    return {"key": output.hex_bytes(key), "values": shown}


def print_entries(the_map: "RemoteMap", entries: Sequence[tuple[bytes, bytes]]) -> None:
    """Print a table of entries, a line a CPU where each has a value of its own."""
    if the_map.per_cpu(bytes(8)) is None:
        output.table(("key", "as", "value", "as"), ((*_cells(key), *_cells(value)) for key, value in entries))
        return
    output.table(
        ("key", "as", "cpu#", "value", "as"),
        (
            (*_cells(key), cpu, *_cells(value))
            for key, row in entries
            for cpu, value in enumerate(the_map.per_cpu(row) or ())
        ),
    )


def print_values(values: Iterable[bytes]) -> None:
    """Print a table of values that have no key."""
    output.table(("value", "as"), (_cells(value) for value in values))


def _cells(data: bytes) -> tuple[str, str]:
    return data.hex(" "), output.readable(data)

"""What maps will take of a board's pool, to the byte, before there is a board."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from boardmaps.abi import LRU_HASH, RINGBUF, TYPE_NAMES
from boardmaps.definition import KEY_SIZES, MapDef, check_entries, slice_size
from boardmaps.errors import InvalidDefinition, NotSupported, OutOfMemory

POOL_SIZE = 64 * 1024  # bytes, unless the board's boardmaps_config says otherwise

# A map's parts by the words of `boardmaps map create`, and by those of `boardmaps map show --json`.
_PARTS = {
    "name": "name",
    "key": "key_size",
    "bytes_key": "key_size",
    "value": "value_size",
    "bytes_value": "value_size",
    "entries": "max_entries",
    "max_entries": "max_entries",
    "flags": "map_flags",
    "functions": "functions",
}
_TYPES = {word: number for number, word in TYPE_NAMES.items()}


@dataclass(frozen=True)
class Planned:
    """One map of a plan: where its slice will begin in the pool, and its bytes, header and index included."""

    definition: MapDef
    offset: int
    size: int


def plan(definitions: Iterable[MapDef], pool_size: int = POOL_SIZE) -> list[Planned]:
    """Return what each map will take of a pool of `pool_size` bytes, when they are made in this order.

    Raises OutOfMemory, naming the first map that does not fit and how many bytes it lacks, InvalidDefinition for one of more
    entries than any pool can number, and NotSupported for a type that boards do not have.
    """
    planned: list[Planned] = []
    offset = 0
    for number, d in enumerate(definitions, 1):
        if d.map_type == LRU_HASH:
            raise NotSupported(f"plan {d.name!r}: boards have no LruHashMap; it is for the computer only")
        size = slice_size(d)
        if offset + size > pool_size:
            left = pool_size - offset
            raise OutOfMemory(
                f"plan {d.name!r} (map {number}): it needs {size:,} bytes and the pool of {pool_size:,} has {left:,} left: "
                f"{size - left:,} are missing. Make it, or a map before it, smaller"
            )
        check_entries(d)
        planned.append(Planned(d, offset, size))
        offset += size
    return planned


def read_definition(parts: Mapping[str, Any], cpus: int = 1) -> MapDef:
    """Return the definition that a table of a plan's file describes: type, name, key, value, entries, flags, functions.

    Also takes what `boardmaps map show --json` prints of a map. `cpus` is the board's number of cores.
    """
    given: dict[str, Any] = {}
    name = parts.get("name", "")
    kind = parts.get("type")
    if kind not in _TYPES:
        raise InvalidDefinition(f"plan {name!r}: type is {kind!r}, not one of {', '.join(_TYPES)}")
    map_type = _TYPES[kind]
    shown = "bytes_key" in parts  # then there is more, which a definition has not
    for word, value in parts.items():
        if word == "entries" and shown:
            continue  # those in use; max_entries is there too
        if word in _PARTS:
            given[_PARTS[word]] = value
        elif word != "type" and not shown:
            raise InvalidDefinition(
                f"plan {name!r}: there is no {word!r}; there are type, name, key, value, entries, flags, functions"
            )
    if map_type in KEY_SIZES:
        given.setdefault("key_size", KEY_SIZES[map_type])
    if map_type == RINGBUF:
        given.setdefault("value_size", 0)
    if missing := {"key_size", "value_size", "max_entries"} - set(given):
        words = ", ".join(word for word in ("key", "value", "entries") if _PARTS[word] in missing)
        raise InvalidDefinition(f"plan {name!r}: {words} is missing")
    return MapDef(map_type, **given, cpus=cpus)

"""What maps will take of a board's pool, to the byte, before there is a board."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from boardmaps.definition import MapDef, check_entries, slice_size
from boardmaps.errors import InvalidDefinition, NotSupported, OutOfMemory
from boardmaps.schema import Types, join
from boardmaps_host.kinds import KINDS, by_number, by_word

POOL_SIZE = 64 * 1024  # bytes, unless the board's boardmaps_config says otherwise

# A map's parts by the words of `boardmaps map create`, and by those of `boardmaps map show --json`.
_WORDS = {
    "name": "name",
    "key": "key_size",
    "bytes_key": "key_size",
    "value": "value_size",
    "bytes_value": "value_size",
    "entries": "max_entries",
    "max_entries": "max_entries",
    "flags": "map_flags",
    "functions": "functions",
    "schema": "schema",
}


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
        kind = by_number(d.map_type)
        if not kind.on_boards:
            raise NotSupported(f"plan {d.name!r}: boards have no {kind.class_name}; it is for the computer only")
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

    `key` and `value` may be schemas, from which the sizes follow. Also takes what `boardmaps map show --json` prints of a map.
    `cpus` is the board's number of cores.
    """
    given: dict[str, Any] = {}
    name = parts.get("name", "")
    kind = by_word(parts.get("type"))
    if kind is None:
        words = ", ".join(kind.word for kind in KINDS)
        raise InvalidDefinition(f"plan {name!r}: type is {parts.get('type')!r}, not one of {words}")
    shown = "bytes_key" in parts  # then there is more, which a definition has not
    for word, value in parts.items():
        if word == "entries" and shown:
            continue  # those in use; max_entries is there too
        if word in _WORDS:
            given[_WORDS[word]] = value
        elif word != "type" and not shown:
            raise InvalidDefinition(
                f"plan {name!r}: there is no {word!r}; there are type, name, key, value, entries, flags, functions"
            )
    texts = [given.get(size) if isinstance(given.get(size), str) else "" for size in ("key_size", "value_size")]
    if any(texts):
        given["schema"] = join(*texts)
        types = Types(given["schema"])
        given.update({name: s.size for name, s in (("key_size", types.key), ("value_size", types.value)) if s})
    if kind.key_size is not None:
        given.setdefault("key_size", kind.key_size)
    if not kind.has_values:
        given.setdefault("value_size", 0)
    if missing := {"key_size", "value_size", "max_entries"} - set(given):
        words = ", ".join(word for word in ("key", "value", "entries") if _WORDS[word] in missing)
        raise InvalidDefinition(f"plan {name!r}: {words} is missing")
    return MapDef(kind.number, **given, cpus=cpus)

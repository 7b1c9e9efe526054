"""Places in a board's maps, written as one word: MAP.KEY.FIELD, such as rooms.kitchen.temp or gains.0.p[2].

Names of maps and fields, and keys, may have dots in them: what is there on the board decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from boardmaps.errors import InvalidValue, KeyNotFound
from boardmaps.schema import Field
from boardmaps_host.client.info import MapInfo
from boardmaps_host.live.tables import Table


@dataclass(frozen=True)
class Place:
    """A number in a map: a field of an entry, or where there are no keys of each record or sample. `index` is an array's."""

    word: str
    map: str
    key: bytes
    field: Field
    index: int = 0

    @property
    def unit(self) -> str:
        """The field's unit."""
        return str(self.field.unit)


def find(
    word: str, infos: Sequence[MapInfo], key_of: Callable[[MapInfo, str], bytes]
) -> tuple[MapInfo, bytes, Field, int]:
    """Return the map, key, field and index that a word stands for. `key_of` gives the bytes of a key that is written so.

    Raises KeyNotFound and InvalidValue, which say what there is, and what `key_of` raises.
    """
    named = [info for info in infos if info.name and (word == info.name or word.startswith(info.name + "."))]
    if not named:
        there = ", ".join(info.name for info in infos if info.name) or "none"
        raise KeyNotFound(f"{word!r}: it begins with no map's name; the board has: {there}")
    info = max(named, key=lambda one: len(one.name))
    rest = word[len(info.name) + 1 :]
    table = Table(info.definition)
    rest, index = _without_index(word, rest)
    field = _field(table, rest)
    if field is None:
        there = ", ".join(one.name for one in table.columns) or "none"
        raise InvalidValue(f"{word!r}: it ends with no field of the map {info.name!r}; there are {there}")
    if field.letter == "s":
        raise InvalidValue(f"{word!r}: field {field.name!r} is {field.kind}, and no number")
    if index >= (field.count or 1):
        raise InvalidValue(f"{word!r}: field {field.name!r} has {field.count or 1} numbers, from 0")
    key_text = rest[: -len(field.name) - 1] if rest.endswith("." + field.name) else "" if rest == field.name else rest
    if not table.keyed:
        if key_text:
            raise InvalidValue(f"{word!r}: the map {info.name!r} has no keys; write {info.name}.{field.name}")
        return info, b"", field, index
    if not key_text:
        raise InvalidValue(f"{word!r}: the key is missing; write {info.name}.KEY.{field.name}")
    return info, key_of(info, key_text), field, index


def _without_index(word: str, rest: str) -> tuple[str, int]:
    if not rest.endswith("]"):
        return rest, 0
    name, bracket, number = rest[:-1].rpartition("[")
    if not bracket or not number.isdigit():
        raise InvalidValue(f"{word!r}: {rest!r} has no number between its brackets")
    return name, int(number)


def _field(table: Table, rest: str) -> Field | None:
    """Return the field that `rest` ends with, the longest name first; a map without a schema has one, whose name is left out."""
    named = [one for one in table.columns if rest == one.name or rest.endswith("." + one.name)]
    if named:
        return max(named, key=lambda one: len(one.name))
    return table.columns[0] if not table.typed and len(table.columns) == 1 else None

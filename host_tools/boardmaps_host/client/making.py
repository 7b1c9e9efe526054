"""From the parts that create_map() is given to those of a definition."""

import struct
from typing import Any

from boardmaps.errors import InvalidDefinition
from boardmaps.schema import typed
from boardmaps_host.kinds import Kind


def follow_schemas(kind: Kind, parts: dict[str, Any]) -> None:
    """Have a definition's parts follow from the schemas of its keys and values, as typed() of the class does."""

    def made(*sizes: Any, **more: Any) -> None:
        parts.update(zip((*kind.sizes, "map_flags", "name", "schema"), sizes, strict=True), **more)

    words = (parts.pop("name", ""), parts.pop("key", ""), parts.pop("value", ""))
    numbers = (parts.pop("max_entries", 0), parts.pop("map_flags", 0))
    more = {name: parts.pop(name) for name in kind.parameters[1:] if name in parts}
    made.__name__ = kind.class_name
    typed(made, *words, *numbers, more)


def take_parameters(kind: Kind, parts: dict[str, Any]) -> bytes:
    """Take the type parameters out of `parts`; return them as the request has them, nothing when the first is not given.

    A text of one letter stands for its number.
    """
    layout, names = kind.parameters[:1], kind.parameters[1:]
    given = {name: parts.pop(name) for name in names if name in parts}
    if not given or given.get(names[0]) is None:
        return b""
    values = [ord(v) if isinstance(v, str) and len(v) == 1 else v for v in (given.get(name, 0) for name in names)]
    try:
        return struct.pack("<" + layout[0], *values)
    except struct.error:
        words = ", ".join(f"{name} {value!r}" for name, value in given.items())
        raise InvalidDefinition(f"create {kind.class_name}: {words} cannot be") from None

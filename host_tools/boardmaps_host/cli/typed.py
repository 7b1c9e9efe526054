"""Keys and values by the names of a map's schema: read from the command line, printed, and as JSON."""

import re
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from boardmaps_host.arguments import index_bytes
from boardmaps_host.kinds import by_number

from .drawing import click
from .forms import FormError, Words

if TYPE_CHECKING:
    from boardmaps.definition import MapDef
    from boardmaps.schema import Field, Schema
    from boardmaps_host.client.maps.base import RemoteMap
    from boardmaps_host.typed.records import TypedMap

_TYPES = {"b": "i8", "B": "u8", "h": "i16", "H": "u16", "i": "i32", "I": "u32", "l": "i32", "L": "u32", "q": "i64", "Q": "u64",
          "f": "f32", "d": "f64", "?": "bool"}  # fmt: skip

as_option = click.option(
    "--as",
    "as_text",
    metavar="SCHEMA",
    help="Read values so, once: `setpoint:i16/100 °C, mode:u8{off,heat}`, or a format of Python's struct module, `<hhHH`.",
)
force_option = click.option(
    "--force", is_flag=True, help="Write also what is out of a field's range, and what only the firmware writes."
)


class Defined(Protocol):
    """A map that has a definition: a board's, or one of a file."""

    @property
    def definition(self) -> "MapDef":
        """The map's definition."""
        ...


class Names:
    """The schemas of a map's keys and values, None where there is none; `as_text` is in the place of the value's."""

    def __init__(self, the_map: "Defined", as_text: str | None = None) -> None:
        self._name = the_map.definition.name
        self._indexed = by_number(the_map.definition.map_type).indexed
        self.key: Schema | None = None
        self.value: Schema | None = None
        if not the_map.definition.schema and as_text is None:
            return
        # saves start-up time: few maps are typed
        from boardmaps import schema
        from boardmaps.errors import InvalidDefinition

        if the_map.definition.schema:
            try:
                types = schema.Types(the_map.definition.schema)
                self.key, self.value = types.key, types.value
            except InvalidDefinition:  # of a later boardmaps: its bytes are shown
                pass
        if as_text is not None:
            self.value = schema.Schema(_fields_of(as_text))
            size = the_map.definition.value_size
            if size and self.value.size != size:
                raise FormError(f"--as has {self.value.size} bytes, and a value of {self._name!r} {size}.")

    def __bool__(self) -> bool:
        return self.value is not None

    # -- for JSON

    def formatted(self, key: bytes, values: Sequence[bytes], per_cpu: bool) -> dict[str, Any]:
        """Return what bpftool says of an entry with BTF; no "key" where there is none."""
        shown: dict[str, Any] = {"key": self.key_json(key)} if key else {}
        if per_cpu:
            shown["values"] = [{"cpu": cpu, "value": self.value_json(value)} for cpu, value in enumerate(values)]
        else:
            shown["value"] = self.value_json(values[0])
        return shown

    def key_json(self, key: bytes) -> Any:
        """Return a key: a number where keys are indices, a single field's value, an object of several, else its bytes."""
        if self.key is None:
            return int.from_bytes(key, "little") if self._indexed else [f"0x{byte:02x}" for byte in key]
        found = self._json(self.key, key)
        return next(iter(found.values())) if len(self.key.fields) == 1 else found

    def value_json(self, value: bytes) -> Any:
        """Return a value as an object; None for one that is shorter than the schema, which only a ring's record can be."""
        return None if self.value is None or len(value) < self.value.size else self._json(self.value, value)

    def _json(self, schema: "Schema", data: bytes) -> Any:
        from boardmaps_host.typed.values import formatted  # saves start-up time: few maps are typed

        return formatted(schema, data)

    # -- for people

    def key_titles(self) -> list[str]:
        """Return the titles of a table's columns for a key."""
        return _titles(self.key) if self.key else ["key#" if self._indexed else "key"]

    def titles(self) -> list[str]:
        """Return the titles of a table's columns for a value."""
        return _titles(self.value) if self.value else ["value"]

    def key_cells(self, key: bytes) -> list[str]:
        """Return a key as cells of a table."""
        if self.key is None:
            return [str(int.from_bytes(key, "little")) if self._indexed else key.hex(" ")]
        return _cells(self.key, key)

    def cells(self, value: bytes) -> list[str]:
        """Return a value as cells of a table."""
        if self.value is None:
            return [value.hex(" ")]
        if len(value) < self.value.size:
            return [value.hex(" "), *[""] * (len(self.value.fields) - 1)]
        return _cells(self.value, value)

    def line(self, key: bytes | None, value: bytes | None) -> str:
        """Return an entry on one line, with units; None for a value: it is gone."""
        from boardmaps_host.typed.values import show  # saves start-up time: few maps are typed

        words = []
        if key is not None:
            titles = [title.rstrip("#") for title in self.key_titles()]
            words = [f"{title} {cell}" for title, cell in zip(titles, self.key_cells(key), strict=True)]
        if value is None:
            words.append("gone")
        elif self.value is None or len(value) < self.value.size:
            words.append(value.hex(" "))
        else:
            words += [f"{field.name} {show(field, value)}" for field in self.value.fields]
        return "  ".join(words)


def _titles(schema: "Schema") -> list[str]:
    return [
        f"{field.name} {field.unit}".rstrip() + ("#" if field.letter not in "s?" and not field.names else "")
        for field in schema.fields
    ]


def _cells(schema: "Schema", data: bytes) -> list[str]:
    from boardmaps_host.typed.values import show  # saves start-up time: few maps are typed

    return [show(field, data, unit=False) for field in schema.fields]


def _fields_of(text: str) -> str:
    """Return the schema that --as stands for; the fields of a struct format are named f0, f1 and so on."""
    if ":" in text:
        return text
    letters = text.removeprefix("<")
    found = re.findall(r"(\d*)([a-zA-Z?])", letters)
    if text[:1] in "<" and found and "".join(count + letter for count, letter in found) == letters.replace(" ", ""):
        kinds: list[str] = []
        for count, letter in found:
            if letter in "sx":
                kinds.append(f"{count or 1}{letter}")
            elif letter in _TYPES:
                kinds += [_TYPES[letter]] * int(count or 1)
            else:
                break
        else:
            names = iter(range(len(kinds)))
            return ", ".join(f"_:{kind}" if kind[-1] == "x" else f"f{next(names)}:{kind}" for kind in kinds)
    raise FormError(
        f"--as {text!r} is no schema, such as 'temp:i16/100 °C, mode:u8', and no little-endian format of struct's, such as '<hB'."
    )


def typed_map(the_map: "RemoteMap", *, force: bool = False) -> "TypedMap":
    """Return the map by names. Raises InvalidDefinition when it has no schema."""
    from boardmaps_host.typed.records import TypedMap  # saves start-up time: few maps are typed

    return TypedMap(the_map, force=force)


def key_of(the_map: "RemoteMap", word: str) -> bytes:
    """Return the bytes of a key that is written as one word: an index, or the key's fields with commas between them."""
    names = Names(the_map)
    what = f"the map {the_map.name!r}"
    if names.key is None:
        if by_number(the_map.definition.map_type).indexed:
            try:
                return index_bytes(int(word, 0))
            except ValueError:
                raise FormError(f"the key {word!r} is no whole number, and the keys of {what} are indices.") from None
        raise FormError(f"the keys of {what} have no schema: write `key` and its bytes, not {word!r}.")
    from boardmaps_host.typed.values import pack_all, parsed  # saves start-up time: few maps are typed

    fields = names.key.fields
    words = word.split(",") if len(fields) > 1 else [word]
    if len(words) != len(fields):
        wanted = ",".join(field.name for field in fields)
        raise FormError(f"the key {word!r} has {len(words)} parts; a key of {what} is {wanted}.")
    given = {
        f.name: one if f.letter == "s" else _value(f, parsed(f, one)) for f, one in zip(fields, words, strict=True)
    }
    return pack_all(names.key, given, what)


def changes(the_map: "RemoteMap", words: Sequence[str]) -> dict[str, Any]:
    """Return the fields of `temp=21.5 mode=heat gains=1,2,3`."""
    names = Names(the_map)
    if names.value is None:
        raise FormError(f"the map {the_map.name!r} has no schema: write `value` and its bytes, not {words[0]!r}.")
    from boardmaps_host.typed.values import field_of, parsed  # saves start-up time: few maps are typed

    given: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise FormError(f"{word!r} is no FIELD=VALUE.")
        field = field_of(names.value, name, f"map {the_map.name!r}")
        if name in given:
            raise FormError(f"the field {name!r} is there twice.")
        parts = text.strip("[]").split(",") if field.count else [text]
        found = [
            _parsed_bytes(field, part) if field.letter == "s" else _value(field, parsed(field, part)) for part in parts
        ]
        given[name] = found if field.count else found[0]
    return given


def _value(field: "Field", number: Any) -> Any:
    """Return the value that stands for a stored number, exactly."""
    from fractions import Fraction  # saves start-up time: few maps are typed

    scaled = field.whole and field.times != field.over
    return Fraction(number * field.times, field.over) if scaled else number


def _parsed_bytes(field: "Field", text: str) -> Any:
    if field.kind.endswith("s"):
        return text
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise FormError(f"the field {field.name!r}: {text!r} is not pairs of hexadecimal digits.") from None


def key_words(taken: Words) -> tuple[str | None, list[str]]:
    """Take a key: one word, or `key DATA`; return (the word, []) or (None, DATA)."""
    word = taken.next("the key (one word, or `key` and its DATA)")
    return (None, taken.until("value")) if word == "key" else (word, [])


def field_rows(schema: "Schema") -> list[tuple[str, ...]]:
    """Return what `map show MAP` says of each field: name, type, unit, range, default, who writes it, text."""
    from boardmaps_host.typed.values import shown  # saves start-up time: few maps are typed

    rows: list[tuple[str, ...]] = []
    for f in schema.fields:
        names = (
            "" if not f.names else ("&" if f.bits else "") + "{" + ",".join(f.names[n] for n in sorted(f.names)) + "}"
        )
        limits = [("" if limit is None else shown(f, limit)) for limit in (f.low, f.high)]
        may = names or (f"{limits[0]}..{limits[1]}" if any(limits) else "")
        marks = [
            word for on, word in ((f.locked, "firmware only"), (f.restart, "after restart"), (f.grows, "counter")) if on
        ]
        kind = f.kind + (f"[{f.count}]" if f.count else "")
        rows.append(
            (f.name, kind, f.unit, may, "" if f.default is None else shown(f, _as_stored(f)), ", ".join(marks), f.text)
        )
    return rows


def _as_stored(field: "Field") -> Any:
    return struct.pack(f"{field.width}s", field.default) if field.letter == "s" else field.default

"""A field's bytes and what they stand for: Python's values, text for people, values for JSON.

A scaled field is a float (an int where its scale is a whole one), other numbers int and float, bool a bool, named values their
name (an int where it has no name), bits a tuple of names and of the numbers of bits without one, `Ns` text a str up to its
first NUL (bytes where it is no UTF-8), `Nb` bytes. An array is a tuple of these.

More than 300 lines: each sort of field, both ways.
"""

import contextlib
import math
import numbers
import re
import struct
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from operator import index
from typing import Any

from boardmaps.errors import InvalidValue, NotPermitted
from boardmaps.schema import Field, Schema, stored

_HEX = re.compile(r"-?0x[0-9a-fA-F]{1,16}")
_POWER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?[eE][+-]?[0-9]{1,2}")  # more would be no number of 64 bits
_EXACT = 6  # decimals up to which a scaled number is shown exactly
_F32_DIGITS = 9  # decimal digits that always tell two f32 apart


def read(field: Field, data: bytes) -> Any:
    """Return the field's value in a whole key or value."""
    found = tuple(value_of(field, number) for number in numbers_of(field, data))
    return found if field.count else found[0]


def numbers_of(field: Field, data: bytes) -> tuple[Any, ...]:
    """Return what is stored, once for each of an array's: int, float, bool or bytes."""
    one = f"{field.width}s" if field.letter == "s" else field.letter
    return struct.unpack_from("<" + one * (field.count or 1), data, field.offset)


def value_of(field: Field, number: Any) -> Any:
    """Return what a stored number, or text, stands for."""
    if field.letter == "s":
        return number if field.kind.endswith("b") else _text_of(number)
    if field.names and field.bits:
        return tuple(field.names.get(bit, bit) for bit in range(8 * field.width) if number >> bit & 1)
    if field.names:
        return field.names.get(number, number)
    if field.over > 1:
        return number * field.times / field.over
    return number * field.times if field.times > 1 else number


def _text_of(stored: bytes) -> str | bytes:
    try:
        return stored.partition(b"\0")[0].decode()
    except UnicodeDecodeError:
        return stored


def pack(field: Field, value: Any, *, force: bool = False) -> bytes:
    """Return the bytes that stand for a value. `force`: whatever fits the bytes will do, and the field may be the firmware's.

    Raises TypeError for a value of another type, NotPermitted for a field that only the firmware writes, and InvalidValue for
    one that is out of the field's range, has no name of it, or does not fit.
    """
    if field.locked and not force:
        raise NotPermitted(f"field {field.name!r}: only the firmware writes it; force overrides")
    if not field.count:
        return _one(field, value, force)
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"field {field.name!r}: it has {field.count} values, and {value!r} is not a list of them")
    values = list(value)
    if len(values) != field.count:
        raise InvalidValue(f"field {field.name!r}: {len(values)} values for {field.count}")
    return b"".join(_one(field, one, force) for one in values)


def _one(field: Field, value: Any, force: bool) -> bytes:
    if field.letter == "s":
        return _text(field, value)
    number = number_of(field, value)
    if not force:
        allowed(field, number)
    try:
        return struct.pack("<" + field.letter, number)
    except (struct.error, OverflowError):
        raise InvalidValue(f"field {field.name!r}: {value!r} does not fit {field.kind}") from None


def _text(field: Field, value: Any) -> bytes:
    text = field.kind.endswith("s")
    if not isinstance(value, str if text else bytes | bytearray | memoryview) and not isinstance(value, bytes):
        raise TypeError(f"field {field.name!r}: {'a text' if text else 'bytes'}, not {type(value).__name__}")
    data = value.encode() if isinstance(value, str) else bytes(value)
    if len(data) > field.width or (not text and len(data) != field.width):
        raise InvalidValue(f"field {field.name!r}: {value!r} has {len(data)} bytes, and the field {field.width}")
    return data.ljust(field.width, b"\0")


def number_of(field: Field, value: Any) -> Any:
    """Return what is stored for a value, whether it may be or not."""
    if field.letter == "?":
        if not isinstance(value, bool) and value not in (0, 1):
            raise TypeError(f"field {field.name!r}: True or False, not {value!r}")
        return bool(value)
    if isinstance(value, str):
        return parsed(field, value)
    if field.names and field.bits and isinstance(value, Iterable):
        return _bits(field, value)
    if not isinstance(value, int | float | numbers.Rational) or isinstance(value, bool):
        raise TypeError(f"field {field.name!r}: a number{' or a name' if field.names else ''}, not {value!r}")
    if not field.whole:
        return float(value)
    if field.times == field.over == 1:
        try:
            return index(value)  # type: ignore[arg-type] # raises TypeError for what is no whole number
        except TypeError:
            raise TypeError(f"field {field.name!r}: a whole number, not {value!r}") from None
    if not math.isfinite(value):
        raise InvalidValue(f"field {field.name!r}: {value!r} does not fit {field.kind}")
    return round(Fraction(value) * field.over / field.times)  # exact; a float stands for the nearest that can be stored


def _bits(field: Field, value: Iterable[Any]) -> int:
    number = 0
    known = {name: bit for bit, name in (field.names or {}).items()}
    for one in value:
        bit = known.get(one, one)
        if isinstance(bit, str):
            raise InvalidValue(f"field {field.name!r}: {one!r} is no name of it; there are {', '.join(known)}")
        number |= 1 << index(bit)
    return number


def parsed(field: Field, word: str) -> Any:
    """Return what is stored for one number, name or text as a person writes it: also 1e2, 0x46, True and 1 for true."""
    word = _plain(field, word)
    try:
        if field.names and word.startswith("0x"):
            return int(word, 16)
        if field.names and field.bits and word in ("", "0"):
            return 0
        if not field.whole and word.lower() in ("nan", "inf", "-inf"):
            return float(word)
        if field.times != field.over:
            with contextlib.suppress(ValueError):
                number = round(Fraction(word) * field.over / field.times)
                if shown(field, number) == word:  # perhaps no multiple, but what such a one is shown as
                    return number
        return stored(field, word)
    except ValueError as wrong:
        fits = (
            ""
            if "does not fit" not in str(wrong) or field.low is field.high is None
            else f"; its range is {range_text(field)}"
        )
        raise InvalidValue(f"field {field.name!r}: {wrong}{fits}") from None


def _plain(field: Field, word: str) -> str:
    """Return a word as a schema has it, in which numbers have no exponents and are decimal."""
    if field.letter == "?":
        return {"0": "false", "1": "true"}.get(word, word.lower())
    if field.letter != "s" and _HEX.fullmatch(word) and not field.names and field.times == field.over:
        return str(int(word, 16))
    return format(Decimal(word), "f") if field.whole and _POWER.fullmatch(word) else word


def allowed(field: Field, number: Any) -> None:
    """Raise InvalidValue for a stored number that the schema's range, or its names, exclude."""
    if (field.low is not None and not number >= field.low) or (field.high is not None and not number <= field.high):
        raise InvalidValue(f"field {field.name!r}: {shown(field, number)} is not in the range {range_text(field)}")
    if field.names:
        known = sum(1 << bit for bit in field.names) if field.bits else 0
        if (number & ~known) if field.bits else number not in field.names:
            there = ", ".join(field.names[n] for n in sorted(field.names))
            raise InvalidValue(f"field {field.name!r}: {number} is no name of it; there are {there}")


def range_text(field: Field) -> str:
    """Return a field's range as people read it, `5.00..35.00 °C`; an end that it has not is left out."""
    low, high = ("" if limit is None else shown(field, limit) for limit in (field.low, field.high))
    return f"{low}..{high} {field.unit}".rstrip()


def pack_one(field: Field, number: Any) -> bytes:
    """Return the bytes of one stored number or text: of an array those of a part. Raises InvalidValue when it does not fit."""
    try:
        return struct.pack("<" + (f"{field.width}s" if field.letter == "s" else field.letter), number)
    except (struct.error, OverflowError):
        raise InvalidValue(f"field {field.name!r}: {number!r} does not fit {field.kind}") from None


# -- text


def decimals(field: Field) -> int:
    """Return how many decimals a scaled number has: exact where that takes few, else as many as tell two stored ones apart."""
    over = field.over // math.gcd(field.over, field.times)
    twos = fives = 0
    rest = over
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest == 1 and max(twos, fives) <= _EXACT:
        return max(twos, fives)
    return len(str(over - 1))


def shown(field: Field, number: Any) -> str:
    """Return a stored number, or text, as people read it, without a unit: to the last digit that counts."""
    value = value_of(field, number)
    if isinstance(value, tuple):
        text = "|".join(str(one) for one in value) or "0"
    elif isinstance(value, bytes):
        text = value.hex()
    elif isinstance(value, float):
        text = _scaled(field, number) if field.whole else _f32(value) if field.letter == "f" else str(value)
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return text


def _scaled(field: Field, number: int) -> str:
    places = decimals(field)
    scaled = round(Fraction(number * field.times, field.over) * 10**places)
    digits = str(abs(scaled)).rjust(places + 1, "0")
    return ("-" if scaled < 0 else "") + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def _f32(value: float) -> str:
    """Return the shortest number that is stored as this f32."""
    if not math.isfinite(value):
        return str(value)
    for digits in range(1, _F32_DIGITS + 1):
        text = str(float(f"{value:.{digits}g}"))
        try:
            if struct.pack("<f", float(text)) == struct.pack("<f", value):
                return text
        except OverflowError:  # rounded up past the largest
            continue
    return str(value)


def show(field: Field, data: bytes, *, unit: bool = True) -> str:
    """Return the field in a whole key or value as people read it."""
    texts = [shown(field, number) for number in numbers_of(field, data)]
    text = f"[{', '.join(texts)}]" if field.count else texts[0]
    return f"{text} {field.unit}" if unit and field.unit else text


def for_json(field: Field, data: bytes) -> Any:
    """Return the field for JSON: what JSON has no number for (NaN, infinities) as text, bytes as a list of numbers."""
    found = [json_of(field, number) for number in numbers_of(field, data)]
    return found if field.count else found[0]


def json_of(field: Field, number: Any) -> Any:
    """Return one stored number, or text, for JSON."""
    value = value_of(field, number)
    if isinstance(value, tuple | bytes):
        return list(value)
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return float(shown(field, number))
    return value


# -- whole keys and values


def formatted(schema: Schema, data: bytes) -> dict[str, Any]:
    """Return a whole key or value for JSON; fields with dots in their names as objects in objects."""
    found: dict[str, Any] = {}
    for field in schema.fields:
        *groups, name = field.name.split(".")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = for_json(field, data)
    return found


def field_of(schema: Schema, name: str, what: str) -> Field:
    """Return the field of this name. Raises InvalidValue, with the names that there are; `what` is the map, for that."""
    found: Field | None = schema.find(name)
    if found is None:
        there = ", ".join(field.name for field in schema.fields) or "none"
        raise InvalidValue(f"{what}: there is no field {name!r}; there are {there}")
    return found


def pack_all(
    schema: Schema, given: Mapping[str, Any], what: str, *, base: bytes | None = None, force: bool = False
) -> bytes:
    """Return a whole key or value: `base` (the defaults, if none) with the fields that are given.

    A field that only the firmware writes keeps what `base` has.
    """
    data = bytearray(schema.default() if base is None else base)
    for name, value in given.items():
        field = field_of(schema, name, what)
        data[field.offset : field.offset + field.size] = pack(field, value, force=force)
    return bytes(data)

"""A value that somebody sends as a text: what is stored for it, on the field's step, or why that may not be; and its write."""

import math
from fractions import Fraction
from typing import Any

from boardmaps.errors import InvalidValue, MapError, NotPermitted
from boardmaps.schema import Field
from boardmaps_host.export.reading import Entry, Point, writable
from boardmaps_host.typed import values

_WORDS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_SLACK = Fraction(1, 1_000_000)  # of a step: what a float's last digits make of a number that is on it


def asked(field: Field, text: str, *, rounds: bool = True) -> tuple[Any, str]:
    """Return what is stored for `text`, and "" or a sentence that says what was made of it.

    A number that is on no step, counted from the low end of the range, becomes the nearest that is; or, without `rounds`, is
    refused. Without a step in the schema, steps are what can be stored. Raises InvalidValue; NotPermitted for a field that only the
    firmware writes.
    """
    text = text.strip()
    if field.locked:
        raise NotPermitted(f"field {field.name!r}: only the firmware writes it")
    if field.letter == "?":
        if text.lower() not in _WORDS:
            raise InvalidValue(f"field {field.name!r}: {text!r} is not true or false")
        return _WORDS[text.lower()], ""
    if field.letter == "s" or field.names:
        number = values.parsed(field, text)
        if field.names:
            values.allowed(field, number)
        return number, ""
    try:
        exact = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InvalidValue(f"field {field.name!r}: {text!r} is no number") from None
    unit = Fraction(field.times, field.over)
    if (field.low is not None and exact < _physical(field, field.low)) or (
        field.high is not None and exact > _physical(field, field.high)
    ):
        raise InvalidValue(f"field {field.name!r}: {text} is not in the range {values.range_text(field)}")
    if field.step is None and not field.whole:
        return _fitting(field, float(exact)), ""
    step = unit if field.step is None else _physical(field, field.step)
    base = Fraction(0) if field.low is None else _physical(field, field.low)
    nearest = base + round((exact - base) / step) * step
    if field.high is not None and nearest > _physical(field, field.high):
        nearest -= step
    number = _fitting(field, int(nearest / unit) if field.whole else float(nearest))
    if abs(exact - nearest) <= step * _SLACK:
        return number, ""
    said = f"field {field.name!r}: {text} is not on a step of {_short(step)}"
    if not rounds:
        raise InvalidValue(said)
    return number, f"{said}; {values.shown(field, number)} is written"


def steps(field: Field) -> tuple[float, float, float] | None:
    """Return (low, high, step) of a number with a range, in its unit; None of what is none, or has no ends."""
    if field.letter in "s?" or field.names or (field.low is None and field.high is None):
        return None
    low = field.low if field.low is not None else field.least if field.whole else None
    high = field.high if field.high is not None else field.most if field.whole else None
    if low is None or high is None:
        return None
    step = _physical(field, field.step) if field.step is not None else Fraction(field.times, field.over)
    if field.step is None and not field.whole:
        step = Fraction(1, 1000)
    return float(_physical(field, low)), float(_physical(field, high)), float(step)


def write(board: Any, schema: str, entry: Entry, point: Point, data: bytes) -> None:
    """Write a value in one step, if the map is still the one that it was read from, and the computer may write it."""
    the_map = board.map(int(entry.map[1:]) if entry.map.startswith("#") else entry.map)
    info = the_map.info()
    if not writable(info, point.field):
        raise NotPermitted(f"map {entry.map!r}: the computer may not write it")
    if info.schema != schema:
        raise MapError(f"map {entry.map!r}: it is another one than it was when {point.name} was told")
    the_map.update_part(entry.data, point.offset, data)


def _physical(field: Field, number: Any) -> Fraction:
    """Return a stored number in the field's unit; of an f32 the one that people read, 0.1 and not what is stored for it."""
    return Fraction(values.shown(field, number)) if field.letter == "f" else Fraction(number) * field.times / field.over


def _fitting(field: Field, number: Any) -> Any:
    if field.whole and not field.least <= number <= field.most:
        raise InvalidValue(f"field {field.name!r}: {number} does not fit {field.kind}")
    if not field.whole and not math.isfinite(number):
        raise InvalidValue(f"field {field.name!r}: {number} is no number that {field.kind} holds")
    return number


def _short(step: Fraction) -> str:
    return str(step) if step.denominator == 1 else f"{float(step):g}"

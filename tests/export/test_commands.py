"""What is stored for a text that somebody sends: on the field's step, within its range, or nothing."""

import struct
from typing import Any

import pytest

from boardmaps.errors import InvalidValue, NotPermitted
from boardmaps.schema import Field, Schema
from boardmaps_host.export.commands import asked, steps


def field(text: str) -> Field:
    """Return the field of a schema that has one."""
    one: Field
    (one,) = Schema(text).fields
    return one


@pytest.mark.parametrize(
    ("schema", "text", "number", "said"),
    [
        ("t:i16/100(5..35~0.5=21) °C", "21.5", 2150, ""),
        ("t:i16/100(5..35~0.5=21) °C", "5", 500, ""),
        ("t:i16/100(5..35~0.5=21) °C", "21.500000000000004", 2150, ""),
        ("t:i16/100(5..35~0.5=21) °C", "21.3", 2150, "21.3 is not on a step of 0.5; 21.50 is written"),
        ("t:i16/100(5..35~0.5=21) °C", "21.2", 2100, "21.2 is not on a step of 0.5; 21.00 is written"),
        ("t:i16/100(0.25..35~0.5)", "0.9", 75, "0.9 is not on a step of 0.5; 0.75 is written"),
        ("t:u8(0..9~4)", "9", 8, "9 is not on a step of 4; 8 is written"),
        ("t:i16/100", "21.537", 2154, "21.537 is not on a step of 0.01; 21.54 is written"),
        ("t:u16*10", "125", 12, "125 is not on a step of 10; 120 is written"),
        ("t:u8", "7", 7, ""),
        ("t:i32", "-7.0", -7, ""),
        ("t:f32(0..1~0.1)", "0.3", struct.unpack("<f", struct.pack("<f", 0.3))[0], ""),
        ("t:f32(0..1~0.1)", "0.3000000119", None, ""),
        ("t:f32", "1e-3", 0.001, ""),
        ("t:f64(0..1~0.25)", "0.3", 0.25, "0.3 is not on a step of 0.25; 0.25 is written"),
        ("m:u8{off,heat,cool=4}", "heat", 1, ""),
        ("m:u8{off,heat,cool=4}", " cool\n", 4, ""),
        ("b:u8&{low,high}", "low|high", 3, ""),
        ("on:bool", "true", True, ""),
        ("on:bool", "OFF", False, ""),
        ("name:4s", "abc", b"abc", ""),
    ],
)
def test_what_is_stored(schema: str, text: str, number: Any, said: str) -> None:
    one = field(schema)
    stored, told = asked(one, text)
    if number is not None:
        assert stored == pytest.approx(number, rel=1e-6) if isinstance(number, float) else stored == number
    assert told == (f"field {one.name!r}: {said}" if said else "")
    if said:
        with pytest.raises(InvalidValue, match="is not on a step of"):
            asked(one, text, rounds=False)
    else:
        assert asked(one, text, rounds=False)[0] == stored


@pytest.mark.parametrize(
    ("schema", "text", "why"),
    [
        ("t:i16/100(5..35~0.5=21) °C", "35.1", "35.1 is not in the range 5.00..35.00 °C"),
        ("t:i16/100(5..35~0.5=21) °C", "4.99", "4.99 is not in the range 5.00..35.00 °C"),
        ("t:i16/100(5..)", "4", "4 is not in the range 5.00.."),
        ("t:i16/100(5..35)", "warm", "'warm' is no number"),
        ("t:i16/100(5..35)", "", "'' is no number"),
        ("t:i16/100(5..35)", "1/0", "'1/0' is no number"),
        ("t:i16/100(5..35)", "nan", "'nan' is no number"),
        ("t:u8", "256", "256 does not fit u8"),
        ("t:u8", "-1", "-1 does not fit u8"),
        ("m:u8{off,heat}", "cool", "'cool' is no name of it"),
        ("m:u8{off,heat}", "2", "2 is no name of it"),
        ("on:bool", "2", "'2' is not true or false"),
        ("name:4s", "abcde", "no text of at most 4 bytes"),
    ],
)
def test_what_is_refused(schema: str, text: str, why: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        asked(field(schema), text)
    assert why in str(refused.value)


def test_what_only_the_firmware_writes() -> None:
    with pytest.raises(NotPermitted):
        asked(field("t:u8!"), "1")


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ("t:i16/100(5..35~0.5=21) °C", (5.0, 35.0, 0.5)),
        ("t:i16/100(5..35)", (5.0, 35.0, 0.01)),
        ("t:u8(..9)", (0.0, 9.0, 1.0)),
        ("t:i8/10(-5..)", (-5.0, 12.7, 0.1)),
        ("t:f32(0..1)", (0.0, 1.0, 0.001)),
        ("t:f32(0.1..)", None),
        ("t:u8", None),
        ("m:u8{off,heat}", None),
        ("on:bool", None),
    ],
)
def test_the_ends_and_the_step_of_a_control(schema: str, found: Any) -> None:
    assert steps(field(schema)) == found

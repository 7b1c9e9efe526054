"""The grammar of schemas: what it says, what it refuses and where, and that bytes and values go back and forth unchanged.

More than 300 lines: tables of texts, one row a rule.
"""

import json
import math
import random
import re
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardmaps.errors import InvalidDefinition, InvalidValue, NotPermitted
from boardmaps.schema import Field, Schema, Types, check, checksum, join, split
from boardmaps_host.typed import values
from tests.board.conftest import Run
from tests.board.conftest import micropython as micropython  # noqa: PLC0414 - a fixture, for this folder too
from tests.typed.schemas import drawn, field_texts, joined, some_fields, there_and_back, told

THERMOSTAT = (
    "setpoint:i16/100(5..35~0.5=21) °C, mode:u8{off,heat,cool=4}(=off), temp:i16/100! °C, runs:u32+!, gains:f32[3], "
    "name:8s, _:2x, pid.p:f32(0..1=0.5)^ 1/s 'the gain, p', alarm:u8&{low,high,sensor=7}(=low|sensor)"
)


# What is no schema, and what its error says behind `schema: `.
MISTAKES = [
    ("", "field ?, character 1: a name begins with a letter and goes on with letters, digits and '_'"),
    ("a:u8,", "field ?, character 6: a name begins with a letter"),
    ("a", "field 'a', character 2: ':' should stand here, not the end"),
    ("1a:u8", "field '1a', character 1: a name begins"),
    ("ä:u8", "field 'ä', character 1: a name begins"),
    ("a..b:u8", "field 'a..b', character 1: a name begins"),
    ("a.1:u8", "field 'a.1', character 1: a part of the name begins with a digit"),
    ("x:u8, a:i9", "field 'a', character 9: 'i9' is no type: u8 to u64"),
    ("a:0s", "field 'a', character 3: '0s' is no type"),
    ("a:u8, b:u8, a:u8", "field 'a', character 13: there is a field 'a' already"),
    ("a.b:u8, a:u8", "field 'a', character 9: there is a field 'a.b' already"),
    ("_:u8", "field '_', character 3: padding, and only padding, has the name '_'"),
    ("a:2x", "field 'a', character 3: padding, and only padding, has the name '_'"),
    ("a:u8[0]", "field 'a', character 6: a count is a number from 1 to 65535"),
    ("a:u64[9000]", "field 'a', character 12: 72000 bytes are more than 65535"),
    ("a:u8/0", "field 'a', character 6: a scale is a number from 1 to 1000000000"),
    ("a:f32/10", "field 'a', character 6: only whole numbers have a scale, and f32 is none"),
    ("a:u8/10{x}", "field 'a', character 8: only whole numbers without a scale have names of values"),
    ("a:u8&", "field 'a', character 6: '{' should stand here, not the end"),
    ("a:u8{x,x}", "field 'a', character 8: 'x' or its number 1 is there already"),
    ("a:u8{x=1,y=1}", "field 'a', character 10: 'y' or its number 1 is there already"),
    ("a:u8{x=256}", "field 'a', character 6: 'x' is 256, not from 0 to 255"),
    ("a:u8&{x=8}", "field 'a', character 7: 'x' is 8, not from 0 to 7"),
    (
        "a:i8&{x}",
        "field 'a', character 5: only whole numbers without a scale have names of values, unsigned ones those of bits",
    ),
    ("a:u8{x}(=y)", "field 'a', character 10: 'y' is no name of it; there are x"),
    ("a:u8(5)", "field 'a', character 6: a range is LOW..HIGH, of numbers; one of them may be left out"),
    ("a:u8(..)", "field 'a', character 6: a range is LOW..HIGH"),
    ("a:bool(0..1)", "field 'a', character 8: a range is LOW..HIGH"),
    ("a:u8(0..300)", "field 'a', character 9: 300 does not fit u8"),
    ("a:u8(9..3)", "field 'a', character 6: the range 9..3 is empty"),
    ("a:i16/100(0.001..)", "field 'a', character 11: 0.001 is no multiple of 1/100"),
    ("a:i16*10(5..)", "field 'a', character 10: 5 is no multiple of 10"),
    ("a:u8(~0)", "field 'a', character 8: a step is a number above 0"),
    ("a:u8(1..2=3)", "field 'a', character 11: the default is not in the range"),
    ("a:u8(=1", "field 'a', character 8: ')' should stand here, not the end"),
    ("a:f32(=1e39)", "field 'a', character 8: '1e39' is no number, or too large a one for f32"),
    ("a:f32(=inf)", "field 'a', character 8: 'inf' is no number"),
    ("a:bool(=1)", "field 'a', character 9: '1' is not true or false"),
    ("a:3s(=four)", "field 'a', character 7: 'four' is no text of at most 3 bytes"),
    ("a:3b(=abc)", "field 'a', character 7: 'abc' is no text of at most 3 bytes"),
    ("a:u8 ", "field 'a', character 6: a unit, or a text in '…', should stand behind the space"),
    ("a:u8 x y", "field 'a', character 8: \"'\" should stand here, not 'y'"),
    ("a:u8 'q", "field 'a', character 8: \"'\" should stand here, not the end"),
    ("a:u8 \t", "field 'a', character 6: a schema has no control characters"),
    ("a:u8; b:u8", "field 'a', character 5: ',' should stand here, not ';'"),
    ("@ a:u8", "field ?, character 2: a version is a number from 1 to 65535"),
    ("@70000 a:u8", "field ?, character 2: a version is a number from 1 to 65535"),
]


def parts(field: Field) -> dict[str, Any]:
    """Return what a field has beside what every field has."""
    usual = vars(Field("", "", "", 0, 0))
    return {name: value for name, value in vars(field).items() if value != usual[name]}


def test_every_part_of_the_grammar() -> None:
    schema = Schema("@3 " + THERMOSTAT)
    assert schema.version == 3
    assert schema.size == 36
    assert [parts(field) for field in schema.fields] == [
        {"name": "setpoint", "kind": "i16", "letter": "h", "width": 2, "size": 2, "over": 100}
        | {"low": 500, "high": 3500, "step": 50, "default": 2100, "unit": "°C"},
        {"name": "mode", "kind": "u8", "letter": "B", "width": 1, "offset": 2, "size": 1}
        | {"names": {0: "off", 1: "heat", 4: "cool"}, "default": 0},
        {"name": "temp", "kind": "i16", "letter": "h", "width": 2, "offset": 3, "size": 2, "over": 100}
        | {"locked": True, "unit": "°C"},
        {
            "name": "runs",
            "kind": "u32",
            "letter": "I",
            "width": 4,
            "offset": 5,
            "size": 4,
            "grows": True,
            "locked": True,
        },
        {"name": "gains", "kind": "f32", "letter": "f", "width": 4, "offset": 9, "size": 12, "count": 3},
        {"name": "name", "kind": "8s", "letter": "s", "width": 8, "offset": 21, "size": 8},
        {"name": "pid.p", "kind": "f32", "letter": "f", "width": 4, "offset": 31, "size": 4, "restart": True}
        | {"low": 0.0, "high": 1.0, "default": 0.5, "unit": "1/s", "text": "the gain, p"},
        {"name": "alarm", "kind": "u8", "letter": "B", "width": 1, "offset": 35, "size": 1, "bits": True}
        | {"names": {0: "low", 1: "high", 7: "sensor"}, "default": 129},
    ]
    assert struct.unpack("<hBhI3f8s2xfB", schema.default()) == (2100, 0, 0, 0, 0, 0, 0, bytes(8), 0.5, 129)


@pytest.mark.parametrize(("text", "why"), MISTAKES)
def test_a_mistake_names_the_field_and_the_place(text: str, why: str) -> None:
    with pytest.raises(InvalidDefinition) as found:
        Schema(text)
    assert str(found.value).startswith("schema: " + why)


def test_the_checksum_of_the_layout_leaves_out_what_only_people_read() -> None:
    same = ["a:i16/100, b:u8{x,y}", "a:i16/100(1..2=1.5)! °C 'a text',b:u8{x=0,y}(=y)", "@7 a:i16/100, b:u8{x,y}^"]
    other = [
        "a:i16/10, b:u8{x,y}",
        "c:i16/100, b:u8{x,y}",
        "a:u16/100, b:u8{x,y}",
        "a:i16/100, b:u8{x,z}",
        "b:u8{x,y}, a:i16/100",
    ]
    assert len({Types(text).layout for text in same}) == 1
    assert len({Types(text).layout for text in (*other, same[0])}) == len(other) + 1
    assert len({checksum(text) for text in (*same, *other)}) == len(same) + len(other)


def test_key_and_value_have_schemas_of_their_own() -> None:
    text = join("room:8s", "temp:i16/100")
    assert split(text) == ("room:8s", "temp:i16/100")
    assert split("temp:i16") == ("", "temp:i16")
    types = check(text, 8, 2)
    assert types.key
    assert types.value
    assert (types.key.fields[0].name, types.value.fields[0].name) == ("room", "temp")
    with pytest.raises(InvalidDefinition, match="the key's fields have 8 bytes, the map's keys 4"):
        check(text, 4, 2)
    with pytest.raises(InvalidDefinition, match="the value's fields have 2 bytes, the map's values 3"):
        check(text, 8, 3)


# -- values


def packed(field: str, value: object, *, force: bool = False) -> bytes:
    return values.pack(Schema(field).fields[0], value, force=force)


@pytest.mark.parametrize(
    ("field", "value", "data"),
    [
        ("a:i16/100", 21.55, struct.pack("<h", 2155)),
        ("a:i16/100", -3, struct.pack("<h", -300)),
        ("a:u16*10", 70, struct.pack("<H", 7)),
        ("a:u8{off,heat}", "heat", b"\1"),
        ("a:u8{off,heat}", 1, b"\1"),
        ("a:u8&{x,y,z=7}", ("x", "z"), b"\x81"),
        ("a:u8&{x,y,z=7}", "x|z", b"\x81"),
        ("a:u8&{x,y}", (), b"\0"),
        ("a:bool", True, b"\1"),
        ("a:4s", "hé", b"h\xc3\xa9\0"),
        ("a:2b", b"\1\2", b"\1\2"),
        ("a:u8[3]", [1, 2, 3], b"\1\2\3"),
        ("a:f64", 0.1, struct.pack("<d", 0.1)),
        ("a:u64", (1 << 64) - 1, b"\xff" * 8),
    ],
)
def test_values_have_bytes(field: str, value: object, data: bytes) -> None:
    assert packed(field, value) == data


@pytest.mark.parametrize(
    ("field", "value", "error", "why"),
    [
        ("a:u8", 256, InvalidValue, "256 does not fit u8"),
        ("a:u8", -1, InvalidValue, "-1 does not fit u8"),
        ("a:u8", 1.5, TypeError, "a whole number, not 1.5"),
        ("a:u8", None, TypeError, "a number, not None"),
        ("a:u8", True, TypeError, "a number, not True"),
        ("a:bool", 2, TypeError, "True or False, not 2"),
        ("a:i16/100", math.nan, InvalidValue, "nan does not fit i16"),
        ("a:i16/100(5..35) °C", 35.01, InvalidValue, "35.01 is not in the range 5.00..35.00 °C"),
        ("a:f32(0..)", math.nan, InvalidValue, "nan is not in the range 0.0.."),
        ("a:f32", 1e39, InvalidValue, "1e\\+39 does not fit f32"),
        ("a:u8{off,heat}", "hot", InvalidValue, "'hot' is no name of it; there are off, heat"),
        ("a:u8{off,heat}", 2, InvalidValue, "2 is no name of it; there are off, heat"),
        ("a:u8&{x,y}", ("x", "q"), InvalidValue, "'q' is no name of it; there are x, y"),
        ("a:u8&{x,y}", 4, InvalidValue, "4 is no name of it; there are x, y"),
        ("a:3s", "four", InvalidValue, "'four' has 4 bytes, and the field 3"),
        ("a:3s", 5, TypeError, "a text, not int"),
        ("a:3b", b"12", InvalidValue, "has 2 bytes, and the field 3"),
        ("a:3b", "123", TypeError, "bytes, not str"),
        ("a:u8[2]", 5, TypeError, "it has 2 values, and 5 is not a list of them"),
        ("a:u8[2]", [1], InvalidValue, "1 values for 2"),
        ("a:u8!", 5, NotPermitted, "only the firmware writes it; force overrides"),
    ],
)
def test_values_that_a_field_refuses(field: str, value: object, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match="field 'a': .*" + why):
        packed(field, value)


@pytest.mark.parametrize(
    ("field", "words", "number"),
    [
        ("a:u16(..3000)", ("100", "1e2", "1E+2", "0x64", "1.0e2"), 100),
        ("a:i8", ("-16", "-0x10", "-1.6e1"), -16),
        ("a:i16/100", ("21.5", "2.15e1", "215e-1"), 2150),
        ("a:bool", ("true", "True", "TRUE", "1"), True),
        ("a:bool", ("false", "False", "0"), False),
        ("a:u8{off,heat}", ("heat", "1", "0x1"), 1),
        ("a:u8&{on,hot}", ("on|hot", "0x3"), 3),
    ],
)
def test_what_people_write_for_a_number(field: str, words: tuple[str, ...], number: object) -> None:
    (one,) = Schema(field).fields
    assert {values.parsed(one, word) for word in words} == {number}


@pytest.mark.parametrize(
    ("field", "word", "why"),
    [
        ("a:u16(..3000)", "-100", "field 'a': -100 does not fit u16; its range is ..3000"),
        ("a:u16", "1e9", "field 'a': 1000000000 does not fit u16"),
        ("a:u16", "1e999999999", "'1e999999999' is no number"),
        ("a:u16", "0x", "'0x' is no number"),
        ("a:i16/100", "0x10", "'0x10' is no number"),  # a stored number, or a physical one? nobody could tell
        ("a:bool", "no", "'no' is not true or false"),
    ],
)
def test_what_is_no_number(field: str, word: str, why: str) -> None:
    (one,) = Schema(field).fields
    with pytest.raises(InvalidValue, match=re.escape(why)):
        values.parsed(one, word)


def test_force_writes_what_the_bytes_hold() -> None:
    assert packed("a:i16/100(5..35)", 99, force=True) == struct.pack("<h", 9900)
    assert packed("a:u8{off}!", 7, force=True) == b"\7"
    with pytest.raises(InvalidValue, match="does not fit u8"):
        packed("a:u8", 300, force=True)


@pytest.mark.parametrize(
    ("field", "data", "text", "for_json"),
    [
        ("a:i16/100 °C", struct.pack("<h", 2150), "21.50 °C", 21.5),
        ("a:i16/100", struct.pack("<h", -5), "-0.05", -0.05),
        ("a:u8/4", b"\3", "0.75", 0.75),
        ("a:u8/3", b"\2", "0.7", 0.7),
        ("a:u16/7", struct.pack("<H", 22), "3.1", 3.1),
        ("a:u8*10 rpm", b"\7", "70 rpm", 70),
        ("a:f32", struct.pack("<f", 0.1), "0.1", 0.1),
        ("a:f32", struct.pack("<f", 16777216), "16777216.0", 16777216.0),
        ("a:f32", b"\xff\xff\x7f\x7f", "3.4028235e+38", 3.4028235e38),
        ("a:f32", struct.pack("<f", math.nan), "nan", "NaN"),
        ("a:f64", struct.pack("<d", -math.inf), "-inf", "-Infinity"),
        ("a:f64", struct.pack("<d", 0.1), "0.1", 0.1),
        ("a:u8{off,heat}", b"\1", "heat", "heat"),
        ("a:u8{off,heat}", b"\7", "7", 7),
        ("a:u8&{x,y}", b"\x83", "x|y|7", ["x", "y", 7]),
        ("a:u8&{x}", b"\0", "0", []),
        ("a:bool", b"\2", "true", True),
        ("a:4s", b"hi\0!", "hi", "hi"),
        ("a:2s", b"\xff\0", "ff00", [255, 0]),
        ("a:2b", b"\1\xff", "01ff", [1, 255]),
        ("a:i8[2] mV", b"\1\xff", "[1, -1] mV", [1, -1]),
    ],
)
def test_values_are_shown_to_the_last_digit_that_counts(field: str, data: bytes, text: str, for_json: object) -> None:
    found = Schema(field).fields[0]
    assert values.show(found, data) == text
    assert values.for_json(found, data) == for_json
    json.dumps(values.for_json(found, data), allow_nan=False)


def test_dots_make_objects_in_json() -> None:
    schema = Schema("pid.p:u8, pid.i:u8, on:bool")
    assert values.formatted(schema, b"\1\2\1") == {"pid": {"p": 1, "i": 2}, "on": True}


@settings(max_examples=200, deadline=None)
@given(st.lists(field_texts(), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_random_schemas_and_values_go_back_and_forth(fields: list[tuple[str, str]], rng: random.Random) -> None:
    there_and_back(fields, rng)


def test_micropython_reads_schemas_as_cpython_does(micropython: Run) -> None:
    rng = random.Random(13)
    texts = [text for text, _ in MISTAKES if text.isascii()] + ["@3 " + THERMOSTAT]
    data = [b""] * (len(texts) - 1) + [rng.randbytes(36)]
    for _ in range(40):
        texts.append(joined(some_fields(rng)))
        data.append(drawn(Schema(texts[-1]), rng))
    told(micropython, texts, data)

"""Random schemas, bytes for them, and what holds for both."""

import contextlib
import io
import random
import struct
from collections.abc import Callable

from hypothesis import strategies as st

from boardmaps.schema import Schema
from boardmaps_host.typed import values

WHOLE = {"u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q"}
OTHERS = {"f32": "f", "f64": "d", "bool": "?"}


Choose = Callable[[list[str]], str]


def _field(choose: Choose) -> tuple[str, str]:
    """Return a field's type with its count, and what follows it."""
    kind = choose([*WHOLE, *OTHERS, "s", "b", "x"])
    if kind in "sbx":
        return choose(["1", "2", "3", "8", "12"]) + kind, ""
    count = choose(["", "", "", "[1]", "[3]"])
    rest = ""
    if kind in WHOLE:
        rest = choose(["", "/100", "/3", "*10", "/1000000", "/256", "{a,b,c=5}", "&{a,b=3}"])
        if rest[:1] == "&" and kind[0] == "i":
            rest = ""
    if rest in ("", "{a,b,c=5}"):
        rest += choose(["", "", "(0..5)", "(=1)"] if kind in WHOLE else [""])
    flags = choose(["", "!", "^", "+!"])
    return kind + count, rest + flags + choose(["", " °C", " m/s 'how fast, on average'", " 'only a text'"])


@st.composite
def field_texts(draw: st.DrawFn) -> tuple[str, str]:
    """Return a field, of hypothesis's choice."""
    return _field(lambda words: draw(st.sampled_from(words)))


def some_fields(rng: random.Random) -> list[tuple[str, str]]:
    """Return some fields, by a seed."""
    return [_field(rng.choice) for _ in range(rng.randrange(1, 7))]


def joined(fields: list[tuple[str, str]]) -> str:
    """Return the schema of these fields, named f0, f1 and so on."""
    return ", ".join(f"{'_' if kind.endswith('x') else f'f{i}'}:{kind}{rest}" for i, (kind, rest) in enumerate(fields))


def wanted_struct(kinds: list[str]) -> str:
    """Return the struct module's format of fields of these types, one behind the other."""
    letters = ""
    for kind in kinds:
        name, _, count = kind.rstrip("]").partition("[")
        letter = {**WHOLE, **OTHERS}.get(name)
        letters += letter * int(count or 1) if letter else name[:-1] + name[-1].replace("b", "s")
    return "<" + letters


def drawn(schema: Schema, rng: random.Random) -> bytes:
    """Return random bytes for it, such that each value has these bytes alone: zeros as padding, bools of 0 or 1, texts of ASCII."""
    data = bytearray(schema.size)
    for field in schema.fields:
        for at in range(field.offset, field.offset + field.size, field.width):
            if field.letter == "?":
                part = bytes((rng.randrange(2),))
            elif field.kind.endswith("s"):
                part = bytes(rng.randrange(1, 128) for _ in range(rng.randrange(field.width + 1))).ljust(
                    field.width, b"\0"
                )
            elif field.letter == "f":  # a NaN's bytes may change
                part = struct.pack("<f", rng.choice([0.0, 0.1, -1e-30, 3e38, rng.uniform(-1e6, 1e6), float("inf")]))
            elif field.letter == "d":
                part = struct.pack("<d", rng.choice([0.0, 0.1, 1e300, rng.uniform(-1, 1), -float("inf")]))
            elif field.letter in "Qq" and (field.times, field.over) != (1, 1):  # a float has 53 bits
                part = struct.pack("<" + field.letter, rng.randrange(1 << 44))
            else:
                part = rng.randbytes(field.width)
            data[at : at + field.width] = part
    return bytes(data)


# What MicroPython says of schemas: a line for each of TEXTS, and with DATA what its struct module reads.
PROGRAM = """
from struct import unpack_from
from boardmaps.errors import InvalidDefinition
from boardmaps.schema import Schema, Types
for i, text in enumerate(TEXTS):
    try:
        schema = Schema(text)
    except InvalidDefinition as wrong:
        print(ascii(str(wrong)))
        continue
    row = [schema.version, schema.size, Types(text).layout, bytes(schema.default())]
    for f in schema.fields:
        row.append([f.name, f.kind, f.letter, f.offset, f.size, f.count, f.times, f.over, f.names and sorted(f.names.items())])
        row.append([f.bits, f.low, f.high, f.step, f.default, f.locked, f.restart, f.grows, ascii(f.unit), ascii(f.text)])
        letters = "%ds" % f.width if f.letter == "s" else f.letter
        if DATA and f.letter not in "fd?":  # single precision on some boards; MicroPython's struct has no bool
            row.append(unpack_from("<" + letters * (f.count or 1), DATA[i], f.offset))
    print(row)
"""
# Also of programs on MicroPython, which has no ascii()
ASCII = "def ascii(text): return ''.join([c if ' ' <= c <= '~' else '\\\\u%04x' % ord(c) for c in text])\n"


def told(run: Callable[[str], str], texts: list[str], data: list[bytes]) -> None:
    """See that MicroPython, which runs programs by `run`, says of schemas what CPython says."""
    given = f"TEXTS = {texts!r}\nDATA = {data!r}\n{ASCII}"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(given + PROGRAM, {})
    wanted, found = printed.getvalue().splitlines(), run(given + PROGRAM).splitlines()
    assert len(found) == len(wanted)
    for text, here, there in zip(texts, wanted, found, strict=True):
        assert here == there, text


def there_and_back(fields: list[tuple[str, str]], rng: random.Random) -> None:
    """Whatever bytes there are: the struct module has the same numbers, and what is read, as value or as text, gives them again."""
    text = joined(fields)
    schema = Schema(text)
    data = drawn(schema, rng)
    found = tuple(number for field in schema.fields for number in values.numbers_of(field, data))
    assert found == struct.unpack(wanted_struct([kind for kind, _ in fields]), data), text
    read = {field.name: values.read(field, data) for field in schema.fields}
    assert values.pack_all(schema, read, "test", base=bytes(schema.size), force=True) == data, text
    for field in schema.fields:
        for number in values.numbers_of(field, data):
            if field.letter != "s" and not field.names:
                again = values.parsed(field, values.shown(field, number))
                assert struct.pack("<" + field.letter, again) == struct.pack("<" + field.letter, number), (text, number)
    assert Schema(schema.layout).layout == schema.layout

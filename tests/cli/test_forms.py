"""Keys, values, maps and flags as they are written on the command line."""

import math
import struct

import pytest

from boardmaps_host.cli.forms import NUMBERS, FormError, Words, data, number, update_flags
from boardmaps_host.cli.output import hex_bytes, readable


@pytest.mark.parametrize(
    ("words", "size", "expected"),
    [
        ("hex 01 02 00 ff", 4, b"\x01\x02\x00\xff"),
        ("1 2 0 255", 4, b"\x01\x02\x00\xff"),
        ("0x1 0xff 010", 3, b"\x01\xff\x0a"),
        ("hex:2a000000", 4, b"\x2a\x00\x00\x00"),
        ("str:kitchen", 8, b"kitchen\0"),
        ("str:kitchen!", 8, b"kitchen!"),
        ("str:", 3, b"\0\0\0"),
        ("str:a:b", 4, b"a:b\0"),
        ("str:é", 4, b"\xc3\xa9\0\0"),
        ("u8:200", 1, b"\xc8"),
        ("u16:0x1234", 2, b"\x34\x12"),
        ("u32:5", 4, b"\x05\0\0\0"),
        ("u64:18446744073709551615", 8, b"\xff" * 8),
        ("i32:-2", 4, b"\xfe\xff\xff\xff"),
        ("i8:-1", 1, b"\xff"),
        ("i16:-32768", 2, b"\x00\x80"),
        ("i64:-1", 8, b"\xff" * 8),
        ("f32:1.5", 4, struct.pack("<f", 1.5)),
        ("f64:-2e-3", 8, struct.pack("<d", -2e-3)),
        ("f64:3", 8, struct.pack("<d", 3.0)),
        ("struct:<III:1,100,5000", 12, struct.pack("<III", 1, 100, 5000)),
        ("struct:>hBd:-1,0x10,2.5", 11, struct.pack(">hBd", -1, 16, 2.5)),
        ("u32:5", 8, b"\x05\0\0\0"),  # a wrong length passes: the map refuses it, in its own words
    ],
)
def test_data(words: str, size: int, expected: bytes) -> None:
    assert data(words.split(), size, "key") == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "the value's data is missing after the word 'value'"),
        ("hex", "the value's bytes are missing after the word 'hex'"),
        ("hex 1g", r"'1g' in the value is not a hexadecimal byte, 00 to ff"),
        ("hex 100", r"'100' in the value is not a hexadecimal byte"),
        ("1 256", r"'256' in the value is not a byte, 0 to 255"),
        ("-1", r"'-1' in the value is not a byte"),
        ("kitchen", r"'kitchen' in the value is not a byte"),
        ("hex:012", r"'hex:012' is not pairs of hexadecimal digits"),
        ("str:kitchens", "'kitchens' has 8 bytes and the map's value has 7"),
        ("u8:256", r"'u8:256' cannot be packed: .*255"),
        ("u32:-1", "'u32:-1' cannot be packed"),
        ("u32:five", "'u32:five' cannot be packed"),
        ("f32:warm", "'f32:warm' cannot be packed"),
        ("struct:<II:1", "'struct:<II:1' cannot be packed"),
        ("struct:<Q?Z:1", "cannot be packed"),
        ("struct:1", "cannot be packed"),
        ("u24:1", r"'u24:1' is no value: hex:, str:, struct:FORMAT:, or u8, u16"),
        ("u32:1 2", r"'2' is one word too many after 'u32:1'"),
    ],
)
def test_data_that_is_none(words: str, message: str) -> None:
    with pytest.raises(FormError, match=message):
        data(words.split(), 7, "value")


@pytest.mark.parametrize(
    ("words", "key"), [("id 3", 3), ("id 0x10", 16), ("name temps", "temps"), ("temps", "temps"), ("name id", "id")]
)
def test_a_map(words: str, key: str | int) -> None:
    taken = Words(words.split())
    assert taken.selector().key == key
    taken.end()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", r"the map \(id N, or name NAME\) is missing"),
        ("id", "the map's id is missing"),
        ("id temps", "the map's id is 'temps', not a whole number"),
        ("name", "the map's name is missing"),
    ],
)
def test_no_map(words: str, message: str) -> None:
    with pytest.raises(FormError, match=message):
        Words(words.split()).selector()


def test_words_in_the_wrong_place() -> None:
    with pytest.raises(FormError, match="'kay' stands where the word 'key' should"):
        Words(["kay"]).literal("key")
    with pytest.raises(FormError, match="the word 'key' is missing"):
        Words([]).literal("key")
    with pytest.raises(FormError, match="'more' is one word too many"):
        Words(["more"]).end()


def test_update_flags() -> None:
    assert [update_flags(word) for word in ("any", "noexist", "exist")] == [0, 1, 2]
    with pytest.raises(FormError, match="'maybe' is no update flag: any, exist, noexist"):
        update_flags("maybe")


def test_numbers() -> None:
    assert number("0x20", "x") == 32
    with pytest.raises(FormError, match="the number after 'key' is '', not a whole number"):
        number("", "the number after 'key'")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"kitchen\0", "'kitchen'"),
        (b"\x15\0\0\0", "21"),
        (b"A\0\0\0", "65"),  # rather a number than a one-letter text
        (b"5\0\0\0\0\0\0\0", "53"),
        (b"T@\0\0\0\0\0\0", "16468"),
        (b"cfg\0\0\0\0\0", "6776419 'cfg'"),  # it may be either
        (b"desk", "1802724708 'desk'"),
        (b"A" + b"\0" * 15, "'A'"),
        (b"\xff" * 8, str(2**64 - 1)),
        (b"\0" * 4, "0"),
        (b"\0" * 16, ""),
        (b"\x01\x02\x03", ""),
        (b"a\0b\0", str(int.from_bytes(b"a\0b\0", "little"))),
    ],
)
def test_bytes_as_a_person_reads_them(value: bytes, text: str) -> None:
    assert readable(value) == text


def test_bytes_as_bpftool_writes_them() -> None:
    assert hex_bytes(b"\x00\x2a\xff") == ["0x00", "0x2a", "0xff"]


NUMBERS_THAT_PEOPLE_TRY = (
    *("0", "-0", "-1", "255", "256", "1e300", "-1e400", "1e-400", "nan", "-nan", "inf", "-inf", "infinity"),
    *(
        "0x10",
        "-0x10",
        "0xffffffffffffffffff",
        "010",
        "1_000",
        "1.5",
        ".",
        "",
        " ",
        "+",
        "--1",
        "1e",
        "0x",
        "½",
        "٣",
        "\udcff",
    ),
    *("9" * 400, "9" * 5000, "-" + "9" * 5000, "1e" + "9" * 30, "0x" + "f" * 5000),
)
FORMATS = (
    "?",
    "c",
    "b",
    "B",
    "h",
    "H",
    "i",
    "I",
    "l",
    "L",
    "q",
    "Q",
    "e",
    "f",
    "d",
    "s",
    "p",
    "x",
    "n",
    "P",
    "Z",
    "é",
    "99999999999999s",
)


def bytes_or_sentence(words: list[str]) -> bytes | str:
    """Return what DATA stands for, or why it stands for nothing."""
    try:
        return data(words, 4, "value")
    except FormError as error:
        return str(error)


@pytest.mark.parametrize(
    "form", [*NUMBERS, *(f"struct:{letter}" for letter in FORMATS), *(f"struct:<2{letter}" for letter in FORMATS)]
)
def test_every_number_in_every_form_is_bytes_or_a_sentence(form: str) -> None:
    """Nothing but a FormError of one short line; and a finite number never becomes an infinity."""
    for text in NUMBERS_THAT_PEOPLE_TRY:
        found = bytes_or_sentence([f"{form}:{text}"])
        if isinstance(found, str):
            assert len(found) < 300, text
            assert "\n" not in found
            assert "int()" not in found, "Python's words"
        elif form in ("f32", "f64") and "inf" not in text:
            assert not math.isinf(*struct.unpack(NUMBERS[form], found)), text


@pytest.mark.parametrize("text", NUMBERS_THAT_PEOPLE_TRY)
def test_every_byte_and_whole_number_is_one_or_a_sentence(text: str) -> None:
    for words in ([text], ["hex", text], [f"hex:{text}"], [f"str:{text}"]):
        found = bytes_or_sentence(words)
        assert isinstance(found, bytes) or len(found) < 300 or text in found
    try:
        assert number(text, "the map's id") == int(text, 0)
    except FormError:
        with pytest.raises(ValueError, match=r"invalid literal|digits"):
            int(text, 0)

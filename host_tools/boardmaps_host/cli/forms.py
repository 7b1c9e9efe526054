"""Keys, values and maps as they are written on the command line, in bpftool's words and some friendlier ones.

MAP  := id N | name NAME | NAME
DATA := 1 2 0 0                  bytes, decimal or 0x.., as bpftool
      | hex 01 02 00 00          hexadecimal bytes, as bpftool
      | hex:01020000             the same in one word
      | u8: u16: u32: u64: i8: i16: i32: i64: f32: f64:NUMBER    little-endian
      | str:TEXT                 UTF-8, padded with NULs to the size of the key or value
      | struct:FORMAT:A,B,C      Python's struct module, such as struct:<IHH:1,2,3
"""

import math
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from .drawing import click

NUMBERS = {
    "u8": "<B",
    "u16": "<H",
    "u32": "<I",
    "u64": "<Q",
    "i8": "<b",
    "i16": "<h",
    "i32": "<i",
    "i64": "<q",
    "f32": "<f",
    "f64": "<d",
}

_MOST = 1 << 26  # bytes: struct fills as many before anybody looks at the map

UPDATE_FLAGS = {"any": 0, "noexist": 1, "exist": 2}

HELP = """MAP is `id N`, `name NAME` or just NAME.  DATA is bytes: `1 2 0 0`, `hex 01 02 00 00`, `hex:01020000`,
a little-endian number `u32:5` (u8 to u64, i8 to i64, f32, f64), text padded with NULs `str:kitchen`, or
`struct:<IHH:1,2,3`."""


class FormError(click.UsageError):
    """Words that do not have the form; the text says which and what was expected."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which map: by id or by name."""

    id: int | None
    name: str | None

    @property
    def key(self) -> str | int:
        """What `board.map()` takes."""
        if self.id is not None:
            return self.id
        return self.name or ""


class Words:
    """The words of a command line, taken from the left."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)

    def __bool__(self) -> bool:
        return bool(self._words)

    def next(self, what: str) -> str:
        """Take one word; `what` it should have been is told when there is none."""
        if not self._words:
            raise FormError(f"{what} is missing.")
        return self._words.pop(0)

    def peek(self) -> str:
        """Return the next word and leave it; '' when there is none."""
        return self._words[0] if self._words else ""

    def literal(self, word: str) -> None:
        """Take exactly `word`."""
        found = self.next(f"the word {word!r}")
        if found != word:
            raise FormError(f"{found!r} stands where the word {word!r} should.")

    def end(self) -> None:
        """Refuse words that are left over."""
        if self._words:
            raise FormError(f"{self._words[0]!r} is one word too many.")

    def selector(self) -> Selector:
        """Take MAP."""
        word = self.next("the map (id N, or name NAME)")
        if word == "id":
            return Selector(number(self.next("the map's id"), "the map's id"), None)
        return Selector(None, self.next("the map's name") if word == "name" else word)

    def until(self, *stops: str) -> list[str]:
        """Take words up to one of `stops`, or all."""
        taken = []
        while self._words and self._words[0] not in stops:
            taken.append(self._words.pop(0))
        return taken


def number(word: str, what: str) -> int:
    """Return a whole number, decimal or 0x."""
    try:
        return int(word, 0)
    except ValueError:
        raise FormError(f"{what} is {_short(word)}, not a whole number.") from None


def update_flags(word: str) -> int:
    """Return the number of `any`, `noexist` or `exist`."""
    if word not in UPDATE_FLAGS:
        raise FormError(f"{word!r} is no update flag: any, exist, noexist.")
    return UPDATE_FLAGS[word]


def data(words: Sequence[str], size: int, what: str) -> bytes:
    """Return the bytes that DATA stands for. `size` pads str: and is what the map wants; `what` is `key` or `value`.

    A wrong length passes, except for str: that is too long: the map itself refuses it, in its own words.
    """
    if not words:
        raise FormError(f"the {what}'s data is missing after the word {what!r}.")
    if words[0] == "hex":
        return bytes(_byte(word, 16, what) for word in words[1:]) or _no_bytes(what)
    kind, colon, rest = words[0].partition(":")
    if not colon:
        return bytes(_byte(word, 0, what) for word in words)
    if len(words) > 1:
        raise FormError(f"{words[1]!r} is one word too many after {words[0]!r}.")
    if kind == "hex":
        return _hex(rest, what)
    if kind == "str":
        return _text(rest, size, what)
    if kind == "struct":
        layout, _, numbers = rest.rpartition(":")
        return _pack(layout, numbers.split(","), words[0], what)
    if kind in NUMBERS:
        return _pack(NUMBERS[kind], [rest], words[0], what)
    raise FormError(f"{words[0]!r} is no {what}: hex:, str:, struct:FORMAT:, or {', '.join(NUMBERS)} and a colon.")


def _no_bytes(what: str) -> bytes:
    raise FormError(f"the {what}'s bytes are missing after the word 'hex'.")


def _byte(word: str, base: int, what: str) -> int:
    try:
        # base 0 refuses 010, which bpftool reads as octal: here it is ten
        value = int(word, 10 if base == 0 and word.isdigit() else base)
    except ValueError:
        value = -1
    if not 0 <= value <= 255:
        form = "a hexadecimal byte, 00 to ff" if base == 16 else "a byte, 0 to 255"
        raise FormError(f"{_short(word)} in the {what} is not {form}.")
    return value


def _hex(digits: str, what: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise FormError(f"the {what} {'hex:' + digits!r} is not pairs of hexadecimal digits.") from None


def _text(text: str, size: int, what: str) -> bytes:
    encoded = os.fsencode(text)  # UTF-8; bytes of a command line that are none come as they are
    if len(encoded) > size:
        raise FormError(f"the {what} {text!r} has {len(encoded)} bytes and the map's {what} has {size}.")
    return encoded.ljust(size, b"\0")


def _pack(layout: str, numbers: Sequence[str], word: str, what: str) -> bytes:
    try:
        if struct.calcsize(layout) > _MOST:
            raise FormError(f"the {what} {_short(word)} has {struct.calcsize(layout)} bytes, more than any map's.")
        return struct.pack(layout, *(_number(text, layout) for text in numbers))
    except (struct.error, ValueError, OverflowError) as error:
        raise FormError(f"the {what} {_short(word)} cannot be packed: {error}.") from None


def _number(text: str, layout: str) -> float:
    """Return a number; whole ones are exact. Raises ValueError, also for one that would silently become an infinity."""
    floating = any(letter in layout for letter in "efd") and not text.startswith("0x")
    try:
        if not floating or text.lstrip("-+").isdigit():
            return int(text, 0)
        value = float(text)
    except ValueError:
        kind = "number" if floating else "whole number"
        raise ValueError(f"{_short(text)} is no {kind}, or has too many digits") from None
    if math.isinf(value) and "inf" not in text.lower():
        raise ValueError(f"{_short(text)} is too large")
    return value


def _short(word: str) -> str:
    return repr(word if len(word) <= 64 else word[:60] + "…")

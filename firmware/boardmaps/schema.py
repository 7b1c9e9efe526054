"""Schemas: a short text that says what the bytes of a map's keys and values mean. SPEC.md, section 6, has the grammar.

Runs unchanged on the board and on the computer, and is the only parser. A board loads it when a typed map is made, or when a
field is asked for by name. What stands in a schema is physical (21.5 °C); a Field has numbers as they are stored (2150), so that
nothing here depends on how exact a board's floating point is.

More than 300 lines: one function a part of the grammar, and what each refuses.
"""

from binascii import crc32

from .errors import InvalidDefinition
from .flags import const
from .kinds import find

# Columns and traits of kinds.py
_KIND_NUMBER = const(0)
_WORD = const(1)
_CLASS_NAME = const(2)
_TRAITS = const(4)
_KEY_LEAST = const(5)
_KEY_MOST = const(6)
_PARAMETERS = const(9)
_VALUES = const(2)
_INDEXED = const(8)

# By the name of a type: its letter of the struct module and its bytes.
_NUMBERS = {
    "u8": ("B", 1),
    "i8": ("b", 1),
    "bool": ("?", 1),
    "u16": ("H", 2),
    "i16": ("h", 2),
    "u32": ("I", 4),
    "i32": ("i", 4),
    "f32": ("f", 4),
    "u64": ("Q", 8),
    "i64": ("q", 8),
    "f64": ("d", 8),
}
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_SIZE_MOST = 0xFFFF  # bytes of a field
_SCALE_MOST = 1000000000
_F32_MOST = 3.4028235e38
_SCHEMA_MOST = 0xFFFF  # bytes of a whole schema: a slice has 16 bits for the length


class Field:
    """A field of a key or a value.

    `kind` is its type as the schema has it (i16, f32, bool, 8s, 4b); `letter` the struct module's (s for text and bytes);
    `count` how many it has, 0 when it is no array; `offset`, `width` (of one) and `size` (of all) are bytes. A number that is
    stored stands for itself times `times` through `over`. `names` are its names by number, of values, or with `bits` of bits;
    None: it has none. `low`, `high`, `step` and `default` are as stored, None where the schema has none. `locked`: only the
    firmware may write it; `restart`: it takes effect after a restart; `grows`: a counter.
    """

    def __init__(self, name, kind, letter, width, offset):  # type: ignore[no-untyped-def]
        self.name = name
        self.kind = kind
        self.letter = letter
        self.width = width  # bytes of one
        self.offset = offset
        self.size = width
        self.count = 0
        self.times = self.over = 1
        self.names = None
        self.bits = False
        self.low = self.high = self.step = self.default = None
        self.locked = self.restart = self.grows = False
        self.unit = self.text = ""

    @property
    def whole(self) -> bool:
        """Whether it is a whole number as it is stored."""
        return self.letter in "BbHhIiQq"

    @property
    def least(self) -> int:
        """The least whole number that it holds."""
        return -(1 << 8 * self.width - 1) if self.letter in "bhiq" else 0

    @property
    def most(self) -> int:
        """The greatest whole number that it holds."""
        return (1 << 8 * self.width - (self.letter in "bhiq")) - 1

    @property
    def unit_step(self) -> str:
        """The physical number that stands for a stored 1: 1/100, 10."""
        return "1/%d" % self.over if self.over > 1 else "%d" % self.times

    def fill(self, value) -> None:  # type: ignore[no-untyped-def]
        """Write the default, if there is one, into the bytearray of a whole key or value."""
        if self.default is None:
            return
        from struct import pack_into  # saves heap: few schemas have a default

        # MicroPython's struct has no '?'
        letter = "%ds" % self.width if self.letter == "s" else self.letter.replace("?", "B")
        for i in range(self.count or 1):
            pack_into("<" + letter, value, self.offset + i * self.width, self.default)


class Schema:
    """What the bytes of a key or of a value mean: its `fields` in order, without padding, and its `size` in bytes.

    `version` is 0 when the text says none. `layout` is the text of what decides how bytes are read: names, types, scales, names of
    values and bits, padding. Raises InvalidDefinition, which names the field and the place in the text, from 1.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields = []  # type: ignore[var-annotated]
        self.size = 0
        self.version = 0
        self._at = 0
        self._field = "?"
        parts = []
        if text[:1] == "@":
            self._at = 1
            self.version = self._number("a version", 0xFFFF)
            self._expect(" ")
        while True:
            parts.append(self._one())
            if self._at == len(text):
                break
            self._expect(",")
            while self._see(" "):
                pass
        self.layout = ", ".join(parts)

    def find(self, name: str):  # type: ignore[no-untyped-def]
        """Return the field of this name, or None."""
        for field in self.fields:
            if field.name == name:
                return field
        return None

    def default(self) -> bytearray:
        """Return a whole key or value: the fields' defaults, and zero where there is none."""
        value = bytearray(self.size)
        for field in self.fields:
            field.fill(value)
        return value

    # -- reading the text

    def _fail(self, why: str) -> None:
        text = "schema: field %s, character %d: %s"
        raise InvalidDefinition(text % (self._field, self._at + 1, why))

    def _see(self, word: str) -> bool:
        """Take `word` if it stands here."""
        if self.text[self._at : self._at + len(word)] != word:
            return False
        self._at += len(word)
        return True

    def _expect(self, word: str) -> None:
        if not self._see(word):
            there = self.text[self._at : self._at + 1]
            self._fail("%r should stand here, not %s" % (word, repr(there) if there else "the end"))

    def _run(self, allowed: str) -> str:
        """Take the characters of `allowed` that stand here."""
        begin = self._at
        while self._at < len(self.text) and self.text[self._at] in allowed:
            self._at += 1
        return self.text[begin : self._at]

    def _until(self, stops: str) -> str:
        """Take what stands before one of `stops`, or the end."""
        begin = self._at
        while self._at < len(self.text) and self.text[self._at] not in stops:
            if self.text[self._at] < " ":
                self._fail("a schema has no control characters")
            self._at += 1
        return self.text[begin : self._at]

    def _number(self, what: str, most: int) -> int:
        begin = self._at
        digits = self._run(_DIGITS)
        if digits and len(digits) < 20 and 0 < int(digits) <= most:
            return int(digits)
        self._at = begin
        self._fail("%s is a number from 1 to %d" % (what, most))
        return 0

    def _word(self, what: str, more: str = "") -> str:
        begin = self._at
        word = self._run(_LETTERS + _DIGITS + "_" + more)
        if not word or word[0] not in _LETTERS or word[-1] == "." or "._" in word or ".." in word:
            if word != "_" or not more:
                self._at = begin
                self._fail("%s begins with a letter and goes on with letters, digits and '_'" % what)
        for part in word.split("."):
            if part[:1] in _DIGITS:
                self._at = begin
                self._fail("a part of the name begins with a digit")
        return word

    def _one(self) -> str:
        """Read a field; return it as the layout has it."""
        begin = self._at
        self._field = repr(self._until(":,")) if begin < len(self.text) else "?"
        self._at = begin
        name = self._word("a name", ".")
        for other in self.fields:
            if other.name == name or name.startswith(other.name + ".") or other.name.startswith(name + "."):
                self._at = begin
                self._fail("there is a field %r already" % other.name)
        self._expect(":")
        field = self._type(name)
        layout = "%s:%s" % (name, field.kind)
        if name == "_":
            self.size += field.size
            return layout
        if self._see("["):
            field.count = self._number("a count", _SIZE_MOST)
            self._expect("]")
            field.size *= field.count
            layout += "[%d]" % field.count
        if field.size > _SIZE_MOST:
            self._fail("%d bytes are more than %d" % (field.size, _SIZE_MOST))
        layout += self._scale(field) + self._names(field)
        self._range(field)
        while True:
            if self._see("!"):
                field.locked = True
            elif self._see("^"):
                field.restart = True
            elif self._see("+"):
                field.grows = True
            else:
                break
        self._words(field)
        self.fields.append(field)
        self.size += field.size
        return layout

    def _type(self, name: str) -> Field:
        begin = self._at
        word = self._run(_LETTERS + _DIGITS)
        letter, width = _NUMBERS.get(word, ("", 0))
        if not letter and len(word) > 1 and word[-1] in "sbx" and word[0] in "123456789":
            self._at = begin
            width = self._number("a size", _SIZE_MOST)
            if self._see(word[-1]):
                letter = "x" if word[-1] == "x" else "s"
        if not letter:
            self._at = begin
            self._fail(
                "%r is no type: u8 to u64, i8 to i64, f32, f64, bool, Ns (text), Nb (bytes), Nx (padding)" % word
            )
        if (letter == "x") != (name == "_"):
            self._at = begin
            self._fail("padding, and only padding, has the name '_'")
        return Field(name, word, letter, width, self.size)

    def _scale(self, field: Field) -> str:
        for sign in "/*":
            if self._see(sign):
                if not field.whole:
                    self._at -= 1
                    self._fail("only whole numbers have a scale, and %s is none" % field.kind)
                number = self._number("a scale", _SCALE_MOST)
                if sign == "/":
                    field.over = number
                else:
                    field.times = number
                return "%s%d" % (sign, number)
        return ""

    def _names(self, field: Field) -> str:
        begin = self._at
        bits = self._see("&")
        if not self._see("{"):
            if bits:
                self._expect("{")
            return ""
        if not field.whole or field.times != field.over or (bits and field.letter in "bhiq"):
            self._at = begin
            self._fail("only whole numbers without a scale have names of values, unsigned ones those of bits")
        field.bits = bits
        names = {}  # type: ignore[var-annotated]
        number = 0
        while True:
            place = self._at
            name = self._word("the name of a value")
            if self._see("="):
                minus = self._see("-")
                digits = self._run(_DIGITS)
                if not digits or len(digits) > 20:
                    self._fail("the number of %r is missing or has too many digits" % name)
                number = -int(digits) if minus else int(digits)
            least, most = (0, 8 * field.width - 1) if bits else (field.least, field.most)
            if not least <= number <= most:
                self._at = place
                self._fail("%r is %d, not from %d to %d" % (name, number, least, most))
            if number in names or name in names.values():
                self._at = place
                self._fail("%r or its number %d is there already" % (name, number))
            names[number] = name
            number += 1
            if not self._see(","):
                break
            self._see(" ")
        self._expect("}")
        field.names = names
        return ("&{" if bits else "{") + ",".join(["%s=%d" % (names[n], n) for n in sorted(names)]) + "}"

    def _range(self, field: Field) -> None:
        if not self._see("("):
            return
        begin = self._at
        word = self._until("~=)") if field.letter != "s" else ""
        if word:
            low, dots, high = word.partition("..")
            if not dots or not (low or high) or field.letter == "?":
                self._at = begin
                self._fail("a range is LOW..HIGH, of numbers; one of them may be left out")
            field.low = self._at_place(field, low, begin) if low else None
            field.high = self._at_place(field, high, begin + len(low) + 2) if high else None
            if low and high and field.low > field.high:  # type: ignore[operator]
                self._at = begin
                self._fail("the range %s is empty" % word)
        if self._see("~"):
            begin = self._at
            field.step = self._at_place(field, self._until("=)"), begin)
            if field.letter in "s?" or not field.step > 0:  # type: ignore[operator]
                self._fail("a step is a number above 0")
        if self._see("="):
            begin = self._at
            field.default = self._at_place(field, self._until(")"), begin)
            if (field.low is not None and field.default < field.low) or (
                field.high is not None and field.default > field.high
            ):
                self._at = begin
                self._fail("the default is not in the range")
        self._expect(")")

    def _at_place(self, field: Field, word: str, place: int):  # type: ignore[no-untyped-def]
        """Return what is stored for a physical number, or a name, that stands there in the text."""
        try:
            return stored(field, word)
        except ValueError as wrong:
            self._at = place
            self._fail(str(wrong))

    def _words(self, field: Field) -> None:
        """Read unit and text."""
        if not self._see(" "):
            return
        if not self._see("'"):
            field.unit = self._until(" ,'")
            if not field.unit:
                self._fail("a unit, or a text in '…', should stand behind the space")
            if not self._see(" "):
                return
            self._expect("'")
        field.text = self._until("'")
        self._expect("'")


def stored(field: Field, word: str):  # type: ignore[no-untyped-def]
    """Return what is stored for a physical number, a name, or a text, that is written so. Raises ValueError, which says why."""
    if field.letter == "s":
        data = word.encode()
        if field.kind[-1] == "b" or len(data) > field.width or b"\0" in data:
            raise ValueError("%r is no text of at most %d bytes" % (word, field.width))
        return data
    if field.letter == "?":
        if word not in ("true", "false"):
            raise ValueError("%r is not true or false" % word)
        return word == "true"
    if field.names and word[:1] in _LETTERS:
        words = word.split("|") if field.bits else [word]
        found = [n for n in field.names if field.names[n] in words]
        if len(found) != len(words):
            known = ", ".join([field.names[n] for n in sorted(field.names)])
            raise ValueError("%r is no name of it; there are %s" % (word, known))
        return sum([1 << n for n in found]) if field.bits else found[0]
    if not field.whole:
        try:
            number = float(word)
        except ValueError:
            number = float("nan")
        if number - number != 0 or (field.letter == "f" and abs(number) > _F32_MOST):  # inf and nan too
            raise ValueError("%r is no number, or too large a one for %s" % (word, field.kind))
        return number
    before, dot, behind = (word[1:] if word[:1] == "-" else word).partition(".")
    digits = before + behind
    if not digits or digits.strip(_DIGITS) or (dot and not behind) or len(digits) > 24:
        raise ValueError("%r is no number" % word)
    number, rest = divmod(int(digits) * field.over, field.times * 10 ** len(behind))
    if rest:
        raise ValueError("%s is no multiple of %s" % (word, field.unit_step))
    if word[:1] == "-":
        number = -number
    if not field.least <= number <= field.most:
        raise ValueError("%s does not fit %s" % (word, field.kind))
    return number


def split(text: str) -> "tuple[str, str]":
    """Return the texts of the key's and of the value's schema in a map's; '' for one that is not there."""
    key, line, value = text.partition("\n")
    return (key, value) if line else ("", key)


def join(key: "str | None", value: "str | None") -> str:
    """Return a map's schema: the key's, a line feed and the value's; the value's alone when its keys have none."""
    return "%s\n%s" % (key, value or "") if key else value or ""


class Types:
    """A map's schema: `key` and `value` are Schemas, None where there is none."""

    def __init__(self, text: str) -> None:
        if len(text.encode()) > _SCHEMA_MOST:
            raise InvalidDefinition("schema: %d bytes of text are more than %d" % (len(text.encode()), _SCHEMA_MOST))
        key, value = split(text)
        self.key = Schema(key) if key else None
        self.value = Schema(value) if value else None

    @property
    def layout(self) -> int:
        """CRC-32 of what decides how bytes are read: other texts, units and ranges leave it as it is."""
        parts = ["%s" % s.layout if s else "" for s in (self.key, self.value)]
        return crc32("\n".join(parts).encode())


def same_layout(text: str, other: str) -> bool:
    """Return whether bytes that were written with one schema are read as before with the other: texts, units, ranges may differ.

    False for one that cannot be read, and for one beside none.
    """
    if text == other or not text or not other:
        return text == other
    try:
        return Types(text).layout == Types(other).layout
    except InvalidDefinition:
        return False


def put(view, text: bytes) -> None:  # type: ignore[no-untyped-def]
    """Write a schema's text to the end of a slice, and its bytes and the slice's into the header. The check there is as it was."""
    from struct import pack_into  # saves heap: as above

    at = len(view) - (len(text) + 7) // 8 * 8
    view[at:] = text + bytes(-len(text) & 7)
    pack_into("<I", view, 4, len(view))
    pack_into("<H", view, 70, len(text))


def checksum(text: str, before: int = 0) -> int:
    """Return the CRC-32 of a map's whole schema, behind those of other maps."""
    return crc32(text.encode(), before)


def typed(cls, name, key, value, max_entries, map_flags, more):  # type: ignore[no-untyped-def]
    """Make a map of a class, with schemas for its keys and values: what typed() of each class does."""
    row = find(_CLASS_NAME, cls.__name__)
    text = join(key, value)
    try:
        types = Types(text)
        if row[_TRAITS] & _VALUES and not types.value:
            raise InvalidDefinition("schema: there is none for the values")
        if row[_KEY_LEAST] != row[_KEY_MOST] and not types.key:
            raise InvalidDefinition("schema: there is none for the keys")
        if "field" in row[_PARAMETERS]:
            more = dict(more)
            _choose(types.value, more)
    except InvalidDefinition as wrong:
        raise InvalidDefinition("create %s %r: %s" % (row[_WORD], name, wrong))  # noqa: B904 - takes less heap so
    sizes = [max_entries, map_flags, name, text]
    if row[_TRAITS] & _VALUES:
        sizes.insert(0, types.value.size)
    if row[_KEY_LEAST] != row[_KEY_MOST]:
        sizes.insert(0, types.key.size)
    return cls(*sizes, **more)


def _choose(value, more) -> None:  # type: ignore[no-untyped-def]
    """Give a time series the number that its statistics are of: the field that is named, else the first that is one."""
    wanted = more.pop("field", None)
    for field in value.fields:
        if field.letter not in "s?" and wanted in (None, field.name):
            more["field"], more["field_offset"] = field.letter, field.offset
            return
    if wanted is not None:
        raise InvalidDefinition("schema: no number has the name %r" % wanted)


def fill(d, view, first: int, stride: int, cpus: int) -> None:  # type: ignore[no-untyped-def]
    """Write the defaults into the entries of a new array, `stride` bytes apart from `first` on, and into those of all CPUs."""
    if not find(_KIND_NUMBER, d.map_type)[_TRAITS] & _INDEXED:
        return
    value = Types(d.schema).value
    default = value.default() if value else b""
    if any(default):
        for at in range(first, first + stride * d.max_entries, stride // cpus):
            view[at : at + len(default)] = default


def check(text: str, key_size: int, value_size: int) -> "Types":
    """Return what a map's schema says. Raises InvalidDefinition when it cannot be read, or is for keys and values of other sizes.

    A value_size of 0 is that of a map whose values have any: a ring's record may be longer than its schema.
    """
    types = Types(text)
    if types.key and types.key.size != key_size:
        raise InvalidDefinition(
            "schema: the key's fields have %d bytes, the map's keys %d" % (types.key.size, key_size)
        )
    if types.value and value_size and types.value.size != value_size:
        text = "schema: the value's fields have %d bytes, the map's values %d"
        raise InvalidDefinition(text % (types.value.size, value_size))
    return types

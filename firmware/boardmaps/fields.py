"""Fields of a map's values by name, for the firmware's own code: what `m.field(name)` gives.

Runs unchanged on the board and on the twin; a board loads it with the first field that is asked for. Kernels in C have such
functions of their own (`_of_field` of a map); elsewhere they are made of lookup_into(), update_part() and add().
"""

import sys
from struct import pack, unpack_from

from .errors import InvalidValue, NotSupported
from .schema import Types

# What a map's _of_field() is asked for, in C: these bits, from bit 4 the number's width, from bit 8 its offset
_FIELD_GET = 0
_FIELD_SET = 1
_FIELD_ADD = 2
_FIELD_SIGNED = 4
_FIELD_BOOL = 8


class FieldOf:
    """A field of the values of one map, made once by `m.field(name)`. Its functions:

    - get(key): return the field, None on a miss.
    - set(key, value): write the field alone, in one step. Raises KeyNotFound on a miss, InvalidValue for what does not fit.
    - add(key, delta): add to a whole number in one step and return the new one; it wraps.

    They take no heap for whole numbers from -2**30 to 2**30 - 1 and for bools. A fixed-point field gives floats, which do; `raw`
    has the same three of the whole number that is stored. Of named values get() gives the number: `names` has the names by
    number, `numbers` the numbers by name. The schema's range binds the computer, not the firmware. A handler of interrupts
    needs a field of its own.
    """

    def __init__(self, m, field):  # type: ignore[no-untyped-def]
        self.name = field.name
        self.unit = field.unit
        self.names = field.names
        self.numbers = {field.names[n]: n for n in field.names} if field.names else None
        self.raw = self
        if field.count or field.letter == "s":
            self.get, self.set = _parts(m, field)
        elif field.whole or field.letter == "?":
            self.get, self.set, self.add = _numbers(m, field)
            if field.times != field.over:
                self.raw = Raw(self.get, self.set, self.add)
                scaled = _Scaled(self.raw, field)
                self.get, self.set, self.add = scaled.get, scaled.set, scaled.add
        else:
            self.get, self.set = _parts(m, field)

    def add(self, key, delta):  # type: ignore[no-untyped-def]
        """Refuse, where no number is stored that can be changed in one step."""
        raise NotSupported("add: the field %r is no whole number" % self.name)


class Raw:
    """get, set and add of the whole number that a fixed-point field is stored as."""

    def __init__(self, get, store, add):  # type: ignore[no-untyped-def]
        self.get = get
        self.set = store
        self.add = add


def field(m, name):  # type: ignore[no-untyped-def]
    """Return the functions of a field of the map's values. Raises InvalidValue when its schema has none of this name."""
    value = Types(m.definition.schema).value if m.definition.schema else None
    found = value and value.find(name)
    if not found:
        there = ", ".join([f.name for f in value.fields]) if value else "none: it has no schema"
        raise InvalidValue("field %r: the map %r has no such field; there are %s" % (name, m.name, there))
    return FieldOf(m, found)


def _unfit(field, value):  # type: ignore[no-untyped-def]
    if not isinstance(value, int):
        raise TypeError("field %r: a number, not %s" % (field.name, type(value).__name__))
    raise InvalidValue("field %r: %d does not fit %s" % (field.name, value, field.kind))


def _numbers(m, field):  # type: ignore[no-untyped-def]
    """Return get, set and add of the number that is stored."""
    of_field = getattr(m, "_of_field", None) if sys.implementation.name == "micropython" else None
    if of_field:
        signed, boolean = field.letter in "bhiq" and _FIELD_SIGNED, field.letter == "?" and _FIELD_BOOL
        what = field.offset << 8 | field.width << 4 | signed | boolean
        number = bytearray(field.width)
        get = of_field(what, number)
        if get:
            return get, of_field(what | _FIELD_SET, number), of_field(what | _FIELD_ADD, number)
    own = _Number(m, field)
    return (own.get_bool if field.letter == "?" else own.get), own.set, own.add


def stored(number, what):  # type: ignore[no-untyped-def]
    """Return the bytes of a number for the set() of a field in C. Raises TypeError, and InvalidValue when it does not fit."""
    if not isinstance(number, int):
        raise TypeError("set: a number, not %s" % type(number).__name__)
    width = what >> 4 & 15
    most = 1 if what & _FIELD_BOOL else (1 << 8 * width - bool(what & _FIELD_SIGNED)) - 1
    if not (-most - 1 if what & _FIELD_SIGNED else 0) <= number <= most:
        raise InvalidValue("set: %d does not fit %s%d" % (number, "i" if what & _FIELD_SIGNED else "u", 8 * width))
    return bytes([number >> 8 * i & 255 for i in range(width)])


class _Number:
    """A number in a map's values. Methods, not closures: a closure over more than four variables takes heap with each call."""

    def __init__(self, m, field):  # type: ignore[no-untyped-def]
        self._field = field
        self._offset = field.offset
        self._last = field.offset + field.width - 1
        self._signed = field.letter in "bhiq"
        self._least, self._most = (0, 1) if field.letter == "?" else (field.least, field.most)
        self._value = bytearray(m.definition.value_size)
        self._part = bytearray(field.width)
        self._lookup_into = m.lookup_into
        self._map = m

    def get(self, key):  # type: ignore[no-untyped-def]
        value, i = self._value, self._last
        if not self._lookup_into(key, value):
            return None
        number = value[i]
        if self._signed and number > 127:
            number -= 256
        while i > self._offset:  # from the top: a small number takes no heap
            i -= 1
            number = number << 8 | value[i]
        return number

    def get_bool(self, key):  # type: ignore[no-untyped-def]
        return self._value[self._offset] != 0 if self._lookup_into(key, self._value) else None

    def set(self, key, number):  # type: ignore[no-untyped-def]
        # On MicroPython a bool is no int, and a tuple of both types would take heap
        if not (isinstance(number, int) or isinstance(number, bool)) or not self._least <= number <= self._most:
            _unfit(self._field, number)
        for i in range(len(self._part)):
            self._part[i] = number & 255
            number >>= 8
        self._map.update_part(key, self._offset, self._part)

    def add(self, key, delta):  # type: ignore[no-untyped-def]
        number = self._map.add(key, delta, self._offset, len(self._part))
        return number if number <= self._most else number - 2 * (self._most + 1)


class _Scaled:
    """A fixed-point number, over the functions of what is stored."""

    def __init__(self, raw, field):  # type: ignore[no-untyped-def]
        self._raw = raw
        self._times = field.times
        self._over = field.over

    def get(self, key):  # type: ignore[no-untyped-def]
        number = self._raw.get(key)
        return number if number is None else number * self._times / self._over

    def set(self, key, number):  # type: ignore[no-untyped-def]
        self._raw.set(key, round(number * self._over / self._times))

    def add(self, key, delta):  # type: ignore[no-untyped-def]
        return self._raw.add(key, round(delta * self._over / self._times)) * self._times / self._over


def _parts(m, field):  # type: ignore[no-untyped-def]
    """Return get and set of a float, a text, bytes or an array; they take heap."""
    offset, size, count = field.offset, field.size, field.count or 1
    one = "%ds" % field.width if field.letter == "s" else field.letter.replace("?", "B")
    layout = "<" + one * count
    text = field.kind[-1] == "s"
    value = bytearray(m.definition.value_size)

    def read(found):  # type: ignore[no-untyped-def]
        if text:
            data = bytes(found)
            zero = data.find(b"\0")
            return str(data[:zero] if zero >= 0 else data, "utf-8")
        return found != 0 if field.letter == "?" else found * field.times / field.over if field.over > 1 else found

    def get(key):  # type: ignore[no-untyped-def]
        if not m.lookup_into(key, value):
            return None
        found = unpack_from(layout, value, offset)
        return tuple([read(number) for number in found]) if field.count else read(found[0])

    def stored(given):  # type: ignore[no-untyped-def]
        if field.letter == "s":
            data = given.encode() if text else bytes(given)
            if len(data) > field.width or (not text and len(data) < field.width):
                raise InvalidValue("field %r: %d bytes do not fit %s" % (field.name, len(data), field.kind))
            return data
        if field.whole:
            number = given if field.times == field.over else round(given * field.over / field.times)
            return number if field.least <= number <= field.most else _unfit(field, number)
        return given

    def store(key, given):  # type: ignore[no-untyped-def]
        given = given if field.count else (given,)
        if len(given) != count:
            raise InvalidValue("field %r: %d values for %d" % (field.name, len(given), count))
        m.update_part(key, offset, pack(layout, *[stored(number) for number in given])[:size])

    return get, store

"""What the viper kernels of maps with keys share: checked lookups, and changes of a part of a value that are one step each.

`op(key, value, what)` is such a map's kernel. It answers 0 done, 1 a miss, 4 a wrong length, and to 6 (find) minus the offset
of the key's value in the slice. Nothing here runs bytecode while a guard holds the maps: a scheduled function might come
in between, and wait for ever.

More than 300 lines: every change of a number in a value, for arrays and hashes alike.
"""

import micropython
from micropython import const

from ..maps.buffers import room, whole
from ..settings import GUARD
from .viper_base import enter, leave

_VALUE_SIZE = const(5)  # a word of a slice's header
_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes

_BEGIN = const(0)  # of a value; None and 0.0 are no offsets

# What happens to a number; maps/keyed.py has the same
_ADD = const(0)
_OR = const(1)
_AND = const(2)
_XOR = const(3)

# What is answered when nothing was done
_NONE = const(-1)  # there is no such key, or no such number in the value
_LARGE = const(-2)  # the number takes heap

_length = len


def checked_lookup(op, check):
    """Return lookup_into(key, out) over a map's op; check("lookup_into", key, out) refuses what is not right."""

    @micropython.viper
    def lookup_into(key, out) -> bool:
        done = int(op(key, out, 3))
        if done > 1:
            check("lookup_into", key, out)
            done = int(op(key, out, 19))  # 3, and looked at
        return done == 0

    return lookup_into


@micropython.viper
def _add(find, view, key, low: int, high: int, field: int) -> int:
    """Do what _change() does for an addition whose result is returned, faster."""
    width = field >> 4 & 15
    at = field >> 9
    size = ptr32(view)[_VALUE_SIZE]
    if not width:
        width = size - at
    if (width != 4 and width != 8 and width != 1 and width != 2) or at > size - width:
        return _NONE
    at = int(find(key, key, 6))
    if at >= 0:
        return _NONE
    h = ptr8(view)
    p = ptr8(int(h) - at + (field >> 9))
    if width < 4:
        a = p[0] + (low & 0xFF)
        b = 0
        h[_MARK_AT] = 1
        if width == 2:
            b = p[1] + (low >> 8 & 0xFF) + (a >> 8)
            p[1] = b
        p[0] = a
        h[_MARK_AT] = 0
        return a & 0xFF | (b & 0xFF) << 8
    a = (p[0] | p[1] << 8) + (low & 0xFFFF)
    b = (p[2] | p[3] << 8) + (low >> 16 & 0xFFFF) + (a >> 16)
    if b & 0xC000:
        return _LARGE
    if width == 8:
        c = (p[4] | p[5] << 8) + (high & 0xFFFF) + (b >> 16)
        d = (p[6] | p[7] << 8) + (high >> 16 & 0xFFFF) + (c >> 16)
        if (c | d) & 0xFFFF:
            return _LARGE
        h[_MARK_AT] = 1
        p[4] = c
        p[5] = c >> 8
        p[6] = d
        p[7] = d >> 8
    h[_MARK_AT] = 1
    p[0] = a
    p[1] = a >> 8
    p[2] = b
    p[3] = b >> 8
    h[_MARK_AT] = 0
    return a & 0xFFFF | (b & 0xFFFF) << 16


@micropython.viper
def _change(find, view, key, low: int, high: int, field: int, out) -> int:
    """Change the number of `field >> 4 & 15` bytes at `field >> 9` in the value; return the new one of an addition, else the old.

    `field & 7` is what happens to it, with low and high, 32 bits each. No width means to the value's end. With bit 3 of
    field, what would be returned goes to `out` instead, as long as the number. Byte by byte: a field may lie anywhere in a value.
    """
    what = field & 7
    into = field & 8
    width = field >> 4 & 15
    at = field >> 9
    size = ptr32(view)[_VALUE_SIZE]
    if not width:
        width = size - at
    if (width != 4 and width != 8 and width != 1 and width != 2) or at > size - width:
        return _NONE
    o = ptr8(out)
    at = int(find(key, key, 6))
    if at >= 0:
        return _NONE
    p = ptr8(int(ptr8(view)) - at + (field >> 9))
    i = 0
    shift = 0
    carry = 0
    told = 0
    made = 0
    first = 0
    large = 0
    while i < width:
        if i == 4:
            low = high
            first = made
            made = 0
            shift = 0
        old = p[i]
        new = low & 0xFF
        low >>= 8
        if what == _ADD:
            carry += old + new
            new = carry & 0xFF
            carry >>= 8
            old = new
        elif what == _OR:
            new |= old
        elif what == _AND:
            new &= old
        elif what == _XOR:
            new ^= old
        if into:
            o[i] = old
        elif i < 4:
            told |= old << shift
        else:
            large |= old
        made |= new << shift
        shift += 8
        i += 1
    if large or told >> 30:
        return _LARGE
    if width == 8:
        high = made
        made = first
    i = 0
    h = ptr8(view)
    h[_MARK_AT] = 1
    while i < width:
        if i == 4:
            made = high
        p[i] = made
        made >>= 8
        i += 1
    h[_MARK_AT] = 0
    return told


@micropython.viper
def _swap(find, view, key, expected, new, offset: int) -> int:
    """Copy new to `offset` in the value when expected is there; 1 when it was, 0 when not, -1 on a miss. The lengths are right."""
    e = ptr8(expected)
    v = ptr8(new)
    n = int(_length(new))
    at = int(find(key, key, 6))
    if at >= 0:
        return _NONE
    p = ptr8(int(ptr8(view)) - at + offset)
    i = 0
    while i < n:
        if p[i] != e[i]:
            return 0
        i += 1
    i = 0
    h = ptr8(view)
    h[_MARK_AT] = 1
    while i < n:
        p[i] = v[i]
        i += 1
    h[_MARK_AT] = 0
    return 1


@micropython.viper
def _write(find, view, key, data, offset: int) -> int:
    """Copy data to `offset` in the value; -1, and nothing is done, on a miss and past the value's end."""
    d = ptr8(data)
    n = int(_length(data))
    if offset > ptr32(view)[_VALUE_SIZE] - n:
        return _NONE
    at = int(find(key, key, 6))
    if at >= 0:
        return _NONE
    p = ptr8(int(ptr8(view)) - at + offset)
    i = 0
    h = ptr8(view)
    h[_MARK_AT] = 1
    while i < n:
        p[i] = d[i]
        i += 1
    h[_MARK_AT] = 0
    return 0


if GUARD != "none":
    _bare_add, _bare_change, _bare_swap, _bare_write = _add, _change, _swap, _write

    @micropython.native
    def _add(find, view, key, low, high, field):
        state = enter()
        try:
            return _bare_add(find, view, key, low, high, field)
        finally:
            leave(state)

    @micropython.native
    def _change(find, view, key, low, high, field, out):
        state = enter()
        try:
            return _bare_change(find, view, key, low, high, field, out)
        finally:
            leave(state)

    @micropython.native
    def _swap(find, view, key, expected, new, offset):
        state = enter()
        try:
            return _bare_swap(find, view, key, expected, new, offset)
        finally:
            leave(state)

    @micropython.native
    def _write(find, view, key, data, offset):
        state = enter()
        try:
            return _bare_write(find, view, key, data, offset)
        finally:
            leave(state)


def _large(m, what, key, operand, offset, width):
    """Change a number that takes heap: what is told is had before the change. None when there is no such key."""
    while True:
        value = m.lookup(key)
        if value is None:
            return None
        old = value[offset : offset + width]
        told = number = int.from_bytes(old, "little")
        if what == _ADD:
            told = number = (number + operand) & ((1 << 8 * width) - 1)
        elif what == _OR:
            number |= operand
        elif what == _AND:
            number &= operand
        elif what == _XOR:
            number ^= operand
        else:
            number = operand
        new = (number & ((1 << 8 * width) - 1)).to_bytes(width, "little")
        if _swap(m._sure, m._slice, key, old, new, offset) == 1:
            return told


def _rest(m, why, what, key, operand, offset, width):
    """Do what _change() did not, or raise the reason."""
    if why == _NONE:
        m._unchanged(what, key, offset, width, None)
        if width is None:
            width = m._value_size - offset
        told = _change(m._sure, m._slice, key, operand, operand >> 32, offset << 9 | width << 4 | what, m._slice)
        if told >= 0:
            return told
    told = _large(m, what, key, operand, offset, m._value_size - offset if width is None else width)
    if told is None:
        m._missing(m._OPERATIONS[what], key)
    return told


def _sure(find):
    """Return find for keys that have been looked at."""

    @micropython.viper
    def sure(key, _, what: int) -> int:
        return int(find(key, key, what | 16))

    return sure


def atomics(m):
    """Return add() and compare_and_swap() of the map m, whose _find is its op without a guard."""

    @micropython.native
    def add(key, delta, offset=0, width=None):
        if width is None:
            field = 0
        else:
            field = width << 4 if 0 < width < 9 else 0xF0
        if offset is _BEGIN:  # "is not" would be two calls
            pass
        else:
            field |= offset << 9 if 0 < offset < 65536 else 0xF0
        new = _add(m._find, m._slice, key, delta, delta >> 32, field)
        if new < 0:
            return _rest(m, new, _ADD, key, delta, offset, width)
        return new

    @micropython.native
    def compare_and_swap(key, expected, new):
        size = m._value_size
        if _is_plain(expected) and _is_plain(new) and len(expected) == size and len(new) == size:
            done = _swap(m._find, m._slice, key, expected, new, 0)
            if done >= 0:
                return done == 1
        m._unswapped(key, expected, new)
        return _swap(m._sure, m._slice, key, expected, _counted(new, m._value_size), 0) == 1

    m._sure = _sure(m._find)
    return add, compare_and_swap


def parts(m):
    """Give an ArrayMap or a HashMap what else changes a part of a value; return its add()."""

    @micropython.native
    def apply(key, operand, field, out):
        into = 0 if out is None else 8
        to = m._slice if out is None else out
        told = _change(m._find, m._slice, key, operand, operand >> 32, field | into, to)
        if told == _NONE and into:
            m._unchanged(field & 7, key, field >> 9, field >> 4 & 15, out)
            told = _change(m._sure, m._slice, key, operand, operand >> 32, field | into, to)
            if told < 0:
                m._missing(m._OPERATIONS[field & 7], key)
        elif told < 0:
            return _rest(m, told, field & 7, key, operand, field >> 9, field >> 4 & 15)
        return told if out is None else None

    @micropython.native
    def update_part(key, offset, data):
        if (
            not whole(offset)
            or not 0 <= offset < 65536
            or not _is_plain(data)
            or _write(m._find, m._slice, key, data, offset)
        ):
            m._unwritten(key, offset, data)
            _write(m._sure, m._slice, key, _counted(data, room(data)), offset)

    add, m.compare_and_swap = atomics(m)
    m._apply = apply
    m._of_field = no_field
    m.update_part = update_part
    return add


def no_field(*_):
    """Return None: functions of a field are made of others here, see fields.py."""
    return


def _counted(buffer, n):
    """Return a buffer of n bytes whose length says so: itself, or a copy, which takes heap."""
    return buffer if len(buffer) == n else bytes(buffer)


def _is_plain(buffer):
    return type(buffer) is bytes or type(buffer) is bytearray

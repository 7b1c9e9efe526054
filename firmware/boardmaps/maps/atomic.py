"""Numbers and parts of values that are changed in one step: what few programs call, so it is loaded when the first one does.

Map.__getattr__ asks for it, by method(). add, compare_and_swap and update_part are made for each map by its kernels; the rest
is here, over the kernels' _apply(); keyed.py has the reasons of what they refuse.
"""

from micropython import const

from .buffers import room, whole

# What _apply() does with a number
_ADD = const(0)
_OR = const(1)
_AND = const(2)
_XOR = const(3)
_EXCHANGE = const(4)

_OUT = ()  # a width: that of `out`


def method(m, name):
    """Return the map's method of this name, as an attribute that it keeps from now on; None when there is none here."""
    if name[:1] == "_" or name not in Atomic.__dict__:
        return None
    own = getattr(Atomic(m), name)
    setattr(m, name, own)
    return own


def _is_number(size, offset, width):
    return (width == 4 or width == 8 or width == 1 or width == 2) and 0 <= offset <= size - width


class Atomic:
    """Changes a number in a value, or a part of the value, in one step against interrupts (by GUARD), threads and the host.

    The number is unsigned and little-endian, and add wraps. It is the whole value when that has 1, 2, 4 or 8 bytes; else say
    which field: `width` bytes at `offset`. Those that return a number take heap only when it is 2**30 or more; those named
    _into never do. They write it to `out`, whose size is the number's width. All raise InvalidKeySize, InvalidValueSize (no such
    field) or KeyNotFound, and have changed nothing then. compare_and_swap(key, expected, new) and update_part(key, offset,
    data), which writes `data` at `offset` into the value under a key, are made for each map.
    """

    def __init__(self, m):
        self._map = m

    def fetch_or(self, key, operand, offset=0, width=None):
        """Set the bits of `operand` in a number; return the old number."""
        return self._map._apply(key, operand, self._number(_OR, key, offset, width, None), None)

    def fetch_and(self, key, operand, offset=0, width=None):
        """Clear the bits of a number that `operand` does not have; return the old number."""
        return self._map._apply(key, operand, self._number(_AND, key, offset, width, None), None)

    def fetch_xor(self, key, operand, offset=0, width=None):
        """Flip the bits of `operand` in a number; return the old number."""
        return self._map._apply(key, operand, self._number(_XOR, key, offset, width, None), None)

    def exchange(self, key, new, offset=0, width=None):
        """Store a new number; return the old one."""
        return self._map._apply(key, new, self._number(_EXCHANGE, key, offset, width, None), None)

    def add_into(self, key, delta, out, offset=0):
        """Add to a number and write the new one to `out`."""
        self._map._apply(key, delta, self._number(_ADD, key, offset, _OUT, out), out)

    def fetch_or_into(self, key, operand, out, offset=0):
        """Do fetch_or and write the old number to `out`."""
        self._map._apply(key, operand, self._number(_OR, key, offset, _OUT, out), out)

    def fetch_and_into(self, key, operand, out, offset=0):
        """Do fetch_and and write the old number to `out`."""
        self._map._apply(key, operand, self._number(_AND, key, offset, _OUT, out), out)

    def fetch_xor_into(self, key, operand, out, offset=0):
        """Do fetch_xor and write the old number to `out`."""
        self._map._apply(key, operand, self._number(_XOR, key, offset, _OUT, out), out)

    def exchange_into(self, key, new, out, offset=0):
        """Do exchange and write the old number to `out`."""
        self._map._apply(key, new, self._number(_EXCHANGE, key, offset, _OUT, out), out)

    def _number(self, what, key, offset, width, out):
        """Return what _apply() takes: what happens, from bit 4 the number's width, from bit 9 its offset."""
        size = self._map._value_size
        if width is _OUT:
            self._map._key(self._map._OPERATIONS[what], key)
            width = room(out, True)
        if whole(offset) and (width is None or whole(width)):
            n = size - offset if width is None else width
            if _is_number(size, offset, n):
                return offset << 9 | n << 4 | what
        return self._map._unchanged(what, key, offset, width, out)

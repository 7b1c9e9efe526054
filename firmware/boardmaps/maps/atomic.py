"""Numbers in values that are changed in one step: what few programs call, so it is loaded when the first one does.

Map.__getattr__ asks for it, by method(). add, compare_and_swap and update_part are made for each map by its kernels; the rest
is here, over the kernels' _apply(); keyed.py has the reasons of what they refuse.
"""

from .buffers import room, whole


def method(m, name):
    """Return the map's method of this name, as an attribute that it keeps from now on."""
    into = name.endswith("_into")
    made = Atomic(m, m._OPERATIONS.index(name[:-5] if into else name))
    own = getattr(made, name, None) or (made.into if into else made.told)
    setattr(m, name, own)
    return own


def _is_number(size, offset, width):
    return (width == 4 or width == 8 or width == 1 or width == 2) and 0 <= offset <= size - width


class Atomic:
    """Changes a number in a value in one step against interrupts (by GUARD), threads and the host: `what` of _OPERATIONS.

    The number is unsigned and little-endian, and add wraps. It is the whole value when that has 1, 2, 4 or 8 bytes; else say
    which field: `width` bytes at `offset`. All raise InvalidKeySize, InvalidValueSize (no such field) or KeyNotFound, and have
    changed nothing then.
    """

    def __init__(self, m, what):
        self._map = m
        self._what = what

    # The names are used twice so that a call's frame lies on the C stack, and not in the heap (serving/server.py).

    def told(self, key, operand, offset=0, width=None):
        """Return the old number, of an addition the new one. Takes heap only when that is 2**30 or more."""
        width = self._number(key, offset, width)
        return self._map._apply(key, operand, width, None)

    def into(self, key, operand, out, offset=0):
        """Write to `out`, whose size is the number's width, what told() returns. Takes no heap."""
        offset = self._number_into(key, offset, out)
        self._map._apply(key, operand, offset, out)

    # The same, where what is given has another name.

    def exchange(self, key, new, offset=0, width=None):
        """Store a new number; return the old one."""
        width = self._number(key, offset, width)
        return self._map._apply(key, new, width, None)

    def exchange_into(self, key, new, out, offset=0):
        """Store a new number and write the old one to `out`."""
        offset = self._number_into(key, offset, out)
        self._map._apply(key, new, offset, out)

    def add_into(self, key, delta, out, offset=0):
        """Add to a number and write the new one to `out`."""
        offset = self._number_into(key, offset, out)
        self._map._apply(key, delta, offset, out)

    # What _apply() takes: what happens, from bit 4 the number's width, from bit 9 its offset.

    def _number(self, key, offset, width):
        if whole(offset) and (width is None or whole(width)):
            n = self._map._value_size - offset if width is None else width
            if _is_number(self._map._value_size, offset, n):
                return offset << 9 | n << 4 | self._what
        return self._refuse(key, offset, width, None)

    def _number_into(self, key, offset, out):
        self._map._key(self._map._OPERATIONS[self._what], key)
        width = room(out, True)
        if whole(offset) and _is_number(self._map._value_size, offset, width):
            return offset << 9 | width << 4 | self._what
        return self._refuse(key, offset, width, out)

    def _refuse(self, key, offset, width, out):
        return self._map._unchanged(self._what, key, offset, width, out)

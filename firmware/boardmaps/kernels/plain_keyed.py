"""What the plain Python kernels of maps with keys share: look-ups with a check, and changes of a part of a value."""

from ..flags import const
from .plain_base import begin, end, fill, raw, word

# Words of a slice's header
_VALUE_SIZE = const(5)

# What happens to a number; maps/keyed.py has the same
_ADD = const(0)
_OR = const(1)
_AND = const(2)
_XOR = const(3)


def changed(what, number, operand, width):
    """Return what a number of `width` bytes becomes."""
    if what == _ADD:
        number += operand
    elif what == _OR:
        number |= operand
    elif what == _AND:
        number &= operand
    elif what == _XOR:
        number ^= operand
    else:
        number = operand
    return number & ((1 << 8 * width) - 1)


def atomics(m, locate):
    """Return change(), add() and compare_and_swap() of the map m.

    locate(key) returns where the key's value begins in the slice, 0 when there is none. change(what, key, operand, offset, width,
    out) is what the others of maps/keyed.py are made of.
    """

    def change(what, key, operand, offset, width, out):
        view = m._slice
        size = word(view, _VALUE_SIZE)
        operand >> 0  # raises TypeError for what is no number
        m._unchanged(what, key, offset, width, out)
        n = size - offset if width is None else width
        at = locate(key)
        at += offset
        old = int.from_bytes(bytes(view[at : at + n]), "little")
        new = changed(what, old, operand, n)
        told = new if what == _ADD else old
        if out is not None:
            fill(out, told.to_bytes(n, "little"))
            told = None
        data = new.to_bytes(n, "little")
        begin(view)
        view[at : at + n] = data
        end(view)
        return told

    def add(key, delta, offset=0, width=None):
        return change(_ADD, key, delta, offset, width, None)

    def compare_and_swap(key, expected, new):
        m._unswapped(key, expected, new)
        view = m._slice
        size = word(view, _VALUE_SIZE)
        at = locate(key)
        if bytes(view[at : at + size]) != bytes(raw(expected)):
            return False
        data = raw(new)
        begin(view)
        view[at : at + size] = data
        end(view)
        return True

    return change, add, compare_and_swap


def no_field(*_):
    """Return None: functions of a field are made of others here, see fields.py."""
    return


def parts(m, locate):
    """Give an ArrayMap or a HashMap what changes a part of a value."""
    change, m.add, m.compare_and_swap = atomics(m, locate)

    def apply(key, operand, field, out):
        return change(field & 7, key, operand, field >> 9, field >> 4 & 15, out)

    def update_part(key, offset, data):
        m._unwritten(key, offset, data)
        data = raw(data)
        at = locate(key) + offset
        view = m._slice
        begin(view)
        view[at : at + len(data)] = data
        end(view)

    m._apply = apply
    m._of_field = no_field
    m.update_part = update_part


def lookup_into(m):
    """Return lookup_into(key, out) over the map's op."""

    def lookup_into(key, out):
        done = m._op(key, out, 3)
        if done > 1:
            m._check_out("lookup_into", key, out)
            done = m._op(key, out, 19)  # 3, and looked at
        return done == 0

    return lookup_into

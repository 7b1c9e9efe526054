"""An array's kernels in plain Python."""

from ..flags import const
from .plain_base import begin, end, fill, known, raw, word
from .plain_keyed import lookup_into, parts

# What op() does, and what it answers
_UPDATE = const(0)
_LOOKUP = const(3)
_ZERO = const(5)
_LOOKED_AT = const(16)  # beside these: key and value are right
_DONE = const(0)
_MISS = const(1)
_WRONG_SIZE = const(4)

# Words of a slice's header
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_ENTRIES = const(12)
_STRIDE = const(14)


def find(view, index):
    """Return where the value at an index begins in the slice, 0 out of range."""
    if not 0 <= index < word(view, _MAX_ENTRIES):
        return 0
    return word(view, _ENTRIES) + index * word(view, _STRIDE)


def index_of(key):
    """Return the index that a key of either form stands for; -1 for what is no key, at a first look."""
    if isinstance(key, int) and not isinstance(key, bool):
        return key if key >= 0 else 1 << 32
    return int.from_bytes(key, "little") if known(key, 4) else -1


def op(view, key, value, what):
    """Do `what` (update, look-up or set to zero) with the value under a key."""
    size = word(view, _VALUE_SIZE)
    if what & _LOOKED_AT:
        what &= 15
        index = index_of(raw(key) if not isinstance(key, int) else key)
    else:
        index = index_of(key)
        if index < 0 or (what != _ZERO and not known(value, size, what == _LOOKUP)):
            return _WRONG_SIZE
    at = find(view, index)
    if not at:
        return _MISS
    if what == _LOOKUP:
        fill(value, view[at : at + size])
        return _DONE
    data = bytes(size) if what == _ZERO else raw(value)
    begin(view)
    view[at : at + size] = data
    end(view)
    return _DONE


def drive(m):
    """Give an ArrayMap its functions."""

    def locate(key):
        return find(m._slice, index_of(key if isinstance(key, int) else raw(key)))

    def own_op(key, value, what):
        return op(m._slice, key, value, what)

    def update(key, value, flags=0):
        if flags is not _UPDATE or op(m._slice, key, value, _UPDATE):
            m._settle(key, value, flags)

    m._op = own_op
    m.lookup_into = lookup_into(m)
    m.update = update
    parts(m, locate)

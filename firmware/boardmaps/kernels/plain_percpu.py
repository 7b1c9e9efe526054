"""The kernels of per-CPU maps in plain Python: rows with the values of all CPUs, under a hash's keys or an index."""

from ..flags import const
from . import plain_array as array
from . import plain_hash as table
from .plain_base import begin, end, fill, raw, word
from .plain_keyed import atomics

_PERCPU_ARRAY = const(6)  # the map type

# What row() does; 0, 1 and 2 are update's flags
_NOEXIST = const(1)
_EXIST = const(2)
_READ = const(3)
_TAKE = const(4)
_ZERO = const(5)

# What it answers
_DONE = const(0)
_MISS = const(1)
_EXISTS = const(2)
_FULL = const(3)

# Words of a slice's header
_MAP_TYPE = const(2)
_VALUE = const(13)
_STRIDE = const(14)

_DELETE = const(5)  # what a hash table's op does
_FIND = const(6)
_NEXT = const(7)
_LOOKED_AT = const(16)


entry_at = table.entry_at


def rp2_cpu():
    """Return the RP2's CPUID, the first register of its SIO."""
    from machine import mem32  # saves heap: only rp2 has it

    return mem32[0xD0000000]


def find(view, key):
    """Return where the row under a key begins in the slice, 0 when there is none. An array's keys are indices here."""
    if word(view, _MAP_TYPE) == _PERCPU_ARRAY:
        return array.find(view, key)
    return max(0, -table.op(view, key, key, _FIND | _LOOKED_AT))


def row(m, key, at, buffer, what):
    """Do `what & 15` with the `what >> 4` bytes of `buffer` at `at` in m's row under key."""
    view = m._slice
    n = what >> 4
    what &= 15
    whole = word(view, _STRIDE) - word(view, _VALUE)
    at_row = find(view, key)
    if not at_row:
        if what >= _EXIST or word(view, _MAP_TYPE) == _PERCPU_ARRAY:
            return _MISS
        slot = table.create(view, bytes(key))
        if not slot:
            return _FULL
        at_row = find(view, key)
        view[at_row : at_row + whole] = bytes(whole)  # the mark is set
    elif what == _NOEXIST:
        return _EXISTS
    if what == _ZERO or what < _READ:
        data = bytes(whole) if what == _ZERO else raw(buffer)[:n]
        if what != _ZERO:
            at_row += at
        begin(view)
        view[at_row : at_row + len(data)] = data
        end(view)
    else:
        fill(buffer, view[at_row + at : at_row + at + n])
        if what == _TAKE:
            table.op(view, key, key, _DELETE | _LOOKED_AT)
    return _DONE


def _drive(m):
    def locate(key):
        row = find(m._slice, key)
        return row and row + m._offset()

    _, m._add, m._swap = atomics(m, locate)


def drive_array(m):
    """Give a PerCpuArray its functions."""
    _drive(m)


def drive_hash(m):
    """Give a PerCpuHash its functions."""
    _drive(m)

    def next_key(key, out):
        return table.op(m._slice, key, out, _NEXT | _LOOKED_AT)

    m._next = next_key

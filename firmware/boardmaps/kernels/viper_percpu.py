"""The kernels of per-CPU maps as MicroPython compiles them: rows with the values of all CPUs, under a hash's keys or an index."""

import micropython
from micropython import const

from ..settings import GUARD
from .viper_base import address, enter, leave
from .viper_hash import entry_at, rows  # noqa: F401 - a walk calls entry_at
from .viper_keyed import atomics

# What row() does; 0, 1 and 2 are update's flags
_NOEXIST = const(1)
_EXIST = const(2)
_READ = const(3)
_TAKE = const(4)
_ZERO = const(5)

# What a hash's own op does, and what it answers; viper_hash.py has them
_DELETE = const(5)
_FIND = const(6)
_NEXT = const(7)
_CREATE = const(8)
_MISS = const(1)
_EXISTS = const(2)

# Words of a slice's header
_MAX_ENTRIES = const(6)
_ENTRIES = const(12)
_VALUE = const(13)
_STRIDE = const(14)

_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes

_LOOKED_AT = const(16)  # beside these


@micropython.viper
def rp2_cpu() -> int:
    """Return the RP2's CPUID, the first register of SIO at 0xd0000000. A shift, because that is no small int."""
    sio = 0x34000000
    return ptr32(sio << 2)[0]


@micropython.viper
def _row(find, view, key, at: int, buffer, what: int) -> int:
    """Do `what & 15` with `what >> 4` bytes, `buffer`, at `at` in the row under key; 0 when done, else what find says.

    find(key, key, _FIND) gives minus the row's offset in the slice; find(key, key, _CREATE) makes a new entry, and leaves the
    mark set. Key and buffer are right.
    """
    n = what >> 4
    what &= 15
    row = int(find(key, key, _FIND | _LOOKED_AT))
    base = int(ptr8(view))
    h = ptr32(base)
    whole = h[_STRIDE] - h[_VALUE]
    if row >= 0:
        if row != _MISS or what >= _EXIST:
            return row
        row = int(find(key, key, _CREATE | _LOOKED_AT))
        if row:
            return row
        row = int(find(key, key, _FIND | _LOOKED_AT))
        p = ptr8(base - row)
        i = 0
        while i < whole:
            p[i] = 0
            i += 1
    elif what == _NOEXIST:
        return _EXISTS
    p = ptr8(base - row)
    i = 0
    if what == _ZERO:
        ptr8(base)[_MARK_AT] = 1
        while i < whole:
            p[i] = 0
            i += 1
        ptr8(base)[_MARK_AT] = 0
        return 0
    p = ptr8(int(p) + at)
    b = ptr8(buffer)
    if what <= _TAKE and what >= _READ:
        while i < n:
            b[i] = p[i]
            i += 1
        if what == _TAKE:
            find(key, key, _DELETE | _LOOKED_AT)
        return 0
    ptr8(base)[_MARK_AT] = 1
    while i < n:
        p[i] = b[i]
        i += 1
    ptr8(base)[_MARK_AT] = 0
    return 0


if GUARD != "none":
    _bare_row = _row

    @micropython.native
    def _row(find, view, key, at, buffer, what):
        state = enter()
        try:
            return _bare_row(find, view, key, at, buffer, what)
        finally:
            leave(state)


def _own(find, at):
    """Return what viper_keyed.py calls a map's op: finds this CPU's value in the row, which is at() behind its begin."""

    @micropython.viper
    def op(key, _, __) -> int:
        row = int(find(key, key, _FIND | _LOOKED_AT))
        if row < 0:
            row -= int(at())
        return row

    return op


def _indices(base):
    """Return (move, find) for an array whose slice is at address `base`: a hash's op, as far as an array needs it."""

    def move(view):
        nonlocal base
        base = address(view)

    @micropython.viper
    def find(index: int, _, __: int) -> int:
        h = ptr32(int(base))
        if index < 0 or index >= h[_MAX_ENTRIES]:
            return _MISS
        return 0 - h[_ENTRIES] - index * h[_STRIDE]

    return move, find


@micropython.native
def row(m, key, at, buffer, what):
    """Do `what` with the bytes at `at` in m's row under key. Not a closure: one of so many arguments takes heap at a call."""
    return _row(m._rows, m._slice, key, at, buffer, what)


def _drive(m, find):
    """Give m its functions over find, an op without a guard."""
    m._rows = find
    m._find = _own(find, m._offset)
    m._add, m._swap = atomics(m)


def drive_array(m):
    """Give a PerCpuArray its functions."""
    m._move, find = _indices(0)
    _drive(m, find)


def drive_hash(m):
    """Give a PerCpuHash its functions."""
    find = rows(m)
    _drive(m, find)

    def next_key(key, out):
        state = enter()
        try:
            return find(key, out, _NEXT | _LOOKED_AT)
        finally:
            leave(state)

    m._next = next_key

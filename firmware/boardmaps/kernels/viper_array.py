"""An array's kernels as MicroPython compiles them: viper, for firmware without the C ones. drive(m) gives an ArrayMap its own."""

import sys

import micropython
from micropython import const

from ..settings import GUARD
from .viper_base import address, guarded, identity, place
from .viper_keyed import checked_lookup, parts

# What op() does, and what it answers: the numbers that viper_keyed.py knows
_UPDATE = const(0)
_LOOKUP = const(3)
_ZERO = const(5)
_FIND = const(6)
_LOOKED_AT = const(16)  # beside these: key and value are right
_DONE = const(0)
_MISS = const(1)
_WRONG_SIZE = const(4)

_BEGIN = const(0)  # of a value; None and 0.0 are no offsets

# Words of a slice's header
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_ENTRIES = const(12)
_STRIDE = const(14)

_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes

# Objects for viper code, where a name of the module costs less than one of the builtins
_is = isinstance
_int = int


def _kernels(at, identity, box, check):
    """Return (lookup_into, put, quick_add, op) of a map; 8 * `at` is the address of its place, as viper_base.py has it.

    viper_hash.py says why these are closures, and of what kind. The first three know only keys that are ints. Such a key's
    ptr8() is its value; that of any other key is where its bytes lie, which is past every index (and where it is not, the
    division raises TypeError). ptr8() shows only the lowest bits of a long int: an index is also below `at`, so dividing by
    that gives 0. An eighth of the address, because that is a small int wherever the RAM lies: dividing by a whole address
    takes heap from 2**30 up, and from 2**31 up the address is negative. A bool is no index: only 0 and 1 can be
    one, and it is an object, with an even id() where an int's is odd. `box` is
    any function that returns the small int that it is given.
    """

    @micropython.viper
    def op(key, value, what: int) -> int:
        """Do `what` with the entry under a key of either form. _WRONG_SIZE: look at key and value."""
        p = ptr32(int(at) << 3)
        h = ptr32(p[0] | p[1] << 32)
        n = h[_VALUE_SIZE]
        if what < _ZERO:
            i = int(identity(value))
            if i & 3 or ptr32(i + p[4])[0] != n:
                return _WRONG_SIZE
            i = ptr32(i)[0]
            if i != p[3] and (i != p[2] or what == _LOOKUP):
                return _WRONG_SIZE
        top = h[_MAX_ENTRIES]
        if _is(key, _int):
            i = int(key)
            if i < 0 or i >= top or key // at:
                i = top
        else:
            if what < _LOOKED_AT:
                i = int(identity(key))
                if i & 3 or ptr32(i + p[4])[0] != 4:
                    return _WRONG_SIZE
                i = ptr32(i)[0]
                if i != p[3] and i != p[2]:
                    return _WRONG_SIZE
            k = ptr8(key)
            i = k[0] | k[1] << 8 | k[2] << 16
            if k[3] or i > top:
                i = top
        if i == top:
            return _MISS
        what &= 15
        offset = h[_ENTRIES] + i * h[_STRIDE]
        if what == _FIND:
            return 0 - offset
        e = ptr8(int(h) + offset)
        v = ptr8(value)
        i = 0
        if what == _LOOKUP:
            while i < n:
                v[i] = e[i]
                i += 1
            return _DONE
        ptr8(int(h))[_MARK_AT] = 1
        if what == _ZERO:
            while i < n:
                e[i] = 0
                i += 1
        else:
            while i < n:
                e[i] = v[i]
                i += 1
        ptr8(int(h))[_MARK_AT] = 0
        return _DONE

    slow = checked_lookup(op, check)

    @micropython.viper
    def lookup_into(key, out) -> bool:
        p = ptr32(int(at) << 3)
        h = ptr32(p[0] | p[1] << 32)
        n = h[_VALUE_SIZE]
        i = int(identity(out))
        if i & 3 or ptr32(i)[0] != p[3] or ptr32(i + p[4])[0] != n:
            return int(slow(key, out)) != 0
        i = int(ptr8(key))
        if i < 0 or i >= h[_MAX_ENTRIES] or key // at or (i < 2 and not int(identity(key)) & 1):
            return int(slow(key, out)) != 0
        i = int(h) + h[_ENTRIES] + i * h[_STRIDE]
        v = ptr32(out)
        if not int(v) & 3:  # else bytes: a Cortex-M0+ faults on words that are not aligned
            e = ptr32(i)
            while n >= 4:
                v[0] = e[0]
                e = ptr32(int(e) + 4)
                v = ptr32(int(v) + 4)
                n -= 4
            i = int(e)
        if n:
            e8 = ptr8(i)
            v8 = ptr8(int(v))
            i = 0
            while i < n:
                v8[i] = e8[i]
                i += 1
        return True

    @micropython.viper
    def put(key, value) -> int:
        """Do op(key, value, _UPDATE), faster."""
        p = ptr32(int(at) << 3)
        h = ptr32(p[0] | p[1] << 32)
        n = h[_VALUE_SIZE]
        i = int(identity(value))
        if i & 3 or ptr32(i + p[4])[0] != n:
            return _WRONG_SIZE
        i = ptr32(i)[0]
        if i != p[3] and i != p[2]:
            return _WRONG_SIZE
        i = int(ptr8(key))
        if i < 0 or i >= h[_MAX_ENTRIES] or key // at or (i < 2 and not int(identity(key)) & 1):
            return int(op(key, value, _UPDATE))
        i = int(h) + h[_ENTRIES] + i * h[_STRIDE]
        v = ptr32(value)
        ptr8(int(h))[_MARK_AT] = 1
        if not int(v) & 3:
            e = ptr32(i)
            while n >= 4:
                e[0] = v[0]
                e = ptr32(int(e) + 4)
                v = ptr32(int(v) + 4)
                n -= 4
            i = int(e)
        if n:
            e8 = ptr8(i)
            v8 = ptr8(int(v))
            i = 0
            while i < n:
                e8[i] = v8[i]
                i += 1
        ptr8(int(h))[_MARK_AT] = 0
        return _DONE

    @micropython.viper
    def quick_add(key, delta):
        """Add to a whole value of 4 or 8 bytes; None, and nothing done, for what needs the long way.

        That is a delta that is not between -at and at, and a number that takes heap on a 32-bit board.
        """
        p = ptr32(int(at) << 3)
        h = ptr32(p[0] | p[1] << 32)
        n = h[_VALUE_SIZE]
        i = int(ptr8(key))
        if i < 0 or i >= h[_MAX_ENTRIES] or key // at or (i < 2 and not int(identity(key)) & 1):
            return None
        if (n != 4 and n != 8) or (delta // at and (~delta) // at):
            return None
        d = int(delta)
        e = ptr16(int(h) + h[_ENTRIES] + i * h[_STRIDE])
        a = e[0] + (d & 0xFFFF)
        d >>= 16
        b = e[1] + (d & 0xFFFF) + (a >> 16)
        if b & 0xC000:
            return None
        if n == 8:
            d >>= 16
            i = e[2] + (d & 0xFFFF) + (b >> 16)
            n = e[3] + (d >> 16 & 0xFFFF) + (i >> 16)
            if (i | n) & 0xFFFF:
                return None
            ptr8(int(h))[_MARK_AT] = 1
            e[2] = i
            e[3] = n
        ptr8(int(h))[_MARK_AT] = 1
        e[0] = a
        e[1] = b
        ptr8(int(h))[_MARK_AT] = 0
        return box(e[0] | e[1] << 16)  # a call, to make an object of it

    return lookup_into, put, quick_add, op


def _front(put, quick_add, add, m):
    """Return update and add of the map m; its _settle(key, value, flags) does again what failed and says why."""

    @micropython.native
    def update(key, value, flags=0):
        if flags is _UPDATE:  # "is not" would be two calls
            if not put(key, value):
                return
        m._settle(key, value, flags)

    # One closed-over name and four arguments: a closure of more than five in all takes heap at every call.
    both = (quick_add, add)

    @micropython.native
    def add_to(key, delta, offset=0, width=None):
        if offset is _BEGIN:
            if width is None:
                new = both[0](key, delta)
                if new is None:
                    return both[1](key, delta)
                return new
        return both[1](key, delta, offset, width)

    return update, add_to


def drive(m):
    """Give an ArrayMap its functions, within the board's guard."""
    m._words, m._move = place()
    eighth = (address(m._words) & (sys.maxsize * 2 + 1)) >> 3  # as a number without a sign
    m.lookup_into, put, quick_add, m._find = _kernels(eighth, identity, abs, m._check_out)
    m._op = guarded(m._find, 3)
    if GUARD != "none":
        m.lookup_into = checked_lookup(m._op, m._check_out)
    add = parts(m)
    m.update, m.add = _front(guarded(put, 2), guarded(quick_add, 2), add, m)

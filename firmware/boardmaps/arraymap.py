"""ArrayMap: `max_entries` values in a row, all there from the start, reached by index in one step."""

import micropython
from micropython import const

from .abi import ARRAY
from .batch import Batches
from .definition import HEADER_SIZE, MapDef
from .errors import KeyExists, KeyNotFound
from .guard import GUARD, guarded
from .keyed import add, checked_lookup, joined, swap
from .pool import Map

# What op() does, and what it answers: the numbers that keyed.py knows
_UPDATE = const(0)
_LOOKUP = const(3)
_ZERO = const(5)
_FIND = const(6)
_DONE = const(0)
_MISS = const(1)
_WRONG_SIZE = const(4)

# Words of a slice's header
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_ENTRIES = const(12)
_STRIDE = const(14)

# Objects for viper code, where a name of the module costs less than one of the builtins
_is = isinstance
_int = int


def _kernels(at, size_of, box, joined, refuse):
    """Return (move, lookup_into, put, quick_add, op) of the map whose slice is at address `at`.

    hashmap.py says why these are closures, and of what kind. The first three know only keys that are ints. Such a key's
    ptr8() is its value; that of any other key is where its bytes lie, which is past every index (and where it is not, the
    division raises TypeError). ptr8() shows only the lowest bits of a long int: an index is also below any slice's address,
    so dividing by that gives 0. `box` is any function that returns the small int that it is given.
    """

    def move(to):
        nonlocal at
        at = to

    @micropython.viper
    def op(key, value, what: int) -> int:
        """Do `what` with the entry under a key of either form."""
        h = ptr32(int(at))
        top = h[_MAX_ENTRIES]
        if _is(key, _int):
            i = int(key)
            if i < 0 or i >= top or key // at:
                i = top
        else:
            if int(size_of(key)) != 4:
                return _WRONG_SIZE
            k = ptr8(key)
            i = k[0] | k[1] << 8 | k[2] << 16
            if k[3] or i > top:
                i = top
        n = h[_VALUE_SIZE]
        if what < _ZERO and int(size_of(value)) != n:
            return _WRONG_SIZE
        if i == top:
            return _MISS
        place = h[_ENTRIES] + i * h[_STRIDE]
        if what == _FIND:
            return 0 - place
        e = ptr8(int(h) + place)
        i = 0
        if what == _ZERO:
            while i < n:
                e[i] = 0
                i += 1
            return _DONE
        v = ptr8(value)
        if what == _LOOKUP:
            while i < n:
                v[i] = e[i]
                i += 1
        else:
            while i < n:
                e[i] = v[i]
                i += 1
        return _DONE

    slow = checked_lookup(op, refuse)

    @micropython.viper
    def lookup_into(key, out) -> bool:
        h = ptr32(int(at))
        n = h[_VALUE_SIZE]
        i = int(ptr8(key))
        if i < 0 or i >= h[_MAX_ENTRIES] or key // at or int(size_of(out)) != n:
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
        h = ptr32(int(at))
        n = h[_VALUE_SIZE]
        i = int(ptr8(key))
        if i < 0 or i >= h[_MAX_ENTRIES] or key // at or int(size_of(value)) != n:
            return int(op(key, value, _UPDATE))
        i = int(h) + h[_ENTRIES] + i * h[_STRIDE]
        v = ptr32(value)
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
        return _DONE

    @micropython.viper
    def quick_add(key, delta):
        """Add to a whole value of 4 or 8 bytes; None, and nothing done, for what needs the long way."""
        h = ptr32(int(at))
        n = h[_VALUE_SIZE]
        i = int(ptr8(key))
        sign = int(delta // at)
        d = int(delta)
        if i < 0 or i >= h[_MAX_ENTRIES] or key // at or (n != 4 and n != 8) or (sign and sign + 1) or (d ^ sign) < 0:
            return None
        e = ptr16(int(h) + h[_ENTRIES] + i * h[_STRIDE])
        a = e[0] + (d & 0xFFFF)
        d >>= 16
        b = e[1] + (d & 0xFFFF) + (a >> 16)
        e[0] = a
        e[1] = b
        if n == 8:
            d >>= 16
            a = e[2] + (d & 0xFFFF) + (b >> 16)
            e[2] = a
            e[3] += (d >> 16 & 0xFFFF) + (a >> 16)
            if e[2] | e[3]:
                return joined(e[0], e[1], e[2], e[3])
        if e[1] >> 14:
            return joined(e[0], e[1], 0, 0)
        return box(e[0] | e[1] << 16)  # a call, to make an object of it

    return move, lookup_into, put, quick_add, op


def _front(put, settle, m):
    """Return update, add over a map's kernels; settle(key, value, flags) does again what failed and says why."""

    @micropython.native
    def update(key, value, flags=0):
        if flags or put(key, value):
            settle(key, value, flags)

    @micropython.native
    def add(key, delta, offset=0, width=None):
        if not offset and width is None:
            new = m._quick_add(key, delta)
            if new is not None:
                return new
        return m._add(key, delta, offset, width)

    return update, add


class ArrayMap(Batches, Map):
    """An array of fixed length in the static pool: `max_entries` values of value_size bytes, zero from the start.

    A key is the index, as an int (quicker) or as 4 bytes, little-endian. Takes 96 bytes, and value_size rounded up to 4 an
    entry. Raises InvalidDefinition, InvalidFlags or OutOfMemory (the pool).

    Three functions are made for each map, so that they are quick and a handler can keep them; they allocate nothing, and a
    hard interrupt may call them (with GUARD "irq" if the map is used outside it too):

    - lookup_into(key, out): copy the value into `out` (value_size bytes; it must be writable, which is not checked);
      return False out of range.
    - update(key, value, flags=0): set the value at an index. Out of range raises KeyNotFound, BPF_NOEXIST KeyExists.
    - add(key, delta, offset=0, width=None): add to an unsigned little-endian number in one step and return the new one; it
      wraps. The number is the whole value when that has 1, 2, 4 or 8 bytes; else say which field: `width` bytes at
      `offset`. Raises InvalidValueSize (no such field), KeyNotFound. Takes heap only for numbers from 2**30 up.
    """

    def __init__(self, value_size, max_entries, map_flags=0, name=""):
        self._move, self.lookup_into, put, quick_add, self._find = _kernels(0, len, abs, joined, self._refuse)
        self._op = guarded(self._find, 3)
        self._quick_add = guarded(quick_add, 2)
        if GUARD != "none":
            self.lookup_into = checked_lookup(self._op, self._refuse)
        self.update, self.add = _front(guarded(put, 2), self._settle, self)
        Map.__init__(self, MapDef(ARRAY, 4, value_size, max_entries, map_flags, name))

    @classmethod
    def with_entries(cls, value_size, max_entries, name="", map_flags=0):
        """Make an array of `max_entries` values of value_size bytes each: the guide's constructor."""
        return cls(value_size, max_entries, map_flags, name)

    def lookup(self, key):
        """Return the value as bytes, or None when the index is out of range. Not in a hard interrupt: it allocates."""
        self._alive("lookup")
        out = bytearray(self._value_size)
        done = self._op(key, out, _LOOKUP)
        if done == _WRONG_SIZE:
            self._refuse("lookup", key)
        return bytes(out) if done == _DONE else None

    def delete(self, key):
        """Set the value at an index to zero. Out of range raises KeyNotFound.

        Allocates nothing; good in a hard interrupt.
        """
        done = self._op(key, key, _ZERO)
        if done == _WRONG_SIZE:
            self._refuse("delete", key)
        if done == _MISS:
            self._out_of_range("delete", key)

    def _add(self, key, delta, offset, width):
        return add(self, key, delta, offset, width)

    def compare_and_swap(self, key, expected, new):
        """Store `new` if the value is `expected`, in one step; return whether it was. Raises KeyNotFound.

        Allocates nothing; good in a hard interrupt.
        """
        return swap(self, key, expected, new)

    def next_key(self, key=None):
        """Return the next index as 4 bytes: 0 for None or an index out of range, None behind the last.

        Not in a hard interrupt: it allocates.
        """
        self._alive("next_key")
        index = 0
        if key is not None:
            place = self._find(key, key, _FIND)
            if place == _WRONG_SIZE:
                self._refuse("next_key", key)
            if place < 0:
                index = (-place - HEADER_SIZE) // (self._value_size + 3 & ~3) + 1
        return index.to_bytes(4, "little") if index < self.definition.max_entries else None

    def __len__(self):
        self._alive("len")
        return self.definition.max_entries

    def _settle(self, key, value, flags):
        """Do an update with flags, or again what was refused, and raise the reason."""
        if not 0 <= flags <= 2:
            self._check_key("update", key)
            self._refuse("update", bytes(4), value, flags)
        if flags == 1 and len(value) == self._value_size and self._find(key, key, _FIND) < 0:
            raise KeyExists("update %r: BPF_NOEXIST, and every entry of an array is there" % self.name)
        done = self._op(key, value, _UPDATE)
        if done == _WRONG_SIZE:
            self._check_key("update", key)
            self._refuse("update", bytes(4), value)
        if done == _MISS:
            self._out_of_range("update", key)

    def _check_key(self, what, key):
        if not isinstance(key, int) and len(key) != 4:
            self._refuse(what, key)

    def _out_of_range(self, what, key):
        self._alive(what)
        if not isinstance(key, int):
            key = int.from_bytes(key, "little")
        raise KeyNotFound(
            "%s %r: index %d is out of range (0 to %d)" % (what, self.name, key, self.definition.max_entries - 1)
        )

    def _at(self, cursor):
        value = self.lookup(cursor - 1)
        return value and (cursor + 1, (cursor - 1).to_bytes(4, "little"), value)

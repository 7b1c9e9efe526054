"""ArrayMap: `max_entries` values in a row, all there from the start, reached by index in one step."""

from struct import unpack_from

from micropython import const

from ..definition import MapDef
from ..errors import InvalidKeySize, KeyExists, KeyNotFound
from ..kinds import ARRAY
from ..settings import kernels
from .buffers import holds, index_of
from .keyed import Keyed

_kernels = kernels("array")

# What a map's _op() does and answers, as viper_array.py has it
_UPDATE = const(0)
_LOOKUP = const(3)
_ZERO = const(5)
_DONE = const(0)
_MISS = const(1)
_WRONG_SIZE = const(4)
_LOOKED_AT = const(16)  # beside what is done: key and value are right

_ENTRIES = const(12)  # a word of a slice's header


class ArrayMap(Keyed):
    """An array of fixed length in the static pool: `max_entries` values of value_size bytes, zero from the start.

    A key is the index, as an int (quicker) or as 4 bytes, little-endian. Takes 96 bytes, and value_size rounded up to 4 an
    entry. Raises InvalidDefinition, InvalidFlags or OutOfMemory (the pool).

    Five functions are made for each map, so that they are quick and a handler can keep them; they allocate nothing, and a
    hard interrupt may call them (with GUARD "irq" if the map is used outside it too):

    - lookup_into(key, out): copy the value into `out` (value_size bytes, writable); return False out of range.
    - update(key, value, flags=0): set the value at an index. Out of range raises KeyNotFound, BPF_NOEXIST KeyExists.
    - add(key, delta, offset=0, width=None): add to an unsigned little-endian number in one step and return the new one; it
      wraps. The number is the whole value when that has 1, 2, 4 or 8 bytes; else say which field: `width` bytes at
      `offset`. Raises InvalidValueSize (no such field), KeyNotFound. Takes heap only for numbers from 2**30 up.
    - compare_and_swap(key, expected, new): store `new` if the value is `expected`, in one step; return whether it was.
      Raises KeyNotFound.
    - update_part(key, offset, data): write `data` at `offset` into the value, in one step. Past its end raises
      InvalidValueSize, out of range KeyNotFound.

    fetch_or, fetch_and, fetch_xor, exchange (key, operand, offset=0, width=None) change such a number in one step and return the
    old one; add_into, fetch_or_into and so on (key, operand, out, offset=0) write to `out`, whose size is the number's, what the
    others return, and never take heap. They are loaded when a map is first asked for one: take them (`flags = m.fetch_or`)
    before a hard interrupt calls them.
    """

    _indexed = True
    _later = Keyed._ATOMICS

    def __init__(self, value_size, max_entries, map_flags=0, name="", schema=""):
        _kernels.drive(self)
        Keyed.__init__(self, MapDef(ARRAY, 4, value_size, max_entries, map_flags, name, schema=schema))

    @classmethod
    def with_entries(cls, value_size, max_entries, name="", map_flags=0):
        """Make an array of `max_entries` values of value_size bytes each; the name stands before the flags here."""
        return cls(value_size, max_entries, map_flags, name)

    def lookup(self, key):
        """Return the value as bytes, or None when the index is out of range. Not in a hard interrupt: it allocates."""
        self._key("lookup", key)
        out = bytearray(self._value_size)
        return bytes(out) if self._op(key, out, _LOOKUP | _LOOKED_AT) == _DONE else None

    def delete(self, key):
        """Set the value at an index to zero. Out of range raises KeyNotFound.

        Allocates nothing; good in a hard interrupt.
        """
        done = self._op(key, key, _ZERO)
        if done == _WRONG_SIZE:
            self._key("delete", key)
            done = self._op(key, key, _ZERO | _LOOKED_AT)
        if done == _MISS:
            self._missing("delete", key)

    def view(self, index):
        """Return a writable memoryview of the value at an index, in the pool itself: no copy, and nothing guards it.

        It cannot be taken back. After StaticPool.reset() it shows whatever the pool holds at that place then, another map's
        bytes too: drop it before. Out of range raises KeyNotFound. Not in a hard interrupt: it allocates.
        """
        self._key("view", index)
        i = self._index(index)
        if not 0 <= i < self.definition.max_entries:
            self._missing("view", index)
        entries, _, stride = unpack_from("<3I", self._slice, _ENTRIES * 4)
        return self._slice[entries + i * stride : entries + i * stride + self._value_size]

    def next_key(self, key=None):
        """Return the next index as 4 bytes: 0 for None or an index out of range, None behind the last.

        Not in a hard interrupt: it allocates.
        """
        self._alive("next_key")
        last = self.definition.max_entries - 1
        index = -1
        if key is not None:
            self._key("next_key", key)
            index = self._index(key)
        if index == last:
            return None
        return (index + 1 if 0 <= index < last else 0).to_bytes(4, "little")

    def __len__(self):
        self._alive("len")
        return self.definition.max_entries

    def _settle(self, key, value, flags):
        """Do an update with flags, or again what was refused, and raise the reason."""
        op = "update"
        self._key(op, key)
        self._value(op, value)
        self._flags(op, flags)
        if flags == 1 and not self._absent(key):
            self._fail(KeyExists, "%s %r: BPF_NOEXIST, and every entry of an array is there", op)
        if self._op(key, value, _UPDATE | _LOOKED_AT):
            self._missing(op, key)

    def _key(self, op, key):
        """Refuse what is no key: an int, of any size, or 4 bytes."""
        self._alive(op)
        if not isinstance(key, int) and not holds(key, 4):
            self._fail(InvalidKeySize, "%s %r: key is %d bytes, not %d", op, key, 4)

    def _index(self, key):
        """Return the number that a key of either form stands for."""
        return key if isinstance(key, int) else unpack_from("<I", key)[0]

    def _absent(self, key):
        return index_of(key) >= self.definition.max_entries

    def _missing(self, op, key):
        self._key(op, key)
        try:
            index = self._index(key)
        except MemoryError:
            index = -1
        self._fail(KeyNotFound, "%s %r: index %d is out of range (0 to %d)", op, index, self.definition.max_entries - 1)

    def _at(self, cursor):
        value = self.lookup(cursor - 1)
        return value and (cursor + 1, (cursor - 1).to_bytes(4, "little"), value)

"""ArrayMap: `max_entries` values in a row, all there from the start, reached by index in one step."""

import micropython
from micropython import const

from .abi import ARRAY
from .definition import MapDef
from .errors import KeyExists, KeyNotFound
from .pool import Map

# Operations of the kernel below
_LOOKUP = const(0)
_UPDATE = const(1)
_ZERO = const(2)

# Words of a slice's header
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_ENTRIES = const(12)
_STRIDE = const(14)

_OUT_OF_RANGE = const(0x3FFFFFFF)  # an index that no array in a pool has: the largest small int of a 32-bit board


@micropython.viper
def _array_op(view, index: int, value, op: int) -> int:
    """Copy entry `index` to value, value to the entry, or zero the entry; 0 when the index is out of range."""
    h = ptr32(view)
    if index < 0 or index >= h[_MAX_ENTRIES]:
        return 0
    e32 = ptr32(int(h) + h[_ENTRIES] + index * h[_STRIDE])
    e8 = ptr8(int(e32))
    n = h[_VALUE_SIZE]
    i = 0
    if op == _ZERO:
        while i < n:
            e8[i] = 0
            i += 1
        return 1
    v = ptr8(value)
    words = 0
    if not int(v) & 3:
        words = n >> 2
    v32 = ptr32(int(v))
    if op == _LOOKUP:
        while i < words:
            v32[i] = e32[i]
            i += 1
        i <<= 2
        while i < n:
            v[i] = e8[i]
            i += 1
    else:
        while i < words:
            e32[i] = v32[i]
            i += 1
        i <<= 2
        while i < n:
            e8[i] = v[i]
            i += 1
    return 1


class ArrayMap(Map):
    """An array of fixed length in the static pool: `max_entries` values of value_size bytes, zero from the start.

    A key is the index, as an int or as 4 bytes, little-endian. Takes 96 bytes, and value_size rounded up to 4 an entry.
    Raises InvalidDefinition, InvalidFlags or OutOfMemory (the pool).
    """

    def __init__(self, value_size, max_entries, map_flags=0, name=""):
        Map.__init__(self, MapDef(ARRAY, 4, value_size, max_entries, map_flags, name))

    @classmethod
    def with_entries(cls, value_size, max_entries, name="", map_flags=0):
        """Make an array of `max_entries` values of value_size bytes each: the guide's constructor."""
        return cls(value_size, max_entries, map_flags, name)

    def _index(self, op, key):
        """Return the index that key stands for; one that no array has for numbers past any pool. Never wraps."""
        if isinstance(key, int):
            return key if 0 <= key < _OUT_OF_RANGE else _OUT_OF_RANGE
        if len(key) != self._key_size:
            self._refuse(op, key)
        if key[3]:
            return _OUT_OF_RANGE
        return key[0] | key[1] << 8 | key[2] << 16

    def lookup_into(self, key, out):
        """Copy the value into `out` (value_size bytes, writable); return False out of range. Allocates nothing."""
        index = self._index("lookup_into", key)
        if len(out) != self._value_size:
            self._refuse("lookup_into", b"0000", out)
        return _array_op(self._view, index, out, _LOOKUP) == 1

    def lookup(self, key):
        """Return the value as bytes, or None when the index is out of range."""
        index = self._index("lookup", key)
        if self._value_size < 0:
            self._alive("lookup")
        out = bytearray(self._value_size)
        return bytes(out) if _array_op(self._view, index, out, _LOOKUP) else None

    def update(self, key, value, flags=0):
        """Set the value at an index. Out of range raises KeyNotFound, BPF_NOEXIST KeyExists. Allocates nothing."""
        index = self._index("update", key)
        if len(value) != self._value_size or not 0 <= flags <= 2:
            self._refuse("update", b"0000", value, flags)
        if flags == 1:
            if index < self.definition.max_entries:
                raise KeyExists("update %r: BPF_NOEXIST, and every entry of an array is there" % self.name)
            flags = 0
        if not _array_op(self._view, index, value, _UPDATE):
            self._out_of_range("update", key)

    def delete(self, key):
        """Set the value at an index to zero. Out of range raises KeyNotFound. Allocates nothing."""
        index = self._index("delete", key)
        if not _array_op(self._view, index, b"", _ZERO):
            self._out_of_range("delete", key)

    def next_key(self, key=None):
        """Return the next index as 4 bytes: 0 for None or an index out of range, None behind the last."""
        self._alive("next_key")
        last = self.definition.max_entries - 1
        index = -1 if key is None else self._index("next_key", key)
        if index == last:
            return None
        return (index + 1 if index < last else 0).to_bytes(4, "little")

    def __len__(self):
        self._alive("len")
        return self.definition.max_entries

    def _out_of_range(self, op, key):
        self._alive(op)
        if not isinstance(key, int):
            key = int.from_bytes(key, "little")
        raise KeyNotFound(
            "%s %r: index %d is out of range (0 to %d)" % (op, self.name, key, self.definition.max_entries - 1)
        )

    def _at(self, cursor):
        value = self.lookup(cursor - 1)
        return value and (cursor + 1, (cursor - 1).to_bytes(4, "little"), value)

"""PerCpuArray: an array with one value per index and CPU. The rows are percpu.py's."""

from micropython import const

from ..definition import MapDef
from ..errors import InvalidKeySize
from ..kinds import PERCPU_ARRAY
from .buffers import holds, index_of
from .percpu import CPUS, PerCpu, _kernels

# To percpu's row
_READ = const(3)
_ZERO = const(5)


class PerCpuArray(PerCpu):
    """An array with a value of value_size bytes for each CPU at each of `max_entries` indices, zero from the start.

    A key is the index, as an int or as 4 bytes, little-endian. Takes 96 bytes, and for each entry and CPU value_size
    rounded up to 8.
    """

    _indexed = True

    def __init__(self, value_size, max_entries, map_flags=0, name="", schema=""):
        _kernels.drive_array(self)
        PerCpu.__init__(self, MapDef(PERCPU_ARRAY, 4, value_size, max_entries, map_flags, name, CPUS, schema=schema))

    @classmethod
    def with_entries(cls, value_size, max_entries, name="", map_flags=0):
        """Make an array of `max_entries` values of value_size bytes for each CPU, as ArrayMap.with_entries() does."""
        return cls(value_size, max_entries, map_flags, name)

    def delete(self, key):
        """Set the values of all CPUs at an index to zero. Out of range raises KeyNotFound. Allocates nothing."""
        key = self._place("delete", key)
        self._remove(key, _ZERO)

    def next_key(self, key=None):
        """Return the next index as 4 bytes: 0 for None or an index out of range, None behind the last."""
        self._alive("next_key")
        last = self.definition.max_entries - 1
        index = -1 if key is None else self._place("next_key", key)
        if index == last:
            return None
        return (index + 1 if index < last else 0).to_bytes(4, "little")

    def __len__(self):
        self._alive("len")
        return self.definition.max_entries

    def _place(self, op, key):
        """Return the index that key stands for, one that no array has for numbers past any pool."""
        self._key(op, key)
        return index_of(key)

    def _key(self, op, key):
        self._alive(op)
        if not isinstance(key, int) and not holds(key, 4):
            self._fail(InvalidKeySize, "%s %r: key is %d bytes, not %d", op, key, 4)

    def _at(self, cursor):
        row = self._row("walk", cursor - 1, _READ)
        return row and (cursor + 1, (cursor - 1).to_bytes(4, "little"), bytes(row))

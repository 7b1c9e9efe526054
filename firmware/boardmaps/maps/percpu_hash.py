"""PerCpuHash: a hash table with one value per key and CPU. Chains and slots are HashMap's, the rows percpu.py's."""

from micropython import const

from ..definition import MapDef, buckets_for
from ..kinds import PERCPU_HASH
from .base import new_seed
from .percpu import CPUS, PerCpu, _kernels, this_cpu

# To percpu's row
_READ = const(3)
_TAKE = const(4)


class PerCpuHash(PerCpu):
    """A hash table with a value of value_size bytes for each CPU under each of `max_entries` keys.

    Takes 96 bytes, and per entry 2 to 6 bytes, the key rounded up to 4, and for each CPU value_size rounded up to 8.
    """

    def __init__(self, key_size, value_size, max_entries, map_flags=0, name="", schema=""):
        _kernels.drive_hash(self)
        PerCpu.__init__(
            self, MapDef(PERCPU_HASH, key_size, value_size, max_entries, map_flags, name, CPUS, schema=schema)
        )

    def _begin(self):
        new_seed(self, buckets_for(self.definition.max_entries) - 1)

    def delete(self, key):
        """Remove a key with the values of all CPUs. Raises KeyNotFound. Allocates nothing."""
        key = self._place("delete", key)
        self._remove(key, _TAKE)

    def lookup_and_delete(self, key):
        """Return the value of this CPU and remove the entry, of all CPUs, in one step; None on a miss."""
        row = self._row("lookup_and_delete", key, _READ)
        if row is None:
            return None
        value = self.split(row)[this_cpu()]  # had before it goes
        out = bytearray(row)
        if self._taken(key, row, out) is None:
            return None
        return value if out == row else self.split(out)[this_cpu()]

    def next_key(self, key=None):
        """Return the key behind this one; for None or a key that is not there the first; None at the end."""
        self._alive("next_key")
        if key is None:
            found = self._at(1)
            return found and found[1]
        out = bytearray(self._key_size)
        return bytes(out) if self._next(self._place("next_key", key), out) == 0 else None

    def batch_lookup_and_delete(self, cursor=None, count=1):
        """Return what batch_lookup does, and remove these entries, each in one step."""
        found = self.batch_lookup(cursor, count)  # had before anything goes
        self._take_all(found, bytearray(self.host_size()))
        return found

    def _place(self, op, key):
        self._key(op, key)
        return key

    def host_lookup_and_delete(self, key, out):
        """Copy the row into `out` and remove the entry in one step; False on a miss."""
        return self._row_into("lookup_and_delete", key, out, _TAKE)

    def _taken(self, key, value, out):
        """Remove a key that was looked at, as HashMap's does; `value` and `out` are rows."""
        if not self._row_into("lookup_and_delete", key, out, _TAKE):
            return None
        return value if out == value else bytes(out)

    def _entry_at(self, slot, key, row):
        return _kernels.entry_at(self._slice, slot, key, row)

    def _at(self, cursor):
        self._alive("walk")
        key = bytearray(self._key_size)
        row = bytearray(self._step * self.cpus)
        cursor = self._entry_at(cursor, key, row)
        return (cursor, bytes(key), bytes(row)) if cursor else None

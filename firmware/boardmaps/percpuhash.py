"""PerCpuHash: a hash table with one value per key and CPU. Chains and slots are HashMap's, the rows percpu.py's."""

import os
from struct import pack_into, unpack_from

import micropython
from micropython import const

from .abi import PERCPU_HASH
from .definition import MapDef, buckets_for
from .guard import guarded
from .hashmap import _kernels
from .percpu import CPUS, PerCpu, this_cpu
from .pool import bytes_at

# Words of a slice's header
_KEY_SIZE = const(4)
_SEED = const(8)
_LINKS = const(11)
_ENTRIES = const(12)
_VALUE = const(13)
_STRIDE = const(14)
_FRESH = const(16)

_FREE_BIT = const(0x8000)
_TAKE = const(4)  # to percpu's row
_NEXT = const(7)  # to HashMap's op


@micropython.viper
def _entry(view, slot: int, key, row) -> int:
    """Copy a hash's first entry at or behind `slot` (from 1) into key and row; return the slot behind it, 0 at the end."""
    h = ptr32(view)
    base = int(h)
    links = ptr16(base + h[_LINKS] - 2)
    top = h[_FRESH]
    while slot <= top:
        i = slot
        if not links[i] & _FREE_BIT:
            break
        slot += 1
    if slot > top or slot < 1:
        return 0
    p = ptr8(base + h[_ENTRIES] + (slot - 1) * h[_STRIDE])
    k = ptr8(key)
    n = h[_KEY_SIZE]
    i = 0
    while i < n:
        k[i] = p[i]
        i += 1
    p = ptr8(int(p) + h[_VALUE])
    r = ptr8(row)
    n = h[_STRIDE] - h[_VALUE]
    i = 0
    while i < n:
        r[i] = p[i]
        i += 1
    return slot + 1


_entry = guarded(_entry, 4)


class PerCpuHash(PerCpu):
    """A hash table with a value of value_size bytes for each CPU under each of `max_entries` keys.

    Takes 96 bytes, and per entry 2 to 6 bytes, the key rounded up to 4, and for each CPU value_size rounded up to 8.
    """

    def __init__(self, key_size, value_size, max_entries, map_flags=0, name=""):
        self._move, _, self._rows, _ = _kernels(0, len, bytes_at, None, self._refuse)
        self._next = guarded(self._rows, 3)
        PerCpu.__init__(self, MapDef(PERCPU_HASH, key_size, value_size, max_entries, map_flags, name, CPUS))
        seed, multiplier = unpack_from("<II", os.urandom(8))
        multiplier = multiplier & 0x3FFFFFFF | 0x10000001
        pack_into("<3I", self._view, _SEED * 4, seed & 0x3FFFFFFF, multiplier, buckets_for(max_entries) - 1)

    def delete(self, key):
        """Remove a key with the values of all CPUs. Raises KeyNotFound. Allocates nothing."""
        key = self._place("delete", key)
        self._remove(key, _TAKE)

    def lookup_and_delete(self, key):
        """Return the value of this CPU and remove the entry, of all CPUs, in one step; None on a miss."""
        row = self._row("lookup_and_delete", key, _TAKE)
        return None if row is None else self.split(row)[this_cpu()]

    def next_key(self, key=None):
        """Return the key behind this one; for None or a key that is not there the first; None at the end."""
        self._alive("next_key")
        if key is None:
            found = self._at(1)
            return found and found[1]
        out = bytearray(self._key_size)
        return bytes(out) if self._next(self._place("next_key", key), out, _NEXT) == 0 else None

    def batch_lookup_and_delete(self, cursor=None, count=1):
        """Return what batch_lookup does, and remove these entries, each in one step."""
        cursor, keys, _ = self.batch_lookup(cursor, count)
        taken = [(key, self._take("batch_lookup_and_delete", key)) for key in keys]
        taken = [entry for entry in taken if entry[1] is not None]
        return cursor, [entry[0] for entry in taken], [entry[1] for entry in taken]

    def _place(self, op, key):
        if len(key) != self._key_size:
            self._refuse(op, key)
        return key

    def _take(self, op, key):
        row = self._row(op, key, _TAKE)
        return row and bytes(row)

    def _at(self, cursor):
        self._alive("walk")
        key = bytearray(self._key_size)
        row = bytearray(self._step * self.cpus)
        cursor = _entry(self._view, cursor, key, row)
        return (cursor, bytes(key), bytes(row)) if cursor else None

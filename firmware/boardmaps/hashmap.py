"""HashMap: fixed capacity, exactly `max_entries` keys, separate chaining with 16-bit links in the map's slice of the pool.

Entries never move, a deleted one leaves nothing behind, and a walk goes in slot order. SPEC.md draws the bytes.
"""

import os
from struct import pack_into, unpack_from

import micropython
from micropython import const

from .abi import HASH
from .definition import MapDef, buckets_for
from .errors import KeyExists, KeyNotFound, OutOfMemory
from .pool import Map

# Operations of the kernel below; 0, 1 and 2 are update's flags, restated from abi.py (const folds in its own module only).
_NOEXIST = const(1)
_EXIST = const(2)
_LOOKUP = const(3)
_DELETE = const(4)
_TAKE = const(5)
_NEXT = const(6)

# Results
_MISS = const(0)
_OK = const(1)
_EXISTS = const(2)
_FULL = const(3)

# Words of a slice's header
_KEY_SIZE = const(4)
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_SEED = const(8)
_MULTIPLIER = const(9)
_MASK = const(10)
_LINKS = const(11)
_ENTRIES = const(12)
_VALUE = const(13)
_STRIDE = const(14)
_FREE = const(15)
_FRESH = const(16)
_PEAK = const(18)

_HEADS = const(96)  # bytes: the bucket heads follow the header
_FREE_BIT = const(0x8000)  # in a link: this slot holds no entry


@micropython.viper
def _hash_op(view, key, value, op: int) -> int:
    """Do one operation on the slice `view`; the caller has checked every length.

    Slots are numbered from 1, so that zeroed memory is an empty map:
    heads[bucket] and links[slot - 1] hold the next slot of a chain, 0 at its end; links of free slots carry _FREE_BIT and
    chain from the header's free word. Slots above the fresh word were never used.
    """
    h = ptr32(view)
    k = ptr8(key)
    v = ptr8(value)
    base = int(h)
    n = h[_KEY_SIZE]

    # Hash: 16 bits a step, kept below 2**30 so that 32-bit and 64-bit boards agree. Seed and multiplier are the map's own.
    x = h[_SEED]
    mul = h[_MULTIPLIER]
    i = 0
    if int(k) & 1:
        while i < n - 1:
            x = ((x ^ (k[i] | k[i + 1] << 8)) * mul) & 0x3FFFFFFF
            x ^= x >> 15
            i += 2
    else:
        k16 = ptr16(key)
        i = n >> 1
        j = 0
        while j < i:
            x = ((x ^ k16[j]) * mul) & 0x3FFFFFFF
            x ^= x >> 15
            j += 1
        i <<= 1
    if i < n:
        x = ((x ^ k[i]) * mul) & 0x3FFFFFFF
        x ^= x >> 15

    heads = ptr16(base + _HEADS)
    links = ptr16(base + h[_LINKS] - 2)
    stride = h[_STRIDE]
    entries = base + h[_ENTRIES] - stride
    bucket = x & h[_MASK]
    slot = heads[bucket]
    before = 0
    words = n >> 2
    if int(k) & 3:
        words = 0  # an unaligned key: M0+ faults on word reads, so compare bytes
    k32 = ptr32(int(k))
    while slot:
        e32 = ptr32(entries + slot * stride)
        i = 0
        while i < words and e32[i] == k32[i]:
            i += 1
        if i == words:
            i <<= 2
            e8 = ptr8(int(e32))
            while i < n and e8[i] == k[i]:
                i += 1
            if i == n:
                break
        before = slot
        slot = links[slot]

    if op == _NEXT:
        # Slot order from the key's slot, or from the first slot when it is not there.
        top = h[_FRESH]
        while slot < top:
            slot += 1
            if not links[slot] & _FREE_BIT:
                e8 = ptr8(entries + slot * stride)
                i = 0
                while i < n:
                    v[i] = e8[i]
                    i += 1
                return _OK
        return _MISS

    if not slot:
        if op >= _EXIST:
            return _MISS
        slot = h[_FREE]
        if slot:
            h[_FREE] = links[slot] & 0x7FFF
        else:
            slot = h[_FRESH] + 1
            if slot > h[_MAX_ENTRIES]:
                return _FULL
            h[_FRESH] = slot
        e8 = ptr8(entries + slot * stride)
        i = 0
        while i < n:
            e8[i] = k[i]
            i += 1
        links[slot] = heads[bucket]
        heads[bucket] = slot
        i = h[_COUNT] + 1
        h[_COUNT] = i
        if i > h[_PEAK]:
            h[_PEAK] = i
    elif op == _NOEXIST:
        return _EXISTS

    if op != _DELETE:
        e32 = ptr32(entries + slot * stride + h[_VALUE])
        e8 = ptr8(int(e32))
        n = h[_VALUE_SIZE]
        i = 0
        if op >= _LOOKUP:
            if not int(v) & 3:
                words = n >> 2
                v32 = ptr32(int(v))
                while i < words:
                    v32[i] = e32[i]
                    i += 1
                i <<= 2
            while i < n:
                v[i] = e8[i]
                i += 1
        else:
            if not int(v) & 3:
                words = n >> 2
                v32 = ptr32(int(v))
                while i < words:
                    e32[i] = v32[i]
                    i += 1
                i <<= 2
            while i < n:
                e8[i] = v[i]
                i += 1

    if op >= _DELETE:
        if before:
            links[before] = links[slot]
        else:
            heads[bucket] = links[slot]
        links[slot] = h[_FREE] | _FREE_BIT
        h[_FREE] = slot
        h[_COUNT] -= 1
    return _OK


@micropython.viper
def _hash_at(view, slot: int, key, value) -> int:
    """Copy the first entry at or behind `slot` (from 1) into key and value; return the slot behind it, 0 at the end."""
    h = ptr32(view)
    base = int(h)
    links = ptr16(base + h[_LINKS] - 2)
    top = h[_FRESH]
    while slot <= top and links[slot] & _FREE_BIT:
        slot += 1
    if slot > top or slot < 1:
        return 0
    e8 = ptr8(base + h[_ENTRIES] + (slot - 1) * h[_STRIDE])
    k = ptr8(key)
    n = h[_KEY_SIZE]
    i = 0
    while i < n:
        k[i] = e8[i]
        i += 1
    e8 = ptr8(int(e8) + h[_VALUE])
    v = ptr8(value)
    n = h[_VALUE_SIZE]
    i = 0
    while i < n:
        v[i] = e8[i]
        i += 1
    return slot + 1


class HashMap(Map):
    """A hash table of fixed capacity in the static pool: `max_entries` keys of key_size bytes, values of value_size bytes.

    Takes 96 bytes, and per entry 2 to 6 bytes beside key and value (each rounded up to 4). Raises InvalidDefinition,
    InvalidFlags or OutOfMemory (the pool). Keys and values are any bytes-like objects of exactly these sizes.
    """

    def __init__(self, key_size, value_size, max_entries, map_flags=0, name=""):
        Map.__init__(self, MapDef(HASH, key_size, value_size, max_entries, map_flags, name))
        seed, multiplier = unpack_from("<II", os.urandom(8))
        pack_into(
            "<3I",
            self._view,
            _SEED * 4,
            seed & 0x3FFFFFFF,
            multiplier & 0x3FFFFFFF | 0x10000001,  # odd, so that a step loses nothing; large, so that it mixes upwards
            buckets_for(max_entries) - 1,
        )

    def lookup_into(self, key, out):
        """Copy the value into `out` (value_size bytes, writable); return False on a miss. Allocates nothing."""
        if len(key) != self._key_size or len(out) != self._value_size:
            self._refuse("lookup_into", key, out)
        return _hash_op(self._view, key, out, _LOOKUP) == _OK

    def lookup(self, key):
        """Return the value as bytes, or None on a miss."""
        if len(key) != self._key_size:
            self._refuse("lookup", key)
        out = bytearray(self._value_size)
        return bytes(out) if _hash_op(self._view, key, out, _LOOKUP) == _OK else None

    def update(self, key, value, flags=0):
        """Create or change an entry: BPF_ANY, BPF_NOEXIST (KeyExists when there), BPF_EXIST (KeyNotFound when not).

        A new key in a full map raises OutOfMemory. Allocates nothing.
        """
        if len(key) != self._key_size or len(value) != self._value_size or not 0 <= flags <= _EXIST:
            self._refuse("update", key, value, flags)
        done = _hash_op(self._view, key, value, flags)
        if done == _OK:
            return
        if done == _MISS:
            raise KeyNotFound("update %r: BPF_EXIST, and no such key" % self.name)
        if done == _EXISTS:
            raise KeyExists("update %r: BPF_NOEXIST, and the key is there" % self.name)
        most = self.definition.max_entries
        raise OutOfMemory("update %r: map is full (%d of %d entries)" % (self.name, most, most))

    def delete(self, key):
        """Remove a key; its place can be used again at once. Raises KeyNotFound. Allocates nothing."""
        if len(key) != self._key_size:
            self._refuse("delete", key)
        if _hash_op(self._view, key, key, _DELETE) != _OK:
            raise KeyNotFound("delete %r: no such key" % self.name)

    def lookup_and_delete(self, key):
        """Return the value and remove the key in one step; None on a miss."""
        if len(key) != self._key_size:
            self._refuse("lookup_and_delete", key)
        out = bytearray(self._value_size)
        return bytes(out) if _hash_op(self._view, key, out, _TAKE) == _OK else None

    def next_key(self, key=None):
        """Return the key behind this one; for None or a key that is not there the first; None at the end."""
        if key is None:
            self._alive("next_key")
            found = self._at(1)
            return found and found[1]
        if len(key) != self._key_size:
            self._refuse("next_key", key)
        out = bytearray(self._key_size)
        return bytes(out) if _hash_op(self._view, key, out, _NEXT) == _OK else None

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _at(self, cursor):
        self._alive("walk")
        key = bytearray(self._key_size)
        value = bytearray(self._value_size)
        cursor = _hash_at(self._view, cursor, key, value)
        return (cursor, bytes(key), bytes(value)) if cursor else None

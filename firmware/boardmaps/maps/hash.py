"""HashMap: fixed capacity, exactly `max_entries` keys, separate chaining with 16-bit links in the map's slice of the pool.

Entries never move, a deleted one leaves nothing behind, and a walk goes in slot order. SPEC.md draws the bytes.
"""

from struct import unpack_from

from micropython import const

from ..definition import MapDef, buckets_for
from ..errors import KeyExists, KeyNotFound, OutOfMemory
from ..kinds import HASH
from ..settings import kernels
from .base import new_seed
from .keyed import Keyed

_kernels = kernels("hash")

# What a map's _op() does and answers, as viper_hash.py has it
_EXIST = const(2)
_LOOKUP = const(3)
_TAKE = const(4)
_FIND = const(6)
_NEXT = const(7)
_DONE = const(0)
_MISS = const(1)
_EXISTS = const(2)
_WRONG_SIZE = const(4)
_LOOKED_AT = const(16)  # beside what is done: key and value are right

_COUNT = const(7)  # words of a slice's header


class HashMap(Keyed):
    """A hash table of fixed capacity in the static pool: `max_entries` keys of key_size bytes, values of value_size bytes.

    Takes 96 bytes, and per entry 2 to 6 bytes beside key and value (each rounded up to 4). Raises InvalidDefinition,
    InvalidFlags or OutOfMemory (the pool). Keys and values are any bytes-like objects of exactly these sizes.

    Seven functions are made for each map, so that they are quick and a handler can keep them. All but lookup() allocate
    nothing, and a hard interrupt may call them (with GUARD "irq" if the map is used outside it too):

    - lookup_into(key, out): copy the value into `out` (value_size bytes, writable); return False on a miss.
    - update(key, value, flags=0): create or change an entry: BPF_ANY, BPF_NOEXIST (KeyExists when there), BPF_EXIST
      (KeyNotFound when not). A new key in a full map raises OutOfMemory.
    - delete(key): remove a key; its place can be used again at once. Raises KeyNotFound.
    - add(key, delta, offset=0, width=None): add to an unsigned little-endian number in one step and return the new one; it
      wraps. The number is the whole value when that has 1, 2, 4 or 8 bytes; else say which field: `width` bytes at
      `offset`. Raises InvalidKeySize, InvalidValueSize (no such field), KeyNotFound. Takes heap only for numbers from 2**30 up.
    - compare_and_swap(key, expected, new): store `new` if the value is `expected`, in one step; return whether it was.
      Raises KeyNotFound.
    - update_part(key, offset, data): write `data` at `offset` into the value, in one step. Past its end raises
      InvalidValueSize, a missing key KeyNotFound.
    - lookup(key): return the value as bytes, or None on a miss.

    fetch_or, fetch_and, fetch_xor, exchange (key, operand, offset=0, width=None) change such a number in one step and return the
    old one; add_into, fetch_or_into and so on (key, operand, out, offset=0) write to `out`, whose size is the number's, what the
    others return, and never take heap. They are loaded when a map is first asked for one: take them (`flags = m.fetch_or`)
    before a hard interrupt calls them.
    """

    _later = Keyed._ATOMICS

    def __init__(self, key_size, value_size, max_entries, map_flags=0, name="", schema=""):
        _kernels.drive(self)
        Keyed.__init__(self, MapDef(HASH, key_size, value_size, max_entries, map_flags, name, schema=schema))

    def _begin(self):
        new_seed(self, buckets_for(self.definition.max_entries) - 1)

    def lookup_and_delete(self, key):
        """Return the value and remove the key in one step; None on a miss. Not in a hard interrupt: it allocates."""
        value = self._copy("lookup_and_delete", key, _LOOKUP)  # had before it goes
        return value and self._taken(key, value, bytearray(self._value_size))

    def host_lookup_and_delete(self, key, out):
        """Copy the value into `out` and remove the key in one step; False on a miss."""
        self._check_out("lookup_and_delete", key, out)
        return self._op(key, out, _TAKE | _LOOKED_AT) == _DONE

    def batch_lookup_and_delete(self, cursor=None, count=1):
        """Return what batch_lookup does, and remove these entries, each in one step."""
        found = self.batch_lookup(cursor, count)  # had before anything goes
        self._take_all(found, bytearray(self._value_size))
        return found

    def next_key(self, key=None):
        """Return the key behind this one; for None or a key that is not there the first; None at the end.

        Not in a hard interrupt: it allocates.
        """
        if key is None:
            self._alive("next_key")
            found = self._at(1)
            return found and found[1]
        self._key("next_key", key)
        out = bytearray(self._key_size)
        return bytes(out) if self._op(key, out, _NEXT | _LOOKED_AT) == _DONE else None

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _entry_at(self, slot, key, value):
        return _kernels.entry_at(self._slice, slot, key, value)

    def _at(self, cursor):
        self._alive("walk")
        key = bytearray(self._key_size)
        value = bytearray(self._value_size)
        cursor = self._entry_at(cursor, key, value)
        return (cursor, bytes(key), bytes(value)) if cursor else None

    def _taken(self, key, value, out):
        """Remove a key that was looked at; return `value` when that was its value, else a copy of what was; None on a miss.

        `out` is a value's room. Takes heap only for a value that changed since it was looked up.
        """
        if self._op(key, out, _TAKE | _LOOKED_AT) != _DONE:
            return None
        return value if out == value else bytes(out)

    def _copy(self, what, key, op):
        if len(key) != self._key_size:  # before `out` takes heap, which there may be none of
            self._key(what, key)
        out = bytearray(self._value_size)
        done = self._op(key, out, op)
        if done == _WRONG_SIZE:
            self._key(what, key)
            done = self._op(key, out, op | _LOOKED_AT)
        return bytes(out) if done == _DONE else None

    def _absent(self, key):
        return self._op(key, key, _FIND | _LOOKED_AT) >= 0

    def _settle(self, what, key, value, op):
        """Do an update with flags, or again what was refused, and raise the reason."""
        self._key(what, key)
        if what == "update":
            self._value(what, value)
            self._flags(what, op)
        else:
            value = key
        # The answer: with another name for it the frame would be too large for the C stack (serving/server.py).
        value = self._op(key, value, op | _LOOKED_AT)
        if value != _DONE:
            self._refuse(what, value, op)

    def _refuse(self, what, done, op):
        """Raise the reason of an answer of _op()."""
        if done == _EXISTS:
            self._fail(KeyExists, "%s %r: BPF_NOEXIST, and the key is there", what)
        if done == _MISS:
            self._fail(KeyNotFound, "%s %r: %sno such key", what, "BPF_EXIST, and " if op == _EXIST else "")
        most = self.definition.max_entries
        self._fail(OutOfMemory, "%s %r: map is full (%d of %d entries)", what, most, most)

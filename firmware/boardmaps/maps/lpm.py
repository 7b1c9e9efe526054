"""LpmTrie: values under prefixes of bits; a look-up finds the longest prefix that matches. SPEC.md draws the bytes."""

from struct import unpack_from

from micropython import const

from ..definition import MapDef
from ..errors import InvalidKeySize, KeyExists, KeyNotFound, OutOfMemory
from ..kinds import LPM_TRIE
from ..settings import kernels
from .keyed import Keyed

_kernels = kernels("lpm")
_op = _kernels.op  # (view, key, value, what) -> answer

# What _op() does and answers
_EXIST = const(2)
_LOOKUP = const(3)
_DELETE = const(5)
_NEXT = const(7)
_DONE = const(0)
_EXISTS = const(2)
_FULL = const(3)
_WRONG_SIZE = const(4)
_TOO_LONG = const(5)

_COUNT = const(7)  # a word of a slice's header


class LpmTrie(Keyed):
    """A longest-prefix-match table of fixed capacity in the static pool: `max_entries` prefixes, values of value_size bytes.

    A key is a u32, little-endian, that says how many bits the prefix has, and key_size - 4 bytes of data (1 to 256) that the bits
    are taken from, the most significant bit of the first byte first. Data behind the prefix counts for nothing; it is kept, and
    an update replaces it. Takes 96 bytes, and per entry 12 bytes beside key and value (each rounded up to 4). Raises
    InvalidDefinition (more than 16,384 entries too), InvalidFlags or OutOfMemory (the pool).

    lookup_into(), update() and delete() allocate nothing. A hard interrupt may call them (with GUARD "irq" if the map is used
    outside it too).
    """

    def __init__(self, key_size, value_size, max_entries, map_flags=0, name=""):
        Keyed.__init__(self, MapDef(LPM_TRIE, key_size, value_size, max_entries, map_flags, name))

    def lookup(self, key):
        """Return the value of the longest prefix that matches and is no longer than the key's length; None on a miss.

        A length above the bits of the data is a miss. Not in a hard interrupt: it allocates.
        """
        if len(key) != self._key_size:
            self._refuse("lookup", key)
        out = bytearray(self._value_size)
        return bytes(out) if _op(self._slice, key, out, _LOOKUP) == _DONE else None

    def lookup_into(self, key, out):
        """Copy the value that lookup() finds into `out` (value_size bytes, writable); return False on a miss."""
        done = _op(self._slice, key, out, _LOOKUP)
        if done == _WRONG_SIZE:
            self._refuse("lookup_into", key, out)
        return done == _DONE

    def update(self, key, value, flags=0):
        """Store a value under exactly this prefix: BPF_ANY, BPF_NOEXIST (KeyExists), BPF_EXIST (KeyNotFound).

        A new prefix in a full map raises OutOfMemory, a length above the bits of the data InvalidKeySize.
        """
        if 0 <= flags <= _EXIST:
            done = _op(self._slice, key, value, flags)
            if done:
                self._settle("update", key, value, done, flags)
        else:
            self._refuse_flags(key, value, flags)

    def delete(self, key):
        """Remove exactly this prefix. Raises KeyNotFound, and InvalidKeySize for a length above the bits of the data."""
        done = _op(self._slice, key, key, _DELETE)
        if done:
            self._settle("delete", key, None, done, 0)

    def next_key(self, key=None):
        """Return the prefix behind this one, which need not be there, in post-order; None at the end.

        For None, and for a length above the bits of the data, return the first. Not in a hard interrupt: it allocates.
        """
        if key is None:
            self._alive("next_key")
            key = b"\xff" * self._key_size
        elif len(key) != self._key_size:
            self._refuse("next_key", key)
        out = bytearray(self._key_size)
        return bytes(out) if _op(self._slice, key, out, _NEXT) == _DONE else None

    def batch_update(self, keys, values, flags=0):
        """Store many entries; return how many. None with unknown flags raise InvalidFlags too."""
        if not keys and not 0 <= flags <= _EXIST:
            self._refuse("batch_update", bytes(self._key_size), bytes(self._value_size), flags)
        return Keyed.batch_update(self, keys, values, flags)

    def clear(self):
        """Remove every prefix, in one step."""
        self._alive("clear")
        _kernels.clear(self._slice)

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _at(self, cursor):
        self._alive("walk")
        key = bytearray(self._key_size)
        value = bytearray(self._value_size)
        cursor = _kernels.entry_at(self._view, cursor, key, value)
        return (cursor, bytes(key), bytes(value)) if cursor else None

    def _refuse_flags(self, key, value, flags):
        """Raise what is wrong with an update whose flags are: a size or the prefix's length comes first."""
        if len(key) == self._key_size and len(value) == self._value_size:
            length = unpack_from("<I", key)[0]
            if length > 8 * (self._key_size - 4):
                self._settle("update", key, value, _TOO_LONG, flags)
        self._refuse("update", key, value, flags)

    def _settle(self, what, key, value, done, flags):
        """Raise the reason why nothing was done: an answer of _op()."""
        self._alive(what)
        if done == _WRONG_SIZE:
            self._refuse(what, key, value)
        if done == _TOO_LONG:
            length = unpack_from("<I", key)[0]
            bits = 8 * (self._key_size - 4)
            raise InvalidKeySize("%s %r: a prefix of %d bits, and the data has %d" % (what, self.name, length, bits))
        if done == _EXISTS:
            raise KeyExists("%s %r: BPF_NOEXIST, and the prefix is there" % (what, self.name))
        if done == _FULL:
            most = self.definition.max_entries
            raise OutOfMemory("%s %r: map is full (%d of %d entries)" % (what, self.name, most, most))
        raise KeyNotFound("%s %r: %sno such prefix" % (what, self.name, "BPF_EXIST, and " if flags == _EXIST else ""))

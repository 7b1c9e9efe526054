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

# What _op() does and answers; it takes keys and values that have been looked at
_EXIST = const(2)
_LOOKUP = const(3)
_DELETE = const(5)
_NEXT = const(7)
_DONE = const(0)
_EXISTS = const(2)
_FULL = const(3)

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

    def __init__(self, key_size, value_size, max_entries, map_flags=0, name="", schema=""):
        Keyed.__init__(self, MapDef(LPM_TRIE, key_size, value_size, max_entries, map_flags, name, schema=schema))

    def lookup(self, key):
        """Return the value of the longest prefix that matches and is no longer than the key's length; None on a miss.

        A length above the bits of the data is a miss. Not in a hard interrupt: it allocates.
        """
        self._key("lookup", key)
        out = bytearray(self._value_size)
        return bytes(out) if _op(self._slice, key, out, _LOOKUP) == _DONE else None

    def lookup_into(self, key, out):
        """Copy the value that lookup() finds into `out` (value_size bytes, writable); return False on a miss."""
        self._check_out("lookup_into", key, out)
        return _op(self._slice, key, out, _LOOKUP) == _DONE

    def update(self, key, value, flags=0):
        """Store a value under exactly this prefix: BPF_ANY, BPF_NOEXIST (KeyExists), BPF_EXIST (KeyNotFound).

        A new prefix in a full map raises OutOfMemory, a length above the bits of the data InvalidKeySize.
        """
        self._exact("update", key)
        self._value("update", value)
        self._flags("update", flags)
        done = _op(self._slice, key, value, int(flags))
        if done:
            self._settle("update", done, flags)

    def delete(self, key):
        """Remove exactly this prefix. Raises KeyNotFound, and InvalidKeySize for a length above the bits of the data."""
        self._exact("delete", key)
        done = _op(self._slice, key, key, _DELETE)
        if done:
            self._settle("delete", done, 0)

    def next_key(self, key=None):
        """Return the prefix behind this one, which need not be there, in post-order; None at the end.

        For None, and for a length above the bits of the data, return the first. Not in a hard interrupt: it allocates.
        """
        if key is None:
            self._alive("next_key")
            key = b"\xff" * self._key_size
        self._key("next_key", key)
        out = bytearray(self._key_size)
        return bytes(out) if _op(self._slice, key, out, _NEXT) == _DONE else None

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

    def _exact(self, op, key):
        """Refuse what is no key, and a prefix of more bits than the data has."""
        self._key(op, key)
        if len(key) != self._key_size:  # an array of larger items: a copy, which takes heap
            key = bytes(key)
        bits = 8 * (self._key_size - 4)
        if key[2] or key[3] or key[0] | key[1] << 8 > bits:
            self._too_long(op, key, bits)

    def _too_long(self, op, key, bits):
        try:
            length = unpack_from("<I", key)[0]
        except MemoryError:  # then there is none for a text either
            length = bits
        self._fail(InvalidKeySize, "%s %r: a prefix of %d bits, and the data has %d", op, length, bits)

    def _settle(self, op, done, flags):
        """Raise the reason why nothing was done: an answer of _op()."""
        if done == _EXISTS:
            self._fail(KeyExists, "%s %r: BPF_NOEXIST, and the prefix is there", op)
        if done == _FULL:
            most = self.definition.max_entries
            self._fail(OutOfMemory, "%s %r: map is full (%d of %d entries)", op, most, most)
        self._fail(KeyNotFound, "%s %r: %sno such prefix", op, "BPF_EXIST, and " if flags == _EXIST else "")

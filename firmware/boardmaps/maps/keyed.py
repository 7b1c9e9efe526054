"""Keyed: what the maps whose entries have keys share. Walks and batches are in walks.py, atomic operations in atomic.py.

Both are loaded when a map is first asked for one of theirs; what a hard interrupt can reach, refusals too, is here.
"""

from micropython import const

from ..errors import InvalidValueSize, KeyNotFound
from .base import Map
from .buffers import holds, room, whole

_FIRST_SLOT = const(1)  # cursors count slots from 1, so that 0 can mean the end


class Keyed(Map):
    """Clear, refusals, and on demand the operations of walks.py and atomic.py."""

    _indexed = False  # whether a key may be an int
    # Names of what _apply() does with a number; atomic.py has the numbers
    _OPERATIONS = ("add", "fetch_or", "fetch_and", "fetch_xor", "exchange")
    # What all these maps have of walks.py
    _WALKS = ("keys", "items", "batch_lookup", "batch_update", "batch_delete", "host_subscribe")
    _TAKES = _WALKS + ("batch_lookup_and_delete",)
    _walks = _WALKS  # or _TAKES, of a type whose keys go
    # And what of atomic.py a type has that has _apply()
    _ATOMICS = (
        "fetch_or",
        "fetch_and",
        "fetch_xor",
        "exchange",
        "add_into",
        "fetch_or_into",
        "fetch_and_into",
        "fetch_xor_into",
        "exchange_into",
    )
    _later = ()  # _ATOMICS, if the type has them

    def __getattr__(self, name):
        """Return an operation that is loaded when it is first asked for; Map refuses the others."""
        if name in self._walks:
            from .walks import Walks  # saves heap: with the first walk or batch

            return getattr(Walks(self), name)
        if name in self._later:
            self._alive(name)
            from .atomic import method  # saves heap: few programs need it

            return method(self, name)
        return Map.__getattr__(self, name)

    def _put(self, key, value, flags):
        """Store one entry of batch_update."""
        self.update(key, value, flags)

    def clear(self):
        """Remove every key (set all of an array's values to zero). What it needs of the heap it has before it begins."""
        self._alive("clear")
        if self._indexed:
            for i in range(self.definition.max_entries):
                self.delete(i)
            return
        key, none = bytearray(self._key_size), bytearray()
        slot = _FIRST_SLOT
        while True:
            slot = self._entry_at(slot, key, none)
            if not slot:
                return
            try:
                self.delete(key)
            except KeyNotFound:  # somebody else was faster
                pass

    def _missing(self, op, key):
        """Raise why there is no entry under the key."""
        self._key(op, key)
        self._fail(KeyNotFound, "%s %r: no such key", op)

    # Why the kernels changed nothing. Each returns when all is right: the key is a buffer of another type than they know.
    # A map's _absent(key) says whether no entry is under a key that is right.

    def _unchanged(self, what, key, offset, width, out):
        """Raise why no number was changed: the key, no such number in a value, `out` of another size, no such key."""
        op = self._OPERATIONS[what]
        self._key(op, key)
        size = self._value_size
        if not whole(offset) or not (width is None or whole(width)):
            raise TypeError("offset and width are numbers")
        if width is None:
            width = size - offset
        if width not in (1, 2, 4, 8) or not 0 <= offset <= size - width:
            self._fail(
                InvalidValueSize,
                "%s %r: no number of %d bytes at offset %d of a value; a number has 1, 2, 4 or 8 bytes: give offset and width",
                op,
                width,
                offset,
            )
        if out is not None and not holds(out, width, True):
            self._fail(InvalidValueSize, "%s %r: out is %d bytes, not %d", op, out, width)
        if self._absent(key):
            self._missing(op, key)

    def _unswapped(self, key, expected, new):
        """Raise why compare_and_swap did not even compare."""
        op = "compare_and_swap"
        self._key(op, key)
        self._value(op, expected)
        self._value(op, new)
        if self._absent(key):
            self._missing(op, key)

    def _unwritten(self, key, offset, data):
        """Raise why update_part wrote nothing."""
        op = "update_part"
        self._key(op, key)
        if not whole(offset):
            raise TypeError("offset is a number")
        n = room(data)
        if not 0 <= offset <= self._value_size - n:
            self._fail(InvalidValueSize, "%s %r: %d bytes at offset %d do not lie in a value", op, n, offset)
        if self._absent(key):
            self._missing(op, key)

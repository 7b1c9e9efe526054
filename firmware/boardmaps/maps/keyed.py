"""Keyed: what the maps whose entries have keys share. Walks and batches on top of single calls.

Interrupts and other threads may come between the entries of a batch.
"""

from micropython import const

from ..errors import InvalidValueSize, KeyNotFound, MapError
from .base import Map
from .buffers import holds, room, whole

_FIRST_SLOT = const(1)  # cursors count slots from 1, so that 0 can mean the end


class Keyed(Map):
    """Walks, batches, clear and events, from update, delete and _at(cursor): (cursor of the next, key, value), or None at the end.

    Each batch stops at the first error: what was done stays done, and the error's `done` says how many entries that were. What is
    no bytes, anywhere in a batch, raises TypeError before anything is done.
    """

    _indexed = False  # whether a key may be an int
    # Names of what _apply() does with a number; atomic.py has the numbers
    _OPERATIONS = ("add", "fetch_or", "fetch_and", "fetch_xor", "exchange")
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

    def batch_update(self, keys, values, flags=0):
        """Store many entries; return how many."""
        self._pairs(keys, values, flags)
        done = 0
        try:
            for key in keys:
                self.update(key, values[done], flags)
                done += 1
        except MapError as error:
            error.done = done
            raise
        return done

    def _pairs(self, keys, values, flags):
        """Look at what a batch is given as a whole: also one of no entries refuses flags that are unknown."""
        op = "batch_update"
        self._alive(op)
        if len(keys) != len(values):
            self._fail(InvalidValueSize, "%s %r: %d keys, but %d values", op, len(keys), len(values))
        if not len(keys):
            self._flags(op, flags)
        self._types(keys)
        for value in values:
            holds(value, 0)

    def _types(self, keys):
        """Raise TypeError, before anything is done, where a key is none."""
        for key in keys:
            if not (self._indexed and isinstance(key, int)):
                holds(key, 0)

    def batch_delete(self, keys):
        """Remove many keys (an array's entries become zero); return how many."""
        self._types(keys)
        done = 0
        try:
            for key in keys:
                self.delete(key)
                done += 1
        except MapError as error:
            error.done = done
            raise
        return done

    def keys(self):
        """Walk the keys: one that stays for the whole walk is met exactly once, whatever comes and goes meanwhile."""
        for key, _ in self.items():
            yield key

    def items(self):
        """Walk the entries as (key, value), both bytes, with the promise that keys() gives."""
        cursor = self._at(_FIRST_SLOT)
        while cursor:
            yield cursor[1:]
            cursor = self._at(cursor[0])

    def batch_lookup(self, cursor=None, count=1):
        """Return (cursor for the next page or None at the end, keys, values): at most `count` entries behind `cursor`.

        The cursor is opaque; None starts. A count of 0 gives the cursor back. Raises MapError for another map's cursor.
        """
        op = "batch_lookup"
        self._alive(op)
        at = _FIRST_SLOT
        if cursor is not None:
            if not whole(cursor) or cursor >> 16 != self.id:
                self._fail(MapError, "%s %r: %r is not a cursor that a batch call of this map gave", op, cursor)
            at = cursor & 0xFFFF
        if not whole(count) or count < 0:
            self._fail(MapError, "%s %r: count is %r, not a number from 0 up", op, count)
        keys, values = [], []
        if not count:
            return cursor, keys, values
        while len(keys) < count:
            found = self._at(at)
            if found is None:
                return None, keys, values
            at = found[0]
            keys.append(found[1])
            values.append(found[2])
        return self.id << 16 | at, keys, values

    def _take_all(self, found, out):
        """Remove the keys of a batch look-up, each in one step, and put into it what they held; keys that are gone go."""
        keys, values = found[1], found[2]
        i = 0
        while i < len(keys):
            value = self._taken(keys[i], values[i], out)
            if value is None:
                del keys[i], values[i]
            else:
                values[i] = value
                i += 1

    def clear(self):
        """Remove every key (set all of an array's values to zero). What it needs of the heap it has before it begins."""
        self._alive("clear")
        if self._indexed:
            for i in range(self.definition.max_entries):
                self.delete(i)
        else:
            self._clear_keys()

    def _clear_keys(self):
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

    def host_subscribe(self, every, key):
        """Return what tells the events of a key, or of all: see sources.py, which the first subscription loads."""
        from ..line.sources import Slots, watch  # saves heap: with the first subscription

        return watch(self, every, key, Slots)

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

    # What the functions of a field in C leave to be told, see fields.py

    def _unread(self, key):
        """Return what a field's get() returns on a miss, or raise what the key is."""
        self._key("get", key)

    def _unset(self, key, number, what):
        """Do a field's set() of a number that is not small, or raise why it does not fit."""
        from ..fields import stored  # loaded already: the field is from there

        self.update_part(key, what >> 8, stored(number, what))

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

"""Walks: the operations of maps with keys on many entries, on top of those on one. Loaded when a map is first asked for one.

Keyed.__getattr__ asks for it. Interrupts and other threads may come between the entries of a batch.
"""

from micropython import const

from ..errors import InvalidValueSize, MapError
from .buffers import holds, whole

_FIRST_SLOT = const(1)  # cursors count slots from 1, so that 0 can mean the end


class Walks:
    """Walks, batches and events of a map from its update, delete and _at(cursor): (cursor of the next, key, value), or None.

    Each batch stops at the first error: what was done stays done, and the error's `done` says how many entries that were. What is
    no bytes, anywhere in a batch, raises TypeError before anything is done.
    """

    def __init__(self, m):
        self._map = m

    def batch_update(self, keys, values, flags=0):
        """Store many entries; return how many."""
        self._pairs(keys, values, flags)
        done = 0
        try:
            for key in keys:
                self._map._put(key, values[done], flags)
                done += 1
        except MapError as error:
            error.done = done
            raise
        return done

    def _pairs(self, keys, values, flags):
        """Look at what a batch is given as a whole: also one of no entries refuses flags that are unknown."""
        op = "batch_update"
        self._map._alive(op)
        if len(keys) != len(values):
            self._map._fail(InvalidValueSize, "%s %r: %d keys, but %d values", op, len(keys), len(values))
        if not len(keys):
            self._map._flags(op, flags)
        self._types(keys)
        for value in values:
            holds(value, 0)

    def _types(self, keys):
        """Raise TypeError, before anything is done, where a key is none."""
        for key in keys:
            if not (self._map._indexed and isinstance(key, int)):
                holds(key, 0)

    def batch_delete(self, keys):
        """Remove many keys (an array's entries become zero); return how many."""
        self._types(keys)
        done = 0
        try:
            for key in keys:
                self._map.delete(key)
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
        cursor = self._map._at(_FIRST_SLOT)
        while cursor:
            yield cursor[1:]
            cursor = self._map._at(cursor[0])

    def batch_lookup(self, cursor=None, count=1):
        """Return (cursor for the next page or None at the end, keys, values): at most `count` entries behind `cursor`.

        The cursor is opaque; None starts. A count of 0 gives the cursor back. Raises MapError for another map's cursor.
        """
        op = "batch_lookup"
        self._map._alive(op)
        at = _FIRST_SLOT
        if cursor is not None:
            if not whole(cursor) or cursor >> 16 != self._map.id:
                self._map._fail(MapError, "%s %r: %r is not a cursor that a batch call of this map gave", op, cursor)
            at = cursor & 0xFFFF
        if not whole(count) or count < 0:
            self._map._fail(MapError, "%s %r: count is %r, not a number from 0 up", op, count)
        keys, values = [], []
        if not count:
            return cursor, keys, values
        while len(keys) < count:
            found = self._map._at(at)
            if found is None:
                return None, keys, values
            at = found[0]
            keys.append(found[1])
            values.append(found[2])
        return self._map.id << 16 | at, keys, values

    def batch_lookup_and_delete(self, cursor=None, count=1):
        """Return what batch_lookup does, and remove these entries, each in one step; keys that are gone meanwhile are left out."""
        found = self.batch_lookup(cursor, count)  # had before anything goes
        keys, values = found[1], found[2]
        out = bytearray(len(values[0])) if values else None
        i = 0
        while i < len(keys):
            value = self._map._taken(keys[i], values[i], out)
            if value is None:
                del keys[i], values[i]
            else:
                values[i] = value
                i += 1
        return found

    def host_subscribe(self, every, key):
        """Return what tells the events of a key, or of all: see sources.py, which the first subscription loads."""
        from ..line.sources import Slots, watch  # saves heap: with the first subscription

        return watch(self._map, every, key, Slots)

"""Keyed: what the maps whose entries have keys share. Walks and batches on top of single calls.

Interrupts and other threads may come between the entries of a batch.
"""

from ..errors import InvalidValueSize, KeyNotFound, MapError
from .base import Map

_FIRST_SLOT = 1  # cursors count slots from 1, so that 0 can mean the end


class Keyed(Map):
    """Walks, batches, clear and events, from update, delete and _at(cursor): (cursor of the next, key, value), or None at the end.

    Each batch stops at the first error: what was done stays done, and the error's `done` says how many entries that were.
    """

    def batch_update(self, keys, values, flags=0):
        """Store many entries; return how many."""
        if len(keys) != len(values):
            raise InvalidValueSize("batch_update %r: %d keys, but %d values" % (self.name, len(keys), len(values)))
        done = 0
        try:
            for key in keys:
                self.update(key, values[done], flags)
                done += 1
        except MapError as error:
            error.done = done
            raise
        return done

    def batch_delete(self, keys):
        """Remove many keys (an array's entries become zero); return how many."""
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
        self._alive("batch_lookup")
        keys, values = [], []
        at = _FIRST_SLOT
        if cursor is not None:
            if not isinstance(cursor, int) or cursor >> 16 != self.id:
                raise MapError(
                    "batch_lookup %r: %r is not a cursor that a batch call of this map gave" % (self.name, cursor)
                )
            at = cursor & 0xFFFF
        while len(keys) < count:
            found = self._at(at)
            if found is None:
                return None, keys, values
            at = found[0]
            keys.append(found[1])
            values.append(found[2])
        return self.id << 16 | at, keys, values

    def clear(self):
        """Remove every key (set all of an array's values to zero)."""
        for key in self.keys():
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
        self._alive(op)
        if not isinstance(key, int) and len(key) != self._key_size:
            self._refuse(op, key)
        raise KeyNotFound("%s %r: no such key" % (op, self.name))

"""Keyed: what the maps whose entries have keys share: batches on top of single calls.

Interrupts and other threads may come between the entries of a batch.
"""

from ..errors import InvalidValueSize, KeyNotFound, MapError, NotSupported
from .base import Map


class Keyed(Map):
    """batch_update, batch_delete, batch_lookup_and_delete and clear, from update, delete, lookup_and_delete and keys.

    Each stops at the first error: what was done stays done, and the error's `done` says how many entries that were.
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

    def lookup_and_delete(self, key):
        """Raise NotSupported: an array's entries are always there. Hashes have their own."""
        self._alive("lookup_and_delete")
        raise NotSupported(
            "lookup_and_delete %r: an array's entries are always there; use lookup and delete" % self.name
        )

    def batch_lookup_and_delete(self, cursor=None, count=1):
        """Return what batch_lookup does, and remove these entries, each in one step."""
        cursor, keys, _ = self.batch_lookup(cursor, count)
        taken = [(key, self.lookup_and_delete(key)) for key in keys]
        taken = [entry for entry in taken if entry[1] is not None]
        return cursor, [entry[0] for entry in taken], [entry[1] for entry in taken]

    def clear(self):
        """Remove every key (set all of an array's values to zero)."""
        for key in self.keys():
            self.delete(key)

    def _missing(self, op, key):
        """Raise why there is no entry under the key."""
        self._alive(op)
        if not isinstance(key, int) and len(key) != self._key_size:
            self._refuse(op, key)
        raise KeyNotFound("%s %r: no such key" % (op, self.name))

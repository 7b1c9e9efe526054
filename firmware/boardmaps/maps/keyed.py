"""Keyed: what the maps whose entries have keys share. Batches on top of single calls, and why an atomic was refused.

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
            try:
                self.delete(key)
            except KeyNotFound:  # somebody else was faster
                pass

    def _field(self, op, offset, width):
        """Raise InvalidValueSize when no number of `width` bytes (None: the rest) is at `offset` in a value."""
        size = self._value_size
        if width is None:
            width = size - offset
        if (width != 4 and width != 8 and width != 1 and width != 2) or not 0 <= offset <= size - width:
            self._alive(op)
            raise InvalidValueSize(
                "%s %r: no number of %d bytes at offset %d of %d; a number has 1, 2, 4 or 8 bytes: add(key, delta, offset, width)"
                % (op, self.name, width, offset, size)
            )

    def _both(self, op, expected, new):
        """Raise InvalidValueSize when one of the two values has another size than the map's."""
        size = self._value_size
        if len(expected) != size or len(new) != size:
            self._alive(op)
            self._refuse(op, bytes(self._key_size), new if len(expected) == size else expected)

    def _missing(self, op, key):
        """Raise why there is no entry under the key."""
        self._alive(op)
        if not isinstance(key, int) and len(key) != self._key_size:
            self._refuse(op, key)
        raise KeyNotFound("%s %r: no such key" % (op, self.name))

"""Map: what all map types of a board share. Each has one slice of the pool, and its definition."""

from struct import unpack_from

from .. import pool
from ..errors import InvalidFlags, InvalidKeySize, InvalidValueSize, MapError, NotPermitted, StaleMap

_FIRST_SLOT = 1  # cursors count slots from 1, so that 0 can mean the end
_FROZEN = 1  # bit 0 of the state word
_STATE_AT = 68  # offsets in a slice's header, bytes; SPEC.md draws them
_PEAK_AT = 72


class Map:
    """What all map types share. `id` is its number on the line, `offset` and `size` its place in the pool, bytes."""

    def __init__(self, definition):
        self.definition = definition
        self._key_size = definition.key_size
        self._value_size = definition.value_size
        pool.create(self, definition)

    def _move(self, view):
        """Take the map's own functions, if it has any, to the slice of this view; they hold where theirs is."""

    def __getattr__(self, name):
        from .atomic import method  # here: it takes heap, and few programs need it

        return method(self, name)

    @property
    def _view(self):
        return self._slice

    @_view.setter
    def _view(self, view):
        self._slice = view
        self._move(view)

    @property
    def name(self):
        """The map's name, '' when it has none."""
        return self.definition.name

    @property
    def peak(self):
        """The most entries that were in use at one time since the map was made (an array's all are); a RingBuf's bytes."""
        self._alive("peak")
        return unpack_from("<I", self._view, _PEAK_AT)[0] or len(self)

    @property
    def frozen(self):
        """Whether the host may no longer write (freeze())."""
        return bool(self._view[_STATE_AT] & _FROZEN)

    def freeze(self):
        """Forbid the host every write, for good; firmware may still write. A second freeze raises NotPermitted."""
        self._alive("freeze")
        if self.frozen:
            raise NotPermitted("freeze %r: the map is frozen already" % self.name)
        self._view[_STATE_AT] |= _FROZEN

    def _alive(self, op):
        if self._view is pool.dead:
            raise StaleMap("%s %r: the pool was reset and the map is gone; make it again" % (op, self.name))

    def _refuse(self, op, key, value=None, flags=0):
        """Raise what is wrong with a call whose sizes or flags are off, in the order that all maps check."""
        self._alive(op)
        name = self.name
        if len(key) != self._key_size:
            raise InvalidKeySize("%s %r: key is %d bytes, not %d" % (op, name, len(key), self._key_size))
        if len(value) != self._value_size:
            raise InvalidValueSize("%s %r: value is %d bytes, not %d" % (op, name, len(value), self._value_size))
        raise InvalidFlags("%s %r: unknown flags %r" % (op, name, flags))

    def __repr__(self):
        return "<%s %r id %d>" % (type(self).__name__, self.name, self.id)

    def __contains__(self, key):
        return self.lookup(key) is not None

    def __iter__(self):
        return self.keys()

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

"""Map: what all map types of a board share. Each has one slice of the pool, and its definition."""

import os
from struct import pack_into, unpack_from

from .. import pool
from ..abi import BPF_F_WRONLY
from ..errors import InvalidFlags, InvalidKeySize, InvalidValueSize, NotPermitted, StaleMap

_FROZEN = 1  # bit 0 of the state word
_STATE_AT = 68  # offsets in a slice's header, bytes; SPEC.md draws them
_PEAK_AT = 72
_SEED_AT = 32  # and behind it multiplier and mask, 4 bytes each


def new_seed(m, mask):
    """Give a new map that hashes its seed, its multiplier and its mask."""
    seed, multiplier = unpack_from("<II", os.urandom(8))
    # Odd: a step loses nothing; large: it mixes upwards. The constant is for a port whose urandom gives zeros, which mix badly.
    multiplier = (multiplier ^ 0x2545F491) & 0x3FFFFFFF | 0x10000001
    pack_into("<3I", m._view, _SEED_AT, seed & 0x3FFFFFFF, multiplier, mask)


class Map:
    """What all map types share. `id` is its number on the line, `offset` and `size` its place in the pool, bytes."""

    cpus = 1  # values of an entry
    by_host = False  # whether it has host_lookup and its like, see line/operations.py
    subscribe_needs = (
        "lookup",
        BPF_F_WRONLY,
    )  # the operation that a subscription stands for, and the rights that it needs
    _instead = "use lookup, update and delete"  # what a refusal says at its end

    def __init__(self, definition):
        self.definition = definition
        self._key_size = definition.key_size
        self._value_size = definition.value_size
        pool.create(self, definition)

    def _move(self, view):
        """Take the map's own functions, if it has any, to the slice of this view; they hold where theirs is."""

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
        return unpack_from("<I", self._view, _PEAK_AT)[0] or self.host_count()

    def host_count(self):
        """Return how many entries are in use."""
        return len(self)

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

    def host_parameters(self):
        """Return the type parameters as from_definition() takes them, nothing where the type has none."""
        return b""

    def __repr__(self):
        return "<%s %r id %d>" % (type(self).__name__, self.name, self.id)

    def __contains__(self, key):
        return self.lookup(key) is not None

    def __iter__(self):
        return self.keys()

    def __getattr__(self, name):
        """Return an operation that is loaded when it is first asked for, or a function that refuses one of other types.

        Called for what is not found elsewhere, so that no operation is slower for it.
        """
        if name[:2] == "_u" or "_apply" in self.__dict__:
            from .atomic import method  # saves heap: few programs need it

            own = method(self, name)
            if own:
                return own
        from ..refusals import refusal  # saves heap: with the first refusal

        self._alive(name)
        return refusal(self, name)

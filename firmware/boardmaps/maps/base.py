"""Map: what all map types of a board share. Each has one slice of the pool, and its definition."""

import os
from struct import pack_into, unpack_from

from micropython import const

from .. import pool
from ..errors import (
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    MapError,
    NotPermitted,
    NotSupported,
    OutOfMemory,
    StaleMap,
)
from ..flags import BPF_F_WRONLY
from .buffers import holds, room, whole

_FROZEN = const(1)  # bit 0 of the state word
_STATE_AT = const(68)  # offsets in a slice's header, bytes; SPEC.md draws them
_PEAK_AT = const(72)
_SEED_AT = const(32)  # and behind it multiplier and mask, 4 bytes each


def new_seed(m, mask):
    """Give a new map that hashes its seed, its multiplier and its mask."""
    seed, multiplier = unpack_from("<II", os.urandom(8))
    # Odd: a step loses nothing; large: it mixes upwards. The constant is for a port whose urandom gives zeros, which mix badly.
    multiplier = (multiplier ^ 0x2545F491) & 0x3FFFFFFF | 0x10000001
    pack_into("<3I", m._view, _SEED_AT, seed & 0x3FFFFFFF, multiplier, mask)


# Raised where there is no heap for an error with a text: in a hard interrupt, with the heap locked or full. Made beforehand.
_READY = (
    InvalidFlags(),
    InvalidKeySize(),
    InvalidValueSize(),
    KeyExists(),
    KeyNotFound(),
    MapError(),
    NotPermitted(),
    NotSupported(),
    OutOfMemory(),
    StaleMap(),
)
for _made in _READY:
    _made.done = 0  # takes heap the first time, and a batch says with it how far it came
del _made


def _ready(error):
    for made in _READY:
        if type(made) is error:
            made.done = 0
            return made
    return error


class Map:
    """What all map types share. `id` is its number on the line, `offset` and `size` its place in the pool, bytes."""

    cpus = 1  # values of an entry
    by_host = False  # whether it has host_lookup and its like, see line/operations.py
    subscribe_needs = (
        "lookup",
        BPF_F_WRONLY,
    )  # the operation that a subscription stands for, and the rights that it needs
    _host_check = None  # what looks at the host's writes, see line/writes.py
    _instead = "use lookup, update and delete"  # what a refusal says at its end
    _later = ()  # operations of the type that are loaded with the first use

    def __init__(self, definition):
        self.definition = definition
        self._key_size = definition.key_size
        self._value_size = definition.value_size
        pool.create(self, definition)

    @classmethod
    def typed(cls, name="", *, key="", value="", max_entries=0, map_flags=0, **more):
        """Make a map whose keys and values have these schemas (SPEC.md, section 6); its sizes follow from them.

        `more` is what the constructor takes beside sizes, flags and name; a TimeSeries' `field` is the name of one. New entries of
        an array have the schema's defaults. Raises InvalidDefinition, which says where a schema is wrong.
        """
        from ..schema import typed  # saves heap: with the first typed map

        return typed(cls, name, key, value, max_entries, map_flags, more)

    def _begin(self):
        """Fill in what a new map of the type has in its header beside its definition."""

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
            self._fail(NotPermitted, "%s %r: the map is frozen already", "freeze")
        self._view[_STATE_AT] |= _FROZEN

    def check(self):
        """Return None when the map's bytes are whole, else a text that says what is wrong. Raises StaleMap.

        Looked at are the header, against the map's definition and what it makes of it; of a hash table each chain, of a trie each
        node, of a ring each record, where the keys belong, the counts and the chains of what is free. What is whole no operation
        leaves, and each ends. Values are not looked at. It reads the map's slice alone, and takes as long as looking up all keys
        does, longer where chains are long. Nothing else may change the map meanwhile: no interrupt is held off. Allocates.
        """
        self._alive("check")
        from .check import check  # saves heap: with the first check

        return check(self)

    def _alive(self, op):
        if self._view is pool.dead:
            if pool.maps.get(self.id) is self:  # serving/transfer.py has taken it out of use
                self._fail(StaleMap, "%s %r: a restore of the map did not end; restore it again, or restart", op)
            self._fail(StaleMap, "%s %r: the pool was reset and the map is gone; make it again", op)

    def _fail(self, error, text, op, a=..., b=...):  # by place: *arguments would take heap
        """Raise an error; `text` takes the operation, the map's name, a and b. A buffer there stands for its bytes' number.

        Not in MapError itself, which is about other things than buffers. Where there is no heap for the text there is none.
        """
        try:
            parts = (op, self.name)
            for part in (a, b):
                if part is not ...:
                    parts += (part if error is MapError or isinstance(part, (int, bool, str)) else room(part),)
            made = error(text % parts)
        except MemoryError:
            made = _ready(error)
        raise made

    # The way in: what is given is looked at in this order, key, value, flags, each its type first.

    def _key(self, op, key):
        """Refuse what is no key of this map's."""
        self._alive(op)
        if not holds(key, self._key_size):
            self._fail(InvalidKeySize, "%s %r: key is %d bytes, not %d", op, key, self._key_size)

    def _value(self, op, value, writable=False):
        """Refuse what is no value of this map's, or no place for one."""
        if not holds(value, self._value_size, writable):
            self._wrong_value(op, value, writable)

    def _wrong_value(self, op, value, writable):
        self._alive(op)
        text = "%s %r: out is %d bytes, not %d" if writable else "%s %r: value is %d bytes, not %d"
        self._fail(InvalidValueSize, text, op, value, self._value_size)

    def _flags(self, op, flags, most=2):
        """Refuse flags that are no number, or none from 0 to `most`."""
        if not whole(flags):
            raise TypeError("flags are a number")
        if not 0 <= flags <= most:
            self._fail(InvalidFlags, "%s %r: unknown flags %d", op, flags)

    def _check_out(self, op, key, out):
        """Refuse a key, or a place for a value."""
        self._key(op, key)
        self._value(op, out, True)

    def field(self, name):
        """Return get, set and add of a field of the values by its name: make it once, and keep it. Allocates; see fields.py.

        Raises InvalidValue when the map's schema has no such field.
        """
        from ..fields import field  # saves heap: with the first field

        return field(self, name)

    def host_parameters(self):
        """Return the type parameters as from_definition() takes them, nothing where the type has none."""
        return b""

    def __repr__(self):
        return "<%s %r id %d>" % (type(self).__name__, self.name, self.id)

    def __contains__(self, key):
        self.keys()  # NotSupported where there are none, also where lookup is another word for peek
        return self.lookup(key) is not None

    def __iter__(self):
        return self.keys()

    def __getattr__(self, name):
        """Return an operation that is loaded when it is first asked for, or a function that refuses one of other types.

        Called for what is not found elsewhere, so that no operation is slower for it.
        """
        self._alive(name)
        if name in self._later:
            from .atomic import method  # saves heap: few programs need it

            return method(self, name)
        try:
            from ..refusals import refusal  # saves heap: with the first refusal

            return refusal(self, name)
        except MemoryError:
            if name.startswith("_"):  # a slice would take heap
                raise
        raise _ready(NotSupported)

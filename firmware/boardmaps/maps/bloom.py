"""BloomFilter: a set that only grows, in a fixed number of bits. It may take a stranger for a member, never the reverse."""

from struct import pack_into, unpack_from

from micropython import const

from ..definition import MapDef, filter_bits
from ..errors import NotSupported
from ..kinds import BLOOM_FILTER
from ..settings import kernels
from .base import Map, new_seed

_kernels = kernels("bloom")
_push = _kernels.push  # (view, value), which has been looked at
_peek = _kernels.peek

_DONE = const(0)  # what _peek() answers

# Words of a slice's header
_COUNT = const(7)
_FUNCTIONS = const(15)


class BloomFilter(Map):
    """A Bloom filter in the static pool, made for `max_entries` values of value_size bytes, with 1 to 15 hash functions.

    Takes 96 bytes, and 7/5 of entries times functions bits, rounded up to a power of two (at least 64), as the kernel's; 0
    functions means 5. More values than max_entries can be pushed: peek() then finds more that were not. Raises InvalidDefinition,
    InvalidFlags or OutOfMemory (the pool).

    push() and peek() allocate nothing. A hard interrupt may call them (with GUARD "irq" if the map is used outside it too).
    """

    _instead = "use push and peek"

    def __init__(self, value_size, max_entries, map_flags=0, name="", schema="", *, functions=5):
        d = MapDef(BLOOM_FILTER, 0, value_size, max_entries, map_flags, name, functions=functions, schema=schema)
        Map.__init__(self, d)

    def _begin(self):
        d = self.definition
        new_seed(self, filter_bits(d.max_entries, d.functions) - 1)
        pack_into("<I", self._view, _FUNCTIONS * 4, d.functions)

    @classmethod
    def from_definition(cls, d, parameters=b""):
        """Make a filter; the parameter is the number of hash functions."""
        functions = parameters[0] if parameters else d.functions
        return cls(d.value_size, d.max_entries, d.map_flags, d.name, d.schema, functions=functions)

    def host_parameters(self):
        """Return the number of hash functions."""
        return bytes((self.definition.functions,))

    def push(self, value, flags=0):
        """Add a value: from now on peek() says True to it. Raises InvalidValueSize, and InvalidFlags for any flag."""
        self._alive("push")
        self._value("push", value)
        self._flags("push", flags, 0)
        _push(self._slice, value)

    def peek(self, value):
        """Return False when the value was surely never pushed, else True. Raises InvalidValueSize."""
        self._alive("peek")
        self._value("peek", value)
        return _peek(self._slice, value) == _DONE

    def host_peek(self, value):
        """Do peek(): to a queue the host's peek is a look-up."""
        return self.peek(value)

    def clear(self):
        """Forget every value."""
        self._alive("clear")
        _kernels.clear(self._slice)

    def host_count(self):
        """Return what there is instead of a length: the pushes that have set a bit."""
        self._alive("count")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def __len__(self):
        """Raise NotSupported: a filter does not know how many different values it was given."""
        return self._fail(NotSupported, "%s %r: a filter does not know how many different values it was given", "len")

    def __bool__(self):
        """Give True, whatever is in it: len() has no answer."""
        return True

"""Queue and Stack: values without keys, of fixed capacity, the oldest or the newest first."""

from struct import unpack_from

from micropython import const

from ..definition import MapDef
from ..errors import InvalidFlags, InvalidKeySize, OutOfMemory
from ..kinds import QUEUE, STACK
from ..settings import kernels
from .base import Map
from .buffers import holds

_kernels = kernels("queue")

_COUNT = const(7)  # a word of a slice's header

# What _put() answers, as viper_queue.py has it
_FULL = const(3)
_LOOKED_AT = const(16)  # beside the flags: the value is right


class Queue(Map):
    """First in, first out: `max_entries` values of value_size bytes in the static pool.

    Takes 96 bytes, and value_size rounded up to 4 an entry. push(value, flags=0) adds a value: in a full map BPF_ANY raises
    OutOfMemory, and with BPF_EXIST the oldest value goes. pop_into(out) and peek_into(out) copy the next value into `out`
    (value_size bytes, writable) and return False when the map is empty. These three allocate nothing.

    For callers that treat all maps alike update() is push, lookup() is peek and lookup_and_delete() is pop; their key is
    None or empty.
    """

    _type = QUEUE
    _instead = "its values have no keys; use push, peek and pop"

    def __init__(self, value_size, max_entries, map_flags=0, name="", schema=""):
        _kernels.drive(self)
        Map.__init__(self, MapDef(self._type, 0, value_size, max_entries, map_flags, name, schema=schema))

    def pop(self):
        """Remove the next value and return it as bytes; None when the map is empty."""
        self._alive("pop")
        out = bytearray(self._value_size)
        if not self.peek_into(out):
            return None
        value = bytes(out)  # had before it goes
        if not self.pop_into(out):
            return None
        return value if out == value else bytes(out)  # the latter when an interrupt came between

    def peek(self):
        """Return the next value as bytes and leave it; None when the map is empty."""
        self._alive("peek")
        out = bytearray(self._value_size)
        return bytes(out) if self.peek_into(out) else None

    def update(self, key, value, flags=0):
        """Push."""
        self._no_key("update", key)
        self._push_failed(value, flags, "update")

    def lookup(self, key=None):
        """Peek."""
        self._no_key("lookup", key)
        return self.peek()

    def lookup_into(self, key, out):
        """Peek into `out`."""
        self._no_key("lookup_into", key)
        return self.peek_into(out)

    def lookup_and_delete(self, key=None):
        """Pop."""
        self._no_key("lookup_and_delete", key)
        return self.pop()

    def host_lookup_and_delete(self, key, out):
        """Pop into `out`."""
        self._no_key("lookup_and_delete", key)
        return self.pop_into(out)

    def clear(self):
        """Remove every value."""
        self._alive("clear")
        _kernels.empty(self._view)

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _no_key(self, op, key):
        self._alive(op)
        if key is not None and not holds(key, 0):
            self._fail(InvalidKeySize, "%s %r: key is %d bytes, not %d", op, key, 0)

    def _push_failed(self, value, flags, op="push"):
        """Push with flags, or again what could not be pushed without, and raise the reason."""
        self._alive(op)
        self._value(op, value)
        self._flags(op, flags)
        if flags == 1:
            self._fail(InvalidFlags, "%s %r: unknown flags %d", op, flags)
        if self._put(value, flags | _LOOKED_AT) == _FULL:
            self._full(op, self.definition.max_entries)

    def _full(self, op, most):
        self._fail(OutOfMemory, "%s %r: map is full (%d of %d entries)", op, most, most)


class Stack(Queue):
    """Last in, first out: `max_entries` values of value_size bytes. BPF_EXIST drops the oldest value here too."""

    _type = STACK

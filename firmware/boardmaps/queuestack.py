"""Queue and Stack: values without keys, of fixed capacity, the oldest or the newest first.

The slots form a ring. A map has its own little functions over the address of its slice, made by _functions(): that saves
each call the look at an attribute, which costs as much as the copying.
"""

from struct import unpack_from

import micropython
from micropython import const

from .abi import QUEUE, STACK
from .definition import MapDef
from .errors import InvalidKeySize, NotSupported, OutOfMemory
from .guard import GUARD, enter, guarded, leave
from .pool import Map

# Words of a slice's header
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_FIRST = const(8)  # index of the slot that holds the oldest value
_ENTRIES = const(12)
_STRIDE = const(14)
_PEAK = const(18)

_EXIST = const(2)  # BPF_EXIST

# What put() answers
_FULL = const(1)
_WRONG_SIZE = const(2)


@micropython.viper
def _empty(view):
    """Forget all values."""
    h = ptr32(view)
    h[_COUNT] = 0
    h[_FIRST] = 0


_empty = guarded(_empty, 1)


def _functions(base, newest, length, refuse):
    """Return (move, put, pop_into, peek_into) of the map whose slice is at address `base`.

    `newest` is 1 for a stack. `refuse(op, value)` raises what is wrong with a value. move() takes them all to another
    address. A closure of more than five names and arguments in all would take heap at every call.
    """

    def move(to):
        nonlocal base
        base = to

    @micropython.viper
    def put(value, over: int) -> int:
        """Copy the value behind the newest one; in a full map over the oldest one, if `over`. 0: done."""
        h = ptr32(int(base))
        n = h[_VALUE_SIZE]
        if int(length(value)) != n:
            return _WRONG_SIZE
        count = h[_COUNT]
        most = h[_MAX_ENTRIES]
        slot = h[_FIRST]
        if count == most:
            if not over:
                return _FULL
            i = slot + 1
            if i == most:
                i = 0
            h[_FIRST] = i
        else:
            slot += count
            if slot >= most:
                slot -= most
            count += 1
            h[_COUNT] = count
            if count > h[_PEAK]:
                h[_PEAK] = count
        s = ptr32(value)
        d = ptr32(int(h) + h[_ENTRIES] + slot * h[_STRIDE])
        if not int(s) & 3:  # else bytes: a Cortex-M0+ faults on words that are not aligned
            while n >= 16:
                d[0] = s[0]
                d[1] = s[1]
                d[2] = s[2]
                d[3] = s[3]
                s = ptr32(int(s) + 16)
                d = ptr32(int(d) + 16)
                n -= 16
            while n >= 4:
                d[0] = s[0]
                s = ptr32(int(s) + 4)
                d = ptr32(int(d) + 4)
                n -= 4
        s8 = ptr8(int(s))
        d8 = ptr8(int(d))
        i = 0
        while i < n:
            d8[i] = s8[i]
            i += 1
        return 0

    @micropython.viper
    def pop_into(out) -> bool:
        h = ptr32(int(base))
        n = h[_VALUE_SIZE]
        if int(length(out)) != n:
            refuse("pop_into", out)
        count = h[_COUNT]
        if not count:
            return False
        count -= 1
        h[_COUNT] = count
        slot = h[_FIRST]
        most = h[_MAX_ENTRIES]
        if int(newest):
            slot += count
            if slot >= most:
                slot -= most
        else:
            i = slot + 1
            if i == most:
                i = 0
            h[_FIRST] = i
        d = ptr32(out)
        s = ptr32(int(h) + h[_ENTRIES] + slot * h[_STRIDE])
        if not int(d) & 3:
            while n >= 16:
                d[0] = s[0]
                d[1] = s[1]
                d[2] = s[2]
                d[3] = s[3]
                s = ptr32(int(s) + 16)
                d = ptr32(int(d) + 16)
                n -= 16
            while n >= 4:
                d[0] = s[0]
                s = ptr32(int(s) + 4)
                d = ptr32(int(d) + 4)
                n -= 4
        s8 = ptr8(int(s))
        d8 = ptr8(int(d))
        i = 0
        while i < n:
            d8[i] = s8[i]
            i += 1
        return True

    @micropython.viper
    def peek_into(out) -> bool:
        h = ptr32(int(base))
        n = h[_VALUE_SIZE]
        if int(length(out)) != n:
            refuse("peek_into", out)
        count = h[_COUNT]
        if not count:
            return False
        slot = h[_FIRST]
        if int(newest):
            slot += count - 1
            if slot >= h[_MAX_ENTRIES]:
                slot -= h[_MAX_ENTRIES]
        d8 = ptr8(out)
        s8 = ptr8(int(h) + h[_ENTRIES] + slot * h[_STRIDE])
        i = 0
        while i < n:
            d8[i] = s8[i]
            i += 1
        return True

    return move, put, pop_into, peek_into


def _front(put, failed):
    """Return push() over put(); failed(value, flags) does again what put() refused, or has flags, and says why."""

    @micropython.native
    def push(value, flags=0):
        if flags or put(value, 0):
            failed(value, flags)

    return push


def _guarded_take(take, m, op):
    """Return pop_into or peek_into within the guard, with the size checked before: no bytecode runs inside."""

    @micropython.native
    def guarded_take(out):
        if len(out) != m._value_size:
            m._refuse(op, b"", out)
        state = enter()
        try:
            return take(out)
        finally:
            leave(state)

    return guarded_take


class Queue(Map):
    """First in, first out: `max_entries` values of value_size bytes in the static pool.

    Takes 96 bytes, and value_size rounded up to 4 an entry. push(value, flags=0) adds a value: in a full map BPF_ANY raises
    OutOfMemory, and with BPF_EXIST the oldest value goes. pop_into(out) and peek_into(out) copy the next value into `out`
    (value_size bytes, writable) and return False when the map is empty. These three allocate nothing.

    For callers that treat all maps alike update() is push, lookup() is peek and lookup_and_delete() is pop; their key is
    None or empty.
    """

    _type = QUEUE

    def __init__(self, value_size, max_entries, map_flags=0, name=""):
        self._move, put, pop_into, peek_into = _functions(0, int(self._type == STACK), len, self._wrong_size)
        if GUARD != "none":
            pop_into = _guarded_take(pop_into, self, "pop_into")
            peek_into = _guarded_take(peek_into, self, "peek_into")
        self._put = guarded(put, 2)
        self.push = _front(self._put, self._push_failed)
        self.pop_into = pop_into
        self.peek_into = peek_into
        Map.__init__(self, MapDef(self._type, 0, value_size, max_entries, map_flags, name))

    def pop(self):
        """Remove the next value and return it as bytes; None when the map is empty."""
        self._alive("pop")
        out = bytearray(self._value_size)
        return bytes(out) if self.pop_into(out) else None

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

    def delete(self, key=None):
        """Raise NotSupported: there are no keys."""
        self._none("delete")

    def next_key(self, key=None):
        """Raise NotSupported: there are no keys."""
        self._none("next_key")

    def clear(self):
        """Remove every value."""
        self._alive("clear")
        _empty(self._view)

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _at(self, cursor):
        self._none("walk")

    def _none(self, op):
        self._alive(op)
        raise NotSupported("%s %r: its values have no keys; use push, peek and pop" % (op, self.name))

    def _no_key(self, op, key):
        self._alive(op)
        if key is not None and len(key):
            raise InvalidKeySize("%s %r: key is %d bytes, not 0" % (op, self.name, len(key)))

    def _wrong_size(self, op, value):
        self._refuse(op, b"", value)

    def _push_failed(self, value, flags, op="push"):
        """Push with flags, or again what could not be pushed without, and raise the reason."""
        self._alive(op)
        if flags not in (0, _EXIST):
            self._refuse(op, b"", value, flags)
        done = self._put(value, flags)
        if done == _WRONG_SIZE:
            self._refuse(op, b"", value)
        if done == _FULL:
            most = self.definition.max_entries
            raise OutOfMemory("%s %r: map is full (%d of %d entries)" % (op, self.name, most, most))


class Stack(Queue):
    """Last in, first out: `max_entries` values of value_size bytes. BPF_EXIST drops the oldest value here too."""

    _type = STACK

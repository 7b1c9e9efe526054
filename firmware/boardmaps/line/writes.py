"""A look at what the host writes into a map, before it is done: check_writes(). The same on the board and on the twin.

The dispatcher asks here, and nobody else: what the firmware does costs what it did, and so does the host's on other maps. Loaded
with the first check_writes().
"""

import sys
from struct import unpack_from

from ..errors import InvalidValue, MapError, NotPermitted
from ..flags import const
from ..kinds import find
from ..line import collect

# Numbers of abi.py, restated
_OP_UPDATE = const(5)
_OP_DELETE = const(6)
_OP_LOOKUP_AND_DELETE = const(8)
_OP_ADD = const(15)
_OP_COMPARE_AND_SWAP = const(16)
_OP_BATCH_UPDATE = const(17)
_OP_BATCH_DELETE = const(18)
_OP_BATCH_LOOKUP_AND_DELETE = const(19)
_OP_CLEAR = const(20)
_OP_OUTPUT = const(21)
_OP_PUSH_SAMPLE = const(24)
_OP_FETCH_OR = const(28)
_OP_FETCH_AND = const(29)
_OP_FETCH_XOR = const(30)
_OP_EXCHANGE = const(31)
_OP_UPDATE_PART = const(32)
_OP_PUSH = const(33)

# Columns and traits of kinds.py
_KIND_NUMBER = const(0)
_TRAITS = const(4)
_OPERATIONS = const(10)
_INDEXED = const(8)
_NODES = const(64)
_OPS_ENTRIES = const(1)


def check_writes(m, check=None):  # type: ignore[no-untyped-def]
    """Have each write of the host to a map looked at from now on, before it is done; the firmware's own are not.

    `check(key, old, new)` gets the entry's key, what it holds and what it would hold, as bytes; None for what is not there, and
    for `new` of an entry that goes. A queue's, a ring's or a series' value has the key b"". It returns None, or a text that says
    why the write is refused: then the host gets InvalidValue and nothing is changed. It may raise a MapError itself. Without
    `check` the map's schema is held: ranges, names of values, and fields that only the firmware writes, whatever the host forces.
    Of a per-CPU map it is asked for each CPU's value. A restore of such a map needs the host's `override`.
    """
    m._host_check = Writes(m, check or by_schema(m))
    if sys.implementation.name == "micropython":
        from .. import pool  # the computer has none

        checked = dict(pool.checked)
        checked[m.id] = True
        pool.checked = checked  # another one: servers look whether it is


class Writes:
    """What a request would make of a map's entries, and what `check` says to that."""

    def __init__(self, m, check):  # type: ignore[no-untyped-def]
        self._map = m
        self._check = check

    def entry(self, op, key, old, new):  # type: ignore[no-untyped-def]
        """Raise InvalidValue when the check refuses an entry."""
        m = self._map
        if new is not None and m.definition.value_size and len(new) != self._size():
            return  # the map refuses it
        if m.by_host and new is not None:  # a row: the values of all CPUs
            olds = None if old is None else m.split(old)
            values = m.split(new)
            for i in range(len(values)):
                self._ask(op, key, olds and olds[i], values[i])
        else:
            self._ask(op, key, old, new)

    def _ask(self, op, key, old, new):  # type: ignore[no-untyped-def]
        why = self._check(key, old, new)
        if why is not None:
            raise InvalidValue("%s %r: the board refuses it: %s" % (op, self._map.name, why))

    def look(self, request, op):  # type: ignore[no-untyped-def]
        """Look at a request of the host on the map. What no map would take is left for the map to refuse."""
        code = request[0]
        request = bytes(request)
        if code == _OP_OUTPUT or code == _OP_PUSH_SAMPLE:
            self.entry(op, b"", None, request[3 if code == _OP_OUTPUT else 11 :])
        elif code == _OP_PUSH:
            self.entry(op, b"", None, request[7:])
        elif code == _OP_CLEAR:
            for key, old in self._all():
                self.entry(op, key, old, self.gone(old))
        elif code == _OP_BATCH_UPDATE or code == _OP_BATCH_DELETE or code == _OP_BATCH_LOOKUP_AND_DELETE:
            self._batch(request, op)
        elif code in (_OP_DELETE, _OP_LOOKUP_AND_DELETE):
            old = self._held(request[3:])
            self.entry(op, request[3:], old, self.gone(old))
        else:
            found = self._one(request, code)
            if found:
                self.entry(op, *found)

    def _batch(self, request, op):  # type: ignore[no-untyped-def]
        m, code = self._map, request[0]
        n = m.definition.key_size
        if code == _OP_BATCH_UPDATE:
            size = n + self._size()
            for at in range(7, len(request) - size + 1, size):
                key = request[at : at + n]
                self.entry(op, key, self._held(key), request[at + n : at + size])
        elif code == _OP_BATCH_DELETE:
            for at in range(3, len(request) - n + 1, n):
                old = self._held(request[at : at + n])
                self.entry(op, request[at : at + n], old, self.gone(old))
        else:  # which ones go is known when they have gone
            for key, old in self._all():
                self.entry(op, key, old, None)

    def _one(self, request, code):  # type: ignore[no-untyped-def]
        """Return (key, old, new) of a request that changes one value; None when the map will refuse it, or nothing changes."""
        m = self._map
        if code == _OP_UPDATE or code == _OP_UPDATE_PART:
            offset, n = unpack_from("<IH", request, 3)
            key, data = request[9 : 9 + n], request[9 + n :]
            old = self._held(key)
            if code == _OP_UPDATE:
                return key, old, data
            return old and (key, old, old[:offset] + data + old[offset + len(data) :])
        if code == _OP_COMPARE_AND_SWAP:
            (n,) = unpack_from("<H", request, 3)
            key, values = request[5 : 5 + n], request[5 + n :]
            old = self._held(key)
            half = len(values) // 2
            return (key, old, values[half:]) if old == values[:half] else None
        if not (code == _OP_ADD or _OP_FETCH_OR <= code <= _OP_EXCHANGE):
            return None  # it writes no value
        old = self._held(request[16:])
        if old is None or m.by_host:
            return None
        return request[16:], old, numbered(request, code, old)

    def _size(self):  # type: ignore[no-untyped-def]
        m = self._map
        return m.host_size() if m.by_host else m.definition.value_size

    def _held(self, key):  # type: ignore[no-untyped-def]
        """Return what an entry holds as the host sees it; None when there is none, or no key leads to one."""
        m = self._map
        if not key or len(key) != m.definition.key_size:
            return None
        if find(_KIND_NUMBER, m.definition.map_type)[_TRAITS] & _NODES:  # its look-up finds another prefix's value too
            return dict(self._all()).get(key)
        found = m.host_lookup(key) if m.by_host else m.lookup(key)
        return found if found is None else bytes(found)

    def _all(self):  # type: ignore[no-untyped-def]
        """Return the entries that have keys."""
        m = self._map
        if not find(_KIND_NUMBER, m.definition.map_type)[_OPERATIONS] & _OPS_ENTRIES:
            return [(b"", None)]
        found = []
        cursor = None
        while True:
            cursor, keys, values = m.batch_lookup(cursor, 64)
            found += [(keys[i], values[i]) for i in range(len(keys))]
            if not cursor:
                return found

    def gone(self, old):  # type: ignore[no-untyped-def]
        """Return what is there when an entry was deleted: an array's is zero."""
        indexed = find(_KIND_NUMBER, self._map.definition.map_type)[_TRAITS] & _INDEXED
        return bytes(len(old)) if indexed and old is not None else None


def numbered(request, code, old):  # type: ignore[no-untyped-def]
    """Return the value that ADD, a FETCH or EXCHANGE makes of `old`; `old` itself where it has no such number."""
    offset, width = unpack_from("<IB", request, 3)
    (operand,) = unpack_from("<q" if code == _OP_ADD else "<Q", request, 8)
    width = width or len(old)
    if width not in (1, 2, 4, 8) or offset + width > len(old):
        return old
    number = int.from_bytes(old[offset : offset + width], "little")
    if code == _OP_ADD:
        number += operand
    elif code == _OP_FETCH_OR:
        number |= operand
    elif code == _OP_FETCH_AND:
        number &= operand
    elif code == _OP_FETCH_XOR:
        number ^= operand
    else:
        number = operand
    number &= (1 << 8 * width) - 1
    return old[:offset] + bytes([number >> 8 * i & 255 for i in range(width)]) + old[offset + width :]


def by_schema(m):  # type: ignore[no-untyped-def]
    """Return a check that holds what the schema of a map's values says; a field that stays as it was may be anything."""
    collect("boardmaps.schema")
    # saves heap: who has a check of its own needs no schema
    from ..schema import Types

    value = Types(m.definition.schema).value if m.definition.schema else None
    if not value:
        raise MapError("check_writes %r: the map has no schema; give a check" % m.name)
    default = bytes(value.default())
    fields = [f for f in value.fields if f.locked or f.names or f.low is not None or f.high is not None]

    def check(key, old, new):  # type: ignore[no-untyped-def] # noqa: ARG001 - a check has three
        if new is None:
            return None
        if len(new) < len(default):
            return "it is shorter than its schema, %d bytes" % len(default)
        for field in fields:
            part = new[field.offset : field.offset + field.size]
            before = default if old is None else old
            if part == before[field.offset : field.offset + field.size]:
                continue
            if field.locked:
                raise NotPermitted("field %r: only the firmware writes it" % field.name)
            why = _outside(field, new)
            if why:
                return why
        return None

    return check


def _outside(field, value):  # type: ignore[no-untyped-def]
    """Return what a field's range or names say against it in a whole value, None when nothing."""
    if field.letter == "s":
        return None
    letter = field.letter.replace("?", "B")  # MicroPython's struct has no '?'
    for number in unpack_from("<" + letter * (field.count or 1), value, field.offset):
        # by `not`: NaN is in no range
        if (field.low is not None and not number >= field.low) or (field.high is not None and not number <= field.high):
            return "the field %r is out of its range, %s to %s" % (
                field.name,
                _shown(field, field.low),
                _shown(field, field.high),
            )
        if field.names and not field.bits and number not in field.names:
            return "the field %r has no name for %d" % (field.name, number)
        if field.names and field.bits and number & ~sum([1 << bit for bit in field.names]):
            return "the field %r has bits without a name: %d" % (field.name, number)
    return None


def _shown(field, number):  # type: ignore[no-untyped-def]
    if number is None:
        return "any"
    return str(number * field.times / field.over if field.over > 1 else number * field.times)

"""What per-CPU maps share: one value per key and CPU, so that counters of different cores never meet.

How many CPUs run MicroPython: 2 on rp2, 1 elsewhere, unless boardmaps_config.CPUS says otherwise; then its this_cpu()
returns the number of the one that it runs on. An entry is a row: the values of all CPUs, each rounded up to 8 bytes.
"""

import sys
from struct import unpack_from

from micropython import const

from ..errors import InvalidDefinition, InvalidValueSize, KeyExists, KeyNotFound, MapError, NotSupported, OutOfMemory
from ..settings import kernels, setting
from .buffers import holds
from .keyed import Keyed

_kernels = kernels("percpu")
_op = _kernels.row  # (map, key, offset in the row, buffer, bytes << 4 | what) -> answer

# What row() does; 0, 1 and 2 are update's flags
_EXIST = const(2)
_READ = const(3)
_ZERO = const(5)

# What it answers
_MISS = const(1)
_EXISTS = const(2)

# Words of a slice's header
_COUNT = const(7)


def _plain(buffer):
    """Return a buffer whose length is its bytes: itself, or a copy, which takes heap."""
    kind = type(buffer)
    return buffer if kind is bytes or kind is bytearray else bytes(buffer)


def _one_cpu():
    return 0


CPUS = setting("CPUS", 2 if sys.platform == "rp2" else 1)
this_cpu = setting("this_cpu", _kernels.rp2_cpu if sys.platform == "rp2" else _one_cpu)
if not isinstance(CPUS, int) or not 0 < CPUS <= 64:
    raise InvalidDefinition("boardmaps_config.CPUS is %r: give the number of cores, 1 to 64" % (CPUS,))


class PerCpu(Keyed):
    """What both maps share. Batches give and take rows; every other method the value of this CPU, or a list of all."""

    by_host = True  # the host sees rows

    def __init__(self, definition):
        self.cpus = definition.cpus
        self._step = (definition.value_size + 7) // 8 * 8
        Keyed.__init__(self, definition)

    def split(self, row):
        """Return the values of all CPUs in a row."""
        size = self.definition.value_size
        if not holds(row, self.host_size()):
            self._wrong_row("split", row)
        row = _plain(row)
        return [bytes(row[at : at + size]) for at in range(0, len(row), self._step)]

    def join(self, values, op="join"):
        """Return the row of these values. Raises InvalidValueSize for another number of them than `cpus`."""
        if len(values) != self.cpus:
            self._fail(InvalidValueSize, "%s %r: %d values for %d CPUs", op, len(values), self.cpus)
        row = bytearray(self._step * self.cpus)
        at = 0
        for value in values:
            self._value(op, value)
            row[at : at + self._value_size] = _plain(value)
            at += self._step
        return bytes(row)

    def lookup_into(self, key, out):
        """Copy this CPU's value into `out` (value_size bytes, writable); return False on a miss. Allocates nothing."""
        key = self._place("lookup_into", key)
        self._value("lookup_into", out, True)
        return _op(self, key, self._offset(), out, self._value_size << 4 | _READ) == 0

    def lookup(self, key):
        """Return this CPU's value as bytes, or None on a miss."""
        self._key("lookup", key)
        out = bytearray(self._value_size)
        return bytes(out) if self.lookup_into(key, out) else None

    def lookup_percpu(self, key):
        """Return the values of all CPUs as a list of bytes, or None on a miss."""
        row = self._row("lookup_percpu", key, _READ)
        return None if row is None else self.split(row)

    def update(self, key, value, flags=0):
        """Store the value of this CPU; in a new entry those of the others are zero. Allocates nothing."""
        key = self._place("update", key)
        self._value("update", value)
        self._flags("update", flags)
        flags = self._value_size << 4 | int(flags)
        done = _op(self, key, self._offset(), value, flags)
        if done:
            self._fail_of("update", done)

    def update_percpu(self, key, values, flags=0):
        """Store the values of all CPUs at once. Raises InvalidValueSize for another number of them than `cpus`."""
        place = self._place("update_percpu", key)
        row = self.join(values, "update_percpu")
        self._flags("update_percpu", flags)
        self._store("update_percpu", place, row, flags)

    def batch_update(self, keys, values, flags=0):
        """Store many rows; return how many. Stops at the first error, `done` of which says how many were stored."""
        self._pairs(keys, values, flags)
        done = 0
        try:
            for key in keys:
                self._put_row("batch_update", key, values[done], flags)
                done += 1
        except MapError as error:
            error.done = done
            raise
        return done

    def add(self, key, delta, offset=0, width=None):
        """Add to an unsigned little-endian number of this CPU's value in one step and return the new one; it wraps."""
        return self._add(self._place("add", key), delta, offset, width)

    def compare_and_swap(self, key, expected, new):
        """Store `new` for this CPU if its value is `expected`, in one step; return whether it was."""
        return self._swap(self._place("compare_and_swap", key), expected, new)

    def host_size(self):
        """Return the bytes of a row."""
        return self._step * self.cpus

    def host_lookup(self, key):
        """Return the row, None on a miss."""
        row = self._row("lookup", key, _READ)
        return None if row is None else bytes(row)

    def host_update(self, key, value, flags):
        """Store a row."""
        self._put_row("update", key, value, flags)

    def _put_row(self, op, key, row, flags):
        place = self._place(op, key)
        if not holds(row, self.host_size()):
            self._wrong_row(op, row)
        self._flags(op, flags)
        self._store(op, place, row, flags)

    def host_add(self, key, delta, offset=0, width=None):
        """Raise NotSupported: each CPU changes its own value."""
        self._own("add")

    def host_swap(self, key, expected, new):
        """Raise NotSupported."""
        self._own("compare_and_swap")

    def _own(self, op):
        self._fail(NotSupported, "%s %r: each CPU changes its own value; the host reads and writes all", op)

    def host_subscribe(self, every, key):
        """Return what tells the events of a key; a per-CPU map is not watched whole."""
        from ..line.sources import watch  # saves heap: with the first subscription

        return watch(self, every, key, None)

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _offset(self):
        return this_cpu() * self._step

    def _row(self, op, key, what):
        """Return the whole row under key, None on a miss."""
        row = bytearray(self._step * self.cpus)
        return row if self._row_into(op, key, row, what) else None

    def _row_into(self, op, key, row, what):
        return _op(self, self._place(op, key), 0, row, len(row) << 4 | what) == 0

    def _remove(self, key, what):
        done = _op(self, key, 0, b"", what)
        if done:
            self._fail_of("delete", done)

    def _absent(self, key):
        return _op(self, self._place("find", key), 0, b"", _READ) != 0

    def _store(self, op, key, row, flags):
        done = _op(self, key, 0, row, self.host_size() << 4 | int(flags))
        if done:
            self._fail_of(op, done)

    def _fail_of(self, op, why):
        self._alive(op)
        if why == _MISS:
            self._fail(KeyNotFound, "%s %r: no such key", op)
        if why == _EXISTS:
            self._fail(KeyExists, "%s %r: BPF_NOEXIST, and the key is there", op)
        most = self.definition.max_entries
        self._fail(OutOfMemory, "%s %r: map is full (%d of %d entries)", op, most, most)

    def _wrong_row(self, op, row):
        self._fail(InvalidValueSize, "%s %r: a row of all CPUs is %d bytes, not %d", op, row, self.host_size())

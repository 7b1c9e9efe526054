"""TimeSeries: the last `max_entries` timestamped samples, and statistics over them."""

from collections import namedtuple
from struct import calcsize, pack, pack_into, unpack_from

from micropython import const

from ..definition import MapDef
from ..errors import InvalidDefinition, InvalidKeySize, MapError, NotSupported
from ..flags import BPF_F_WRONLY
from ..kinds import TIME_SERIES
from ..settings import kernels
from .base import Map
from .buffers import whole

_kernels = kernels("series")
_push = _kernels.push  # (view, value, low and high half of the timestamp)
_get = _kernels.get  # (view, number, out): false when there is no such sample

# Words of a slice's header
_COUNT = const(7)
_FIELD = const(9)  # the struct module's letter of the number that stats() works on, 0 for none; then its offset
_GONE = const(15)  # number of the oldest sample: how many were overwritten
_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes

_SAMPLE_NUMBERS = const((1 << 30) - 1)  # a board's small ints; numbers of samples are compared modulo this

_BY_SIZE = {1: "B", 2: "H", 4: "I", 8: "Q"}  # the field of a value that is one unsigned number

Stats = namedtuple("Stats", ("count", "min", "max", "sum", "mean", "span"))


class TimeSeries(Map):
    """A ring of `max_entries` samples in the static pool: a timestamp, 0 to 2**64 - 1 in any unit, and a value.

    `value_size` is bytes. Takes 96 bytes, and 8 and the value_size rounded up to 4 a sample. `field` says which number in
    the value stats() works on, as a letter of the struct module (b B h H i I q Q f d), little-endian, `field_offset` bytes
    from the start. A value of 1, 2, 4 or 8 bytes is one unsigned number unless it says otherwise.
    """

    _instead = "use push, last and window"
    subscribe_needs = ("last", BPF_F_WRONLY)

    def __init__(self, value_size, max_entries, map_flags=0, name="", schema="", *, field=None, field_offset=0):
        definition = MapDef(TIME_SERIES, 8, value_size, max_entries, map_flags, name, schema=schema)
        field = field or _BY_SIZE.get(value_size, "")
        if field:
            if len(field) != 1 or field not in "bBhHiIqQfd":
                raise InvalidDefinition("create %r: field is %r, not one of b B h H i I q Q f d" % (name, field))
            if not 0 <= field_offset <= value_size - calcsize("<" + field):
                raise InvalidDefinition(
                    "create %r: no field %r at %r in %d bytes" % (name, field, field_offset, value_size)
                )
        self._field = field and "<" + field
        self._field_offset = field_offset
        Map.__init__(self, definition)

    def _begin(self):
        if self._field:
            pack_into("<II", self._view, _FIELD * 4, ord(self._field[1]), self._field_offset)

    @classmethod
    def from_definition(cls, d, parameters=b""):
        """Make a series; the parameters are the field's letter and its offset."""
        field, offset = unpack_from("<BI", parameters) if parameters else (0, 0)
        field = chr(field) if field else None
        return cls(d.value_size, d.max_entries, d.map_flags, d.name, d.schema, field=field, field_offset=offset)

    def host_parameters(self):
        """Return the field's letter and its offset, nothing when there is no field."""
        return pack("<BI", ord(self._field[1]), self._field_offset) if self._field else b""

    def push(self, timestamp, value):
        """Add a sample; in a full series the oldest one goes. Allocates nothing."""
        self._alive("push")
        if not whole(timestamp) or timestamp >> 64:
            self._fail(InvalidKeySize, "%s %r: timestamp is not a number from 0 to 2**64 - 1", "push")
        self._value("push", value)
        _push(self._view, value, timestamp, timestamp >> 32)

    def newest(self):
        """Return the last sample pushed, as (timestamp, value); None when there is none."""
        found = self.last(1)
        return found[0] if found else None

    def oldest(self):
        """Return the first sample that is still there; None when there is none."""
        for found in self._walk("oldest", len(self)):
            return found
        return None

    def last(self, n):
        """Return the newest n samples, or all when there are fewer, in the order in which they were pushed."""
        return list(self._walk("last", n))

    def window(self, start, end):
        """Return the samples whose timestamps are from `start` to `end`, both included, in the order of pushing."""
        if not whole(start) or not whole(end):
            raise TypeError("a timestamp is a number")
        return [found for found in self._walk("window", len(self)) if start <= found[0] <= end]

    def stats(self, n=None):
        """Return the statistics of the newest n samples, or of all. Raises NotSupported when no field is declared.

        `min`, `max` and `mean` are None when there is no sample; `span` is the last timestamp minus the first.
        """
        if not self._field:
            self._fail(NotSupported, "%s %r: values of %d bytes, and no field declared", "stats", self._value_size)
        count = total = span = 0
        least = most = mean = first = None
        for timestamp, value in self._walk("stats", len(self) if n is None else n):
            number = unpack_from(self._field, value, self._field_offset)[0]
            if not count:
                first, least, most = timestamp, number, number
            least = min(least, number)
            most = max(most, number)
            span = timestamp - first
            total += number
            count += 1
        if count:
            mean = total / count
        return Stats(count, least, most, total, mean, span)

    def host_push(self, sample):
        """Add a sample: timestamp u64, value."""
        self.push(unpack_from("<Q", sample)[0], sample[8:])

    def host_samples(self, n):
        """Walk the newest n samples, None for all: one by one, a list would take several times the heap."""
        return self._walk("last", len(self) if n is None else n)

    def host_subscribe(self, every, key):
        """Return what tells the samples, from the oldest that is there."""
        if key:
            from ..refusals import refused  # saves heap: with the first refusal

            refused(self, "subscribe")
        from ..line.sources import Samples  # saves heap: with the first subscription

        return Samples(self)

    def first_number(self):
        """Return the number of the oldest sample, for host_subscribe()."""
        return unpack_from("<I", self._view, _GONE * 4)[0]

    def copy_sample(self, number, out):
        """Copy timestamp (8 bytes) and value of the sample with this number to `out`; False when it is gone."""
        return _get(self._view, number & _SAMPLE_NUMBERS, out) != 0

    def clear(self):
        """Remove every sample."""
        self._alive("clear")
        view = self._view
        view[_MARK_AT] = 1  # as a kernel does
        pack_into("<II", view, _COUNT * 4, 0, 0)
        view[_MARK_AT] = 0

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _walk(self, op, n):
        """Walk the newest n samples, the oldest of them first. One that is overwritten meanwhile is left out."""
        self._alive(op)
        if not whole(n) or n < 0:
            self._fail(MapError, "%s %r: n is %r, not a number from 0 up", op, n)
        words = unpack_from("<9I", self._view, _COUNT * 4)  # at once: an interrupt may push
        count = words[0]
        number = words[_GONE - _COUNT] + count
        n = min(n, count)
        out = bytearray(8 + self._value_size)
        while n:
            if _get(self._view, (number - n) & _SAMPLE_NUMBERS, out):
                yield int.from_bytes(out[:8], "little"), bytes(out[8:])
            n -= 1

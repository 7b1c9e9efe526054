"""RingBuf: records of any length from many producers to one reader, in the order of their reservation."""

from struct import unpack_from

from micropython import const

from ..definition import HEADER_SIZE, MapDef
from ..errors import InvalidValueSize, NotPermitted
from ..flags import BPF_F_RDONLY, BPF_F_WRONLY
from ..kinds import RINGBUF
from ..settings import kernels
from .base import Map
from .buffers import room, whole

_kernels = kernels("ring")
_zero = kernels("base").clear

# Words of a slice's header
_COUNT = const(7)
_CONSUMER = const(8)
_LAST = const(16)

_Record = None  # the class, once it is loaded


def _record(ring, most):
    """Return a record with room for up to `most` bytes."""
    global _Record
    if not _Record:
        from .record import Record  # saves heap: with the first record

        _Record = Record
    return _Record(ring, most)


class RingBuf(Map):
    """A ring of `size` bytes, a power of two, in the static pool. A record takes its length and 8 bytes, rounded up to 8.

    Takes 96 bytes and the size. At most size - 1 bytes are in use. What does not fit is dropped and counted, or, with
    BPF_F_RB_OVERWRITE, makes the oldest records go, which are counted too. Each record has a running number, below 2**32,
    that a dropped one uses up as well: a reader that sees a gap knows how many it missed (or that a reserved record was
    discarded).

    output(data) adds a record with these bytes and returns False, and counts, when there is no room for it. read_into(out)
    takes the next record into `out`, which may be longer, and returns its length, -1 when there is none; when `out` is too
    short it raises InvalidValueSize and the record stays. Neither allocates.
    """

    _instead = "use output, reserve and read"
    subscribe_needs = ("read", BPF_F_RDONLY | BPF_F_WRONLY)  # records are taken out, which is a write too

    def __init__(self, size, map_flags=0, name="", schema=""):
        _kernels.drive(self)
        self._cleared = 0
        Map.__init__(self, MapDef(RINGBUF, 0, 0, size, map_flags, name, schema=schema))

    def reserve(self, length):
        """Reserve a record of `length` bytes, zeroed; None, and counted, when there is no room for it."""
        self._length("reserve", length)
        # The record first: it takes heap, and what is claimed then must not be lost. Too long for the ring: only counted.
        record = _record(self, length if length < self.definition.max_entries else 0)
        return record if self._claim(length, record) else None

    def new_record(self, most):
        """Return a record for reserve_into(), with room for up to `most` bytes. It is the firmware's to use again and again."""
        self._length("new_record", most)
        return _record(self, most)

    def reserve_into(self, length, record):
        """Reserve a record of `length` bytes, zeroed; False, and counted, when there is no room for it.

        `record` comes from new_record() and is not reserved now. Takes no heap, and a hard interrupt may call it.
        """
        op = "reserve_into"
        self._length(op, length)
        if getattr(record, "_ring", None) is not self:
            raise TypeError("a record comes from new_record() of the same map")
        if record._at and record._cleared == self._cleared:
            self._fail(NotPermitted, "%s %r: record %d is reserved; submit or discard it first", op, record.number)
        if length > len(record.data):
            self._too_long(op, length, record.data)
        _zero(record._buffer, (length + 7) // 8 * 8)
        return self._claim(length, record)

    def _too_long(self, op, length, data):
        self._fail(InvalidValueSize, "%s %r: length is %d, the record has %d bytes", op, length, len(data))

    def _claim(self, length, record):
        record._at = at = _kernels.claim(self._slice, length)
        record.length = length
        if at:
            record._cleared = self._cleared
            view = self._slice
            record._low = view[at + 4] | view[at + 5] << 8
            record._high = view[at + 6] | view[at + 7] << 8
        return at != 0

    def _length(self, op, length):
        self._alive(op)
        if not whole(length) or length < 0 or length >> 32:
            self._fail(InvalidValueSize, "%s %r: length is not a number from 0 to 2**32 - 1", op)

    def read(self):
        """Take the next record: (its number, its bytes). None when there is none, or the next one is still reserved."""
        self._alive("read")
        view = self._slice
        while True:
            at = _kernels.passed(view)
            if not at:
                return None
            # What is returned is had before the record is taken.
            length, number = unpack_from("<II", view, at)
            out = bytearray(length)
            end = min(length, HEADER_SIZE + self.definition.max_entries - at - 8)
            data = bytes(view[at + 8 : at + 8 + end])
            if end < length:  # it goes on at the ring's start
                data += bytes(view[HEADER_SIZE : HEADER_SIZE + length - end])
            found = number, data
            mark, last = bytes(view[at + 4 : at + 8]), view[_LAST * 4 : _LAST * 4 + 4]
            try:
                n = self.read_into(out)
            except InvalidValueSize:  # it was overwritten meanwhile, and the next one is longer
                continue
            if n == length and last == mark:
                return found
            if n >= 0:  # it was overwritten meanwhile, and the next one came
                return unpack_from("<I", last)[0], bytes(out[:n])

    def host_read(self, out):
        """Take the next record into the memoryview `out`: number u32, length u32, bytes. Return their sum, 0 for no record.

        Raises InvalidValueSize when `out` is too short: the record stays.
        """
        if len(out) < 8:
            self._too_short(out)
        n = self.read_into(out[8:])
        if n < 0:
            return 0
        view = self._slice
        for i in range(4):  # takes no heap: the record is gone from the ring
            out[i] = view[_LAST * 4 + i]
            out[4 + i] = n >> 8 * i & 0xFF
        return 8 + n

    def host_next(self):
        """Return how many bytes host_read() needs for the next record, 0 when there is none."""
        self._alive("read")
        at = _kernels.passed(self._slice)
        return 8 + unpack_from("<I", self._view, at)[0] if at else 0

    def host_subscribe(self, every, key):
        """Return what tells the records."""
        if key:
            from ..refusals import refused  # saves heap: with the first refusal

            refused(self, "subscribe")
        from ..line.sources import Records  # saves heap: with the first subscription

        return Records(self)

    def query(self):
        """Return the bytes waiting, the size, the positions of consumer and producer, and the records dropped."""
        self._alive("query")
        from .record import RingState  # saves heap: with the first record or query

        consumer, producer, dropped = unpack_from("<3I", self._view, _CONSUMER * 4)
        return RingState(producer - consumer & 0xFFFFFFFF, self.definition.max_entries, consumer, producer, dropped)

    def clear(self, force=False):
        """Throw away every record that is waiting, counting none. Raises NotPermitted while one is reserved.

        With `force` reserved ones go too, whose firmware has died; their submit() raises NotPermitted.
        """
        self._alive("clear")
        if not _kernels.clear(self._slice, 1 if force else 0):
            self._fail(NotPermitted, "%s %r: a record is reserved; submit or discard it first", "clear")
        if force:
            self._cleared += 1

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _room_in(self, op, buffer):
        """Return the bytes of a buffer that the kernels do not know; read_into's must be writable."""
        self._alive(op)
        return room(buffer, op == "read_into")

    def _too_short(self, out):
        self._alive("read_into")
        self._fail(InvalidValueSize, "%s %r: the next record is longer than %d bytes", "read_into", out)

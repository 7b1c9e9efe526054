"""RingBuf: records of any length from many producers to one reader, in the order of their reservation."""

from collections import namedtuple
from struct import pack_into, unpack_from

from micropython import const

from ..abi import BPF_F_RDONLY, BPF_F_WRONLY
from ..definition import MapDef
from ..errors import InvalidValueSize, NotPermitted
from ..kinds import RINGBUF
from ..settings import kernels
from .base import Map

_kernels = kernels("ring")

# Words of a slice's header
_COUNT = const(7)
_CONSUMER = const(8)
_LAST = const(16)

RingState = namedtuple("RingState", ("waiting", "size", "consumer", "producer", "dropped"))


class Record:
    """A reserved record: write its bytes to `data`, then submit() or discard() it. Until then later ones wait."""

    def __init__(self, ring, at, length):
        self.number = ring._number_at(at)
        # Not the pool itself: what is held of it after submit() must reach no other record.
        self._buffer = bytearray(length)
        self.data = memoryview(self._buffer)
        self._ring = ring
        self._at = at

    def submit(self):
        """Let the reader have it. Raises NotPermitted when it was submitted or discarded before."""
        self._finish("submit", 0)

    def discard(self):
        """Throw it away: its space stays taken until the reader has passed it."""
        self._finish("discard", 1)

    def _finish(self, op, discard):
        ring = self._ring
        ring._alive(op)
        if not self._at:
            raise NotPermitted("%s %r: record %d was submitted or discarded before" % (op, ring.name, self.number))
        at, self._at = self._at, 0
        _kernels.finish(ring._slice, at, self._buffer, discard)
        self.data = memoryview(bytes(self._buffer))


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

    def __init__(self, size, map_flags=0, name=""):
        _kernels.drive(self)
        Map.__init__(self, MapDef(RINGBUF, 0, 0, size, map_flags, name))

    def reserve(self, length):
        """Reserve a record of `length` bytes, zeroed; None, and counted, when there is no room for it."""
        self._alive("reserve")
        if not isinstance(length, int) or length < 0 or length >> 32:
            raise InvalidValueSize("reserve %r: length is %r, not a number from 0 to 2**32 - 1" % (self.name, length))
        at = _kernels.claim(self._slice, length)
        return Record(self, at, length) if at else None

    def read(self):
        """Take the next record: (its number, its bytes). None when there is none, or the next one is still reserved."""
        self._alive("read")
        while True:
            at = _kernels.passed(self._slice)
            if not at:
                return None
            out = bytearray(unpack_from("<I", self._view, at)[0])
            try:
                n = self.read_into(out)
            except InvalidValueSize:  # it was overwritten meanwhile, and the next one is longer
                continue
            if n >= 0:
                return unpack_from("<I", self._view, _LAST * 4)[0], bytes(out[:n])

    def host_read(self, out):
        """Take the next record into the memoryview `out`: number u32, length u32, bytes. Return their sum, 0 for no record.

        Raises InvalidValueSize when `out` is too short: the record stays.
        """
        if len(out) < 8:
            self._failed("read", out)
        n = self.read_into(out[8:])
        if n < 0:
            return 0
        pack_into("<II", out, 0, unpack_from("<I", self._view, _LAST * 4)[0], n)
        return 8 + n

    def host_next(self):
        """Return how many bytes host_read() needs for the next record, 0 when there is none."""
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
        consumer, producer, dropped = unpack_from("<3I", self._view, _CONSUMER * 4)
        return RingState(producer - consumer & 0xFFFFFFFF, self.definition.max_entries, consumer, producer, dropped)

    def clear(self):
        """Throw away every record that is waiting, counting none. Raises NotPermitted while one is reserved."""
        self._alive("clear")
        if not _kernels.clear(self._slice):
            raise NotPermitted("clear %r: a record is reserved; submit or discard it first" % self.name)

    def __len__(self):
        self._alive("len")
        return unpack_from("<I", self._view, _COUNT * 4)[0]

    def _failed(self, op, out):
        self._alive(op)
        raise InvalidValueSize("%s %r: the next record is longer than %d bytes" % (op, self.name, len(out)))

    def _number_at(self, at):
        return unpack_from("<I", self._view, at + 4)[0]

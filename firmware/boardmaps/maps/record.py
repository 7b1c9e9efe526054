"""What a RingBuf hands out: records that are being written, and its state. Loaded with the first of them."""

from collections import namedtuple

from ..errors import NotPermitted
from ..settings import kernels

_kernels = kernels("ring")

RingState = namedtuple("RingState", ("waiting", "size", "consumer", "producer", "dropped"))


class Record:
    """A reserved record: write its `length` bytes to the begin of `data`, then submit() or discard() it. Later ones wait for it.

    As a context it is discarded at the end unless it was submitted, so that no exception leaves it reserved:
    `with ring.reserve(8) as record`. MicroPython does not tell when an object is dropped.
    """

    def __init__(self, ring, most):
        # Not the pool itself: what is held of it after submit() must reach no other record.
        self._buffer = bytearray((most + 7) // 8 * 8)
        self.data = memoryview(self._buffer)[:most]
        self.length = self._low = self._high = 0  # bytes, and the halves of the number: all of it may take heap
        self._ring = ring
        self._at = 0
        self._cleared = 0  # ring._cleared when it was reserved

    @property
    def number(self):
        """The running number."""
        return self._high << 16 | self._low

    def submit(self):
        """Let the reader have it. Raises NotPermitted when it was submitted, discarded or cleared before. Takes no heap."""
        self._finish("submit", 0)

    def discard(self):
        """Throw it away: its space stays taken until the reader has passed it."""
        self._finish("discard", 1)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self._at and self._cleared == self._ring._cleared:
            self.discard()

    def _finish(self, op, discard):
        ring = self._ring
        ring._alive(op)
        at, self._at = self._at, 0
        if not at or self._cleared != ring._cleared:
            ring._fail(NotPermitted, "%s %r: record %d was submitted, discarded or cleared before", op, self.number)
        _kernels.finish(ring._slice, at, self._buffer, discard)

"""The board's pool, over the line."""

from collections.abc import Callable
from struct import pack, unpack
from typing import Protocol

from boardmaps.abi import OP_POOL, OP_POOL_READ, OP_POOL_RESET
from boardmaps_host.client.errors import LinkError
from boardmaps_host.client.info import AskedTogether, answer, ask, reading

_LARGEST = 2 << 20  # bytes: no board has more RAM for a pool
_AT_ONCE = 64  # requests between two reports of progress: the line is quiet for a round trip each time


class PoolLink(AskedTogether, Protocol):
    """What the pool needs of the connection to its board: a Link."""

    @property
    def mtu(self) -> int:
        """The most bytes of a request that a frame takes."""
        ...


class RemotePool:
    """The board's pool: sizes in bytes. A twin has none, and says so with NotSupported."""

    def __init__(self, link: PoolLink) -> None:
        self._link = link

    def stats(self) -> tuple[int, int, int]:
        """Return (total bytes, used bytes, allocations) in one request."""
        return parse_stats(ask(self._link, bytes((OP_POOL,))) or b"")

    def total_size(self) -> int:
        """Return the pool's size."""
        return self.stats()[0]

    def used(self) -> int:
        """Return the bytes that are allocated."""
        return self.stats()[1]

    def remaining(self) -> int:
        """Return the bytes that are free."""
        total, used, _ = self.stats()
        return total - used

    def allocation_count(self) -> int:
        """Return how many allocations were served since boot or reset."""
        return self.stats()[2]

    def read(self, progress: Callable[[int, int], None] | None = None) -> bytes:
        """Return the bytes that are allocated, as SPEC.md draws them: every map with its header, one behind the other.

        What a write-only map holds comes as zeros. The firmware runs on meanwhile: each frame is one moment, the whole is
        not. `progress` is told (bytes read, bytes in all).
        """
        return self.read_part(0, self.used(), progress)

    def read_part(self, offset: int, used: int, progress: Callable[[int, int], None] | None = None) -> bytes:
        """Return `used` bytes from `offset` on, such as a map's slice: its `offset` and `size`."""
        boot = self._link.boot
        if used > _LARGEST:
            raise LinkError(f"pool: {used:,} bytes are more than any board has.")
        size = min(self._link.mtu, 0xFFFF) - 1  # the status takes one of the payload's bytes
        requests = [pack("<BIH", OP_POOL_READ, offset + at, min(size, used - at)) for at in range(0, used or 1, size)]
        image = bytearray()
        for first in range(0, len(requests), _AT_ONCE):
            for reply in self._link.requests(requests[first : first + _AT_ONCE], changes=False, boot=boot):
                part = answer(reply) or b""
                if len(part) != min(size, used - len(image)):
                    raise LinkError(f"pool: the board gives {len(part)} bytes from {len(image)} on.")
                image += part
            if progress:
                progress(len(image), used)
        return bytes(image)

    def reset(self) -> None:
        """Clear the whole pool. Raises NotPermitted unless the board's server was started with allow_reset."""
        ask(self._link, bytes((OP_POOL_RESET,)), changes=True)


def parse_stats(data: bytes) -> tuple[int, int, int]:
    """Return what a reply to OP_POOL says, as stats() does."""
    with reading("pool"):
        total, used, count = unpack("<3I", data)
        return total, used, count

"""The board's pool, over the line."""

from collections.abc import Callable, Sequence
from struct import pack, unpack
from typing import Protocol

from boardmaps.abi import OP_POOL, OP_POOL_READ, OP_POOL_RESET
from boardmaps_host.client.info import Asked, answer, ask

_AT_ONCE = 16  # requests between two reports of progress: enough to keep the line busy


class PoolLink(Asked, Protocol):
    """What the pool needs of the connection to its board: a Link."""

    @property
    def fields(self) -> dict[str, str]:
        """The board's terms."""
        ...

    def requests(self, payloads: Sequence[bytes], changes: bool = True) -> list[bytes]:
        """Have several requests executed in order."""
        ...


class RemotePool:
    """The board's pool: sizes in bytes. A twin has none, and says so with NotSupported."""

    def __init__(self, link: PoolLink) -> None:
        self._link = link

    def stats(self) -> tuple[int, int, int]:
        """Return (total bytes, used bytes, allocations) in one request."""
        total, used, count = unpack("<3I", ask(self._link, bytes((OP_POOL,))) or b"")
        return total, used, count

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
        size = int(self._link.fields["mtu"]) - 1  # the status takes one of the payload's bytes
        requests = [pack("<BIH", OP_POOL_READ, offset + at, min(size, used - at)) for at in range(0, used or 1, size)]
        image = bytearray()
        for first in range(0, len(requests), _AT_ONCE):
            for reply in self._link.requests(requests[first : first + _AT_ONCE], changes=False):
                image += answer(reply) or b""
            if progress:
                progress(len(image), used)
        return bytes(image)

    def reset(self) -> None:
        """Clear the whole pool. Raises NotPermitted unless the board's server was started with allow_reset."""
        ask(self._link, bytes((OP_POOL_RESET,)), changes=True)

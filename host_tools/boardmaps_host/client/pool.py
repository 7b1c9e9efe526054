"""The board's pool, over the line."""

from struct import unpack

from boardmaps.abi import OP_POOL, OP_POOL_RESET
from boardmaps_host.client.info import ask
from boardmaps_host.client.link import Link


class RemotePool:
    """The board's pool: sizes in bytes. A twin has none, and says so with NotSupported."""

    def __init__(self, link: Link) -> None:
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

    def reset(self) -> None:
        """Clear the whole pool. Raises NotPermitted unless the board's server was started with allow_reset."""
        ask(self._link, bytes((OP_POOL_RESET,)), changes=True)

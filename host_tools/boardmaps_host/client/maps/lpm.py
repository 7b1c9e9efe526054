"""A board's LpmTrie."""

from collections.abc import Sequence

from boardmaps.abi import BPF_ANY, BPF_EXIST, BPF_NOEXIST
from boardmaps.errors import InvalidFlags
from boardmaps_host.client.maps.base import Buffer, Key, RemoteMap


class RemoteLpmTrie(RemoteMap):
    """An LpmTrie on a board: lookup() finds the longest prefix that matches, all else takes the exact prefix."""

    def batch_update(self, keys: Sequence[Key], values: Sequence[Buffer], flags: int = BPF_ANY) -> int:
        """Store many entries, as many in one step as fit a frame; return how many. None with unknown flags raise too."""
        if not keys and flags not in (BPF_ANY, BPF_NOEXIST, BPF_EXIST):
            raise InvalidFlags(f"batch_update {self.name!r}: unknown flags {flags}")
        return super().batch_update(keys, values, flags)

"""A board's LpmTrie."""

from boardmaps_host.client.maps.base import RemoteMap


class RemoteLpmTrie(RemoteMap):
    """An LpmTrie on a board: lookup() finds the longest prefix that matches, all else takes the exact prefix."""

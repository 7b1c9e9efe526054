"""A board's HashMap."""

from boardmaps_host.client.maps.base import RemoteMap


class RemoteHashMap(RemoteMap):
    """A HashMap on a board."""

"""A board's HashMap."""

from boardmaps_host.client.maps.numbers import RemoteNumbers


class RemoteHashMap(RemoteNumbers):
    """A HashMap on a board."""

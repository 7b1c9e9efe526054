"""The twin's LruHashMap over the line."""

from boardmaps_host.client.maps.hash import RemoteHashMap


class RemoteLruHashMap(RemoteHashMap):
    """An LruHashMap of the twin."""

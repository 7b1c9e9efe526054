"""A board's ArrayMap: keys are indices, and an int will do for one."""

from boardmaps_host.arguments import index_bytes
from boardmaps_host.client.maps.base import Key, RemoteMap
from boardmaps_host.client.maps.numbers import RemoteNumbers


class RemoteIndexed(RemoteMap):
    """What an ArrayMap and a PerCpuArray share."""

    _indexed = True

    def _key(self, op: str, key: Key | None) -> bytes:
        if isinstance(key, int) and not isinstance(key, bool):
            return index_bytes(key)
        return super()._key(op, key)


class RemoteArrayMap(RemoteNumbers, RemoteIndexed):
    """An ArrayMap on a board."""

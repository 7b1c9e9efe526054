"""A board's ArrayMap: keys are indices, and an int will do for one."""

from boardmaps.abi import U32_MAX
from boardmaps_host.client.maps.base import Key, RemoteMap
from boardmaps_host.client.maps.numbers import RemoteNumbers


class RemoteIndexed(RemoteMap):
    """What an ArrayMap and a PerCpuArray share."""

    _indexed = True

    def _key(self, op: str, key: Key | None) -> bytes:
        if isinstance(key, int) and not isinstance(key, bool):
            # An index that no u32 holds is out of range like the largest: no array has 2**32 entries.
            return (key if 0 <= key <= U32_MAX else U32_MAX).to_bytes(4, "little")
        return super()._key(op, key)


class RemoteArrayMap(RemoteNumbers, RemoteIndexed):
    """An ArrayMap on a board."""

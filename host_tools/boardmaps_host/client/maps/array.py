"""A board's ArrayMap: keys are indices, and an int will do for one."""

from boardmaps.abi import U32_MAX
from boardmaps_host.client.maps.base import Key, RemoteMap


class RemoteArrayMap(RemoteMap):
    """An ArrayMap on a board."""

    def _key(self, key: Key | None) -> bytes:
        if isinstance(key, int):
            # An index that no u32 holds is out of range like the largest: no array has 2**32 entries.
            return (key if 0 <= key <= U32_MAX else U32_MAX).to_bytes(4, "little")
        return super()._key(key)

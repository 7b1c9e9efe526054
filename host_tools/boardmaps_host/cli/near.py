"""The keys of a map that are most like one that is not there: what whoever has mistyped it meant."""

from typing import TYPE_CHECKING

from .typed import Names

if TYPE_CHECKING:
    from boardmaps_host.client.maps.base import RemoteMap

_MOST = 3  # keys that are named


def near(the_map: "RemoteMap", key: bytes) -> str:
    """Return the keys most like `key`, which is not among them, as they are written, with commas; "" when there are none.

    One round trip: of a large map only what fits one frame is looked at.
    """
    # saves start-up time: for a key that was not there alone
    from difflib import get_close_matches

    names = Names(the_map)
    _, keys, _ = the_map.batch_lookup()
    there = [",".join(names.key_cells(other)) for other in keys if other != key]
    return ", ".join(get_close_matches(",".join(names.key_cells(key)), there, _MOST, 0.0))

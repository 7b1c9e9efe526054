"""The maps of a board as objects, one module a kind, named as on the board and on the twin.

A module is imported when a map of its kind is met.
"""

from importlib import import_module

from boardmaps_host.client.info import MapInfo
from boardmaps_host.client.maps.base import Linked, RemoteMap
from boardmaps_host.kinds import Kind, by_number


def remote_class(kind: Kind) -> type[RemoteMap]:
    """Return the class here of a kind's maps: Remote and the name of its class elsewhere."""
    found: type[RemoteMap] = getattr(import_module(f"{__name__}.{kind.home}"), "Remote" + kind.class_name)
    return found


def remote(link: Linked, info: MapInfo) -> RemoteMap:
    """Return the map as an object with the methods of its kind."""
    return remote_class(by_number(info.map_type))(link, info)

"""The maps of a board as objects, one module a kind; a kind without a module of its own has the methods of every map.

A module is imported when a map of its kind is met.
"""

from importlib import import_module

from boardmaps.abi import CLASS_NAMES
from boardmaps_host.client.info import MapInfo
from boardmaps_host.client.maps.base import Linked, RemoteMap

# The class of a map on the board, and (module, class) of it here
_CLASSES = {
    "ArrayMap": ("array", "RemoteArray"),
    "PerCpuArray": ("percpu", "RemotePerCpuArray"),
    "PerCpuHash": ("percpu", "RemotePerCpu"),
    "Queue": ("queue", "RemoteQueue"),
    "Stack": ("queue", "RemoteQueue"),
    "RingBuf": ("ringbuf", "RemoteRingBuf"),
    "TimeSeries": ("timeseries", "RemoteTimeSeries"),
}


def remote_class(class_name: str) -> type[RemoteMap]:
    """Return the class here of maps that are a `class_name` on the board."""
    module, name = _CLASSES.get(class_name, ("base", "RemoteMap"))
    found: type[RemoteMap] = getattr(import_module(f"{__name__}.{module}"), name)
    return found


def remote(link: Linked, info: MapInfo) -> RemoteMap:
    """Return the map as an object with the methods of its kind."""
    return remote_class(CLASS_NAMES.get(info.map_type, ""))(link, info)

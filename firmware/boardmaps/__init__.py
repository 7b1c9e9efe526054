"""BPF-style maps for MicroPython boards: fixed memory on the board, the same maps on the computer.

`import boardmaps` picks the profile: embedded on MicroPython (one preallocated pool, no resize, no LRU), cloud on CPython
(heap, resize, LRU). Map types are loaded when they are first used, so a board pays only for those that it has.
`from boardmaps import *` needs MicroPython 1.27: older ones do not ask a module for its names, and leave out map types.
"""

import sys

if sys.implementation.name == "micropython":
    # The pool is one contiguous block: take it now, before anything else breaks the heap into pieces.
    from gc import collect as _collect

    from .pool import StaticPool, open_map
else:

    def _collect():
        """Do nothing: heaps of computers do not break into pieces."""


from .abi import BPF_ANY, BPF_EXIST, BPF_F_RB_OVERWRITE, BPF_F_RDONLY, BPF_F_WRONLY, BPF_NOEXIST, VERSION
from .definition import MapDef
from .errors import (
    InvalidDefinition,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    MapError,
    NotPermitted,
    NotSupported,
    OutOfMemory,
    StaleMap,
)

__version__ = VERSION

if sys.implementation.name == "micropython":
    _HOMES = {
        "ArrayMap": "boardmaps.maps.array",
        "HashMap": "boardmaps.maps.hash",
        "PerCpuArray": "boardmaps.maps.percpu",
        "PerCpuHash": "boardmaps.maps.percpu_hash",
        "Queue": "boardmaps.maps.queue",
        "RingBuf": "boardmaps.maps.ringbuf",
        "Stack": "boardmaps.maps.queue",
        "TimeSeries": "boardmaps.maps.timeseries",
        "serve": "boardmaps.serving.server",
        "poll": "boardmaps.serving.server",
        "serve_async": "boardmaps.serving.server",
        "serve_thread": "boardmaps.serving.threaded",
        "Server": "boardmaps.serving.server",
        "UartLine": "boardmaps.serving.uart",
    }
else:
    _CLOUD = (
        "ArrayMap",
        "BloomFilter",
        "HashMap",
        "LpmTrie",
        "LruHashMap",
        "PerCpuArray",
        "PerCpuHash",
        "Queue",
        "RingBuf",
        "Stack",
        "TimeSeries",
        "open_map",
    )
    _HOMES = dict.fromkeys(_CLOUD, "boardmaps_host.twin")


def __getattr__(name):
    if name == "__all__":  # import * asks for it, and MicroPython has no other way to ask
        return [n for n in globals() if n[0] != "_" and n != "sys"] + list(_HOMES)
    if name not in _HOMES:
        raise AttributeError("module 'boardmaps' has no %r on this profile" % name)
    module = _HOMES[name]
    _collect()  # code stays for good: it should not lie scattered between garbage
    __import__(module)
    value = getattr(sys.modules[module], name)
    globals()[name] = value
    return value

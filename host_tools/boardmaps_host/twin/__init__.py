"""The cloud profile, also called the twin: the board's maps on the computer's heap, and resize() and LRU beside them.

`import boardmaps` gives these classes on CPython. They are safe for many threads; base.py says how.
"""

from .array import ArrayMap
from .bloom import BloomFilter
from .hash import HashMap
from .lpm import LpmTrie
from .lru import LruHashMap
from .percpu import PerCpuArray, PerCpuHash
from .queue import Queue, Stack
from .registries import Registry, open_map, registry
from .ringbuf import Record, RingBuf, RingState
from .timeseries import Stats, TimeSeries

__all__ = [
    "ArrayMap",
    "BloomFilter",
    "HashMap",
    "LpmTrie",
    "LruHashMap",
    "PerCpuArray",
    "PerCpuHash",
    "Queue",
    "Record",
    "Registry",
    "RingBuf",
    "RingState",
    "Stack",
    "Stats",
    "TimeSeries",
    "open_map",
    "registry",
]

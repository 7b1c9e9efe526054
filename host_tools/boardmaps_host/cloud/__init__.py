"""The cloud profile, also called the twin: the board's maps on the computer's heap, and resize() and LRU beside them.

`import boardmaps` gives these classes on CPython. They are safe for many threads; base.py says how.
"""

from .arraymap import ArrayMap
from .hashmap import HashMap
from .lru import LruHashMap
from .registries import Registry, open_map, registry

__all__ = ["ArrayMap", "HashMap", "LruHashMap", "Registry", "open_map", "registry"]

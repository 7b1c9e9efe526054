"""The cloud profile, also called the twin: the board's maps on the computer's heap, and resize() and LRU beside them.

`import boardmaps` gives these classes on CPython. They are safe for many threads; base.py says how. A map's class is in the
module that kinds.py names, and is imported when it is first used.
"""

from importlib import import_module
from typing import Any

from boardmaps_host.kinds import by_class

from .registries import Registry, open_map, registry

__all__ = ["Registry", "open_map", "registry"]  # and the map classes


def __getattr__(name: str) -> Any:
    kind = by_class(name)
    if kind is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{kind.home}"), name)
    return found

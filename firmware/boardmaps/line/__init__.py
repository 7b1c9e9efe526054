"""The line between a board and a computer: what its parts share."""

import sys


def room_for(name: str) -> None:
    """On a board collect garbage where this module of the package is not loaded yet: what stays should not lie scattered in it."""
    if sys.implementation.name == "micropython" and "boardmaps." + name not in sys.modules:
        # saves heap: a name that nothing else here needs
        import gc

        gc.collect()

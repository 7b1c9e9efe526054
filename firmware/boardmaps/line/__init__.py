"""The line between a board and a computer: what its parts share."""

import sys


def collect(name: str) -> None:
    """On a board collect garbage where this module is not loaded yet: what stays should not lie scattered in it."""
    if sys.implementation.name == "micropython" and name not in sys.modules:
        # saves heap: a name that nothing else here needs
        import gc

        gc.collect()

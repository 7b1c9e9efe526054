"""The line between a board and a computer: what its parts share."""

import sys


def collect(name: str = "") -> None:
    """On a board collect garbage before what stays is made or, where it is not yet, this module is loaded: it should not lie
    scattered between that.
    """
    if sys.implementation.name == "micropython" and name not in sys.modules:
        # saves heap: a name that nothing else here needs
        import gc

        gc.collect()

"""The line between a board and a computer: what its parts share."""

import sys


def collect(name="", let_go=None):  # type: ignore[no-untyped-def]
    """On a board, before something is made that stays, or this module is loaded: let what is rare go, by `let_go`, and collect.

    Else what stays lies scattered between what goes, and no large piece of the heap is free again. Nothing where the module is
    loaded already.
    """
    if sys.implementation.name == "micropython" and name not in sys.modules:
        # saves heap: a name that nothing else here needs
        import gc

        if let_go:
            let_go()
        gc.collect()

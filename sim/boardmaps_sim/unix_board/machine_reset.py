# mypy: ignore-errors
"""The unix port's `machine` with a board's reset(). Runs on MicroPython."""

from machine import *  # noqa: F403

# The unix port's reach into the host's physical memory when root runs it.
del mem8, mem16, mem32  # noqa: F821

_tell = None  # the power supply's ear, set by start.py


def reset():
    """Reset the board as its button does; does not return."""
    _tell(b"R")
    while True:  # until the power goes
        pass

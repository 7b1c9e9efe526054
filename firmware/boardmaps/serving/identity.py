"""Which board this is: an id that a locked line proves to the host, and that stays the same over restarts."""

import os

from micropython import const

from ..settings import setting

_FILE = "/boardmaps_id"
_ID_SIZE = const(16)


def identity():
    """Return this board's id in bytes.

    It is boardmaps_config.BOARD_ID, else machine.unique_id(), else 16 random bytes that are kept in the file /boardmaps_id.
    Raises ValueError when there is none of them. Erasing the board's files makes another board of it in the last case.
    """
    given = setting("BOARD_ID", None)
    if given is not None:
        return bytes(given)
    try:
        # not every port has it
        from machine import unique_id
    except ImportError:  # the module is missing, or has no such function
        return _kept()
    return bytes(unique_id())


def _kept():
    try:
        with open(_FILE, "rb") as f:
            kept = f.read()
        if len(kept) == _ID_SIZE:  # else the power went away while it was written
            return kept
    except OSError:
        pass
    made = os.urandom(_ID_SIZE)
    try:
        with open(_FILE, "wb") as f:
            f.write(made)
    except OSError:
        raise ValueError(
            "a locked line needs an id of the board, and this one has no machine.unique_id() and no file system to keep one in: "
            "write BOARD_ID = b'...' into boardmaps_config.py, 4 to 32 bytes that no other board has"
        )
    return made

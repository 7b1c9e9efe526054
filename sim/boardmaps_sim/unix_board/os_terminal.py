# mypy: ignore-errors
"""The unix port's `os` with the input of a board's second terminal. Runs on MicroPython."""

from os import *  # noqa: F403

_tell = None  # the power supply's ear, set by rom.py
_terminal = None


def dupterm(stream, index=0):
    """Have dupterm_notify() read from `stream`, or None; return the one before. Unlike a board's, it gets no output."""
    global _terminal
    if index != 0:
        raise ValueError("invalid dupterm index")
    before, _terminal = _terminal, stream
    return before


def dupterm_notify(_):
    """Take what the terminal has: stdin gets it. The interrupt character interrupts the main thread, and is the last taken."""
    byte = bytearray(1)
    while _terminal is not None and _terminal.readinto(byte):
        _tell(b"T" + byte)
        if byte == b"\x03":
            break

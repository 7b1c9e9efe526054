"""What a reset of an RP2040 or RP2350 leaves alone: three of the watchdog's scratch registers, and the memory.

The pins of power and RUN clear the registers. The upper four are the boot ROM's and the SDK's; keep/box.py reads one of them.
pool.py loads this on that port, where LASTING in boardmaps_config.py does not say otherwise. On an RP2350 it was never tried.
"""

import sys
from struct import pack, unpack

from machine import mem32  # type: ignore[import-not-found] # a board's

_RP2350 = "RP2350" in sys.implementation._machine
_FIRST = 0x400D800C if _RP2350 else 0x4005800C  # SCRATCH0


def get():
    """Return what is in the registers, 12 bytes."""
    return pack("<III", *[mem32[_FIRST + at] & 0xFFFFFFFF for at in (0, 4, 8)])


def put(words):
    """Write 12 bytes into them. A reset in between leaves some of these and some of those that were there."""
    for i, word in enumerate(unpack("<III", words)):
        mem32[_FIRST + 4 * i] = word


LASTING = get, put, 0x20000000, 0x82000 if _RP2350 else 0x42000

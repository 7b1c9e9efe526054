"""Runs on the unix port: boots of stock firmware, one after the other, in one process, with 12 bytes that outlive them.

LASTING, which boardmaps_config has for such a port, is given here: the bytes, and the process's own heap. A boot is boardmaps
imported anew. What the one before has left is memory that the collector gives away again, as it is after a reset. Before it stand
SEED and POOL; behind it follows what is done.
"""

import gc
import random  # noqa: F401 - for what follows
import sys
from binascii import crc32
from struct import pack

import uctypes

words = bytearray(12)
AROUND = 16 << 20  # bytes of heap at most, below and above that object


def get():
    return bytes(words)


def put(new):
    words[:] = new


class Config:
    """What boardmaps_config says."""

    POOL_SIZE = POOL
    KERNELS = "plain"
    LASTING = get, put, uctypes.addressof(words) - AROUND, 2 * AROUND


sys.modules["boardmaps_config"] = Config


def checked(offset, used):
    """Return words that check."""
    said = pack("<II", offset, used)
    return said + pack("<I", crc32(said))


def deep(n):
    """Overwrite the interpreter's stack: the collector takes the addresses in it for references, and a reset leaves none."""
    return [n, deep(n - 1)][1] if n else None


def ended():
    """End a boot, as a reset does: what boardmaps had is memory that nobody has."""
    for name in list(sys.modules):
        if name.split(".")[0] == "boardmaps":
            del sys.modules[name]
    deep(40)
    gc.collect()


def boot():
    """Begin another boot; return boardmaps."""
    ended()
    return __import__("boardmaps")

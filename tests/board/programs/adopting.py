"""Runs on the unix port: boots of a board whose pool outlives them, one after the other, in one process.

What such firmware has, the C module `_boardmaps`, is a class here, over a bytearray that stays. A boot is boardmaps imported anew.
Before it stand SEED and POOL; behind it follows what is done.
"""

import gc
import random  # noqa: F401 - for what follows
import sys

memory = bytearray(POOL)


class Module:
    """The C module of a firmware, without its kernels."""

    kept = True
    clear = None

    @staticmethod
    def memory():
        return memory

    @staticmethod
    def guard(on):
        pass

    @staticmethod
    def enter():
        return 0

    @staticmethod
    def leave(state):
        pass


class Config:
    """What boardmaps_config says."""

    POOL_SIZE = POOL
    KERNELS = "plain"


sys.modules["_boardmaps"] = Module
sys.modules["boardmaps_config"] = Config


def boot():
    """Begin another boot; return boardmaps."""
    for name in list(sys.modules):
        if name.split(".")[0] == "boardmaps":
            del sys.modules[name]
    gc.collect()
    return __import__("boardmaps")

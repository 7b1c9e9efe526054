"""What a board says of its own heap and kernels: the operation HEALTH. Loaded when a host first asks for it."""

import gc

from ..errors import NotSupported
from ..flags import const

_LARGEST = const(1)  # HEALTH_LARGEST of abi.py, restated
_FINEST = const(64)  # bytes; blocks are told apart to this


def health(request: bytes) -> bytes:
    """Return `name=value` words: free and used, bytes of the heap; kernels; largest, bytes of the largest free block, if asked for.

    For that it takes blocks of the heap until none is left that is large enough, and gives them back: some ten collections, tens of
    milliseconds on a microcontroller, in which a thread beside this one may find no memory. Takes heap for the reply.
    """
    if not hasattr(gc, "mem_free"):
        raise NotSupported("health: this is no board, and has no heap of its own")
    # saves start-up time on the computer, where there are no settings of a board
    from .. import settings

    what = request[1] if len(request) > 1 else 0
    if what & _LARGEST:
        gc.collect()
    # these are MicroPython's alone
    free, used = gc.mem_free(), gc.mem_alloc()  # type: ignore[attr-defined,unused-ignore]
    if settings.in_c:
        kernels = "built-in" if settings.in_c is settings.built_in else "native"
    else:
        kernels = settings._sorts[0]
    text = "free=%d used=%d kernels=%s" % (free, used, kernels)
    if what & _LARGEST:
        text += " largest=%d" % _largest(free)
    return b"\0" + text.encode()


def _largest(free: int) -> int:
    """Return the bytes of the largest free block, to _FINEST: MicroPython tells only the sum of them."""
    largest, step = 0, free
    while step >= _FINEST:
        try:
            bytearray(largest + step)
            largest += step
        except MemoryError:
            step //= 2
    return largest

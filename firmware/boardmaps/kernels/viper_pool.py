"""The pool's kernel as MicroPython compiles it, and where a buffer's bytes are, which the other viper kernels ask."""

import micropython


@micropython.viper
def clear(view, size: int):
    """Set the first `size` bytes, a multiple of 8, to zero. Machine code: a loop of slices would leave the heap in pieces."""
    at = int(ptr8(view))
    end = at + size
    while at < end:  # not p[i]: with i in a register, the thumb emitter of MicroPython 1.26 spoils it
        ptr32(at)[0] = 0
        at += 4


@micropython.viper
def address(buffer) -> int:
    """Return where the bytes of `buffer` begin. Nothing on MicroPython's heap ever moves."""
    return int(ptr8(buffer))

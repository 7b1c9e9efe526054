"""What all viper kernels stand on: the guard, which keeps a map whole against hard interrupts and a second core, and the address
of a buffer. clear() is the pool's own kernel. The guard is boardmaps_config.GUARD on the board:

"none": nothing, at no cost. A kernel is one call of machine code, which MicroPython never leaves for a soft interrupt, a
scheduled function, asyncio, or another thread under a GIL. "irq": hard interrupts are off during a kernel. "irq+lock":
that, and a lock that a second core without a GIL (rp2) waits for. The lock is _thread's own: it works on every port, whereas
the RP2350's hardware spinlocks do not always. Ports without machine.disable_irq have no hard interrupts to hold off.

Firmware with the C part takes its port's atomic section for both: it holds off interrupts, and on rp2 and unix, the ports
whose threads run side by side, the others too. The C kernels hold it themselves, so what is compiled here takes the same.
"""

import sys
from struct import pack_into

import micropython

from ..settings import GUARD, built_in


def _no_irqs():
    return 0


def _irqs_stay(state):
    pass


if built_in:
    enter, leave = built_in.enter, built_in.leave
else:
    try:
        from machine import disable_irq as enter
        from machine import enable_irq as leave
    except ImportError:
        enter, leave = _no_irqs, _irqs_stay

    if GUARD == "irq+lock":
        from _thread import allocate_lock

        _disable, _enable = enter, leave
        _lock = allocate_lock()
        _acquire, _release = _lock.acquire, _lock.release

        @micropython.native
        def enter():
            """Take the maps for this core; return what leave() needs. Not for a caller that has them already."""
            state = _disable()
            _acquire()
            return state

        @micropython.native
        def leave(state):
            """Give the maps back."""
            _release()
            _enable(state)


def guarded(f, n):
    """Return f, a function of n positional arguments (1 to 4), held within the board's guard; f itself when there is none."""
    if GUARD == "none":
        return f

    # One cell and at most four arguments: a closure of more than five in all takes heap at every call.
    @micropython.native
    def one(a):
        state = enter()
        try:
            return f(a)
        finally:
            leave(state)

    @micropython.native
    def two(a, b):
        state = enter()
        try:
            return f(a, b)
        finally:
            leave(state)

    @micropython.native
    def three(a, b, c):
        state = enter()
        try:
            return f(a, b, c)
        finally:
            leave(state)

    @micropython.native
    def four(a, b, c, d):
        state = enter()
        try:
            return f(a, b, c, d)
        finally:
            leave(state)

    return (one, two, three, four)[n - 1]


def held(f, slow, what):
    """Return f, a function of one buffer, within the board's guard; slow(what, buffer) does, without it, what f leaves."""
    if GUARD == "none":
        return f

    @micropython.native
    def one(buffer):
        state = enter()
        try:
            return f(buffer)
        except StopIteration:
            pass
        finally:
            leave(state)
        return slow(what, buffer)

    return one


def inside(slow):
    """Return what such an f calls instead of slow() while a guard holds the maps, when no bytecode may run."""
    if GUARD == "none":
        return slow
    left = StopIteration()  # made beforehand: without heap

    @micropython.native
    def later(what, buffer):  # noqa: ARG001 - called as slow() is
        raise left

    return later


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


# How a kernel looks at its arguments. len() counts the items of an array, and str passes ptr8(), so both would let in what
# is no bytes. A kernel asks for the object itself instead, id(), and reads its head: type and length lie alike in bytes and
# bytearray, and whatever is neither of them goes to maps/buffers.py, which knows all buffers, and comes back with _LOOKED_AT.
# This costs less than len(). A place is what a map's kernels share, 20 bytes: words 0 and 1 the address of the slice, 2 and 3
# the first word of bytes and of bytearray, 4 where their length is, in bytes. Where objects do not look so, or lie where id()
# takes heap, no object is known by its head, and all go the longer way.
_ADDRESS = (1 << 32) - 1


@micropython.viper
def _word(at, offset: int) -> int:
    return ptr32(int(at) + offset)[0]


@micropython.viper
def _nobody(_) -> int:
    return 2  # no object is there, and no small int is told so


def _heads():
    """Return (first word of bytes, first word of bytearray, offset of their length), None where that cannot be told."""
    wide = sys.maxsize >> 32 != 0
    found = []
    for kind in (bytes, bytearray):
        one, other = kind(b"abcde"), kind(b"abcdefghi")
        for o in (one, other):
            at = id(o)
            if at <= 0 or at & 3 or (not wide and at >> 30) or _word(at, 16 if wide else 8) != len(o):
                return None
        if _word(id(one), 0) != _word(id(other), 0):
            return None
        found.append(_word(id(one), 0) & _ADDRESS)
    return (found[0], found[1], 16 if wide else 8) if found[0] != found[1] else None


_known = _heads()
identity = id if _known else _nobody


def place():
    """Return a new map's place, and move(view), which takes it to the slice of this view."""
    there = bytearray(20)
    if _known:
        pack_into("<3I", there, 8, *_known)

    def move(view):
        at = address(view)
        pack_into("<II", there, 0, at & _ADDRESS, at >> 32 & _ADDRESS if sys.maxsize >> 32 else 0)

    return there, move

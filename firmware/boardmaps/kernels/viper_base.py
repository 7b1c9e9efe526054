"""What all viper kernels stand on: the guard, which keeps a map whole against hard interrupts and a second core, and the address
of a buffer. clear() is the pool's own kernel. The guard is boardmaps_config.GUARD on the board:

"none": nothing, at no cost. A kernel is one call of machine code, which MicroPython never leaves for a soft interrupt, a
scheduled function, asyncio, or another thread under a GIL. "irq": hard interrupts are off during a kernel. "irq+lock":
that, and a lock that a second core without a GIL (rp2) waits for. The lock is _thread's own: it works on every port, whereas
the RP2350's hardware spinlocks do not always. Ports without machine.disable_irq have no hard interrupts to hold off.

Firmware with the C part takes its port's atomic section for both: it holds off interrupts, and on rp2 and unix, the ports
whose threads run side by side, the others too. The C kernels hold it themselves, so what is compiled here takes the same.
"""

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

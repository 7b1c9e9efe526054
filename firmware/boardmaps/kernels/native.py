"""The C kernels for firmware that has not got them built in: native modules beside this one, made for one processor.

c_common.mpy has what every board needs, c_queue.mpy and c_others.mpy the kinds that are loaded when a map of theirs is made,
c_check.mpy what is loaded with the first check of a map. `boardmaps deploy` sends those for the board's processor. MicroPython
would run what is left of a file that was cut short, so each is looked at before it is loaded: what is not whole, not for this
board or not of this version is refused.

settings.py is who asks: for start() with the guard, and then for kinds as attributes.
"""

import os
import sys
from binascii import crc32

from micropython import const

from ..flags import VERSION

_COMMON = ("base", "stdio", "frame", "line", "array", "hash")
_QUEUES = ("queue", "ring")
_SOUND = const(0x2144DF1C)  # the CRC-32 of anything with its own CRC-32 behind it
_FOLDER = __file__[: __file__.rfind("/") + 1]
_NO_GUARD = const(0)  # the numbers of boards/cmodules/boardmaps/native/runtime.h
_IRQ = const(1)
_SPINLOCK = const(2)
_EXCLUSIVE = const(3)
_THREAD = const(4)

_guard = "none"
_modules = {}  # name to module, those that are loaded
_word = bytearray(4)  # of the lock that all modules share
_lock = None


def start(guard):
    """Load what every board needs, with this guard. False where deploy has put no native modules."""
    global _guard
    try:
        os.stat(_FOLDER + "c_common.mpy")
    except OSError:
        if "boardmaps.kernels.c_common" not in sys.modules:
            return False
    _guard = guard
    _module("c_common")
    return True


def __getattr__(kind):
    """Return the kernels of a kind."""
    if kind[0] == "_":
        raise AttributeError(kind)
    if kind == "check":  # functions alone, which hold no guard
        if "c_check" not in _modules:
            # saves heap: a name that nothing else here needs
            import gc

            gc.collect()  # it comes late and stays for good: it should not lie scattered between garbage
        return _module("c_check")
    return getattr(_module("c_common" if kind in _COMMON else "c_queue" if kind in _QUEUES else "c_others"), kind)


def _module(name):
    """Return a native module; load it if that has not been done. Raises ImportError when it is not for this board."""
    if name not in _modules:
        full = "boardmaps.kernels." + name
        try:
            if full not in sys.modules:
                _check(_FOLDER + name + ".mpy")
                __import__(full)
            module = sys.modules[full]
            if module.version != VERSION:
                del sys.modules[full]
                raise ValueError("of boardmaps %s, not %s" % (module.version, VERSION))
        except (OSError, ValueError) as why:  # also MicroPython's own: not there, of another processor or firmware
            raise ImportError("%s%s.mpy does not load (%s): run boardmaps deploy" % (_FOLDER, name, why))
        if name != "c_check":
            _hold(module)
        _modules[name] = module
    return _modules[name]


def _check(path):
    """Raise ValueError for a file that is not whole, OSError for one that is not there."""
    part, crc = memoryview(bytearray(256)), 0
    with open(path, "rb") as f:
        n = f.readinto(part)
        while n:
            crc = crc32(part[:n], crc)
            n = f.readinto(part)
    if crc != _SOUND:
        raise ValueError("it was cut short or changed")


def _hold(module):
    """Tell a module its guard. What a second core waits at is what the chip has for that."""
    global _lock
    which = _NO_GUARD if _guard == "none" else _IRQ
    acquire = release = None
    if _guard == "irq+lock":
        chip = getattr(sys.implementation, "_machine", "") if sys.platform == "rp2" else ""
        if "RP2040" in chip:
            which = _SPINLOCK
        elif "RP2350" in chip and module.exclusive:
            which = _EXCLUSIVE
        else:
            from _thread import allocate_lock  # only where there are threads

            which = _THREAD
            _lock = _lock or allocate_lock()
            acquire, release = _lock.acquire, _lock.release
            module.held = acquire, release  # the collector does not look into the module's own memory everywhere
    module.guard(which, _word, acquire, release)

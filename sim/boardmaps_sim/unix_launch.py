"""The wheel's MicroPython with a board's Ctrl-C: SIGUSR1 and SIGUSR2 leave a KeyboardInterrupt for the main thread.

`python unix_launch.py ARGUMENTS…` runs MicroPython with them. Its own handler for SIGINT raises at once, wherever the program
is: should the thread hold the allocator's lock, or one between acquire() and `with`, nobody ever releases it. A board notes
the exception, and the main thread raises it between two of its steps.

SIGUSR2 also ends what the thread waits in: sleeping, reading. SIGUSR1 does not end its wait for a lock or for another
thread, for the collector takes the end of such a wait for the other thread's word.

SIGURG does nothing but end a read. One that began after the exception was noted would wait for ever: MicroPython looks for
an exception only when a signal has ended the read.
"""

import ctypes
import signal
import sys

import micropython_run

_Handler = ctypes.c_void_p

_libc = ctypes.CDLL(None)
_libc.signal.argtypes = (ctypes.c_int, _Handler)
_libc.signal.restype = _Handler
_note = ctypes.cast(ctypes.CDLL(micropython_run.__file__).mp_sched_keyboard_interrupt, _Handler)
for _number in (signal.SIGUSR1, signal.SIGUSR2):
    _libc.signal(_number, _note)
    signal.siginterrupt(_number, _number == signal.SIGUSR2)
_libc.signal(signal.SIGURG, ctypes.cast(_libc.abs, _Handler))  # a function that takes an int and does nothing
signal.siginterrupt(signal.SIGURG, True)
sys.exit(micropython_run.run_main(["micropython", *sys.argv[1:]]))

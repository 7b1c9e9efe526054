"""Runs a program that the machine was given in its memory at power-up, before anything can come from outside.

So it takes the very same instructions each time. What it prints is kept, and said over and over for whoever comes to listen:
between 0x01 and 0x04 when it ended well, between 0x01 and 0x05 with the traceback when it did not.
"""

import builtins
import io
import machine
import sys
import time
import uctypes

_SIZE = 0x20000008  # of the program in bytes, 0 when there is none; behind the seed
_TEXT = 0x20001000


def run():
    """Run the given program and never return, or return when there is none."""
    size = machine.mem32[_SIZE]
    if not size:
        return
    kept, plain, last = io.StringIO(), builtins.print, "\x04"
    builtins.print = lambda *values, sep=" ", end="\n": plain(*values, sep=sep, end=end, file=kept)
    try:
        exec(str(uctypes.bytearray_at(_TEXT, size), "utf8"), {"__name__": "__main__"})
    except BaseException as error:
        sys.print_exception(error, kept)
        last = "\x05"
    builtins.print = plain
    while True:
        print("\x01" + kept.getvalue() + last)
        time.sleep_ms(50)

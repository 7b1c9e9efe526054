"""What the line over stdin reads with, as MicroPython compiles it."""

import micropython


@micropython.native
def drain(ipoll, readinto, one, buf, _stream):
    """Read what is there into buf, byte by byte: stdin's own readinto() waits until buf is full, and there is no any().

    Machine code with nothing looked up in its loop: each byte of a frame comes this way, and takes 25 us on an emulated Pico.
    """
    n = 0
    end = len(buf)
    while n < end:
        there = False
        for _ in ipoll(0):
            there = True
        if not there:
            break
        readinto(one)
        buf[n] = one[0]
        n += 1
    return n

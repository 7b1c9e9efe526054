"""What the line over stdin reads with, in plain Python."""


def drain(ipoll, readinto, one, buf, _stream):
    """Read what is there into buf, byte by byte: stdin's own readinto() waits until buf is full, and there is no any()."""
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

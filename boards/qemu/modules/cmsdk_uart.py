"""The MPS2's second UART, register by register, with the methods of machine.UART: the maps' own line.

A CMSDK UART holds one byte each way; QEMU sends the next one when it has been taken: nothing is lost on the way in.
"""

import io

import micropython
from micropython import const

UART1 = const(0x40005000)

_DATA = const(0)  # in words
_STATE = const(1)  # 1 transmitter full, 2 receiver full
_CTRL = const(2)  # 1 transmit, 2 receive, 8 interrupt on reception (wakes a sleeping processor)
_BAUDDIV = const(4)
_POLL = const(3)  # MP_STREAM_POLL and its bits
_POLL_RD = const(1)
_POLL_WR = const(4)
# Rounds to wait for the next byte of a burst, and for room: far longer than QEMU needs when the other end is alive.
_RX_ROUNDS = const(300)
_TX_ROUNDS = const(2_000_000)


@micropython.viper
def _start(base: int):
    p = ptr32(base)
    p[_BAUDDIV] = 16
    p[_CTRL] = 11
    p[_DATA]  # QEMU asks again whether there is input only after a read, not when it is enabled


@micropython.viper
def _any(base: int) -> int:
    return (ptr32(base)[_STATE] >> 1) & 1


@micropython.viper
def _read(base: int, buf, size: int) -> int:
    p = ptr32(base)
    b = ptr8(buf)
    n = 0
    rounds = 0
    while n < size:
        if p[_STATE] & 2:
            b[n] = p[_DATA]
            n += 1
            rounds = _RX_ROUNDS
        elif rounds == 0:
            break
        else:
            rounds -= 1
    p[_CTRL] = 11  # listen for the next one: the interrupt that told of the first byte switched itself off
    return n


@micropython.viper
def _write(base: int, buf, size: int) -> int:
    p = ptr32(base)
    b = ptr8(buf)
    n = 0
    while n < size:
        rounds = _TX_ROUNDS
        while p[_STATE] & 1:
            rounds -= 1
            if rounds == 0:
                return n
        p[_DATA] = b[n]
        n += 1
    return n


class UART(io.IOBase):
    """A CMSDK UART at `base`. Works with select.poll and asyncio streams too. Its methods allocate nothing."""

    def __init__(self, base=UART1):
        self._base = base
        _start(base)

    def any(self):
        """1 when a byte is waiting, else 0: there is no more room in the UART."""
        return _any(self._base)

    def readinto(self, buf):
        """Read what is there, and what follows without a pause, into buf; return the number of bytes, maybe 0."""
        return _read(self._base, buf, len(buf))

    def write(self, buf):
        """Send buf; return the number of bytes sent, fewer than asked when the other end has stopped reading."""
        return _write(self._base, buf, len(buf))

    def ioctl(self, request, arg):
        """Tell select.poll what is ready."""
        if request != _POLL:
            return 0
        return arg & (_POLL_WR | (_POLL_RD if _any(self._base) else 0))

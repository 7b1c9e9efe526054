"""A UART of its own as the maps' line: the REPL keeps its own, and Ctrl-C stays the REPL's."""

import select


class UartLine:
    """Carries the maps' line on `uart`: machine.UART, or anything that select.poll takes and that has readinto and write.

    `credit`: bytes that its receive buffer holds (machine.UART's rxbuf); more than that a host never has under way.
    """

    def __init__(self, uart, credit=256):
        self.credit = credit
        self._uart = uart
        self._poll = select.poll()
        self._poll.register(uart, select.POLLIN)

    def open(self):
        """A session begins: nothing to do here."""

    def close(self):
        """A session has ended: nothing to do here."""

    def wait(self, ms):
        """Return whether something is there to read within `ms` milliseconds."""
        for _ in self._poll.ipoll(ms):  # unlike poll(), ipoll() makes no list
            return True
        return False

    def readinto(self, buf):
        """Read what is there into buf; return the number of bytes."""
        return self._uart.readinto(buf) or 0

    def write(self, data):
        """Write all of data, unless the other end has stopped reading."""
        tries = 8
        while data and tries:
            data = data[self._uart.write(data) or 0 :]
            tries -= 1

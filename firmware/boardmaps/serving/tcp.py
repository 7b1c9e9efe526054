"""TCP as the maps' line, on boards with sockets: no cable, one host at a time, and only with a key."""

import select
import socket
import time

from micropython import const

_SILENT_MS = const(10000)  # then a connection gives way to a host that waits: its own may be gone without a word
_STALLED_MS = const(500)  # so long a host may take nothing; then its connection ends
_PAUSE_MS = const(5)
_NODELAY = (6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY, on


class TcpLine:
    """Listens on a TCP port for hosts, `connect("tcp://HOST:PORT", key=…)`. The board has joined its network before.

    `host`: the address of the board's own that is listened on; by itself all of them. Whoever reaches the port can speak to the
    server, so it takes a key: `serve(line=TcpLine(7483), key=KEY)`. What is said can be read on the way. While one host is
    connected others wait; one that has said nothing for 10 seconds gives way. Raises OSError when the port is taken.
    """

    needs_key = True
    credit = 1400  # bytes; less than the receive window of every port

    def __init__(self, port=7483, host="0.0.0.0"):
        self._host = None  # its connection
        self._heard = 0
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(socket.getaddrinfo(host, port)[0][-1])
        self._listener.listen(1)
        self._listener.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._listener, select.POLLIN)

    def open(self):
        """A session begins: nothing to do here."""

    def close(self):
        """The server ends: let the host go. The port stays open for another server on this line; end() closes it."""
        if self._host:
            self._poll.unregister(self._host)
            self._host.close()
            self._host = None
            self._poll.register(self._listener, select.POLLIN)

    def end(self):
        """Let the host go, and close the port."""
        self.close()
        self._poll.unregister(self._listener)
        self._listener.close()

    def wait(self, ms):
        """Return whether something is there to read within `ms` milliseconds."""
        if self._host and time.ticks_diff(time.ticks_ms(), self._heard) > _SILENT_MS:
            self._accept()
        for found in self._poll.ipoll(ms):  # unlike poll(), ipoll() makes no list
            if found[0] is not self._listener:
                return True
            self._accept()
        return False

    def _accept(self):
        """Take a host that waits, if there is one, in the place of the one before."""
        try:
            host = self._listener.accept()[0]
        except OSError:  # none
            return
        self.close()
        host.setblocking(False)
        try:
            host.setsockopt(*_NODELAY)
        except OSError:  # such a port sends at once, or not
            pass
        self._poll.unregister(self._listener)  # while there is a host the next one waits
        self._poll.register(host, select.POLLIN)
        self._host = host
        self._heard = time.ticks_ms()

    def readinto(self, buf):
        """Read what is there into buf; return the number of bytes."""
        try:
            n = self._host.readinto(buf) if self._host else None
        except OSError:
            n = 0
        if n == 0:  # the host has gone
            self.close()
        if n:
            self._heard = time.ticks_ms()
        return n or 0

    def write(self, data):
        """Write all of data; a host that takes nothing for half a second is let go."""
        began = time.ticks_ms()
        while data and self._host:
            try:
                data = data[self._host.send(data) :]
                continue
            except OSError as e:
                again = e.errno == 11  # EAGAIN
            if not again or time.ticks_diff(time.ticks_ms(), began) > _STALLED_MS:
                self.close()
            else:
                time.sleep_ms(_PAUSE_MS)

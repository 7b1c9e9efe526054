"""Serves this board's maps in a second thread or core, beside a firmware that may end by Ctrl-C at any time."""

import io
import os
import time
from _thread import allocate_lock, start_new_thread

from micropython import const

from .. import keep
from .server import Server

_CTRL_C = const(3)
_WAIT_MS = const(50)  # how long a turn waits for a host, and an end of the thread for its turn
_YIELD_MS = const(600)  # how long the line is left to a firmware that ends: shorter than a host goes on saying HELLO


class _CtrlC(io.IOBase):
    """A terminal at which somebody presses Ctrl-C once."""

    def readinto(self, buf):
        buf[0] = _CTRL_C
        return 1

    def write(self, data):
        return len(data)

    def ioctl(self, request, argument):
        return 0


def _interrupt_firmware():
    """Raise KeyboardInterrupt in the main thread, where Ctrl-C belongs, whichever thread has read it.

    A board does that when its second terminal sends the interrupt character. Every board with threads has that terminal;
    a unix port outside the simulator has none, and there the next Ctrl-C does it.
    """
    if hasattr(os, "dupterm_notify"):
        terminal = os.dupterm(_CtrlC())
        os.dupterm_notify(None)  # reads up to the first interrupt character
        os.dupterm(terminal)


class ThreadServer(Server):
    """A Server that polls in a thread of its own, until stop()."""

    def start(self):
        """Serve hosts, one after the other."""
        self._stopping = False
        self._begun = True  # a host says HELLO at this moment; what came before the firmware began is for nobody
        self._running = allocate_lock()
        self._running.acquire()
        start_new_thread(self._thread, ())

    def stop(self):
        """End the thread and wait until it has left; the REPL has its line again."""
        self._stopping = True
        while not self._running.acquire(0):  # waiting there would hold off a Ctrl-C
            time.sleep_ms(1)
        self._running.release()

    def _thread(self):
        try:
            while not self._stopping:
                try:
                    if self._open or self._locked:
                        self._begun = False
                        self.poll(_WAIT_MS)
                    elif self.line.wait(_WAIT_MS):
                        self._listen()
                    else:
                        self._begun = False
                        if keep.turns:
                            self._hold(keep.take_turns)
                        if self.session.decoder.pending():
                            self.poll()  # nothing has followed
                except KeyboardInterrupt:
                    _interrupt_firmware()
                    self._yield()
            self.close()
        finally:
            self._running.release()

    def _listen(self):
        """Take what comes while no session is open: what a host says begins with a zero.

        All else may stand behind a Ctrl-C that ends the firmware, and be for the REPL. So no more than a byte of it is taken
        before stop() has had its time.
        """
        if self._begun:
            self.poll()
            return
        self._most = 1
        try:
            self.poll()
        finally:
            self._most = None
        held = self.session.decoder.held()
        if held == b"\x03" and not self.line.wait(_WAIT_MS):  # it came while Ctrl-C changed hands
            self._interrupt()
        if len(held) == 1:
            self._yield()
        self._begun = held != b"\r"  # which may be the first half of mpremote's Ctrl-C

    def _yield(self):
        for _ in range(_YIELD_MS // _WAIT_MS):
            if not self._stopping:
                time.sleep_ms(_WAIT_MS)


def serve_thread(**options):
    """Serve hosts in a second thread and return its Server; call its stop() before the program ends, or the REPL gets no input.

    An operation on a map is one step against other threads only where MicroPython has a GIL (ESP32). Where threads run
    side by side (RP2040's cores, the unix port) give both sides the same lock: `serve_thread(guard=lock)`, and `with lock:`
    around what the firmware's threads do with maps that the host reads or writes. Make maps before, or under the lock, on
    every board: the host may make some at the same time. An interrupt handler cannot wait for a lock: let it leave its data
    to the firmware's thread.

    Ctrl-C interrupts the main thread, as without a server.
    """
    server = ThreadServer(**options)
    server.start()
    return server

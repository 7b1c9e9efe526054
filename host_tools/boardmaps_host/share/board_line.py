"""The line from a hub to its board: the port's own transport, but that programs are served while the board is waited for."""

import time
from collections.abc import Callable

from boardmaps_host.client.errors import LinkError, PortGone
from boardmaps_host.client.transports.base import Port
from boardmaps_host.client.transports.serial import PAUSE
from boardmaps_host.share.waiting import Waiting


class GaveUp(Exception):
    """The port is gone for longer than the programs wait. No LinkError: it ends the waiting for the port too."""

    def __init__(self, error: LinkError) -> None:
        super().__init__(str(error))
        self.error = error


class BoardLine:
    """The transport of a hub's link. `patience`: seconds for which a port that is gone may stay away.

    read() returns early when a program has asked for something, if `may_wake` says so.
    """

    def __init__(self, port: Port, waiting: Waiting, patience: float) -> None:
        self.name = port.name
        self.patience = patience
        self.may_wake: Callable[[], bool] = lambda: False
        self._port = port
        self._waiting = waiting
        self._gone: PortGone | None = None
        self._gone_since = 0.0
        waiting.watch_board(port.fileno())

    def read(self, timeout: float) -> bytes:
        """Return what the board has sent, waiting up to `timeout` seconds for the first byte."""
        end = time.monotonic() + timeout
        while True:
            if self._waiting.woken and self.may_wake():
                self._waiting.woken = False
                return b""
            left = max(0.0, end - time.monotonic())
            try:
                if self._port.fileno() >= 0:
                    if self._waiting.turn(left):
                        return self._port.read(0)
                else:  # no descriptor tells
                    self._waiting.turn(0)
                    data = self._port.read(min(left, PAUSE))
                    if data:
                        return data
            except PortGone as gone:
                self._went(gone)
                raise
            if time.monotonic() >= end:
                return b""

    def write(self, data: bytes) -> None:
        """Write all of `data`."""
        try:
            self._port.write(data)
        except PortGone as gone:
            self._went(gone)
            raise

    def _went(self, gone: PortGone) -> None:
        self._waiting.watch_board(-1)
        if self._gone is None:
            self._gone, self._gone_since = gone, time.monotonic()

    def reopen(self) -> None:
        """Open the port again. Raises GaveUp when it has been away for too long."""
        self._waiting.turn(0)
        if self._gone is not None and time.monotonic() - self._gone_since > self.patience:
            raise GaveUp(self._gone)
        self._waiting.watch_board(-1)
        self._port.reopen()
        self._gone = None
        self._waiting.watch_board(self._port.fileno())

    def close(self) -> None:
        """Close the port."""
        self._waiting.watch_board(-1)
        self._port.close()

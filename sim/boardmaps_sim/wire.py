"""Bytes between a board's port and the board's end of a stream socket: none altered, none lost in between."""

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from boardmaps_sim.pty_port import PtyPort

_STALL = 0.5  # seconds; a client that reads nothing for so long loses output, and the board goes on
_PORT_EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLET
_CHUNK = 4096


class Loop:
    """Descriptors and what to call when one is ready."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._running = False
        self.ticks: list[Callable[[], None]] = []  # called at least every half second

    def listen(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        """Call handler(events) whenever one of `events` is ready at `fd`."""
        self._handlers[fd] = handler
        self._epoll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        """Listen for other events at a descriptor, if it is listened to."""
        if fd in self._handlers:
            self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """Listen no longer, also to a descriptor that was closed meanwhile."""
        if self._handlers.pop(fd, None):
            with suppress(OSError):
                self._epoll.unregister(fd)

    def run(self) -> None:
        """Serve until stop()."""
        self._running = True
        while self._running:
            for fd, event in self._epoll.poll(_STALL):
                if fd in self._handlers:
                    self._handlers[fd](event)
            for tick in self.ticks:
                tick()

    def stop(self) -> None:
        """Let run() return after the present handler."""
        self._running = False


class Wire:
    """One port of a board, carried to `end` until that end is closed."""

    def __init__(self, loop: Loop, port: PtyPort, end: socket.socket) -> None:
        """Begin to carry as soon as the loop runs; `heard` tells from then on whether the board has said anything."""
        end.setblocking(False)
        self.heard = False
        self._loop = loop
        self._port = port
        self._end = end
        self._to_board = b""
        self._to_client = b""
        self._deadline = 0.0
        loop.listen(port.fileno(), _PORT_EVENTS, self._at_port)
        loop.listen(end.fileno(), select.EPOLLIN, self._at_end)
        loop.ticks.append(self._tick)

    def _at_port(self, event: int) -> None:
        if event & select.EPOLLOUT and self._to_client:
            self._print(b"")
            self._watch_end()
        if event & (select.EPOLLIN | select.EPOLLHUP):
            self._take()
        if event & select.EPOLLHUP:
            old = self._port.fileno()
            if self._port.client_left():
                self._loop.forget(old)
                self._loop.listen(self._port.fileno(), _PORT_EVENTS, self._at_port)

    def _take(self) -> None:
        """Read the port until it is empty, for it tells of input only once, or until the board has no room."""
        while not self._to_board and (data := self._port.read()):
            self._send(data)
        self._watch_end()

    def _at_end(self, event: int) -> None:
        if event & select.EPOLLOUT:
            self._send(self._to_board)
            if not self._to_board:
                self._take()
        if event & (select.EPOLLIN | select.EPOLLHUP):
            try:
                data = self._end.recv(_CHUNK)
            except (BlockingIOError, ConnectionError):
                data = b""
            if data:
                self.heard = True
                self._print(data)
            elif event & select.EPOLLHUP:
                self._loop.forget(self._end.fileno())
                return
        self._watch_end()

    def _send(self, data: bytes) -> None:
        try:
            self._to_board = data[self._end.send(data) :]
        except BlockingIOError:
            self._to_board = data
        except OSError:
            self._to_board = b""  # the board is gone; its loop is told separately

    def _print(self, data: bytes) -> None:
        waiting = self._to_client + data
        taken = self._port.write(waiting)
        now = time.monotonic()
        if taken:
            self._deadline = now + _STALL
        elif now > self._deadline:
            taken = len(waiting)
        self._to_client = waiting[taken:]

    def _tick(self) -> None:
        if self._to_client:
            self._print(b"")
            self._watch_end()

    def _watch_end(self) -> None:
        reading = 0 if self._to_client else select.EPOLLIN
        self._loop.change(self._end.fileno(), reading | (select.EPOLLOUT if self._to_board else 0))

"""A faulty line in front of a simulated board: a port of its own, behind which bytes are late, lost or damaged."""

import os
import random
import select
import sys
import threading
import time
from pathlib import Path

from boardmaps_sim.base import BoardError, SimulatedBoard
from boardmaps_sim.faulty import Faults, FaultyLine
from boardmaps_sim.pty_port import PtyPort

_AHEAD = 0.1  # seconds of traffic that the relay takes before the wire is free for it: then the writer waits
_PORT_EVENTS = select.EPOLLIN | select.EPOLLET
_RETRY = 0.005  # seconds; a reader that is slow is offered the rest again


class FaultyBoard(SimulatedBoard):
    """`board` behind a faulty line. Its `port` is `<the board's port>-line`; while nobody has that open, the board's own is
    free, and perfect. `lines` are the two directions: to the board, and from it."""

    def __init__(self, board: SimulatedBoard, faults: Faults, seed: int = 0) -> None:
        self.board = board
        self.name = board.name
        self.flash = board.flash
        self.port = self.maps_port = f"{board.maps_port}-line"
        self.seed = seed
        self._thread: threading.Thread | None = None
        self._off = (-1, -1)
        self.lines = (FaultyLine(faults, random.Random(seed * 2 + 1)), FaultyLine(faults, random.Random(seed * 2 + 2)))

    @property
    def running(self) -> bool:
        """Whether the board is powered."""
        return self.board.running

    def start(self) -> None:
        """Boot the board and lay the line to it. Raises BoardError."""
        if sys.platform != "linux":
            raise BoardError("a faulty line needs Linux: its PTY and epoll. Leave out --baud, --corrupt and the like.")
        if not self.board.running:
            self.board.start()
        try:
            relay = _Relay(self.board.maps_port, Path(self.port), *self.lines)
        except BaseException:
            self.board.stop()
            raise
        self._off = os.pipe()
        self._thread = threading.Thread(
            target=relay.run, args=(self._off[0],), name=f"line of {self.name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the board and its line; no port stays. Safe to call twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            os.close(self._off[1])
            thread.join()
            os.close(self._off[0])
        self.board.stop()

    def cut(self) -> None:
        """Pull the cable and plug it in again: the client's port ends, and what is under way is lost."""
        os.write(self._off[1], b"\0")

    def wait(self) -> int:
        """Block until the board ends by itself; return its exit status."""
        return self.board.wait()


class _Relay:
    """Carries bytes between the board's port and one of its own, over a FaultyLine each way."""

    def __init__(self, board_port: str, link: Path, up: FaultyLine, down: FaultyLine) -> None:
        self._board_port = board_port
        self._board = -1  # open while there is a client, so that the board's own port is free in between
        self._port = PtyPort(link)
        self._up = up
        self._down = down
        self._to_board = b""
        self._to_client = b""

    def run(self, off: int) -> None:
        """Carry bytes until `off` is closed at its other end, or the board is gone. A byte of `off` is a cut."""
        try:
            with select.epoll() as epoll:
                epoll.register(off, select.EPOLLIN)
                epoll.register(self._port.fileno(), _PORT_EVENTS)
                while self._step(epoll, off):
                    pass
        finally:
            self._port.close()
            self._leave()

    def _leave(self) -> None:
        """The client has gone: let go of the board's port."""
        if self._board >= 0:
            os.close(self._board)
        self._board = -1
        self._to_board = self._to_client = b""
        self._up.drop()
        self._down.drop()

    def _step(self, epoll: select.epoll, off: int) -> bool:
        now = time.monotonic()
        busy = self._down.busy_until > now + _AHEAD
        if self._board >= 0:
            epoll.modify(self._board, 0 if busy else select.EPOLLIN)
        for fd, event in epoll.poll(self._patience(now, busy)):
            if fd == off:
                if not os.read(off, 1):
                    return False
                epoll.unregister(self._port.fileno())
                self._port.hang_up()
                epoll.register(self._port.fileno(), _PORT_EVENTS)
                self._leave()
                break
            if fd == self._board:
                try:
                    self._down.send(os.read(self._board, 4096), time.monotonic())
                except BlockingIOError:
                    pass
                except OSError:  # the board has ended
                    return False
            elif event & select.EPOLLHUP:
                self._leave()
                if self._port.client_left():
                    epoll.register(self._port.fileno(), _PORT_EVENTS)
        return self._pass_on(epoll)

    def _pass_on(self, epoll: select.epoll) -> bool:
        now = time.monotonic()
        while self._up.busy_until <= now + _AHEAD and (data := self._port.read()):
            if self._board < 0:
                self._board = os.open(self._board_port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
                epoll.register(self._board, select.EPOLLIN)
            self._up.send(data, now)
        self._to_board += self._up.arrived(now)
        self._to_client += self._down.arrived(now)
        if self._to_board and self._board >= 0:
            try:
                self._to_board = self._to_board[os.write(self._board, self._to_board) :]
            except BlockingIOError:
                pass
            except OSError:
                return False
        if self._to_client:
            self._to_client = self._to_client[self._port.write(self._to_client) :]
        return True

    def _patience(self, now: float, busy: bool) -> float | None:
        """Return the seconds until there is something to do by the clock, None when there is nothing."""
        times = [line.next_arrival for line in (self._up, self._down) if line.next_arrival is not None]
        if self._to_board or self._to_client or busy or self._up.busy_until > now + _AHEAD:
            times.append(now + _RETRY)
        return max(0.0, min(times) - now) if times else None

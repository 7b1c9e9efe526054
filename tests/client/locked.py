"""A board with a locked line, without I/O, and somebody on its line who has all that passes in his hands."""

import random
import time
from collections.abc import Callable

from boardmaps.line.seal import BoardLock
from boardmaps.line.session import ServerSession
from boardmaps_host.client.link import Link
from boardmaps_host.client.lock import HostLock

KEY = b"sixteen bytes are good"
ID = b"board-one"


class Locked:
    """The transport to a board with a locked line. `heard` and `said` are what has passed; `up` and `down` may change it."""

    name = "locked"

    def __init__(self, key: bytes = KEY, board_id: bytes = ID) -> None:
        self.key, self.id = key, board_id
        self.executed: list[bytes] = []
        self.heard: list[bytes] = []
        self.said: list[bytes] = []
        self.up: Callable[[bytes], bytes] = lambda data: data
        self.down: Callable[[bytes], bytes] = lambda data: data
        self._waiting = b""
        self.restart()

    def restart(self) -> None:
        self.boot = random.randbytes(4).hex()
        self.lock = BoardLock(self.key, self.id)
        self.session = ServerSession(self._handle, {"boot": self.boot, "idle": 10}, codec=self.lock)

    def _handle(self, payload: bytes, _: int) -> bytes:
        self.executed.append(payload)
        return b"\0" + payload

    def hear(self, data: bytes) -> bytes:
        """Return what the board answers."""
        reply = self.session.receive(data)
        return b"\0" + reply if reply else b""

    def read(self, timeout: float) -> bytes:
        data, self._waiting = self._waiting, b""
        if not data:
            time.sleep(min(timeout, 0.01))
        return data

    def write(self, data: bytes) -> None:
        self.heard.append(data)
        answer = self.hear(self.up(data))
        self.said.append(answer)
        self._waiting += self.down(answer)

    def reopen(self) -> None:
        """It is never closed."""

    def close(self) -> None:
        """Nothing is open."""


def host(board: Locked, key: bytes | str = KEY, timeout: float = 1.0, **options: int) -> Link:
    """Return a connection to a board that is expected there, whatever its id."""
    lock = HostLock(key, lambda _: None, board.name, **options)
    return Link(board, timeout=timeout, codec=lock)


def lock_of(link: Link) -> HostLock:
    """Return the lock of a connection."""
    codec = link.connection.session.codec
    assert isinstance(codec, HostLock)
    return codec

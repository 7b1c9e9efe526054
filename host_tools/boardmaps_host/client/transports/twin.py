"""A line to this process's own maps: the board's session, dispatch and events over the cloud profile, in memory."""

import os
import platform
import time

from boardmaps.abi import OP_COMMIT, OP_COMMITTED, OP_SUBSCRIBE, OP_UNSUBSCRIBE
from boardmaps.line.dispatch import Dispatcher
from boardmaps.line.events import Events
from boardmaps.line.session import ServerSession
from boardmaps_host.twin import Registry
from boardmaps_host.twin.commits import commit

_TURN = 0.005  # seconds between two looks for events


class TwinTransport:
    """Carries bytes to a server in this process and back; what the server tells unasked is found when somebody reads."""

    name = "twin"

    def __init__(self, allow_reset: bool) -> None:
        self.registry = Registry.active()  # whose maps these are
        dispatcher = Dispatcher(self.registry, allow_reset)
        dispatcher.extra = dict.fromkeys((OP_SUBSCRIBE, OP_UNSUBSCRIBE), self._subscriptions)
        dispatcher.extra |= dict.fromkeys((OP_COMMIT, OP_COMMITTED), commit)
        machine = f"{platform.python_implementation()}_{platform.python_version()}"
        terms = {
            "boot": os.urandom(4).hex(),
            "maps": dispatcher.checksum,
            "profile": "cloud",
            "machine": machine,
            "idle": 1e9,
            "pins": lambda: len(self.registry.keeper.pinned) if self.registry.keeper is not None else 0,
        }
        self._session = ServerSession(dispatcher.handle, terms, mtu=4096, window=16, credit=1 << 20)
        self._events: Events | None = None
        self._waiting = b""

    def _subscriptions(self, request: bytes, map_of: object) -> bytes:
        if self._session.taken is None or self._events is None:
            self._events = Events(self._session)
        reply: bytes = self._events.handle(request, map_of)
        return reply

    def read(self, timeout: float) -> bytes:
        """Return what has been answered or told."""
        if self.registry.keeper is not None:
            self.registry.keeper.turn()
        if not self._waiting and self._events is not None:
            end = time.monotonic() + timeout
            while not (told := self._events.poll(int(time.monotonic() * 1000) & 0x3FFFFFFF)):
                if time.monotonic() >= end:
                    break
                time.sleep(min(_TURN, timeout))
            self._waiting = told
        data, self._waiting = self._waiting, b""
        if not data and timeout > 0 and self._events is None:
            time.sleep(min(_TURN, timeout))
        return data

    def write(self, data: bytes) -> None:
        """Hand `data` to the server."""
        self._waiting += self.registry.serving(lambda: self._session.receive(data))

    def reopen(self) -> None:
        """Memory is never closed under us."""

    def close(self) -> None:
        """Forget what was not read."""
        self._waiting = b""

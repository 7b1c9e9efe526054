"""A connection to one board, as the objects of its maps hold it: each call gets its turn, and the parts are put together.

The parts: connection.py (what they share) with states.py (the states, and what leads from one to another), opening.py,
requests.py, pump.py, and events.py, the hub of what is subscribed to.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from boardmaps.abi import OP_PIN
from boardmaps_host.client.batch import Batch
from boardmaps_host.client.connection import Connection
from boardmaps_host.client.console import Console
from boardmaps_host.client.errors import LinkError, PortGone
from boardmaps_host.client.events import Hub
from boardmaps_host.client.opening import Opening
from boardmaps_host.client.pump import Pump
from boardmaps_host.client.requests import Requests
from boardmaps_host.client.session import Codec
from boardmaps_host.client.states import State, Step
from boardmaps_host.client.transports.base import Transport

_PIN = bytes((OP_PIN,))


class Recording(Protocol):
    """What takes a session down: a Recorder."""

    def executed(self, request: bytes, reply: bytes, boot: str) -> None:
        """Take a request that was executed."""
        ...


class Staging(Protocol):
    """What takes changes in place of the board: a Commit."""

    def takes(self, payload: bytes) -> bool:
        """Whether this request is its own."""
        ...

    def take(self, payload: bytes, boot: str | None) -> bytes:
        """Take a request; return what stands for its reply."""
        ...


class Link:
    """Carries requests to the board on `line`. Threads may share it; each call is a turn of its own.

    `timeout` is how long, in seconds, the board may stay silent before a call gives up. `serve` is the code that starts the
    server when a free REPL is found instead of one (None: never start it). `console` gets what the board prints. `codec` is
    the HostLock of a locked line. What is no frame on a locked line may be anybody's: it goes to the console, and once a
    session is open nothing else is concluded from it.
    """

    def __init__(
        self,
        line: Transport,
        timeout: float = 5.0,
        serve: str | None = None,
        console: Callable[[str], None] | None = None,
        codec: Codec | None = None,
    ) -> None:
        self.hub = Hub(self)
        self.connection = Connection(line, timeout, Console(console), self.hub, codec)
        self._opening = Opening(self.connection, serve)
        self._requests = Requests(self.connection, self._opening)
        self._pump = Pump(self.connection, self._opening)
        self._turn = threading.RLock()
        self.recorder: Recording | None = None  # what is told every request with its reply, and every event
        self.staging: Staging | None = None  # what takes the changes of a commit that has begun
        self.changed = False  # whether requests were made that change something
        self.pinned = False  # whether one had the board pin a map
        self._opening.open()

    @property
    def name(self) -> str:
        """The name of the port."""
        return self.connection.line.name

    @property
    def fields(self) -> dict[str, str]:
        """The board's terms: boot id, profile, machine, fw (its boardmaps version), mtu, win, credit."""
        return self.connection.session.fields

    @property
    def program_runs(self) -> bool:
        """Whether a program of the board's own serves the maps; else it is at its REPL, and the server was started from here."""
        return self._opening.program_runs

    @property
    def resent(self) -> int:
        """How many frames were sent again because their answer was overdue."""
        return self.connection.session.resent

    @property
    def round_trip(self) -> float:
        """The seconds that an answer takes, smoothed over those that have come; 0 before the first."""
        return self.connection.session.round_trip

    @property
    def gone(self) -> bool:
        """Whether the port was closed under us and is not back yet."""
        return self.connection.state is State.GONE

    def close(self) -> None:
        """Say BYE and close the port; the board's REPL is as it was found. Safe to call twice."""
        connection = self.connection
        with self._turn:
            if connection.state is State.CLOSED:
                return
            try:
                if connection.state is not State.GONE:
                    self._opening.leave()
            except LinkError:
                pass  # the port is gone, or another board is there; there is nobody to take leave of
            finally:
                connection.happened(Step.CLOSE)
                connection.line.close()

    def interrupt(self) -> None:
        """End the session and interrupt the program on a board with a locked line, as Ctrl-C does where no lock is.

        Raises LinkError on a line without a lock, LinkTimeout when the board does not say that it has heard.
        """
        with self._turn:
            self._opening.interrupt()

    def turn(self) -> threading.RLock:
        """Return what `with` gives one thread the line for, across several requests."""
        return self._turn

    @property
    def mtu(self) -> int:
        """The most bytes of a request that a frame takes."""
        return self.connection.session.mtu

    @property
    def boot(self) -> str:
        """The boot id as this line tells it: another one after every restart, and behind a hub that began anew."""
        return self.connection.session.fields.get("boot", "")

    @property
    def board_boot(self) -> str:
        """The board's own boot id, whoever stands between: another one after every restart of the board, and only then."""
        return self.boot.partition(".")[0]  # a hub adds the number of its connection behind a dot

    def request(self, payload: bytes, changes: bool = True, boot: str | None = None) -> bytes:
        """Have one request of any size executed, exactly once, and return its reply.

        With `boot` it is sent in this boot of the board only, else Restarted is raised. Raises LinkTimeout when a request that
        `changes` nothing gets no answer, OutcomeUnknown when one does that may. Whatever LinkError it raises,
        `may_have_happened` of it tells whether the request may have been executed.
        """
        if changes and self.staging is not None and self.staging.takes(payload):
            return self.staging.take(payload, boot)
        self.changed |= changes
        self.pinned |= payload.startswith(_PIN)
        with self._turn:
            reply = self._requests.one(payload, changes, boot)
            if self.recorder is not None:
                self.recorder.executed(payload, reply, self.boot)
            return reply

    def requests(self, payloads: Sequence[bytes], changes: bool = True, boot: str | None = None) -> list[bytes]:
        """Have several requests executed in order, several in flight at once; each and each reply must fit a frame."""
        if changes and self.staging is not None and payloads and self.staging.takes(payloads[0]):
            return [self.staging.take(payload, boot) for payload in payloads]
        self.changed |= changes
        with self._turn:
            replies = self._requests.run(payloads, changes, boot)
            if self.recorder is not None:
                for payload, reply in zip(payloads, replies, strict=True):
                    self.recorder.executed(payload, reply, self.boot)
            return replies

    def pump(self, seconds: float) -> None:
        """Take what comes within `seconds`, outside of any request: the board's prints and events.

        This is the one place where what was subscribed to is subscribed to again, when another session has begun. Raises
        FirmwareError when the program on the board has ended, PortGone when the port is gone and does not come back.
        """
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            self.listen_once(left)
            if left <= 0 or self.hub.waiting():
                return

    def listen_once(self, seconds: float) -> None:
        """Do what pump() does for one look at the line, which lasts `seconds` or less."""
        with self._turn:  # in small turns, so that other threads get the line
            if self._pump.turn(seconds):
                self.hub.ask_again()
        self.hub.subscribe_again()

    def refresh(self) -> None:
        """Ask the board for its terms again: what they tell of its maps may have changed. Raises what a request raises."""
        with self._turn:
            connection = self.connection
            connection.check_usable()
            try:
                self._opening.ready(time.monotonic() + connection.timeout)
            except PortGone as gone:
                connection.cut(gone)

    def carry_out(self, batch: Batch, boot: str | None = None) -> None:
        """Have a batch of requests executed that may grow meanwhile, see batch.py."""
        with self._turn:
            self._requests.carry_out(batch, boot)

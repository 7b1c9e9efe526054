"""What all parts of a connection share: the port, the session on it, the state of both (states.py), and what the board says.

It waits for nothing and makes no decisions. Its users, each with one job: opening.py gets a session, requests.py has requests
executed, pump.py takes what comes unasked. link.py gives them their turns. All of them run in one thread at a time.
"""

import time
from typing import Protocol

from boardmaps.line.frame import Plain
from boardmaps_host.client.console import Console
from boardmaps_host.client.errors import FirmwareError, LinkError, PortGone, PortMissing, PortReleased
from boardmaps_host.client.session import ClientSession, Codec, Echoed, Event, Pushed, Text
from boardmaps_host.client.states import State, Step, after
from boardmaps_host.client.transports.base import Transport

_CTRL_C = b"\x03"  # to a REPL's paste mode: it takes the paste back


class Events(Protocol):
    """Who takes the board's EVENT frames: the hub of events. None of these waits or makes a request."""

    def pushed(self, seq: int, payload: bytes | None) -> None:
        """Take an EVENT frame; `payload` is None when a part of it is missing."""
        ...

    def owed(self) -> tuple[int, int] | None:
        """Return (seq, room) of the TAKEN frame that the board should get now, None when it need not."""
        ...

    def session_began(self) -> None:
        """Note that another session has begun: the board knows of no subscription."""
        ...


class Connection:
    """A port, the session on it and the state of both.

    `timeout`: seconds that the board may stay silent in a call. `codec`: the HostLock of a locked line, else None.
    """

    def __init__(
        self, line: Transport, timeout: float, console: Console, events: Events, codec: Codec | None = None
    ) -> None:
        self.line = line
        self.timeout = timeout
        self.console = console
        self.events = events
        self.session = ClientSession(codec=codec or Plain())
        self.locked = (
            self.session.codec.sealed
        )  # then what is no frame may be anybody's, and nothing is concluded from it
        self.state = State.UNCONNECTED
        self.heard = 0.0  # when a frame came last
        self.read_at = 0.0  # when anything did
        self.gone: PortGone | None = None  # why the port is away, in the state GONE

    # -- steps

    def happened(self, step: Step) -> None:
        """Go where `step` leads; raises ImpossibleStep when it cannot happen now."""
        self.state = after(self.state, step)

    def answered(self) -> None:
        """A new session is open."""
        self.happened(Step.ANSWERED)
        self.heard = self.read_at = time.monotonic()
        self.console.forget()
        self.events.session_began()

    def continues(self) -> None:
        """The board has answered from the session that we have."""
        self.happened(Step.CONTINUES)
        self.heard = self.read_at = time.monotonic()

    def frame_came(self, now: float) -> None:
        """The board has said something in our session. Had it lost that, it would say so alone."""
        if self.state is State.DOUBTFUL:
            self.happened(Step.CONTINUES)
        self.heard = now
        self.console.framed()

    def forget(self, step: Step) -> None:
        """End the session on our side, by `step`; requests in flight are forgotten."""
        self.happened(step)
        self.session.renew()

    def cut(self, why: PortGone) -> None:
        """The port was found closed."""
        if self.state is not State.GONE:
            self.gone = why
        self.happened(Step.CUT)

    def back(self) -> bool:
        """Open a port that is GONE again; return whether it is there."""
        try:
            self.line.reopen()
        except PortReleased as e:
            self.gone = e
            return False
        except LinkError as e:
            # While there is no port the first word on it stays, which says more. Else something else is wrong by now: another
            # board is there, or another program has the port.
            if isinstance(self.gone, PortReleased) or not isinstance(e, PortGone | PortMissing):
                self.gone = PortGone(str(e))
            return False
        self.session.idle()  # half a frame that the end of the port has cut off
        self.gone = None
        self.happened(Step.BACK)
        return True

    def check_usable(self) -> None:
        """Raise LinkError when the program has closed the connection."""
        if self.state is State.CLOSED:
            raise LinkError(f"{self.line.name}: this connection was closed.")

    # -- what comes

    def receive(self, data: bytes) -> None:
        """Take what came outside of a request."""
        now = time.monotonic()
        if data:
            self.read_at = now
        events, out = self.session.receive(data, now)
        if out:
            self.line.write(out)
        for event in events:
            if not isinstance(event, Text | Echoed):
                self.heard = now
            self.take(event)
        self.say_taken()

    def take(self, event: Event) -> None:
        """Hand on what the board says unasked: its console output and its events."""
        if isinstance(event, Text):
            self.console.feed(event.data)
            return
        if isinstance(event, Echoed):
            if not self.locked and self.console.pasting(self.session.held()):
                self.line.write(_CTRL_C)
            return
        self.console.framed()
        if isinstance(event, Pushed):
            self.events.pushed(event.seq, event.payload)

    def say_taken(self) -> None:
        """Tell the board which events have come, when it waits for that."""
        owed = self.events.owed()
        if owed is not None:
            self.line.write(self.session.taken(*owed))

    def show_held(self) -> None:
        """The line is quiet: what no frame has closed is the board's output, and its last line may stay unfinished."""
        text = self.session.idle()
        if text is not None:
            self.console.feed(text.data)
        self.console.flush()

    def may_have_ended(self) -> bool:
        """Whether what came last looks like a REPL's prompt. A program can print that too: only a HELLO tells.

        Never on a locked line, where anybody can say that.
        """
        return not self.locked and self.console.prompted(self.session.held())

    def check_ended(self, changing: bool, ours: bool) -> None:
        """A REPL has the line: the program that served has ended. Raises FirmwareError, with its traceback if it printed one.

        `changing`: whether a request that changes something may have reached it. `ours`: it was started from here for this
        connection alone, and ends in good order after a silence; then only a traceback is an error.
        """
        report = self.console.ended(self.session.held().partition(self.session.echo)[0])
        self.session.idle()
        self.console.forget()
        if ours and not report:
            return
        self.forget(Step.ENDED)
        said = f"\n{report}" if report else " It printed no traceback."
        unknown = " A change was in flight; look before you make it again." if changing else ""
        error = FirmwareError(f"{self.line.name}: the program on the board has ended.{unknown}{said}", report)
        error.may_have_happened = changing
        raise error

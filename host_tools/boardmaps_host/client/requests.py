"""Requests in flight: each is executed exactly once, or its caller is told that it may have been.

The board executes a request once however often it comes (boardmaps.line.session). Here they are sent as the board has room,
said again when their answer is overdue, kept over a port that goes and comes back, and sent in another session when the board
has lost the one that they were sent in and surely did not execute them.
"""

import time
from collections.abc import Sequence

from boardmaps.abi import OP_MORE, OP_PART, PART_FIRST, PART_LAST, STATUS_MORE
from boardmaps_host.client.connection import Connection
from boardmaps_host.client.errors import FirmwareError, LinkError, LinkTimeout, OutcomeUnknown, PortGone
from boardmaps_host.client.opening import Opening
from boardmaps_host.client.session import Event, Lost, Opened, Reply
from boardmaps_host.client.states import State, Step

_FLOOD = 9  # so many times `timeout` longer is waited for a reply while other bytes come
_QUIET = 0.1  # seconds; a line that was quiet for so long may have another program at its end
_ASK = 0.25  # seconds between the first two HELLOs while it is unknown whether the session still lives
_ASK_MOST = 2.0  # and between later ones
_LOOK = "it may have happened, once, or not at all. Look before you make it again."


class Requests:
    """Has requests executed on `connection`. One run at a time: link.py sees to that."""

    def __init__(self, connection: Connection, opening: Opening) -> None:
        self._connection = connection
        self._opening = opening
        self._patience = 0.0  # when the run gives up
        self._ask_at = 0.0  # when HELLO is said next, in the state DOUBTFUL
        self._ask_pause = 0.0  # how long after the last one; 0: none was said yet

    def run(self, payloads: Sequence[bytes], changes: bool) -> list[bytes]:
        """Have requests of at most the session's `mtu` bytes executed in order, several in flight at once; return the replies.

        Raises LinkTimeout when requests that `changes` nothing get no answer, OutcomeUnknown when others may have happened.
        """
        connection = self._connection
        connection.check_usable()
        replies = [b""] * len(payloads)
        waiting = list(range(len(payloads) - 1, -1, -1))  # indexes of those to be sent, the next one last
        flying: dict[int, int] = {}  # the number of each request in flight, and its index
        self._patience = time.monotonic() + connection.timeout
        try:
            while waiting or flying:
                try:
                    if not flying:
                        self._be_ready()
                    self._exchange(payloads, waiting, flying, replies, changes)
                except PortGone as gone:
                    connection.cut(gone)
                    self._opening.wait_for_port(self._patience)
                    self._patience = time.monotonic() + connection.timeout
                    self._ask_at = self._ask_pause = 0.0
        except LinkError as e:
            sent = len(waiting) < len(payloads)
            connection.forget(Step.GAVE_UP)
            if changes and sent and not e.may_have_happened:
                e.may_have_happened = True
                if isinstance(e, FirmwareError):
                    raise
                raise OutcomeUnknown(f"{e} A change was in flight; {_LOOK}") from e
            raise
        return replies

    def rest(self, reply: bytes, changes: bool) -> bytes:
        """Fetch what a long reply goes on with; return it whole."""
        status = reply[0] & ~STATUS_MORE
        parts = [bytes((status,)), reply[1:]]
        try:
            while reply[0] & STATUS_MORE:
                reply = self._more(status)
                parts.append(reply[1:])
        except LinkError as e:
            if changes:
                raise OutcomeUnknown(f"{e} The change was made; only its result is lost.") from e
            raise
        return b"".join(parts)

    def _more(self, status: int) -> bytes:
        (reply,) = self.run((bytes((OP_MORE,)),), changes=False)
        if reply[0] & ~STATUS_MORE != status:
            raise LinkError(f"{self._connection.line.name}: the board has not kept the rest of a long reply.")
        return reply

    def _be_ready(self) -> None:
        """Have a session before something is sent in it: it may be none yet, or have ended in a long silence."""
        connection = self._connection
        now = time.monotonic()
        if connection.state is not State.OPEN or now - connection.heard > connection.session.silence / 2:
            self._opening.ready(self._patience)
            self._patience = time.monotonic() + connection.timeout
        if now - connection.read_at > _QUIET:  # see what has come meanwhile: the program on the board may have ended
            data = connection.line.read(0)
            connection.receive(data)
            if not data and connection.may_have_ended():
                self._opening.ready(self._patience)

    def _exchange(
        self, payloads: Sequence[bytes], waiting: list[int], flying: dict[int, int], replies: list[bytes], changes: bool
    ) -> None:
        """Send what there is room for, and what is overdue; take what comes."""
        connection = self._connection
        session = connection.session
        now = time.monotonic()
        out = b""
        if connection.state is not State.OPEN or now >= session.next_due():
            out = self._due(now)
        while waiting and connection.state is State.OPEN and session.room(len(payloads[waiting[-1]])):
            index = waiting.pop()
            seq, frame = session.send(payloads[index], now)
            flying[seq] = index
            out += frame
        if out:
            connection.line.write(out)
        due = session.next_due() if connection.state is State.OPEN else self._ask_at
        data = connection.line.read(max(0.0, min(due - now, connection.timeout)))
        now = time.monotonic()
        if data:
            connection.read_at = now
        events, out = session.receive(data, now)
        if out:
            connection.line.write(out)
        for event in events:
            if isinstance(event, Reply):
                index = flying.pop(event.seq, -1)  # -1: of a call that Ctrl-C has ended
                if index >= 0:
                    replies[index] = event.payload
                connection.heard = now
                self._patience = now + connection.timeout
            elif isinstance(event, Lost):
                self._lost(event, waiting, flying, changes)
                return
            else:
                self._other(event)
        if connection.state is not State.OPEN and session.echo in session.held():
            self._shown(waiting, flying, changes)
            return
        # While anything comes the line may just be slow; but a board that says other things without end is given up too.
        if now > self._patience + (_FLOOD * connection.timeout if data else 0):
            why = f"no answer for {connection.timeout:g} s. Is the firmware still polling?"
            raise LinkTimeout(f"{connection.line.name}: {why}{'' if changes else ' Nothing was changed.'}")
        connection.say_taken()

    def _due(self, now: float) -> bytes:
        """Return what is said again: requests, or HELLO alone while it is unknown whether the session still lives."""
        connection = self._connection
        if connection.state is State.OPEN and connection.may_have_ended():
            # A REPL would take what is repeated for typing.
            connection.happened(Step.SILENCE)
            self._ask_at = self._ask_pause = 0.0
        if connection.state is State.OPEN:
            return connection.session.due(now)
        if now < self._ask_at:
            return b""
        if not self._ask_pause:
            self._opening.leave_raw()
        self._ask_pause = min(self._ask_pause * 2 or _ASK, _ASK_MOST)
        self._ask_at = now + self._ask_pause
        return connection.session.hello()

    def _shown(self, waiting: list[int], flying: dict[int, int], changes: bool) -> None:
        """Our HELLO was taken for typing: by a REPL, since the program has ended, or by a program that waits in input()."""
        if self._opening.repl_answers():
            self._opening.program_ended(changes)
            self._lost(Lost(""), waiting, flying, changes)
        else:
            self._connection.show_held()
            self._ask_at = time.monotonic() + _ASK_MOST

    def _other(self, event: Event) -> None:
        """Take what is no answer to a request. Had the board lost their session, it would not answer HELLO but say that."""
        connection = self._connection
        if isinstance(event, Opened) and connection.state is State.DOUBTFUL:
            connection.continues()
        connection.take(event)

    def _lost(self, event: Lost, waiting: list[int], flying: dict[int, int], changes: bool) -> None:
        """The board does not know our session: it restarted, or somebody else had the line. What is left needs another.

        Raises OutcomeUnknown when that leaves it unknown whether the requests in flight have happened.
        """
        connection = self._connection
        restarted = event.boot != connection.session.fields.get("boot")
        unknown = changes and not all(event.untouched(seq) for seq in flying)
        waiting.extend(reversed(flying.values()))
        flying.clear()
        connection.forget(Step.LOST)
        if unknown:
            why = "the board restarted" if restarted else "the board ended the session"
            raise OutcomeUnknown(f"{connection.line.name}: {why} with a change in flight; {_LOOK}")


def in_parts(payload: bytes, mtu: int) -> list[bytes]:
    """Cut a request that no frame holds: the board collects the parts and executes them with the last."""
    size = mtu - 2
    cut = [payload[i : i + size] for i in range(0, len(payload), size)]
    where = [PART_FIRST] + [0] * (len(cut) - 2) + [PART_LAST]
    return [bytes((OP_PART, w)) + part for w, part in zip(where, cut, strict=True)]

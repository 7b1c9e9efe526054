"""Requests in flight: each is executed exactly once, or its caller is told that it may have been.

The board executes a request once however often it comes (boardmaps.line.session). Here they are sent as the board has room,
said again when their answer is overdue, kept over a port that goes and comes back, and sent in another session when the board
has lost the one that they were sent in and surely did not execute them.
"""

import time
from collections.abc import Sequence
from struct import pack, unpack_from

from boardmaps.abi import (
    OP_MORE,
    OP_PART,
    PART_FIRST,
    PART_LAST,
    STATUS_APART,
    STATUS_GONE,
    STATUS_MORE,
    STATUS_OK,
)
from boardmaps_host.client.batch import LOOK, Batch
from boardmaps_host.client.connection import Connection
from boardmaps_host.client.errors import FirmwareError, LinkError, LinkTimeout, OutcomeUnknown, PortGone, Restarted
from boardmaps_host.client.opening import Opening
from boardmaps_host.client.session import Echoed, Lost, Reply, Text
from boardmaps_host.client.states import State, Step

_FLOOD = 9  # so many times `timeout` longer is waited for a reply while other bytes come
_QUIET = 0.1  # seconds; a line that was quiet for so long may have another program at its end
_ASK = 0.4  # seconds between two HELLOs while it is unknown whether the session still lives
_ASK_INPUT = 2.0  # and while a program waits in input()
_LONGEST = (
    2 << 20
)  # bytes of a reply: more than any board's pool holds. A reply takes twice its bytes while it is put together
_AT_ONCE = 64  # MOREs asked for between two looks at what came
_BEGINNINGS = 3  # times that a long request is begun anew when its parts were lost with their session
_LOSSES = 8  # sessions that a call may lose without a reply to anything, before it gives the board up


class _Gone(LinkError):
    """The request was executed, but its reply, or the rest of it, is not there any more."""


class Requests:
    """Has requests executed on `connection`. One run at a time: link.py sees to that."""

    def __init__(self, connection: Connection, opening: Opening) -> None:
        self._connection = connection
        self._opening = opening
        self._patience = 0.0  # when the run gives up
        self._ask_at = 0.0  # when HELLO is said next, in the state DOUBTFUL
        self._asked = 0  # how often it was said
        self._answered = -1  # the number of the request that was answered last
        self._losses = 0  # sessions that were lost since then

    def one(self, payload: bytes, changes: bool, boot: str | None) -> bytes:
        """Have one request of any size executed; return its whole reply. Raises what run() raises."""
        for left in range(_BEGINNINGS - 1, -1, -1):
            if len(payload) <= self._connection.session.mtu:
                (reply,) = self.run((payload,), changes, boot)
            else:
                reply = self._in_parts(payload, changes, boot)
            try:
                return self._rest(reply) if reply[0] & STATUS_MORE or reply[0] == STATUS_GONE else reply
            except LinkError as e:
                if changes and not e.may_have_happened:
                    raise OutcomeUnknown(f"{e} The change was made, wholly or in part; its result is lost.") from e
                if not isinstance(e, _Gone) or not left:
                    raise
        raise AssertionError("unreachable")

    def run(self, payloads: Sequence[bytes], changes: bool, boot: str | None = None) -> list[bytes]:
        """Have requests of at most the session's `mtu` bytes executed in order, several in flight at once; return the replies.

        With `boot` they are sent in this boot of the board only, else Restarted is raised. Raises LinkTimeout when requests
        that `changes` nothing get no answer, OutcomeUnknown when others may have happened.
        """
        batch = Batch(payloads, changes)
        self.carry_out(batch, boot)
        return batch.replies

    def carry_out(self, batch: Batch, boot: str | None = None) -> None:
        """Have what is in `batch` executed, until nothing of it is pending. Raises what run() raises."""
        connection = self._connection
        connection.check_usable()
        self._patience = time.monotonic() + connection.timeout
        self._losses = 0
        try:
            while batch.pending():
                try:
                    if not batch.flying:
                        self._be_ready()
                        if boot is not None and boot != connection.session.fields.get("boot"):
                            raise Restarted(f"{connection.line.name}: the board has restarted.")
                    self._exchange(batch)
                except PortGone as gone:
                    connection.cut(gone)
                    self._opening.wait_for_port(self._patience)
                    self._patience = time.monotonic() + connection.timeout
                    self._ask_at = self._asked = 0
        except Restarted:
            raise
        except LinkError as e:
            in_doubt = batch.in_doubt()
            connection.forget(Step.GAVE_UP)
            if in_doubt and not e.may_have_happened:
                e.may_have_happened = True
                if isinstance(e, FirmwareError):
                    raise
                raise OutcomeUnknown(f"{e} A change was in flight; {LOOK}") from e
            raise

    def _in_parts(self, payload: bytes, changes: bool, boot: str | None) -> bytes:
        """Have a request executed that no frame holds: the board collects its parts and executes it with the last.

        The parts before the last change nothing. When they were lost with their session, all begins anew.
        """
        connection = self._connection
        for _ in range(_BEGINNINGS):
            parts = in_parts(payload, connection.session.mtu)
            replies = self.run(parts[:1], False, boot)  # alone: the board may have no memory for the whole
            if replies[0][0] == STATUS_OK and len(parts) > 2:
                replies = self.run(parts[1:-1], False, boot)
            refused = next((reply for reply in replies if reply[0] != STATUS_OK), None)
            if refused is None:
                (refused,) = self.run(parts[-1:], changes, boot)
            if refused[0] != STATUS_APART:
                return refused
        raise LinkError(f"{connection.line.name}: the board loses the parts of a long request. Nothing was changed.")

    def _rest(self, reply: bytes) -> bytes:
        """Fetch what a long reply goes on with; return it whole. Raises _Gone when the board does not have it (any more)."""
        seq = self._answered
        name = self._connection.line.name
        status = reply[0] & ~STATUS_MORE
        if reply[0] == STATUS_GONE:
            raise _Gone(f"{name}: {reply[1:].decode('utf-8', 'replace')}.")
        if len(reply) < 6:
            raise LinkError(f"{name}: a long reply begins with {len(reply)} bytes.")
        (size,) = unpack_from("<I", reply, 1)
        step = len(reply) - 5
        if not step < size <= _LONGEST:
            raise LinkError(f"{name}: a long reply of {size} bytes cannot be, its begin has {step}.")
        parts = [bytes((status,)), reply[5:]]
        asked = [pack("<BHI", OP_MORE, seq, at) for at in range(step, size, step)]
        for first in range(0, len(asked), _AT_ONCE):
            for more in self.run(asked[first : first + _AT_ONCE], changes=False):
                at = step * (len(parts) - 1)
                end = min(at + step, size)
                right = status | (STATUS_MORE if end < size else 0)
                if more[0] == STATUS_GONE:
                    raise _Gone(f"{name}: the board restarted, or ended the session, inside a long reply.")
                if more[:5] != pack("<BI", right, at) or len(more) != 5 + end - at:
                    raise LinkError(f"{name}: a long reply does not go on as it began, at byte {at}.")
                parts.append(more[5:])
        return b"".join(parts)

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

    def _exchange(self, batch: Batch) -> None:
        """Send what there is room for, and what is overdue; take what comes."""
        connection = self._connection
        session = connection.session
        now = time.monotonic()
        out = b""
        if connection.state is not State.OPEN or now >= session.next_due():
            out = self._due(now)
        waiting, payloads = batch.waiting, batch.payloads
        while waiting and connection.state is State.OPEN and session.room(len(payloads[waiting[-1]])):
            index = waiting.pop()
            seq, frame = session.send(payloads[index], now)
            batch.flying[seq] = index
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
                self._replied(event, batch)
                connection.frame_came(now)
                self._patience = now + connection.timeout
            elif isinstance(event, Lost):
                self._lost(event, batch)
                return
            else:
                if not isinstance(event, Text | Echoed):
                    connection.frame_came(now)
                connection.take(event)
        # A REPL shows what it takes for typing; on a locked line anybody can say that.
        if connection.state is not State.OPEN and not connection.locked and session.echo in session.held():
            self._shown(batch)
            return
        # While anything comes the line may just be slow; but a board that says other things without end is given up too.
        if now > self._patience + (_FLOOD * connection.timeout if data else 0):
            why = f"no answer for {connection.timeout:g} s. Is the firmware still polling?"
            raise LinkTimeout(f"{connection.line.name}: {why}{'' if batch.changes else ' Nothing was changed.'}")
        connection.say_taken()

    def _replied(self, event: Reply, batch: Batch) -> None:
        index = batch.flying.pop(event.seq, -1)  # -1: of a call that Ctrl-C has ended
        if index < 0:
            return
        if not event.payload:
            raise LinkError(f"{self._connection.line.name}: the board's reply is empty.")
        self._answered = event.seq
        self._losses = 0
        batch.replied(index, event.payload)

    def _due(self, now: float) -> bytes:
        """Return what is said again: requests, or HELLO alone while it is unknown whether the session still lives."""
        connection = self._connection
        if connection.state is State.OPEN and connection.may_have_ended():
            # A REPL would take what is repeated for typing.
            connection.happened(Step.SILENCE)
            self._ask_at = self._asked = 0
        if connection.state is State.OPEN:
            return connection.session.due(now)
        if now < self._ask_at:
            return b""
        if self._asked % 2:  # again and again: one alone may meet a REPL that runs what it took for a program
            self._opening.leave_raw()
        self._asked += 1
        self._ask_at = now + _ASK
        return connection.session.hello()

    def _shown(self, batch: Batch) -> None:
        """Our HELLO was taken for typing: by a REPL, since the program has ended, or by a program that waits in input()."""
        if self._opening.repl_answers():
            self._opening.program_ended(batch.changes)
            self._lost(Lost(""), batch)
        else:
            self._connection.show_held()
            self._ask_at = time.monotonic() + _ASK_INPUT

    def _lost(self, event: Lost, batch: Batch) -> None:
        """The board does not know our session: it restarted, or somebody else had the line. What is left needs another.

        Raises OutcomeUnknown when that leaves it unknown whether the requests in flight have happened.
        """
        connection = self._connection
        # Behind the dot a hub says which of its connections this is (share/programs.py).
        restarted = event.boot.partition(".")[0] != connection.session.fields.get("boot", "").partition(".")[0]
        doubtful = [index for seq, index in batch.flying.items() if not event.untouched(seq)]
        batch.waiting.extend(reversed(batch.flying.values()))
        batch.flying.clear()
        connection.forget(Step.LOST)
        self._losses += 1
        if self._losses > _LOSSES:
            raise LinkTimeout(f"{connection.line.name}: the board loses each session before it answers in it.")
        batch.lost(doubtful, connection.line.name, event.boot if restarted else None)


def in_parts(payload: bytes, mtu: int) -> list[bytes]:
    """Cut a request that no frame holds into PARTs of at most `mtu` bytes."""
    first = pack("<BBII", OP_PART, PART_FIRST, 0, len(payload)) + payload[: mtu - 10]
    found = [first]
    step = mtu - 6
    for at in range(mtu - 10, len(payload), step):
        last = PART_LAST if at + step >= len(payload) else 0
        found.append(pack("<BBI", OP_PART, last, at) + payload[at : at + step])
    return found

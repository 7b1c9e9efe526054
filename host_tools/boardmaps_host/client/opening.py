"""Getting a session: HELLO, else the REPL and a server started in it. Finding the session again after a silence, and leaving.

Called by requests.py and pump.py before they send something, and by link.py at the beginning and the end. Nothing here resets
a board, and nothing is typed into a program that runs.
"""

import time
from collections.abc import Sequence

from boardmaps.line.session import PROTOCOL
from boardmaps_host.client.connection import Connection
from boardmaps_host.client.errors import LinkError, LinkTimeout, NoAnswer, PortGone, VersionMismatch
from boardmaps_host.client.repl import Repl, server_failed
from boardmaps_host.client.session import Closed, Lost, Opened, wrong_terms
from boardmaps_host.client.states import State, Step

_HELLO_PAUSES = (
    0.15,
    0.25,
    0.4,
)  # seconds before HELLO is said again: a firmware's loop may poll but a few times a second
_LOCKED_PAUSES = (0.3, 0.5, 0.8, 1.2)  # the same on a locked line: a challenge and its answer go before HELLO
_SLOW_PAUSES = (0.5, 1.0)  # the same for a board that booted this moment, or whose loop is slow
_BOOT_PAUSES = (0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0)  # a slow board takes seconds to import its modules from flash
_AGAIN = 0.3  # seconds before BYE or INTERRUPT is said again
_REOPEN = 0.05  # seconds between two tries to open a port that is gone
ECHO = b"boardmaps v="  # no server: a REPL shows what was typed, a HELLO
_LOCKED_ECHO = b"boardmaps lock"  # or a challenge
_ENDED = b"\x04>"  # the raw REPL: the program that was to serve has ended


class Opening:
    """Opens sessions on `connection`. `serve`: the code that starts the server in a free REPL; None: never start it."""

    def __init__(self, connection: Connection, serve: str | None) -> None:
        self.serve = serve
        self._connection = connection
        self._repl: Repl | None = None  # set while the server that we started runs in its REPL
        self._pauses = _LOCKED_PAUSES if connection.locked else _HELLO_PAUSES
        self._echo = _LOCKED_ECHO if connection.locked else ECHO
        self._seen = b""  # the last that came while an answer to HELLO was waited for

    def ready(self, patience: float) -> None:
        """Have a session that something may be sent in. Waits until `patience` for a port that is gone.

        Raises PortGone, and what open() raises.
        """
        connection = self._connection
        if connection.state is State.OPEN:
            connection.happened(Step.SILENCE)
        if connection.state is State.GONE:
            self.wait_for_port(patience)
        if connection.state is State.DOUBTFUL:
            self.resume()
        if connection.state is State.UNCONNECTED:
            self.open()

    def wait_for_port(self, patience: float) -> None:
        """Open a port that is gone again, as soon as it is there. Raises PortGone when it is not until `patience`."""
        connection = self._connection
        while not connection.back():
            if time.monotonic() > patience and connection.gone is not None:
                raise connection.gone
            time.sleep(_REOPEN)

    def open(self, server_lives: bool = False) -> None:
        """Open a session. `server_lives`: it is known that no REPL has the line, but the server that was there.

        Raises NoAnswer, NotDeployed, VersionMismatch, PortGone, or LinkError for a board that cannot serve.
        """
        connection = self._connection
        connection.happened(Step.BEGIN)
        try:
            if self._repl is not None and not server_lives:
                self._repl.finish(0.2)
                self._repl = None
            self._open()
            connection.answered()
        except PortGone as gone:
            connection.cut(gone)
            raise
        except BaseException:
            connection.happened(Step.FAILED)
            raise

    def _open(self) -> None:
        line = self._connection.line
        begun = time.monotonic()
        if self._hello(self._pauses, until=self._echo):
            return
        repl = Repl(line)
        if not repl.at_prompt():
            pauses = [*_SLOW_PAUSES]
            while time.monotonic() - begun + sum(pauses) < self._connection.timeout:
                pauses.append(_SLOW_PAUSES[-1])
            if self._hello(pauses):
                return
            raise NoAnswer(
                f"{line.name}: nothing answers. A firmware that runs must call boardmaps.poll() or boardmaps.serve(); "
                f"to stop it and use the REPL instead: mpremote connect {line.name} repl, then Ctrl-C"
            )
        if self.serve is None:
            raise NoAnswer(
                f"{line.name}: only a REPL answers, and no map server is started from here when there is a key: it would "
                "cross the line. Start it on the board: boardmaps.serve(key=…)."
            )
        repl.start(self.serve)
        self._connection.happened(Step.SERVER_STARTED)
        self._repl = repl
        if not self._hello(_BOOT_PAUSES, until=_ENDED, seen=repl.taken()):
            self._repl = None
            raise server_failed(line.name, repl.finish(seen=self._seen))

    def resume(self) -> None:
        """See with a harmless frame whether the session still lives, else open another; the REPL may have the line again."""
        connection = self._connection
        session = connection.session
        if session.opened:
            answer = self._hello(self._pauses, until=self._echo)
            if isinstance(answer, Opened) and session.continues(answer.fields):
                connection.continues()
                return
            if isinstance(answer, Lost):
                connection.forget(Step.LOST)
                self.open(server_lives=answer.boot == session.fields.get("boot"))
                return
        connection.forget(Step.LOST)
        self.open()

    def _hello(self, pauses: Sequence[float], until: bytes = b"", seen: bytes = b"") -> Opened | Lost | None:
        """Ask for a session; return what the board says to that, None when nobody answers, or as soon as `until` comes instead.

        Lost is returned for a session that we had. A number that the board does not take for a new one is changed. On a
        locked line `until` counts only before there is a session.
        """
        connection = self._connection
        session = connection.session
        self._seen = seen
        for pause in pauses:
            connection.line.write(session.hello())
            end = time.monotonic() + pause
            while (left := end - time.monotonic()) > 0:
                if until and until in self._seen and not (connection.locked and session.opened):
                    session.idle()
                    return None
                data = connection.line.read(left)
                had = session.opened
                events, out = session.receive(data, time.monotonic())
                if out:
                    connection.line.write(out)
                answer: Opened | Lost | None = None
                for event in events:
                    if isinstance(event, Opened):
                        self._check(event.fields)
                        answer = event
                    elif isinstance(event, Lost):
                        answer = event
                    connection.take(event)
                if isinstance(answer, Lost) and not had:  # a number that was in use not long ago
                    session.renew()
                    connection.line.write(session.hello())
                elif answer is not None:
                    return answer
                self._seen = (self._seen + data)[-4096:]
        return None

    def _check(self, fields: dict[str, str]) -> None:
        """Refuse a board that we cannot talk to."""
        name = self._connection.line.name
        if "lock" in fields:
            raise LinkError(
                f"{name}: the board's line is locked. Give its key: connect(…, key=…), --key-file PATH or BOARDMAPS_KEY."
            )
        if fields.get("v") != str(PROTOCOL):
            raise VersionMismatch(
                f"{name}: the board speaks protocol {fields.get('v', '?')} (boardmaps {fields.get('fw', '?')}), this "
                f"computer speaks {PROTOCOL}. Bring both to one version: boardmaps deploy --port {name}"
            )
        if wrong := wrong_terms(fields):
            raise LinkError(f"{name}: the board's terms cannot be: {wrong}.")

    def leave(self) -> None:
        """Say BYE; the board's REPL is as it was found. The connection is to be closed after this."""
        connection = self._connection
        session = connection.session
        # Where no session is open any more, the bytes of a BYE might be a Ctrl-C; those of a HELLO never are.
        if connection.state is not State.OPEN or time.monotonic() - connection.heard > session.silence / 2:
            answer = self._hello(self._pauses, until=self._echo)
            if isinstance(answer, Lost):
                session.renew()
                answer = self._hello(self._pauses, until=self._echo)
            if answer is None:
                Repl(connection.line).at_prompt(0.5)  # takes back what it was sent
                return
        for _ in range(3):
            connection.line.write(session.bye())
            end = time.monotonic() + _AGAIN
            while (left := end - time.monotonic()) > 0:
                events, _ = session.receive(connection.line.read(left), time.monotonic())
                if any(isinstance(event, Closed | Lost) for event in events):
                    if self._repl is not None:
                        behind = session.idle()
                        self._repl.finish(seen=behind.data if behind else b"")
                    return

    def interrupt(self) -> None:
        """Have the program interrupted on a board with a locked line; the session ends with it.

        Raises LinkError on a line without a lock, LinkTimeout when the board does not say that it has heard, and what ready()
        raises.
        """
        connection = self._connection
        session = connection.session
        name = connection.line.name
        connection.check_usable()
        if not connection.locked:
            raise LinkError(f"{name}: interrupt() is for a locked line; elsewhere Ctrl-C interrupts the program.")
        patience = time.monotonic() + connection.timeout
        if connection.state is not State.OPEN or time.monotonic() - connection.heard > session.silence / 2:
            self.ready(patience)
            patience = time.monotonic() + connection.timeout
        step = Step.GAVE_UP
        try:
            while step is Step.GAVE_UP and time.monotonic() < patience:
                connection.line.write(session.interrupt())
                end = min(time.monotonic() + _AGAIN, patience)
                while step is Step.GAVE_UP and (left := end - time.monotonic()) > 0:
                    events, _ = session.receive(connection.line.read(left), time.monotonic())
                    for event in events:
                        connection.take(event)
                        if isinstance(event, Closed):
                            step = Step.ENDED
        except PortGone as gone:
            connection.cut(gone)
            gone.may_have_happened = True
            raise
        connection.forget(step)
        if step is Step.GAVE_UP:
            error = LinkTimeout(f"{name}: the board does not say that it was interrupted. Look at what it does.")
            error.may_have_happened = True
            raise error

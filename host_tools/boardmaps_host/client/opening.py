"""Getting a session: HELLO, else the REPL and a server started in it. Finding the session again after a silence, and leaving.

Called by requests.py and pump.py before they send something, and by link.py at the beginning and the end. Nothing here resets
a board, and nothing is typed into a program that runs.

More than 300 lines: opening, finding again and leaving ask with one HELLO, and judge its answers alike.
"""

import itertools
import time
from collections.abc import Iterable
from math import inf

from boardmaps.line.session import PROTOCOL
from boardmaps_host.client.connection import Connection
from boardmaps_host.client.errors import LinkError, LinkTimeout, NoAnswer, PortGone, VersionMismatch
from boardmaps_host.client.repl import Repl, server_failed
from boardmaps_host.client.session import Closed, Lost, Opened, wrong_terms
from boardmaps_host.client.states import State, Step

# Seconds before HELLO is said again: a firmware's loop may poll but a few times a second.
_HELLO_PAUSES = (0.15, 0.25, 0.4)
_LOCKED_PAUSES = (0.3, 0.5, 0.8, 1.2)  # the same on a locked line: a challenge and its answer go before HELLO
_SLOW_PAUSES = (0.5, 1.0, 2.0)  # for a loop that is slower, and then as often as _LAST_PAUSE until `timeout` is over
_LAST_PAUSE = 4.0
_DOUBT_PAUSE = 0.5  # for a board that has answered before: a line that was half open is found whole soon
_BOOT_PAUSES = (0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0)  # a slow board takes seconds to import its modules from flash
_AGAIN = 0.3  # seconds before BYE or INTERRUPT is said again
_LAST = 2.0  # seconds to wait for the answer to BYE, at most: a session of which nothing is heard ends by itself
_REOPEN = 0.05  # seconds between two tries to open a port that is gone
_ENDED = b"\x04>"  # the raw REPL: the program that was to serve has ended


def serve_code(allow_reset: bool = False, allow_restore: bool = False) -> str:
    """Return the code that starts a server of maps in a free REPL."""
    options = f"allow_reset={allow_reset}" + ", allow_restore=True" * allow_restore
    return f"import boardmaps\nboardmaps.serve({options})"


def _on_and_on(pauses: Iterable[float]) -> Iterable[float]:
    return itertools.chain(pauses, itertools.repeat(_LAST_PAUSE))


class Opening:
    """Opens sessions on `connection`. `serve`: the code that starts the server in a free REPL; None: never start it."""

    def __init__(self, connection: Connection, serve: str | None) -> None:
        self.serve = serve
        self._connection = connection
        self._repl: Repl | None = None  # set while the server that we started runs in its REPL
        self._pauses = _LOCKED_PAUSES if connection.locked else _HELLO_PAUSES
        self._seen = b""  # the last that came while an answer to HELLO was waited for

    @property
    def program_runs(self) -> bool:
        """Whether the session is served by the board's program, and not by a server that we started in a free REPL."""
        return self._repl is None and self._connection.session.fields.get("runs") != "0"  # a hub tells it so

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
        """Open a session, within `timeout`. `server_lives`: it is known that no REPL has the line, but the server that was there.

        Raises NoAnswer, NotDeployed, VersionMismatch, PortGone, or LinkError for a board that cannot serve.
        """
        connection = self._connection
        connection.happened(Step.BEGIN)
        try:
            if self._repl is not None and not server_lives:
                self._repl.leave_raw()  # where its end has left the board
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
        repl = Repl(self._connection.line)
        answer = self._ask(repl, _on_and_on(_SLOW_PAUSES))
        self._connection.session.idle()
        if answer is None:
            self._start(repl)

    def _ask(self, repl: Repl, pauses: Iterable[float]) -> Opened | Lost | None:
        """Ask for a session, or whether the one that we have still lives; None when a free REPL has the line.

        `pauses` follow the first few short ones. Raises NoAnswer when nobody answers within `timeout`.
        """
        connection = self._connection
        began = time.monotonic()
        end = began + connection.timeout
        answer, shown = self._hello(self._pauses, end)
        if answer is None and not shown:
            repl.leave_raw()
            answer, shown = self._hello(pauses, end)
        if answer is None and shown:
            if repl.at_prompt():
                return None
            connection.show_held()
            # It is a program's input(): its end, or another thread of it, may come to answer.
            answer, _ = self._hello(_on_and_on(_SLOW_PAUSES), end, until_shown=False)
        if answer is None:
            raise NoAnswer(self._no_answer(time.monotonic() - began, shown))
        return answer

    def _no_answer(self, waited: float, shown: bool) -> str:
        name = self._connection.line.name
        what = f"nothing answers, in {waited:.1f} s (timeout)"
        if shown:
            what = f"a program waits for input there, or a half-typed REPL; no server, in {waited:.1f} s"
        return (
            f"{name}: {what}. A firmware that runs must call boardmaps.poll() or boardmaps.serve(), more often than that; "
            f"to stop it and use the REPL instead: mpremote connect {name} repl, then Ctrl-C"
        )

    def _start(self, repl: Repl) -> None:
        """Start the server in a free REPL."""
        connection = self._connection
        name = connection.line.name
        if self.serve is None:
            raise NoAnswer(
                f"{name}: only a REPL answers, and no map server is started from here when there is a key: it would "
                "cross the line. Start it on the board: boardmaps.serve(key=…)."
            )
        repl.start(self.serve)
        connection.happened(Step.SERVER_STARTED)
        self._repl = repl
        end = time.monotonic() + max(connection.timeout, sum(_BOOT_PAUSES))
        answer, _ = self._hello(_on_and_on(_BOOT_PAUSES), end, until=_ENDED, seen=repl.taken())
        if answer is None:
            self._repl = None
            raise server_failed(name, repl.finish(seen=self._seen))

    def resume(self) -> None:
        """See with a harmless frame whether the session still lives, else open another; the REPL may have the line again.

        Raises FirmwareError when the REPL has it because the program that served has ended, and what open() raises.
        """
        connection = self._connection
        session = connection.session
        if not session.opened:
            answer = None
        elif connection.locked:  # nothing that is no frame is believed: another session is opened, or none
            answer, _ = self._hello(self._pauses, inf)
        else:
            try:
                answer = self._ask(Repl(connection.line), itertools.repeat(_DOUBT_PAUSE))
            except NoAnswer:
                connection.forget(Step.LOST)
                raise
            if answer is None:
                self.program_ended(changing=False)
        if isinstance(answer, Opened) and session.continues(answer.fields):
            session.fields.update(answer.fields)  # what is told of the maps changes
            connection.continues()
            return
        connection.forget(Step.LOST)
        self.open(server_lives=isinstance(answer, Lost) and answer.boot == session.fields.get("boot"))

    def leave_raw(self) -> None:
        """Have a raw REPL, should there be one, show our next HELLO."""
        Repl(self._connection.line).leave_raw()

    def repl_answers(self) -> bool:
        """Whether a REPL shows our HELLO, and not a program that waits in input(). Call it when something has."""
        return Repl(self._connection.line).at_prompt()

    def program_ended(self, changing: bool) -> None:
        """A REPL has the line. Raises FirmwareError, unless it was the server that we started and it ended in good order."""
        ours, self._repl = self._repl, None
        self._connection.check_ended(changing, ours is not None)

    def _hello(
        self,
        pauses: Iterable[float],
        end: float,
        until: bytes = b"",
        seen: bytes = b"",
        until_shown: bool = True,
    ) -> tuple[Opened | Lost | None, bool]:
        """Ask for a session until `end`; return what the board says to that, None when nobody answers or `until` comes instead.

        The second result is whether a REPL, or input(), has shown our HELLO; that ends the asking too if `until_shown`. `pauses`
        are the seconds from each HELLO to the next; when they are over before `end`, so is the asking.
        Lost is returned for a session that we had. A number that the board does not take for a new one is changed. On a locked
        line what is shown counts only before there is a session.
        """
        connection = self._connection
        session = connection.session
        self._seen = seen
        for pause in pauses:
            if time.monotonic() >= end:
                break
            connection.line.write(session.hello())
            again = min(time.monotonic() + pause, end)
            while (left := again - time.monotonic()) > 0:
                shown = until_shown and session.echo in self._seen and not (connection.locked and session.opened)
                if shown or (until and until in self._seen):
                    return None, shown
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
                    return answer, False
                self._seen = (self._seen + data)[-4096:]
        return None, False

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
            answer, _ = self._hello(self._pauses, inf)
            if isinstance(answer, Lost):
                session.renew()
                answer, _ = self._hello(self._pauses, inf)
            if answer is None:
                Repl(connection.line).leave_raw()
                return
        wait = max(_AGAIN, min(4 * session.overdue, _LAST))  # a board that takes long to answer ends no faster
        for _ in range(3):
            connection.line.write(session.bye())
            end = time.monotonic() + wait
            while (left := end - time.monotonic()) > 0:
                events, _ = session.receive(connection.line.read(left), time.monotonic())
                if any(isinstance(event, Closed | Lost) for event in events):
                    if self._repl is not None:
                        behind = session.idle()
                        self._repl.finish(seen=behind.data if behind else b"")
                    return
        Repl(connection.line).leave_raw()  # for when it gets there after all

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

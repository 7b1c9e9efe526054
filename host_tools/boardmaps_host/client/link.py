"""A connection to one board: requests go out, replies come back, whatever the line does in between."""

import threading
import time
from collections.abc import Callable, Sequence

from boardmaps.abi import OP_MORE, OP_PART, OP_PING, STATUS_MORE
from boardmaps_host.client.errors import (
    LinkError,
    LinkTimeout,
    NoAnswer,
    OutcomeUnknown,
    VersionMismatch,
)
from boardmaps_host.client.repl import Repl, server_failed
from boardmaps_host.client.session import ClientSession, Closed, Lost, Opened, Reply, Text
from boardmaps_host.client.transport import Transport

_HELLO_PAUSES = (
    0.15,
    0.25,
    0.4,
)  # seconds before HELLO is said again: a firmware's loop may poll but a few times a second
_BOOT_PAUSES = (0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0)  # a slow board takes seconds to import its modules from flash
_ECHO = b"boardmaps v="  # no server: a REPL shows what was typed
_ENDED = b"\x04>"  # the raw REPL: the program that was to serve has ended


class Link:
    """Carries requests to the board on `line`. Threads may share it; each call is a turn of its own.

    `timeout` is how long, in seconds, the board may stay silent before a call gives up. `serve` is the code that starts the
    server when a free REPL is found instead of one (None: never start it). `console` gets what the board prints.
    """

    def __init__(
        self,
        line: Transport,
        timeout: float = 5.0,
        serve: str | None = None,
        console: Callable[[str], None] | None = None,
    ) -> None:
        self.line = line
        self.timeout = timeout
        self._serve = serve
        self._console = console
        self._session = ClientSession()
        self._lock = threading.RLock()
        self._repl: Repl | None = None  # set while the server that we started runs in its REPL
        self._heard = 0.0
        self._seen = b""  # the last that came while a session was asked for
        self._closed = False
        self._open()

    @property
    def fields(self) -> dict[str, str]:
        """The board's terms: boot id, profile, machine, fw (its boardmaps version), mtu, win, credit."""
        return self._session.fields

    @property
    def resent(self) -> int:
        """How many frames were sent again because their answer was overdue."""
        return self._session.resent

    # -- opening and closing

    def _open(self) -> None:
        if self._say_hello(_HELLO_PAUSES, until=_ECHO):
            return
        repl = Repl(self.line)
        if not repl.at_prompt():
            # A board that booted this moment, or whose loop is slow, may have answered meanwhile.
            if self._say_hello((0.5, 1.0)):
                return
            raise NoAnswer(
                f"{self.line.name}: nothing answers. A firmware that runs must call boardmaps.poll() or boardmaps.serve(); "
                f"to stop it and use the REPL instead: mpremote connect {self.line.name} repl, then Ctrl-C"
            )
        if self._serve is None:
            raise NoAnswer(
                f"{self.line.name}: only a REPL answers, and this call was told not to start the map server."
            )
        repl.start(self._serve)
        self._repl = repl
        if not self._say_hello(_BOOT_PAUSES, until=_ENDED, seen=repl.taken()):
            self._repl = None
            raise server_failed(self.line.name, repl.finish(seen=self._seen))

    def _say_hello(self, pauses: Sequence[float], until: bytes = b"", seen: bytes = b"") -> dict[str, str] | None:
        """Ask for a session; return the board's terms, None when nobody answers, or as soon as `until` comes instead."""
        self._seen = seen
        for pause in pauses:
            self.line.write(self._session.hello())
            end = time.monotonic() + pause
            while (left := end - time.monotonic()) > 0:
                if until and until in self._seen:
                    self._session.idle()
                    return None
                data = self.line.read(left)
                events, _ = self._session.receive(data, time.monotonic())
                for event in events:
                    if isinstance(event, Opened):
                        self._opened(event.fields)
                        return event.fields
                    if isinstance(event, Text):
                        self._print(event)
                self._seen = (self._seen + data)[-4096:]
        return None

    def _opened(self, fields: dict[str, str]) -> None:
        if "-" in fields.get("v", "-"):
            raise VersionMismatch(
                f"{self.line.name}: the board speaks protocol {fields.get('v', '?')} (boardmaps {fields.get('fw', '?')}), this "
                f"computer speaks 1. Bring both to one version: boardmaps deploy --port {self.line.name}"
            )
        self._heard = time.monotonic()

    def close(self) -> None:
        """Say BYE and close the port; the board's REPL is as it was found. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                self._say_bye()
            except LinkError:
                pass  # the port is gone; there is nobody to take leave of
            finally:
                self.line.close()

    def _say_bye(self) -> None:
        for _ in range(3):
            self.line.write(self._session.bye())
            end = time.monotonic() + 0.3
            while (left := end - time.monotonic()) > 0:
                events, _ = self._session.receive(self.line.read(left), time.monotonic())
                if any(isinstance(event, Closed | Lost) for event in events):
                    if self._repl is not None:
                        behind = self._session.idle()
                        self._repl.finish(seen=behind.data if behind else b"")
                    return

    # -- requests

    def request(self, payload: bytes, changes: bool = True) -> bytes:
        """Have one request executed, exactly once, and return its reply.

        Raises LinkTimeout when a request that `changes` nothing gets no answer, OutcomeUnknown when one does that may.
        """
        with self._lock:
            mtu = self._session.mtu
            if len(payload) > mtu:
                head, payload = self._in_parts(payload, mtu)
                self._run(head, changes=False)
            (reply,) = self._run([payload], changes)
            if reply and reply[0] & STATUS_MORE:
                return self._whole(reply)
            return reply

    def requests(self, payloads: Sequence[bytes], changes: bool = True) -> list[bytes]:
        """Have several requests executed in order, several in flight at once; each and each reply must fit a frame."""
        with self._lock:
            return self._run(payloads, changes)

    @staticmethod
    def _in_parts(payload: bytes, mtu: int) -> tuple[list[bytes], bytes]:
        """Cut a request that no frame holds: the parts are collected first, the last one has the whole executed."""
        size = mtu - 1
        pieces = [payload[i : i + size] for i in range(0, len(payload), size)]
        return [bytes((OP_PART,)) + piece for piece in pieces[:-1]], bytes((OP_PING,)) + pieces[-1]

    def _whole(self, reply: bytes) -> bytes:
        parts = [bytes((reply[0] & ~STATUS_MORE,)), reply[1:]]
        while reply[0] & STATUS_MORE:
            (reply,) = self._run([bytes((OP_MORE,))], changes=False)
            parts.append(reply[1:])
        return b"".join(parts)

    def _run(self, payloads: Sequence[bytes], changes: bool) -> list[bytes]:
        if self._closed:
            raise LinkError(f"{self.line.name}: this connection was closed.")
        idle = float(self._session.fields.get("idle", 10))
        if time.monotonic() - self._heard > idle / 2:
            self._wake()
        replies: dict[int, bytes] = {}
        order: list[int] = []
        waiting = list(reversed(payloads))
        give_up = time.monotonic() + self.timeout
        session = self._session
        while waiting or session.in_flight:
            now = time.monotonic()
            out = session.due(now)
            while waiting and session.room(len(waiting[-1])):
                seq, frame = session.send(waiting.pop(), now)
                order.append(seq)
                out += frame
            if out:
                self.line.write(out)
            due = session.next_due()
            data = self.line.read(max(0.0, (due or now) - time.monotonic()))
            now = time.monotonic()
            if not data and now > give_up:
                self._fail(changes, f"no answer for {self.timeout:g} s")
            events, out = session.receive(data, now)
            if out:
                self.line.write(out)
            for event in events:
                if isinstance(event, Reply):
                    replies[event.seq] = event.payload
                    self._heard = now
                    give_up = now + self.timeout
                elif isinstance(event, Text):
                    self._print(event)
                elif isinstance(event, Lost):
                    return self._lost(event, payloads, changes)
        return [replies[seq] for seq in order]

    def _wake(self) -> None:
        """After a pause, see with a harmless frame whether the session still lives; the REPL may have the line again."""
        fields = self._say_hello(_HELLO_PAUSES, until=_ECHO)
        if fields is not None and self._session.continues(fields):
            return
        if self._repl is not None:
            self._repl.finish(0.2)
            self._repl = None
        self._session.renew()
        self._open()

    def _lost(self, event: Lost, payloads: Sequence[bytes], changes: bool) -> list[bytes]:
        """The board refused a request because it knows no such session: it restarted, or somebody else took the line."""
        session = self._session
        restarted = event.boot != session.fields.get("boot")
        first = not any(session.retried(seq) for seq in session.in_flight) and len(session.in_flight) == len(payloads)
        session.renew()
        self._open()
        if not changes or (first and not restarted):
            return self._run(payloads, changes)  # nothing of it can have happened
        why = "the board restarted" if restarted else "the board ended the session"
        raise OutcomeUnknown(f"{self.line.name}: {why} with a change in flight; look before you make it again.")

    def _fail(self, changes: bool, why: str) -> None:
        name = self.line.name
        self._session.renew()
        if changes:
            raise OutcomeUnknown(
                f"{name}: {why}; the change may have happened, once, or not at all. Look before you repeat it."
            )
        raise LinkTimeout(f"{name}: {why}. Is the firmware still polling? Nothing was changed.")

    def _print(self, text: Text) -> None:
        if self._console is not None:
            self._console(text.data.decode("utf-8", "replace"))

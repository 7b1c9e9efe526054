"""A connection to one board: requests go out, replies come back, whatever the line does in between."""

import threading
import time
from collections.abc import Callable, Sequence

from boardmaps.abi import OP_MORE, OP_PART, PART_FIRST, PART_LAST, STATUS_MORE
from boardmaps.line.frame import Plain
from boardmaps_host.client.console import Console
from boardmaps_host.client.errors import (
    FirmwareError,
    LinkError,
    LinkTimeout,
    NoAnswer,
    OutcomeUnknown,
    PortGone,
    VersionMismatch,
)
from boardmaps_host.client.events import Hub
from boardmaps_host.client.repl import Repl, server_failed
from boardmaps_host.client.session import ClientSession, Closed, Codec, Event, Lost, Opened, Pushed, Reply, Text
from boardmaps_host.client.transports.serial import Transport

_HELLO_PAUSES = (
    0.15,
    0.25,
    0.4,
)  # seconds before HELLO is said again: a firmware's loop may poll but a few times a second
_BOOT_PAUSES = (0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0)  # a slow board takes seconds to import its modules from flash
_FLOOD = 9  # so many times `timeout` longer is waited for a reply while other bytes come
_AGAIN = 0.3  # seconds before INTERRUPT is said again
_QUIET = 0.1  # seconds; a line that was quiet for so long may have another program at its end
_LOCKED_PAUSES = (0.3, 0.5, 0.8, 1.2)  # the same on a locked line: a challenge and its answer go before HELLO
_ECHO = b"boardmaps v="  # no server: a REPL shows what was typed
_LOCKED_ECHO = b"boardmaps lock"
_ENDED = b"\x04>"  # the raw REPL: the program that was to serve has ended
_LOOK = "it may have happened, once, or not at all. Look before you make it again."


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
        self.line = line
        self.timeout = timeout
        self._serve = serve
        self.console = Console(console)
        self.hub = Hub(self)
        self._session = ClientSession(codec=codec or Plain())
        self._locked = self._session.codec.sealed
        self._pauses: tuple[float, ...] = _LOCKED_PAUSES if self._locked else _HELLO_PAUSES
        self._echo = _LOCKED_ECHO if self._locked else _ECHO
        self._lock = threading.RLock()
        self._repl: Repl | None = None  # set while the server that we started runs in its REPL
        self._heard = 0.0  # when a frame came last
        self._read = 0.0  # when anything did
        self._patience = 0.0  # when a request gives up
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
        if self._say_hello(self._pauses, until=self._echo):
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
                f"{self.line.name}: only a REPL answers, and no map server is started from here when there is a key: it would "
                "cross the line. Start it on the board: boardmaps.serve(key=…)."
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
                if until and until in self._seen and not (self._locked and self._session.opened):
                    self._session.idle()
                    return None
                data = self.line.read(left)
                events, out = self._session.receive(data, time.monotonic())
                if out:
                    self.line.write(out)
                for event in events:
                    if isinstance(event, Opened):
                        self._opened(event.fields)
                        return event.fields
                    if isinstance(event, Lost):  # a session that has ended, or a number that was in use not long ago
                        self._session.renew()
                        self.line.write(self._session.hello())
                    self._take(event)
                self._seen = (self._seen + data)[-4096:]
        return None

    def _opened(self, fields: dict[str, str]) -> None:
        if "lock" in fields:
            raise LinkError(
                f"{self.line.name}: the board's line is locked. Give its key: connect(…, key=…), --key-file PATH or BOARDMAPS_KEY."
            )
        if "-" in fields.get("v", "-"):
            raise VersionMismatch(
                f"{self.line.name}: the board speaks protocol {fields.get('v', '?')} (boardmaps {fields.get('fw', '?')}), this "
                f"computer speaks 1. Bring both to one version: boardmaps deploy --port {self.line.name}"
            )
        self._heard = self._read = time.monotonic()
        self.console.forget()

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
        session = self._session
        # Where no session is open any more, the bytes of a BYE might be a Ctrl-C; those of a HELLO never are.
        ended = not session.opened or time.monotonic() - self._heard > session.silence / 2
        if ended and self._say_hello(self._pauses, until=self._echo) is None:
            Repl(self.line).at_prompt(0.5)  # takes back what it was sent
            return
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

    def interrupt(self) -> None:
        """End the session and interrupt the program on a board with a locked line, as Ctrl-C does where no lock is.

        Raises LinkError on a line without a lock, LinkTimeout when the board does not say that it has heard.
        """
        with self._lock:
            if not self._locked:
                raise LinkError(
                    f"{self.line.name}: interrupt() is for a locked line; elsewhere Ctrl-C interrupts the program."
                )
            self._be_ready()
            end = time.monotonic() + self.timeout
            self.line.write(self._session.interrupt())
            again = time.monotonic() + _AGAIN
            while (now := time.monotonic()) < end:
                if now > again:
                    self.line.write(self._session.interrupt())
                    again = now + _AGAIN
                events, _ = self._session.receive(self.line.read(min(again, end) - now), now)
                if any(isinstance(event, Closed) for event in events):
                    self._session.renew()
                    return
            self._session.renew()
            raise LinkTimeout(
                f"{self.line.name}: the board does not say that it was interrupted. Look at what it does."
            )

    # -- requests

    def request(self, payload: bytes, changes: bool = True) -> bytes:
        """Have one request executed, exactly once, and return its reply.

        Raises LinkTimeout when a request that `changes` nothing gets no answer, OutcomeUnknown when one does that may.
        """
        with self._lock:
            mtu = self._session.mtu
            if len(payload) <= mtu:
                (reply,) = self._run((payload,), changes)
            else:
                reply = self._run(self._in_parts(payload, mtu), changes)[-1]
            if reply[0] & STATUS_MORE:
                return self._whole(reply)
            return reply

    def requests(self, payloads: Sequence[bytes], changes: bool = True) -> list[bytes]:
        """Have several requests executed in order, several in flight at once; each and each reply must fit a frame."""
        with self._lock:
            return self._run(payloads, changes)

    @staticmethod
    def _in_parts(payload: bytes, mtu: int) -> list[bytes]:
        """Cut a request that no frame holds: the board collects the parts and executes them with the last."""
        size = mtu - 2
        cut = [payload[i : i + size] for i in range(0, len(payload), size)]
        where = [PART_FIRST] + [0] * (len(cut) - 2) + [PART_LAST]
        return [bytes((OP_PART, w)) + part for w, part in zip(where, cut, strict=True)]

    def _whole(self, reply: bytes) -> bytes:
        parts = [bytes((reply[0] & ~STATUS_MORE,)), reply[1:]]
        while reply[0] & STATUS_MORE:
            (reply,) = self._run((bytes((OP_MORE,)),), changes=False)
            parts.append(reply[1:])
        return b"".join(parts)

    def _run(self, payloads: Sequence[bytes], changes: bool) -> list[bytes]:
        self._check_open()
        session = self._session
        replies = [b""] * len(payloads)
        waiting = list(range(len(payloads) - 1, -1, -1))  # indexes of those to be sent, the next one last
        flying: dict[int, int] = {}  # the number of each request in flight, and its index
        self._patience = time.monotonic() + self.timeout
        try:
            while waiting or flying:
                try:
                    if not flying:
                        self._be_ready()
                    self._exchange(payloads, waiting, flying, replies, changes)
                except PortGone as e:
                    self._come_back(e)
        except LinkError as e:
            session.renew()
            if changes and len(waiting) < len(payloads) and not isinstance(e, FirmwareError | OutcomeUnknown):
                raise OutcomeUnknown(f"{e} A change was in flight; {_LOOK}") from e
            raise
        return replies

    def _be_ready(self) -> None:
        """Have a session before something is sent in it: it may be none yet, or have ended in a long silence."""
        now = time.monotonic()
        if not self._session.opened or now - self._heard > self._session.silence / 2:
            self._wake()
        if now - self._read > _QUIET:  # see what has come meanwhile: the program on the board may have ended
            self._receive(self.line.read(0))

    def _exchange(
        self, payloads: Sequence[bytes], waiting: list[int], flying: dict[int, int], replies: list[bytes], changes: bool
    ) -> None:
        """Send what there is room for, and what is overdue; take what comes."""
        session = self._session
        now = time.monotonic()
        out = b""
        if now >= session.next_due():
            self._ended(changes)  # a REPL would take what is repeated for typing
            out = session.due(now)
        while waiting and session.room(len(payloads[waiting[-1]])):
            index = waiting.pop()
            seq, frame = session.send(payloads[index], now)
            flying[seq] = index
            out += frame
        if out:
            self.line.write(out)
        data = self.line.read(max(0.0, min(session.next_due() - now, self.timeout)))
        now = time.monotonic()
        if data:
            self._read = now
        events, out = session.receive(data, now)
        if out:
            self.line.write(out)
        for event in events:
            if isinstance(event, Reply):
                index = flying.pop(event.seq, -1)  # -1: of a call that Ctrl-C has ended
                if index >= 0:
                    replies[index] = event.payload
                self._heard = now
                self._patience = now + self.timeout
            elif isinstance(event, Lost):
                unknown = changes and not all(event.untouched(seq) for seq in flying)
                waiting.extend(reversed(flying.values()))
                flying.clear()
                self._lost(event, unknown)
                return
            else:
                self._take(event)
        # While anything comes the line may just be slow; but a board that says other things without end is given up too.
        if now > self._patience + (_FLOOD * self.timeout if data else 0):
            why = f"no answer for {self.timeout:g} s. Is the firmware still polling?"
            raise LinkTimeout(f"{self.line.name}: {why}{'' if changes else ' Nothing was changed.'}")
        self._say_taken()

    def _wake(self) -> None:
        """After a pause, see with a harmless frame whether the session still lives; the REPL may have the line again."""
        session = self._session
        before = session.session
        if session.opened:
            fields = self._say_hello(self._pauses, until=self._echo)
            if fields is not None and session.session != before:
                self.hub.renewed()
                return
            if fields is not None and session.continues(fields):
                return
        if self._repl is not None:
            self._repl.finish(0.2)
            self._repl = None
        self._reopen()

    def _reopen(self) -> None:
        """Open another session; what was subscribed to is subscribed to again."""
        self._session.renew()
        self._open()
        self.hub.renewed()

    def _lost(self, event: Lost, unknown: bool) -> None:
        """The board does not know our session: it restarted, or somebody else had the line. The next request begins another.

        Raises OutcomeUnknown when that leaves it `unknown` what happened to the requests in flight.
        """
        restarted = event.boot != self._session.fields.get("boot")
        self._session.renew()
        if unknown:
            why = "the board restarted" if restarted else "the board ended the session"
            raise OutcomeUnknown(f"{self.line.name}: {why} with a change in flight; {_LOOK}")

    def _come_back(self, gone: PortGone) -> None:
        """The port was closed under us: a cable, a restart of USB. Wait for it to come back, and see who is there."""
        while True:
            try:
                self.line.reopen()
                self.line.write(self._session.hello())
            except LinkError:
                if time.monotonic() > self._patience:
                    raise gone from None
                time.sleep(0.05)
            else:
                self._session.idle()
                self._patience = time.monotonic() + self.timeout
                return

    # -- what comes unasked

    def turn(self) -> threading.RLock:
        """Return what `with` gives one thread the line for, across several requests."""
        return self._lock

    def pump(self, seconds: float) -> None:
        """Take what comes within `seconds`, outside of any request: the board's prints and events.

        Raises FirmwareError when the program on the board has ended, LinkError when the port is gone.
        """
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            with self._lock:  # in small turns, so that other threads get the line
                self._check_open()
                self._receive(self.line.read(max(0.0, min(left, 0.05))))
                now = time.monotonic()
                if now - self._heard > self._session.silence / 3:
                    self._wake()  # so that the board knows that somebody is there
                    self.hub.ask_again()
                if now - self._read > _QUIET:
                    self._show_held()
            if left <= 0 or self.hub.waiting():
                return

    def _check_open(self) -> None:
        if self._closed:
            raise LinkError(f"{self.line.name}: this connection was closed.")

    def _receive(self, data: bytes) -> None:
        now = time.monotonic()
        if data:
            self._read = now
        events, out = self._session.receive(data, now)
        if out:
            self.line.write(out)
        for event in events:
            if not isinstance(event, Text):
                self._heard = now
            self._take(event)
        self._say_taken()
        if not data:
            self._ended(changes=False)

    def _take(self, event: Event) -> None:
        if isinstance(event, Text):
            self.console.feed(event.data)
        elif isinstance(event, Pushed):
            self.hub.pushed(event.seq, event.payload)

    def _show_held(self) -> None:
        """The line is quiet: what no frame has closed is the board's output, and its last line may stay unfinished."""
        text = self._session.idle()
        if text is not None:
            self.console.feed(text.data)
        self.console.flush()

    def _say_taken(self) -> None:
        owed = self.hub.owed()
        if owed is not None:
            self.line.write(self._session.taken(*owed))

    def _ended(self, changes: bool) -> None:
        """Raise FirmwareError when a REPL's prompt is the last that came; on a locked line anybody can say that."""
        if self._locked:
            return
        held = self._session.held()
        report = self.console.ended(held)
        if report is None:
            return
        self._session.idle()
        in_flight = bool(self._session.in_flight) and changes
        self._session.renew()
        self.console.forget()
        self._heard = -1e9  # the next call begins with a look at what is there
        said = f"\n{report}" if report else " It printed no traceback."
        unknown = " A change was in flight; look before you make it again." if in_flight else ""
        raise FirmwareError(f"{self.line.name}: the program on the board has ended.{unknown}{said}", report)

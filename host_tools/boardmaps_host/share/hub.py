"""The hub: the port is opened and given away, and what programs ask is done in its order.

One thread. It waits in one place, Waiting.turn(), which serves the programs; also while the board is waited for, since the board's
line is read through it (BoardLine). What a program asks is put into a queue there, and done by the loop here.

More than 300 lines: the tasks of one loop, over one queue.
"""

import contextlib
import os
import struct
import time
from collections import deque

from boardmaps.abi import OP_INFO, OP_SUBSCRIBE, OP_UNSUBSCRIBE, STATUS_OK, VERSION
from boardmaps.errors import MapError
from boardmaps.line.frame import INTERRUPT
from boardmaps.line.seal import BoardLock
from boardmaps_host.client.errors import (
    FirmwareError,
    LinkError,
    LinkTimeout,
    NoAnswer,
    PortGone,
    PortReleased,
    Restarted,
)
from boardmaps_host.client.info import ask, one
from boardmaps_host.client.link import Link
from boardmaps_host.client.lock import HostLock
from boardmaps_host.client.states import State
from boardmaps_host.client.transports import open_port
from boardmaps_host.client.transports.serial import holders_of
from boardmaps_host.share import meeting
from boardmaps_host.share.board_line import BoardLine, GaveUp
from boardmaps_host.share.feeds import Feeds
from boardmaps_host.share.forward import Maps, Queue, Request, Stream, Task
from boardmaps_host.share.journal import Journal
from boardmaps_host.share.meeting import Words
from boardmaps_host.share.programs import Frame, Program, ProgramSession
from boardmaps_host.share.waiting import Waiting

_LINGER = 1.0  # seconds that a hub lasts without a program: the next command need not start another
_TEND = 0.25  # seconds between two looks at what no line tells
_AWAY = 0.05  # the same while a port is away until somebody has had it
_IDLE = 10.0  # seconds of silence that end a program's session, where the board does not say
_TICKS = 0x3FFFFFFF
_SUBSCRIPTIONS = (OP_SUBSCRIBE, OP_UNSUBSCRIBE)
_BROKEN = (LinkTimeout, PortGone, FirmwareError, NoAnswer)  # the board, or its line; others are one request's


class Released:
    """A port that was given away to `by`: while `holder` is connected; None: until somebody has had it, at most so long."""

    def __init__(self, by: str, holder: Program | None, seconds: float) -> None:
        self.by = by
        self.holder = holder
        self.until = time.monotonic() + seconds
        self.taken = False


class Hub:
    """The hub of the port at `place`."""

    def __init__(self, place: meeting.Place, waiting: Waiting) -> None:
        self._place = place
        self._waiting = waiting
        waiting.owner = self
        self._since = time.time()
        self._id = os.urandom(3).hex()
        self._queue: Queue = deque()
        self._maps = Maps()
        self._feeds = Feeds()
        self._journal = Journal(place.journal)
        self._stream = Stream(self._queue, self._maps, self._journal, self._lose, self._tend)
        self._key: bytes | str | None = None  # the line's, as the program has given it that had the port opened
        self._link: Link | None = None
        self._line: BoardLine | None = None
        self._lock: HostLock | None = None
        self._boot = ""
        self._released: Released | None = None
        self._alone_since = time.monotonic()
        self._tended = 0.0

    def run(self) -> None:
        """Serve until nobody is left."""
        while not self._may_end():
            try:
                self._turn()
            except GaveUp as gave_up:
                self._all_over(gave_up.error)
            except Restarted:
                self._restarted()
            except LinkError as e:
                self._all_over(e.__cause__ if isinstance(e.__cause__, LinkError) else e)
        self._close_port()
        self._journal.flush()

    def _may_end(self) -> bool:
        served = any(program.about.get("want") == "board" for program in self._waiting.programs.values())
        if served or self._released is not None:
            self._alone_since = time.monotonic()
        return time.monotonic() - self._alone_since > _LINGER

    def _turn(self) -> None:
        """Do what was asked, then wait for what comes next."""
        while self._queue:
            head = self._queue[0]
            if isinstance(head, Request) and head.wanted and self._link is not None and self._stream.together(head):
                self._link.carry_out(self._stream, self._boot)
                continue
            self._queue.popleft()
            if not isinstance(head, Request):
                head()
            elif head.wanted and self._link is not None:
                self._alone(self._link, head)
        if self._link is None:
            self._waiting.turn(_TEND if self._released is None else _AWAY)
            if self._released is not None:
                self._look_after(self._released)
        else:
            self._link.listen_once(_TEND)
            if self._link.boot != self._boot:
                self._restarted()
            if self._link.gone:
                self._waiting.turn(0)
        self._tend()

    def _tend(self) -> None:
        """See to what came from the board, and now and then to what no line tells. Makes no request."""
        link = self._link
        if link is not None and link.hub.waiting():
            self._feeds.deliver()
            for program in list(self._waiting.programs.values()):
                self.tell(program)
        now = time.monotonic()
        if now - self._tended < _TEND:
            return
        self._tended = now
        self._waiting.sweep()
        self._journal.flush()
        programs = list(self._waiting.programs.values())
        for program in programs:
            self.tell(program)
        heard = max((program.heard for program in programs if program.session is not None), default=now)
        if now - heard > self._idle() and not any(program.asked for program in programs):
            for program in programs:  # all are silent: the port is let go
                self._lose(program)
        if link is not None and not self._used():
            self._queue.append(self._unless_used)

    def _idle(self) -> float:
        with contextlib.suppress(ValueError):
            return float(self._link.fields.get("idle", _IDLE)) if self._link is not None else _IDLE
        return _IDLE

    # -- what programs do; none of this waits

    def words(self, program: Program, words: Words) -> None:
        """Take what a program says before it has a session."""
        try:
            if program.about:  # the second words: the key that it was asked for
                program.key = str(words["phrase"]) if "phrase" in words else bytes.fromhex(str(words["key"]))
                self._later(lambda: self._attach(program))
                return
            program.timeout = float(words.get("timeout", program.timeout))
            float(words.get("seconds") or 0)
        except (ValueError, TypeError, KeyError):  # none of our programs says such a thing
            self._waiting.close(program)
            return
        program.about = words
        want = words.get("want")
        if want == "status":
            program.say(self._status())
            self._waiting.close(program)
        elif want == "release":
            self._later(lambda: self._release(program))
        elif want == "board" and words.get("v") == meeting.PROTOCOL:
            self._later(lambda: self._attach(program))
        else:
            program.say(self._us())
            self._waiting.close(program)

    def asked(self, program: Program, seq: int, payload: bytes) -> None:
        """Put a program's request behind those that were there before."""
        if program.session is not None:
            program.requests += 1
            program.asked[seq] = None
            self._queue.append(Request(program, program.session.session, seq, payload))
            self._waiting.woken = True

    def greeted(self, program: Program, frame: Frame) -> None:
        """Have a session opened, once the board has answered."""
        self._later(lambda: self._greet(program, frame))

    def left(self, program: Program, frame: Frame) -> None:
        """Have a session ended behind what was asked in it."""
        self._later(lambda: self._part(program, frame))

    def detached(self, program: Program) -> None:
        """A program is gone: what it has asked for and was not sent yet is forgotten."""
        if self._released is not None and self._released.holder is program:
            self._released = None
        self._lose(program)
        self._later(self._unless_used)

    def tell(self, program: Program) -> None:
        """Send a program what it has subscribed to."""
        if program.events is not None and program.open:
            program.send(program.events.poll(int(time.monotonic() * 1000) & _TICKS))

    def _later(self, task: Task) -> None:
        self._queue.append(task)
        self._waiting.woken = True

    def _lose(self, program: Program, doubtful: int | None = None, boot: str | None = None) -> bytes:
        """End a program's session, see Program.lose()."""
        events, program.events = program.events, None
        lost = program.lose(doubtful, boot)
        if events is not None:
            self._later(lambda: self._feeds.leave(events))
        return lost

    # -- what is done in its order: programs

    def _us(self) -> Words:
        return {"v": meeting.PROTOCOL, "fw": VERSION, "pid": os.getpid(), "port": self._place.port}

    def _status(self) -> Words:
        programs = [
            {
                "pid": program.pid,
                "program": program.name,
                "since": program.since,
                "requests": program.requests,
                "subscriptions": len(program.events) if program.events is not None else 0,
                "missed": program.missed,
            }
            for program in self._waiting.programs.values()
            if program.session is not None
        ]
        machine = self._link.fields.get("machine", "") if self._link is not None else ""
        released = self._released.by if self._released is not None else None
        taken = self._released is not None and self._released.taken
        resent = self._link.resent if self._link is not None else 0
        about = {"since": self._since, "machine": machine, "released": released, "taken": taken, "programs": programs}
        return {**self._us(), **about, "resent": resent}

    def _attach(self, program: Program) -> None:
        """Give a program the board; the port is opened when it is not."""
        if program.gone:
            return
        try:
            if self._released is not None:
                raise PortReleased(self._away(self._released))
            if self._link is None and program.about.get("key") and program.key is None:
                program.say({**self._us(), "need": "key"})
                return
            link = self._open_port(program)
        except LinkError as e:
            program.say({**self._us(), **meeting.error_words(e)})
            self._waiting.close(program)
            return
        codec = BoardLock(*self._lock.proven) if self._lock is not None else None
        program.session = ProgramSession(self, program, self._terms(link, program), link.mtu, codec)
        program.say({**self._us(), "ok": True})
        link.connection.timeout = 1 + max(p.timeout for p in self._waiting.programs.values() if p.session is not None)

    def _greet(self, program: Program, frame: Frame) -> None:
        """Open a session with a program, when the board is there."""
        if program.gone or program.session is None:
            return
        if self._link is None:
            try:
                self._open_port(program)
            except LinkError as e:
                self._end_with(program, e)
                return
        else:
            self._link.refresh()
        link = self._link
        if link is None:
            return
        if link.boot != self._boot:
            self._restarted()
        self._lose(program)
        program.parted = False
        program.session.told(self._terms(link, program))
        program.send(program.session.finish(frame))

    def _terms(self, link: Link, program: Program) -> dict[str, str]:
        """Return what a program is told of the board: what the board tells, but for what is the session's."""
        told = {name: value for name, value in link.fields.items() if name not in ("v", "mtu", "win", "credit", "next")}
        return {**told, "boot": f"{link.boot}.{self._id}{program.number}", "runs": str(int(link.program_runs))}

    def _part(self, program: Program, frame: Frame) -> None:
        """End a session as its program wants. Behind the last one the port is closed before that is answered."""
        if program.gone or program.session is None:
            return
        if frame[0] == INTERRUPT and self._link is not None:
            self._link.interrupt()
            for other in self._waiting.programs.values():
                if other is not program:
                    self._lose(other)
        answer = program.session.finish(frame)
        program.parted = True
        self._lose(program)
        program.asked.clear()
        events, program.events = program.events, None
        if events is not None:
            self._feeds.leave(events)
        self._unless_used()
        program.send(answer)

    def _end_with(self, program: Program, error: LinkError, lost: bytes = b"") -> None:
        """End a connection. `lost` says that what the program has not got a reply to was surely not executed."""
        program.last_words({**meeting.error_words(error), "lost": lost.hex()})
        self._waiting.close(program)

    # -- the port

    def _open_port(self, program: Program) -> Link:
        """Return the link to the board, opened for `program` if there is none. Raises LinkError."""
        if self._link is not None:
            return self._link
        name = str(program.about.get("name", ""))
        if meeting.shared_port(name) != self._place.port:  # relative to another folder
            name = self._place.port
        timeout = program.timeout
        key = program.key or (self._key if program.about.get("key") else None)
        lock = HostLock(key, lambda _: None, name) if key else None  # whose board it is each program sees itself
        serve = None if key else str(program.about.get("serve")) or None
        line = BoardLine(open_port(name), self._waiting, 0.8 * timeout)
        try:
            link = Link(line, timeout, serve, self._printed, lock)
        except BaseException:
            line.close()
            raise
        line.may_wake = lambda: link.connection.state is State.OPEN
        self._link, self._line, self._lock, self._key = link, line, lock, key
        self._new_boot(link)
        return link

    def _new_boot(self, link: Link) -> None:
        self._boot = link.boot
        self._stream.mtu = link.mtu
        self._maps.known.clear()

    def _printed(self, text: str) -> None:
        """Pass on what the board prints."""
        for program in self._waiting.programs.values():
            if program.open:
                program.send(text.encode() + b"\0", printed=True)

    def _used(self) -> bool:
        """Whether a program has a session, or may be about to begin another one."""
        recent = time.monotonic() - self._idle()
        return any(
            program.session is not None and not program.parted and (program.open or program.heard > recent)
            for program in self._waiting.programs.values()
        )

    def _unless_used(self) -> None:
        if not self._used():
            self._close_port()

    def _close_port(self) -> None:
        """Take leave of the board and close the port."""
        link, self._link = self._link, None
        self._feeds.forget()
        if link is not None:
            with contextlib.suppress(GaveUp):
                link.close()
        if self._line is not None:
            self._line.close()
        self._line = self._lock = None

    def _restarted(self) -> None:
        """The board has restarted: nothing that was asked of the old boot is asked of the new one."""
        boot = self._link.boot if self._link is not None else None
        for program in list(self._waiting.programs.values()):
            self._lose(program, None, boot)
        self._stream.drop()
        self._feeds.end()
        if self._link is not None:
            self._new_boot(self._link)

    def _all_over(self, error: LinkError) -> None:
        """The port or the program on the board has ended: every program hears it, as if it were alone."""
        for program in list(self._waiting.programs.values()):
            if program.session is not None:
                self._end_with(program, error)
        self._stream.forget()
        self._feeds.forget()
        if self._line is not None:
            self._line.close()
        self._link = self._line = self._lock = None

    # -- giving the port away

    def _release(self, program: Program) -> None:
        """Give the port away: as long as `program` is connected, or until somebody has had it."""
        seconds = program.about.get("seconds")
        holder = program if seconds is None else None
        self._released = Released(f"pid {program.pid} ({program.name})", holder, float(seconds or 0))
        for other in list(self._waiting.programs.values()):
            if other.session is not None:
                self._end_with(other, PortReleased(self._away(self._released)), self._lose(other))
        self._close_port()
        program.say({**self._us(), "ok": True})
        if holder is None:
            self._waiting.close(program)

    def _away(self, released: Released) -> str:
        return (
            f"{self._place.port}: {released.by} has the port now, and gives it back when it is done. Wait, or end that."
        )

    def _look_after(self, released: Released) -> None:
        if released.holder is not None:
            return
        if os.path.exists(self._place.port) and holders_of(self._place.port):
            released.taken = True
        elif released.taken or time.monotonic() > released.until:
            self._released = None

    # -- requests that go alone

    def _alone(self, link: Link, request: Request) -> None:
        """Have a request executed with no other one in flight."""
        program, payload = request.program, request.payload
        try:
            new = [number for number in request.map_ids if number not in self._maps.known]
            if new:
                for number in new:
                    self._learn(link, number)
                if self._stream.together(request):
                    self._queue.appendleft(request)
                    return
            if payload[:1] and payload[0] in _SUBSCRIPTIONS:
                reply = self._subscribe(link, request)
            else:
                reply = link.request(payload, changes=not request.looks, boot=self._boot)
        except Restarted:
            raise
        except LinkError as e:
            if isinstance(e.__cause__ or e, _BROKEN):
                raise
            self._lose(program, request.seq)  # its outcome is unknown, or its reply lost
            return
        if not request.looks and reply[0] == STATUS_OK:
            self._stream.note(request, reply, {})
        if request.wanted:
            program.answer(request.seq, reply)
            self.tell(program)

    def _learn(self, link: Link, number: int) -> None:
        """Ask what a map is, for the journal."""
        try:
            record = ask(link, bytes((OP_INFO,)) + number.to_bytes(2, "little"), boot=self._boot) or b""
            with contextlib.suppress(ValueError, KeyError, struct.error):
                self._maps.known[number] = one(record)
        except MapError:
            pass
        self._maps.known.setdefault(number)

    def _subscribe(self, link: Link, request: Request) -> bytes:
        try:
            return self._feeds.handle(link, request.program, request.payload)
        except MapError as e:
            return bytes((e.code,)) + str(e).encode()
        except (IndexError, ValueError, struct.error):
            return bytes((MapError.code,)) + b"subscribe: the request is cut short or malformed"

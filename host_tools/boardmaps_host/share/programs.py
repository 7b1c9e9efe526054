"""One attached program, as the hub sees it: its socket, its session, what it has asked for.

To the program this is a board: boardmaps.line.session.ServerSession, but that a request is not executed here. It goes to the
board, and its reply comes later. Nothing here waits, neither for the program nor for the board.
"""

import json
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Protocol

from boardmaps.abi import OP_MORE, OP_PART
from boardmaps.line.frame import BYE, HELLO, INTERRUPT, LOST, REPLY
from boardmaps.line.session import NUMBERS, ServerSession
from boardmaps_host.share.meeting import LAST_WORDS, Words

_WORD = struct.Struct("<I")
_WINDOW = 16  # requests that a program may have in flight
_CREDIT = 1 << 16  # bytes of them
_LONGEST = 4 << 20  # bytes of a request: more than any board takes
_BEHIND = 1 << 18  # bytes that a program may leave unread; then what the board prints is left out for it
_MOST_BEHIND = 1 << 22  # and then it is given up: it has stopped reading the answers to its own requests

Frame = tuple[int, int, int, int, bytes]


class Owner(Protocol):
    """The hub, as a program's session needs it: each of these is done in its turn, none waits."""

    def asked(self, program: "Program", seq: int, payload: bytes) -> None:
        """Have a request executed; its reply is given to program.answer()."""
        ...

    def greeted(self, program: "Program", frame: Frame) -> None:
        """Have a new session opened, with program.session.finish(frame)."""
        ...

    def left(self, program: "Program", frame: Frame) -> None:
        """Have a session ended by BYE or INTERRUPT, with program.session.finish(frame)."""
        ...


class ProgramSession(ServerSession):
    """The board's end of a program's session, of which a request's reply comes later.

    `boot` is the board's boot id; what the program is told has the number of its connection behind it.
    """

    _kept: Any

    def __init__(self, owner: Owner, program: "Program", terms: dict[str, Any], mtu: int, codec: Any) -> None:
        super().__init__(None, terms, mtu, _WINDOW, _CREDIT, _LONGEST, codec)  # type: ignore[no-untyped-call]
        self._owner = owner
        self._program = program
        self._greeting: Frame | None = None  # a HELLO that waits for the hub

    def _answer(self, frame: Frame) -> bytes:
        kind, session, seq, _, _ = frame
        if kind == HELLO and (session, seq) != (self.session, self._hello):
            if frame != self._greeting:
                self._greeting = frame
                self._owner.greeted(self._program, frame)
            return b""
        if session == self.session and (kind == BYE or (kind == INTERRUPT and self.codec.sealed)):
            self._owner.left(self._program, frame)
            return b""
        return self.finish(frame)

    def told(self, terms: dict[str, str]) -> None:
        """Take the board's terms as they are now."""
        self._terms.update(terms)

    def finish(self, frame: Frame) -> bytes:
        """Answer a frame as a board does."""
        if frame[0] == HELLO:
            self._greeting = None
        answer: bytes = super()._answer(frame)
        return answer

    def _execute(self, seq: int, payload: bytes) -> bytes:
        self._next = (seq + 1) & NUMBERS
        self._kept[seq % self.window] = None  # one that comes again before its reply is there gets it then
        self.served += 1
        op = payload[0] if payload else -1
        if op in (OP_PART, OP_MORE):
            reply, whole = self._go_on(op, payload)  # type: ignore[no-untyped-call]
            if reply is not None:
                return self.reply(seq, reply)
            payload = bytes(whole)
        else:
            self._long = None  # the board forgets a long reply with the next request
        self._owner.asked(self._program, seq, payload)
        return b""

    def reply(self, seq: int, reply: bytes) -> bytes:
        """Return the frame of a reply, and keep it; the begin of one that is too long."""
        if len(reply) > self.limit:
            reply = self._longer().begin(seq, reply, self.limit)  # type: ignore[no-untyped-call]
        self._kept[seq % self.window] = reply
        frame: bytes = self.encode(REPLY, self.session, seq, seq & 0xFF, reply)
        return frame

    def end(self, following: int, boot: str | None) -> bytes:
        """End the session; return the frame that tells so, as an answer to the HELLO that opened it.

        `following` is the number of the first request that was surely not executed, `boot` what the board's boot id is by now,
        None when it is the same.
        """
        number, greeting = self.session, self._hello
        self._next = following
        self.close()
        text = f"{boot or self._terms['boot']} {following}"
        frame: bytes = self.encode(LOST, number, greeting, 0, text.encode())
        return frame


class Program:
    """A connection of a program: who it is, what it has said, what it has not taken yet.

    `asked` has the numbers of its requests without a reply, the oldest first. `events` are its subscriptions, an Events of
    boardmaps.line.events whose sources are its readers.
    """

    def __init__(self, line: socket.socket, number: int) -> None:
        self.line = line
        self.number = number
        self.about: Words = {}
        self.since = time.time()
        self.heard = time.monotonic()
        self.session: ProgramSession | None = None
        self.events: Any = None
        self.asked: dict[int, None] = {}
        self.requests = 0
        self.missed = 0  # records and lines of output that were dropped for it
        self.first = b""  # what came before the session
        self.timeout = 5.0  # seconds that it gives the board
        self.trusted = False  # whether it has sent the token, where one is needed
        self.key: bytes | str | None = None  # the line's, when it was asked for it
        self.parted = False  # whether it has said BYE
        self.closing = False  # whether it has got its last words
        self.out = bytearray()  # what it has not taken yet
        self.gone = False
        self.writing: Callable[[bool], None] = lambda _: None  # told whether the line is to be watched for room

    @property
    def pid(self) -> int:
        """The program's process."""
        return int(self.about.get("pid", 0))

    @property
    def name(self) -> str:
        """What the program calls itself."""
        return str(self.about.get("program", ""))

    @property
    def open(self) -> bool:
        """Whether it has a session."""
        return self.session is not None and bool(self.session.session)

    def send(self, frames: bytes, printed: bool = False) -> None:
        """Send bytes of the line; `printed` is what the board has printed, which one that does not read goes without."""
        if not frames or self.gone or self.closing:
            return
        if printed and len(self.out) > _BEHIND:
            self.missed += 1
            return
        self._put(_WORD.pack(len(frames)) + frames)

    def say(self, words: Words) -> None:
        """Send words before the session."""
        self._put(json.dumps(words).encode() + b"\n")

    def last_words(self, words: Words) -> None:
        """Tell why the connection ends. The hub closes it then, and executes nothing that comes behind that."""
        data = json.dumps(words).encode()
        self.closing = True
        self._put(_WORD.pack(LAST_WORDS | len(data)) + data)

    def _put(self, data: bytes) -> None:
        if not self.out:
            try:
                data = data[self.line.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                self.gone = True
                return
            if not data:
                return
            self.writing(True)
        self.out += data
        if len(self.out) > _MOST_BEHIND:
            self.gone = True

    def flush(self) -> None:
        """Send what has not been taken, as far as it goes."""
        try:
            del self.out[: self.line.send(self.out)]
        except BlockingIOError:
            return
        except OSError:
            self.gone = True
        if not self.out:
            self.writing(False)

    def answer(self, seq: int, reply: bytes) -> None:
        """Give the program a reply of the board's."""
        if self.session is not None and seq in self.asked:
            del self.asked[seq]
            self.send(self.session.reply(seq, reply))

    def lose(self, doubtful: int | None = None, boot: str | None = None) -> bytes:
        """End the session; return the frame that says so. The program gets it at once when it waits for a reply.

        `doubtful` is the number of the last of its requests that may have been executed, None when none without a reply was.
        `boot` is the board's boot id when that is another one now.
        """
        if self.session is None or not self.session.session:
            return b""
        following = self.session._next
        waiting = list(self.asked)
        if doubtful is not None:
            following = (doubtful + 1) & NUMBERS
        elif waiting:
            following = waiting[0]
        lost = self.session.end(following, boot)
        self.asked.clear()
        if waiting:
            self.send(lost)
        return lost

"""The one place where a hub waits: for its programs, for those that call, and for the board's line, all at once.

Programs are read and written here, and their sessions fed; what they ask for is put into the owner's queue, and nothing of it
is done.
"""

import contextlib
import selectors
import socket
import time
from typing import Protocol

from boardmaps_host.share import meeting
from boardmaps_host.share.meeting import Words
from boardmaps_host.share.programs import Program

_READ = 1 << 16


class Owner(Protocol):
    """Who is told what programs do: the hub. It puts off what it cannot do without waiting."""

    def words(self, program: Program, words: Words) -> None:
        """Take what a program says before it has a session."""
        ...

    def tell(self, program: Program) -> None:
        """Send a program what it has subscribed to."""
        ...

    def detached(self, program: Program) -> None:
        """Note that a program is gone."""
        ...


class Waiting:
    """What a hub waits for. `programs` are those that are connected; `woken` is set when one has asked for something."""

    owner: Owner

    def __init__(self, listener: socket.socket, token: bytes) -> None:
        self.programs: dict[int, Program] = {}
        self.woken = False
        self._listener = listener
        self._token = token
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._called)
        self._board = -1
        self._number = 0
        self._closing: list[Program] = []  # they get what is left for them, then they are closed

    def watch_board(self, descriptor: int) -> None:
        """Have turn() say when the board's line can be read; -1: there is none."""
        if self._board >= 0:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(self._board)
        self._board = descriptor
        if descriptor >= 0:
            self._selector.register(descriptor, selectors.EVENT_READ, None)

    def turn(self, seconds: float) -> bool:
        """Serve the programs, waiting up to `seconds` for something to come; return whether the board's line can be read."""
        readable = False
        for key, mask in self._selector.select(seconds):
            if key.data is None:
                readable = True
            elif isinstance(key.data, Program):
                if mask & selectors.EVENT_WRITE:
                    key.data.flush()
                if mask & selectors.EVENT_READ:
                    self._read(key.data)
                if key.data.gone:
                    self._drop(key.data)
            else:
                key.data()
        for program in list(self._closing):
            if program.gone or not program.out:
                self._drop(program)
        return readable

    def sweep(self) -> None:
        """Let go of those that were found gone when they were written to."""
        for program in [program for program in self.programs.values() if program.gone]:
            self._drop(program)

    def close(self, program: Program) -> None:
        """Close a program's connection when it has got what was sent."""
        program.closing = True
        if program.out and not program.gone:
            self._closing.append(program)
        else:
            self._drop(program)

    def end(self) -> None:
        """Close all connections, and be called no more."""
        for program in list(self.programs.values()):
            self._drop(program)
        self._selector.close()
        self._listener.close()

    def _called(self) -> None:
        try:
            line, _ = self._listener.accept()
        except OSError:
            return
        line.setblocking(False)
        if meeting.user_of(line) not in (None, meeting.our_user()):
            line.close()
            return
        self._number += 1
        program = Program(line, self._number)
        program.writing = lambda wanted: self._writing(program, wanted)
        self.programs[program.number] = program
        self._selector.register(line, selectors.EVENT_READ, program)

    def _writing(self, program: Program, wanted: bool) -> None:
        if not program.gone:
            self._selector.modify(
                program.line, selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0), program
            )

    def _read(self, program: Program) -> None:
        try:
            data = program.line.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            program.gone = True
            return
        if program.closing:
            return
        program.heard = time.monotonic()
        session = program.session
        if session is None:
            self._first(program, data)
            return
        answer = session.receive(data)
        if answer:
            program.send(answer)
        if program.events is not None:
            self.owner.tell(program)

    def _first(self, program: Program, data: bytes) -> None:
        """Take what comes before the session: a token where one is needed, then words."""
        program.first += data
        if self._token and not program.about and not program.trusted:
            if len(program.first) < len(self._token) and self._token.startswith(program.first):
                return
            if not program.first.startswith(self._token):
                program.gone = True
                return
            program.trusted = True
            program.first = program.first[len(self._token) :]
        try:
            words = meeting.first_line(program.first)
        except ValueError:
            program.gone = True
            return
        if words is not None:
            program.first = b""
            self.owner.words(program, words)

    def _drop(self, program: Program) -> None:
        if self.programs.pop(program.number, None) is None:
            return
        program.gone = True
        if program in self._closing:
            self._closing.remove(program)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(program.line)
        program.line.close()
        self.owner.detached(program)

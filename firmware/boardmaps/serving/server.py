"""Serves this board's maps on a line, in the way that suits the firmware. Prints stay possible.

serve() blocks until the host leaves: for the REPL, and for a firmware that does all in interrupts. poll() is for a firmware's
own loop, serve_async() a task of asyncio, serve_thread() in threaded.py a second thread or core: read its notes on what is safe.

Only while a host's session is open does Ctrl-C belong to the line; before and after it stops the program, as on any board. With
a key it stops nothing, from the first poll to close(): the host's interrupt() does, which is sealed.

More than 300 lines: the ways to serve share one turn.
"""

import os
import sys
import time
from binascii import hexlify

import micropython

from .. import keep, pool
from ..flags import const
from ..line import collect
from ..line.dispatch import Dispatcher
from ..line.session import ServerSession
from ..settings import GUARD, in_c, kernels, let_go

# Another one after every reset: how a host tells that the board restarted.
BOOT_ID = str(hexlify(os.urandom(4)), "ascii")
_OP_SUBSCRIBE = const(64)  # as in abi.py
_OP_UNSUBSCRIBE = const(65)
_OP_SLICE_SUM = const(56)
_OP_RESTORE = const(57)
_OP_COMMIT = const(44)
_OP_COMMITTED = const(45)
_CTRL_C = const(3)
_QUIET_MS = const(100)  # a frame arrives without such a pause; somebody at a terminal pauses longer
_WAIT_MS = const(50)  # how long serve() waits for a host before it looks at its clock
_BESIDE = const(1024)  # bytes of a request beside two values: its head and its key
_ALL = const(0xFFFF)  # of what C's turn says: the bytes to be sent, above them the end of what it has left
_EVENTS_MS = const(5)  # the same while there are events to look for

_drain = kernels("stdio").drain
_sessions = 0  # that are open, of all servers


class StdioLine:
    """The line that the REPL uses: stdin and stdout. Every read gives what is there, none waits for more."""

    credit = 511  # bytes that the smallest common receive ring (TinyUSB ports) holds

    def __init__(self):
        # saves heap: only a line over the REPL's own port needs it
        import select

        self._in, self._out = sys.stdin.buffer, sys.stdout.buffer
        self._one = bytearray(1)
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._modes = None
        self.steady = False  # serve() gives the line back however it ends; another way may end at any time

    def open(self):
        """Take Ctrl-C from the REPL: while frames pass, 3 is a byte like any other. Once more, should the REPL have it back."""
        micropython.kbd_intr(-1)
        if self._modes is not None:
            return
        try:
            # only the unix port has it
            import termios
        except ImportError:  # every port but unix
            self._modes = ()
            return
        # There a read can be told not to wait, so that one brings whole frames: with VMIN and VTIME of 0. But to a REPL such a
        # read would mean the end of its input, so between two reads the line is as it was.
        quick = termios.tcgetattr(0)
        quick[6][5] = quick[6][6] = 0
        self._modes = termios.tcsetattr, termios.TCSANOW, termios.tcgetattr(0), quick
        if self.steady:
            self._set(quick=True)

    def _set(self, quick):
        tcsetattr, now, normal, fast = self._modes
        tcsetattr(0, now, fast if quick else normal)

    def close(self):
        """Give Ctrl-C back."""
        if self._modes:
            self._set(quick=False)
        self._modes = None
        micropython.kbd_intr(_CTRL_C)

    def wait(self, ms):
        """Return whether something is there to read within `ms` milliseconds."""
        for _ in self._poll.ipoll(ms):  # unlike poll(), ipoll() makes no list
            return True
        return False

    def readinto(self, buf):
        """Read what is there into buf, without waiting; return the number of bytes."""
        if self._modes:
            if self.steady:
                return self._in.readinto(buf) or 0
            self._set(quick=True)
            try:
                return self._in.readinto(buf) or 0
            finally:
                self._set(quick=False)
        return _drain(self._poll.ipoll, self._in.readinto, self._one, buf, self._in)

    def write(self, data):
        """Write all of data; a stalled host may make it take several tries (USB gives up a write after 500 ms)."""
        n = self._out.write(data)
        tries = 8
        while n is not None and n < len(data) and tries:
            data = data[n:]
            n = self._out.write(data)
            tries -= 1


class Server:
    """A server of this board's maps on `line` (StdioLine, or anything with its methods).

    `mtu`: most payload bytes of a frame; `window`: requests in flight, a power of two; `idle`: seconds of silence after which
    a session ends and Ctrl-C works again; `allow_reset`: whether the host may reset the pool; `allow_restore`: whether it may
    restore maps that it may not write, frozen ones too; `guard`: a lock that is held
    while requests are executed and events collected, for firmware in another thread that takes it around its own changes;
    `key`: bytes, at least 16, that a host must have too (seal.py); a TcpLine needs one. Then Ctrl-C from the line is ignored
    from the first poll until close(); what runs before and after that is not locked.
    """

    def __init__(
        self, line=None, mtu=480, window=4, idle=10, allow_reset=False, guard=None, key=None, allow_restore=False
    ):
        if key is None and getattr(line, "needs_key", False):
            raise ValueError(
                "serve: whoever reaches the network can speak to this line; give a key of 16 bytes or more"
            )
        let_go("maps.check schema")  # the maps are made, as a rule
        self.line = line or StdioLine()
        codec = None
        if key is not None:
            # saves heap: only a line with a key needs them
            from ..line.seal import BoardLock
            from .identity import identity

            codec = BoardLock(key, identity())
        self._locked = key is not None
        dispatcher = Dispatcher(pool, allow_reset, self._let_go)
        terms = {
            "boot": BOOT_ID,
            "maps": dispatcher.checksum,
            "profile": "embedded",
            "machine": sys.implementation._machine.replace(" ", "_"),
            "idle": idle,
            "pins": keep.pins_said,
            "crash": keep.crash_said,
        }
        most = 2 * pool.StaticPool.total_size() + _BESIDE
        self.session = ServerSession(dispatcher.handle, terms, mtu, window, self.line.credit, most, codec, self._let_go)
        dispatcher.extra = {
            _OP_SUBSCRIBE: self._subscriptions,
            _OP_UNSUBSCRIBE: self._subscriptions,
            _OP_SLICE_SUM: self._transfers,
            _OP_RESTORE: self._transfers,
            _OP_COMMIT: self._commit,
            _OP_COMMITTED: self._commit,
        }
        self._allow_restore = allow_restore
        self._transfer = None
        # What is sealed is opened in Python, so the rest happens there too.
        self._turn = in_c.line(pool.maps) if in_c and not codec else None
        self._checked = ()  # with the first turn it becomes what it is
        self._events = None
        self._guard = guard
        self._most = None  # bytes that a turn reads; None: what is there
        self._view = memoryview(bytearray(min(self.line.credit, 1024)))
        self._idle_ms = idle * 1000
        self._heard = time.ticks_ms()
        self._open = self._ours = False  # whether there is a session, and whether Ctrl-C belongs to the line

    def poll(self, wait_ms=0):
        """Answer what has come, waiting up to `wait_ms`; return whether a host's session is open.

        Where memory ends it is as if the line had lost what was to be read or sent: the host asks again.
        """
        # Frames of at most 11 words lie on the C stack. A larger one is a piece of the heap, and where much of that is in use
        # MicroPython looks long for one. So what each turn runs is parted into functions that need no more.
        try:
            if self._locked and not self._ours:
                self._take_ctrl_c(True)
            if self.line.wait(_EVENTS_MS if self.session.taken and wait_ms > _EVENTS_MS else wait_ms):
                self._take()
            elif self._open or self.session.decoder.pending():
                self._take_silence()
            if self.session.taken:
                self._tell()
            if keep.turns:
                self._hold(keep.take_turns)
        except MemoryError:
            self._let_go()
        return self._open

    def _take(self):
        """Answer what is there: the usual requests of an open session in C."""
        view = self._view
        n = self._read(view)
        answered = self._turn and self._answer(view, n)
        if not answered:
            self._receive(bytes(view[:n]))
        elif answered <= _ALL:
            self.line.write(view[:answered])
        else:
            self._take_rest(view, answered)

    def _take_rest(self, view, answered):
        """Answer what C has left, behind what is to be sent."""
        if answered & _ALL:
            self.line.write(view[: answered & _ALL])
        self._receive(bytes(view[answered & _ALL : answered >> 16]))

    def _read(self, view):
        heard = self._heard
        self._heard = time.ticks_ms()
        if not self._open or self._locked or time.ticks_diff(self._heard, heard) <= _QUIET_MS:
            return self.line.readinto(view[: self._most] if self._most else view)
        # After a silence this may be somebody's Ctrl-C: then take no more than that, what follows is for the REPL.
        n = self.line.readinto(view[:2])
        if n == 2 and view[1] != _CTRL_C:
            n += self.line.readinto(view[2:])  # it is not: a frame has begun
        return n

    def _answer(self, view, n):
        if pool.checked is not self._checked:
            self._leave_out()
        if self._guard is None:
            return self._turn(self.session, view, n)
        return self._hold(self._turn, self.session, view, n)

    def _receive(self, data):
        # not through _hold() where it does nothing: requests go deep, and stacks are small
        receive = self.session.receive
        reply = receive(data) if self._guard is None else self._hold(receive, data)
        self._follow()  # before the answer to BYE: whoever comes next finds Ctrl-C at work
        if reply:
            self._send(reply)
        if self.session.interrupted if self._locked else self.session.decoder.interrupted():
            self._interrupt()

    def _take_silence(self):
        quiet = time.ticks_diff(time.ticks_ms(), self._heard)
        if quiet > _QUIET_MS and self.session.decoder.idle() == b"\x03" and not self._locked:
            self._interrupt()
        if quiet > self._idle_ms:
            self.session.close()
            self._follow()

    def _tell(self):
        told = self._hold(self._events.poll, time.ticks_ms())
        if told:
            self._send(told)

    def _leave_out(self):
        """Have C answer for the maps alone whose writes nobody looks at, and not for those that are made from now on."""
        checked = pool.checked
        if checked:
            self._turn = in_c.line({i: m for i, m in pool.maps.items() if i not in checked})
        self._checked = checked

    def _send(self, frames):
        try:
            self.line.write(b"\0" + frames)  # the zero ends what was printed: it is no part of a frame
        except MemoryError:
            pass

    def _hold(self, function, *arguments):
        """Call a function while the firmware's lock is held, where it gave one."""
        if self._guard is None:
            return function(*arguments)
        with self._guard:
            return function(*arguments)

    def _follow(self):
        """Ctrl-C belongs to the line exactly while a session is open; on a locked line from the first poll to close().

        It is taken anew with whatever comes beside the usual, as HELLO: when a program ended within a session the REPL has taken it
        back, and a program that runs behind it has the same server.
        """
        number = self.session.session
        if number and self._ours:
            self.line.open()
        if self._open != bool(number):
            self._take_ctrl_c(bool(number) or self._locked)
            self._set_open(bool(number))

    def _take_ctrl_c(self, ours):
        if ours != self._ours:
            if ours:
                self.line.open()
            else:
                self.line.close()
            self._ours = ours

    def _subscriptions(self, request, map_of):
        if not self.session.taken:  # the first of this session
            collect("boardmaps.line.events")
            # saves heap: with the first subscription
            from ..line.events import Events

            self._events = Events(self.session)
        return self._events.handle(request, map_of)

    def _transfers(self, request, map_of):
        if not self._transfer:
            collect("boardmaps.serving.transfer")
            # saves heap: few hosts take snapshots or restore them
            from .transfer import Transfer

            self._transfer = Transfer(self._allow_restore)
        return self._transfer.handle(request, map_of)

    def _let_go(self):
        """Let go of what was loaded for rare requests and is not in use. Return whether there was any.

        Called where memory ends in a request or a turn: code takes many times what a request does. Another server with a session
        may be in use of it.
        """
        if _sessions > 1:
            return False
        global _commits
        found = let_go("line.keeping line.health line.pieces refusals")
        if _commits and not _commits.count:  # none has waited: another one would know as much
            _commits = None
            found = let_go("line.commit") or found
        if not self._transfer or not self._transfer.maps:
            self._transfer = None
            found = let_go("serving.transfer maps.check schema") or found
        if not self.session.taken:
            self._events = None
            found = let_go("line.events line.sources") or found
        return found

    def _commit(self, request, map_of):
        return commits().handle(request, map_of, self._hold if _ticking else None)

    def _interrupt(self):
        """Somebody else is at the line, with mpremote or a terminal, and wants the REPL; on a locked line the host does."""
        self.session.decoder.idle()
        self.session.interrupted = False
        self.close()
        raise KeyboardInterrupt

    def serve(self):
        """Answer until the host says BYE, or has been silent for `idle` seconds. Ctrl-C ends it while no session is open.

        With a key go on: only the host's interrupt() ends it, so that between two hosts nobody finds a REPL.
        """
        self.session.done = False
        self.line.steady = True
        was_open = False
        try:
            while self._locked or not self.session.done:
                if self.poll(_WAIT_MS):
                    was_open = True
                elif was_open and not self._locked:
                    break
        finally:
            self.close()

    def active(self):
        """Whether a host has said anything in the last 100 ms: then more is likely to come at once."""
        return self._open and time.ticks_diff(time.ticks_ms(), self._heard) <= _QUIET_MS

    def close(self):
        """End the session, if any, and give Ctrl-C back."""
        self.session.close()
        self._set_open(False)
        self._take_ctrl_c(False)

    def _set_open(self, now):
        global _sessions
        _sessions += now - self._open
        self._open = now


async def serve_async(**options):
    """Serve hosts, one after the other, until the task is cancelled; the options are Server's.

    Takes a turn every 20 ms while nothing comes, every millisecond while something does. Tasks change maps freely: a request
    is executed between two of their steps.
    """
    # saves heap: only a program that has tasks needs it
    import asyncio

    server = Server(**options)
    try:
        while True:
            server.poll()
            await asyncio.sleep_ms(1 if server.active() else _EVENTS_MS if server.session.taken else 20)
    finally:
        server.close()


_commits = None  # those of all servers, once there was one
_ticking = False  # whether the firmware calls tick()


def commits():
    """Return what makes commits."""
    global _commits
    if _commits is None:
        collect("boardmaps.line.commit")
        # saves heap: few hosts change several things as one
        from ..line.commit import Commits

        quiet = loud = None
        if GUARD != "none":
            # saves heap: with the first commit
            import machine

            quiet = getattr(machine, "disable_irq", None)  # a port without it has no handlers to hold off
            loud = getattr(machine, "enable_irq", None)
        _commits = Commits(quiet, loud)
    return _commits


def tick():
    """Say that the host's commits may be made here, where nothing is in use that belongs together; from now on they are made here.

    Without it they are made in a turn of the server. Call it in each round of the firmware's loop, without the lock that
    the server was given as `guard`. Takes no heap where none waits.
    """
    global _ticking
    _ticking = True
    if _commits:
        _commits.tick()


_server = None


def serve(**options):
    """Serve this board's maps on the REPL's line until the host leaves; the options are Server's."""
    Server(**options).serve()


def poll():
    """Answer what a host has asked on the REPL's line, without waiting; call it from the firmware's own loop.

    Returns whether a host is connected. Ten times a second is enough, more often is faster.
    """
    global _server
    if _server is None:
        _server = Server()
    return _server.poll()

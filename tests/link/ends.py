"""Both ends of the line as what an explorer can walk: the real code, asked once for each state and each thing that happens in it.

An end is deterministic: what it does follows from its state and from what comes. So the real code of an end runs once for a
state and an input, and its answer (the next state, what it sends) is remembered. A state of the board is its objects, copied.
A state of the host is what came since it was started: its call stack cannot be copied, so it is run again from there. Two
states are one when all objects are alike, and for the host also its stack; times count from now.

More than 300 lines: two ends, and what they stand between.
"""

import pickle
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple
from unittest import mock

from boardmaps.errors import OutOfMemory
from boardmaps.line import seal
from boardmaps.line import session as board_session
from boardmaps.line.seal import BoardLock
from boardmaps.line.session import ServerSession
from boardmaps_host.client import lock
from boardmaps_host.client import session as host_session
from boardmaps_host.client.errors import LinkError, LinkTimeout, PortGone
from boardmaps_host.client.link import Link
from boardmaps_host.client.lock import HostLock
from boardmaps_host.client.session import ClientSession
from tests.client.locked import ID, KEY
from tests.link.alike import alike, stack
from tests.link.memory import Memory, Steps
from tests.link.simulation import expect, operation, under_clock

TIMEOUT = 30.0  # seconds of silence after which a call gives up: more than the faults of any order take
UNKNOWN, REFUSED, STUCK = "unknown", "refused", "stuck"
SILENCE, CUT = None, -1  # what a host's read may find beside bytes
# Boot ids after which a session of the same HELLO begins at another number each, with numbers of three bits too. Real ones are
# random and numbers have 16 bits: there a frame that was late over a restart is in turn once in 65,536 times, here every eighth.
BOOTS = (0x01, 0x0B, 0x32, 0x3A, 0xBA5, 0xBAF)
Input = bytes | int | None


@dataclass(frozen=True)
class Scenario:
    """What is done over which line. `calls`: operations of each call, by number; several are in flight at once."""

    calls: tuple[tuple[int, ...], ...] = ((0, 1), (2,), (3,))
    sizes: tuple[int, ...] = (0, 1, 90, 2)  # bytes behind each operation's head; one is more than a frame takes
    mtu: int = 64
    window: int = 2
    bits: int = 3  # of the requests' numbers
    locked: bool = False

    def payload(self, i: int) -> bytes:
        """Return the request of operation i: no two are alike in any byte of their filling."""
        return operation(i) + bytes((0x41 + i,)) * self.sizes[i]


@contextmanager
def narrow(bits: int) -> Iterator[None]:
    """Have the numbers of requests so few bits, and those of sealed frames one more.

    So few numbers have none that is harmless to a REPL; there is no REPL here, and a sealed HELLO takes any.
    """
    with ExitStack() as patched:
        for module, name, value in (
            (board_session, "NUMBERS", (1 << bits) - 1),
            (host_session, "NUMBERS", (1 << bits) - 1),
            (seal, "NUMBERS", (2 << bits) - 1),
            (seal, "LATEST", 1 << bits >> 1),
            (lock, "_HARMLESS", frozenset(range(256))),
        ):
            patched.enter_context(mock.patch.object(module, name, value))
        yield


class Draws:
    """Stands for all that is random: each draw is another one, and the same in each run."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.count = 0

    def randrange(self, low: int, high: int) -> int:
        self.count += 1
        return low + (self.first * 64 + self.count) % (high - low)

    def urandom(self, n: int) -> bytes:
        self.count += 1
        return sha256(b"%d %d" % (self.first, self.count)).digest()[:n]


class System:
    """Stands for random.SystemRandom: a challenge is drawn until its bytes are right, so one draw must not follow from another."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws

    def randrange(self, low: int, high: int) -> int:
        return low + int.from_bytes(self._draws.urandom(4), "big") % (high - low)


class Board:
    """A board that adds, and writes down what it has done for all its boots."""

    def __init__(self, scenario: Scenario, server: type[ServerSession]) -> None:
        self.scenario = scenario
        self.server = server
        self.boots = 0
        self.done: list[bytes] = []  # requests that had their effect, in order
        self.draws = Draws(1000)
        self.memory: Memory | None = None
        self.boot()

    def boot(self) -> None:
        """Start anew; what the program has added stays."""
        self.boots += 1
        s = self.scenario
        terms = {"boot": f"{BOOTS[self.boots - 1]:08x}", "idle": 10}
        codec = BoardLock(KEY, ID) if s.locked else None
        self.session = self.server(self._add, terms, mtu=s.mtu, window=s.window, codec=codec)

    def _add(self, payload: bytes, _limit: int) -> bytes:
        if self.memory is not None:
            self.memory.need()
        self.done.append(bytes(payload))
        return result(self.done, len(self.done) - 1)


def result(done: list[bytes], at: int) -> bytes:
    """Return the right reply to what was done as number `at`."""
    return b"\0" + (at + 1).to_bytes(4, "little") + done[at][4:]


class Told(NamedTuple):
    """How far a host has come: the outcome of each operation so far, and the first of the call that it waits in."""

    outcomes: tuple[bytes | str, ...]
    call: int
    ended: bool
    polls: bool  # it looks at what is there, and waits for nothing


class _Blocked(BaseException):
    """The host waits for something that is not decided yet."""


class Port:
    """A host's transport and its clock: what comes is decided beforehand."""

    name = "simulation"

    def __init__(self, inputs: tuple[Input, ...], host: int) -> None:
        self.inputs = inputs
        self.at = 0
        self.now = 1000.0
        self.sent = b""
        self.draws = Draws(host)
        self.state: object = None
        self.polls = False

    def read(self, timeout: float) -> bytes:
        if self.at == len(self.inputs):
            self.polls = timeout <= 0
            self.state = stack(sys._getframe(1), self.now, __file__)
            raise _Blocked
        found = self.inputs[self.at]
        self.at += 1
        self.sent = b""
        if isinstance(found, bytes):
            return found
        if found is SILENCE:
            self.now += max(timeout, 0) + 1e-9
            return b""
        raise PortGone("simulation: the port is gone.")

    def write(self, data: bytes) -> None:
        self.sent += data

    def reopen(self) -> None:
        """It is back at once."""

    def close(self) -> None:
        """Nothing is open."""


class Ends:
    """States of the board and of hosts by number, and what follows from each. One at a time may be open."""

    def __init__(self, scenario: Scenario, server: type[ServerSession] = ServerSession) -> None:
        self.scenario = scenario
        self.server = server
        self.asked = 0  # times that the real code ran
        self._port = Port((), 0)
        self._running = Board(scenario, server) if not scenario.locked else None
        self.boards: list[bytes] = []
        self._board_ids: dict[object, int] = {}
        self.done: list[list[bytes]] = []  # what each state of the board has done
        self._hosts: list[tuple[tuple[int, int, tuple[bytes | str, ...]], tuple[Input, ...]]] = []
        self._host_ids: dict[object, int] = {}
        self.told: list[Told] = []

    @contextmanager
    def open(self) -> Iterator[None]:
        """Put the numbers, the clock and all that is random in their place."""
        with ExitStack() as opened:
            opened.enter_context(narrow(self.scenario.bits))
            opened.enter_context(under_clock(self, self._client_session))
            for module, name, what in (
                (seal, "os", self._BoardOs(self)),
                (lock, "os", self),
                (lock, "random", self),
            ):
                opened.enter_context(mock.patch.object(module, name, what))
            yield

    # what stands for the modules time, os and random

    def monotonic(self) -> float:
        return self._port.now

    def sleep(self, seconds: float) -> None:
        self._port.now += seconds

    def urandom(self, n: int) -> bytes:
        return self._port.draws.urandom(n)

    def SystemRandom(self) -> System:  # noqa: N802 - as in the module random
        return System(self._port.draws)

    class _BoardOs:
        def __init__(self, ends: "Ends") -> None:
            self._ends = ends

        def urandom(self, n: int) -> bytes:
            assert self._ends._running is not None
            return self._ends._running.draws.urandom(n)

    def _client_session(self, codec: host_session.Codec) -> ClientSession:
        rng: Any = self._port.draws
        return ClientSession(rng, codec)

    # the board

    def first_board(self) -> int:
        """Return the state of a board that has booted this moment."""
        return self._know(Board(self.scenario, self.server))

    def boot(self, board: int) -> int:
        """Return the state behind a restart."""
        running = self._take(board)
        running.boot()
        return self._know(running)

    def hear(self, board: int, data: bytes, point: int = 0) -> tuple[int, bytes]:
        """Give the board bytes; return its next state, and what it answers. With `point` memory ends there.

        Raises AssertionError when a request's number, effect and kept reply part.
        """
        running = self._take(board)
        before = running.session
        was = before.session, before._next, list(before._kept), len(running.done)
        if point:
            with Steps(point) as running.memory:
                answer = running.session.receive(data)
            running.memory = None
        else:
            answer = running.session.receive(data)
        self._together(running, *was)
        return self._know(running), bytes(answer)

    def points(self, board: int, data: bytes) -> int:
        """Return at how many points memory may end while the board hears this."""
        running = self._take(board)
        with Steps() as memory:
            running.memory = memory
            running.session.receive(data)
        return memory.count

    def _together(self, running: Board, session: int, first: int, kept: list[Any], done: int) -> None:
        now = running.session
        effects = len(running.done) - done
        if now.session != session:
            expect(effects == 0, "another session began with something done")
            return
        moved = (now._next - first) & board_session.NUMBERS
        expect(effects <= moved <= 1, f"the number went on by {moved}, and {effects} requests had an effect")
        if not moved:
            expect(now._kept == kept, "a kept reply changed, and the number did not")
        elif effects:
            right = result(running.done, done)
            reply = now._kept[first % now.window]
            expect(
                reply in (right, board_session.GONE) or reply[5:] == right[1 : len(reply) - 4],
                f"{running.done[done]!r} was done, and its kept reply is {reply!r}",
            )
        else:
            reply = now._kept[first % now.window]
            same = reply is kept[first % now.window] and reply != b"\0"  # of which there is one object
            expect(not same, f"the kept reply is still {reply!r}")

    def _take(self, board: int) -> Board:
        self.asked += 1
        self._running = running = pickle.loads(self.boards[board])
        assert isinstance(running, Board)
        return running

    def _know(self, board: Board) -> int:
        session = board.session
        session.served = session.replayed = session.decoder.damaged = session.decoder.dropped = 0
        if isinstance(session.codec, BoardLock):
            session.codec.refused = 0
        number = self._board_ids.setdefault(alike(board, 0.0), len(self.boards))
        if number == len(self.boards):
            self.boards.append(pickle.dumps(board, -1))
            self.done.append(list(board.done))
        return number

    # the host

    def first_host(self) -> tuple[int, bytes]:
        """Return the state of the first host when it waits for the first time, and what it has sent."""
        return self._run((1, 0, ()), ())

    def next_host(self, host: int) -> tuple[int, bytes]:
        """Return the same of another host, which goes on behind the call in which `host` was ended."""
        told = self.told[host]
        calls = self.scenario.calls
        left = calls[told.call] if told.call < len(calls) else ()
        (number, _, _), _ = self._hosts[host]
        return self._run((number + 1, told.call + 1, (*told.outcomes, *[UNKNOWN] * len(left))), ())

    def tell(self, host: int, what: Input) -> tuple[int, bytes]:
        """Let the host's read find something; return the state in which it waits next, and what it has sent until then."""
        start, inputs = self._hosts[host]
        return self._run(start, (*inputs, what))

    def _run(self, start: tuple[int, int, tuple[bytes | str, ...]], inputs: tuple[Input, ...]) -> tuple[int, bytes]:
        self.asked += 1
        number, call, before = start
        outcomes = list(before)
        self._port = port = Port(inputs, number)
        calls = self.scenario.calls
        ended = False
        try:
            link = self._connect(port)
            while call < len(calls):
                outcomes += self._call(link, calls[call])
                call += 1
            ended = True
            state: object = None
        except _Blocked:
            state = port.state
        except LinkError as e:  # no connection comes about
            outcomes += [f"{STUCK}: {e}"] * sum(len(c) for c in calls[call:])
            ended, state = True, None
        told = Told(tuple(outcomes), call, ended, port.polls)
        known = self._host_ids.setdefault((number, told, state), len(self._hosts))
        if known == len(self._hosts):
            self._hosts.append((start, inputs))
            self.told.append(told)
        return known, port.sent

    def _connect(self, port: Port) -> Link:
        codec = HostLock(KEY, lambda _: None) if self.scenario.locked else None
        for _ in range(6):
            try:
                return Link(port, TIMEOUT, codec=codec)
            except PortGone:  # more often than there are faults
                continue
        return Link(port, TIMEOUT, codec=codec)

    def _call(self, link: Link, call: tuple[int, ...]) -> list[bytes | str]:
        payloads = [self.scenario.payload(i) for i in call]
        try:
            replies = link.requests(payloads) if len(call) > 1 else [link.request(payloads[0])]
        except LinkTimeout as e:
            return [f"{STUCK}: {e}"] * len(call)
        except LinkError as e:
            stuck = isinstance(e.__cause__, LinkTimeout)
            how = f"{STUCK}: {e}" if stuck else UNKNOWN if e.may_have_happened else REFUSED
            return [how] * len(call)
        return [
            UNKNOWN if reply == board_session.GONE else REFUSED if reply[0] == OutOfMemory.code else reply
            for reply in replies
        ]

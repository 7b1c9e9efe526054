"""Every order in which things can happen on the line, not only random ones: all states of a small session, each visited once.

Both ends are the real code (ends.py). Between them lie frames: those that come in order, and those that are late, which come at
any time or never. What costs nothing: a frame arrives (u: at the board, d: at the host, u+0, d+0: a late one), and when none is
on the way the host finds that nothing comes (t). Each of these costs one of a walk's faults:

    u- d-     the next frame is lost
    u2 d2     it is doubled: a copy of it is late
    u> d>     it is late
    u!0       it arrives, and memory ends while the board takes it; the number counts what can follow from that
    cut       the port closes and comes back, and all that was on its way in order is lost
    cut/2     the same, and half a frame arrives
    restart   the board restarts
    host      the host's program is ended, and another one does the operations behind the call that it was in

One line runs an order again, and says what follows from each step:

    python -m tests.link.walk plain "u d u u- t u d"

More than 300 lines: one walk; its parts share the states.
"""

import pickle
from array import array
from collections.abc import Iterator

from boardmaps.line.session import ServerSession
from tests.link.ends import CUT, REFUSED, SILENCE, STUCK, Ends, Scenario, result
from tests.link.simulation import expect

SCENARIOS = {
    "plain": Scenario(),
    "short": Scenario(calls=((0,),), sizes=(0,)),
    "long": Scenario(calls=((0,),), sizes=(90,)),
    "hosts": Scenario(calls=((0,), (1,)), sizes=(90, 100)),
    "pieces": Scenario(calls=((0,), (1,)), sizes=(70, 120), mtu=96),
    "locked": Scenario(locked=True, sizes=(0, 0, 250, 0)),
}
FAULTS = ("lose", "double", "late", "memory", "cut", "restart", "host")

Frames = tuple[int, ...]
Lines = tuple[Frames, Frames, Frames, Frames]  # up and down in order, up and down late
_HOST, _BOARD, _LINES, _LEFT = 44, 28, 4, 15  # where they lie in a state: an int is a third of a tuple


class BrokenRule(AssertionError):
    """An order that breaks a rule: `order` is a shortest one."""

    def __init__(self, rule: str, order: str, replay: str) -> None:
        super().__init__(f"{rule}\nreplay: {replay}")
        self.order = order


class Walk:
    """A walk through all states of a scenario with at most so many faults of these sorts. `states`: how many it visited."""

    def __init__(
        self,
        scenario: str = "plain",
        faults: int = 3,
        sorts: tuple[str, ...] = FAULTS,
        server: type[ServerSession] = ServerSession,
        named: str = "",
    ) -> None:
        self.scenario = scenario
        self.faults = faults
        self.sorts = frozenset(sorts)
        self.named = named  # what else the line that replays says
        self.ends = Ends(SCENARIOS[scenario], server)
        self.states = 0
        self._frames: list[bytes] = []
        self._frame_ids: dict[bytes, int] = {}
        self._lines: list[Lines] = []
        self._line_ids: dict[Lines, int] = {}
        self._heard: dict[tuple[int, int], tuple[int, Frames]] = {}
        self._short: dict[tuple[int, int], list[tuple[int, Frames]]] = {}
        self._booted: dict[int, int] = {}
        self._told: dict[tuple[int, int | None], tuple[int, Frames]] = {}
        self._others: dict[int, tuple[int, Frames]] = {}
        self._right: set[tuple[int, int]] = set()
        self._trying = ""

    # -- what follows from what, asked once

    def _framed(self, data: bytes) -> Frames:
        """Cut what an end has sent behind its zeros; a zero before a frame belongs to it, and what is typed for a REPL."""
        *chunks, rest = data.split(b"\0")
        found, before = [], b""
        for chunk in chunks:
            before += chunk + b"\0"
            if chunk.strip(b"\2#"):
                found.append(before)
                before = b""
        if before + rest:
            found.append(before + rest)
        return tuple([self._frame(one) for one in found])

    def _frame(self, data: bytes) -> int:
        number = self._frame_ids.setdefault(data, len(self._frames))
        if number == len(self._frames):
            self._frames.append(data)
        return number

    def _hear(self, board: int, frame: int) -> tuple[int, Frames]:
        found = self._heard.get((board, frame))
        if found is None:
            after, answer = self.ends.hear(board, self._frames[frame])
            found = self._heard[board, frame] = after, self._framed(answer)
        return found

    def _hear_short(self, board: int, frame: int) -> list[tuple[int, Frames]]:
        """Return what can follow when memory ends anywhere, each once."""
        found = self._short.get((board, frame))
        if found is None:
            data = self._frames[frame]
            every = [self.ends.hear(board, data, point + 1) for point in range(self.ends.points(board, data))]
            answers = dict.fromkeys((after, self._framed(answer)) for after, answer in every)
            answers.pop(self._hear(board, frame), None)
            found = self._short[board, frame] = list(answers)
        return found

    def _boot(self, board: int) -> int:
        if board not in self._booted:
            self._booted[board] = self.ends.boot(board)
        return self._booted[board]

    def _tell(self, host: int, what: int | None) -> tuple[int, Frames]:
        found = self._told.get((host, what))
        if found is None:
            after, sent = self.ends.tell(host, self._frames[what] if what is not None and what >= 0 else what)
            found = self._told[host, what] = after, self._framed(sent)
        return found

    def _other(self, host: int) -> tuple[int, Frames]:
        if host not in self._others:
            after, sent = self.ends.next_host(host)
            self._others[host] = after, self._framed(sent)
        return self._others[host]

    # -- states

    def _state(self, host: int, board: int, lines: Lines, left: int) -> int:
        if self.ends.told[host].ended:  # nobody reads what comes
            lines = lines[0], (), lines[2], ()
        number = self._line_ids.setdefault(lines, len(self._lines))
        if number == len(self._lines):
            self._lines.append(lines)
        if (host, board) not in self._right:
            self._check(host, board)
            self._right.add((host, board))
        return host << _HOST | board << _BOARD | number << _LINES | left

    def _first(self) -> int:
        host, sent = self.ends.first_host()
        return self._state(host, self.ends.first_board(), (self._framed(sent), (), (), ()), self.faults)

    def _after(self, state: int) -> Iterator[tuple[str, int]]:
        """Give each thing that may happen, and the state behind it. The first is what happens where no fault is."""
        host, board = state >> _HOST, state >> _BOARD & 0xFFFF
        up, down, late_up, late_down = lines = self._lines[state >> _LINES & 0xFFFFFF]
        left = state & _LEFT
        told = self.ends.told[host]
        for name, at, frame in ((f"u+{i}" if i >= 0 else "u", i, frame) for i, frame in _coming(up, late_up)):
            self._trying = name
            after, sent = self._hear(board, frame)
            rest = (up[1:], late_up) if at < 0 else (up, late_up[:at] + late_up[at + 1 :])
            yield name, self._state(host, after, (rest[0], down + sent, rest[1], late_down), left)
        if not told.ended:
            for name, at, frame in ((f"d+{i}" if i >= 0 else "d", i, frame) for i, frame in _coming(down, late_down)):
                self._trying = name
                after, sent = self._tell(host, frame)
                rest = (down[1:], late_down) if at < 0 else (down, late_down[:at] + late_down[at + 1 :])
                yield name, self._state(after, board, (up + sent, rest[0], late_up, rest[1]), left)
            if told.polls or not (up or down):
                self._trying = "t"
                after, sent = self._tell(host, SILENCE)
                yield "t", self._state(after, board, (up + sent, down, late_up, late_down), left)
        if left:
            yield from self._hit(host, board, lines, left - 1)

    def _hit(self, host: int, board: int, lines: Lines, left: int) -> Iterator[tuple[str, int]]:  # noqa: PLR0912 - one branch a fault
        """Give each fault that may happen."""
        up, down, late_up, late_down = lines
        sorts = self.sorts
        ended = self.ends.told[host].ended
        if up:
            late = tuple(sorted((*late_up, up[0])))
            if "double" in sorts:
                yield "u2", self._state(host, board, (up, down, late, late_down), left)
            if not ended and "lose" in sorts:
                yield "u-", self._state(host, board, (up[1:], down, late_up, late_down), left)
            if not ended and "late" in sorts:
                yield "u>", self._state(host, board, (up[1:], down, late, late_down), left)
            if "memory" in sorts:
                self._trying = "u!"
                for i, (after, sent) in enumerate(self._hear_short(board, up[0])):
                    self._trying = f"u!{i}"
                    yield f"u!{i}", self._state(host, after, (up[1:], down + sent, late_up, late_down), left)
        if ended:
            return
        if down:
            late = tuple(sorted((*late_down, down[0])))
            if "double" in sorts:
                yield "d2", self._state(host, board, (up, down, late_up, late), left)
            if "lose" in sorts:
                yield "d-", self._state(host, board, (up, down[1:], late_up, late_down), left)
            if "late" in sorts:
                yield "d>", self._state(host, board, (up, down[1:], late_up, late), left)
        if "cut" in sorts:
            self._trying = "cut"
            after, sent = self._tell(host, CUT)
            yield "cut", self._state(after, board, (sent, (), late_up, late_down), left)
            if up or down:
                self._trying = "cut/2"
                half, heard = host, board
                if up:
                    heard, _ = self._hear(board, self._half(up[0]))
                if down:
                    half, _ = self._tell(host, self._half(down[0]))
                after, sent = self._tell(half, CUT)
                yield "cut/2", self._state(after, heard, (sent, (), late_up, late_down), left)
        if "restart" in sorts:
            yield "restart", self._state(host, self._boot(board), lines, left)
        if "host" in sorts:
            self._trying = "host"
            after, sent = self._other(host)
            yield "host", self._state(after, board, (up + sent, down, late_up, late_down), left)

    def _half(self, frame: int) -> int:
        data = self._frames[frame]
        return self._frame(data[: (len(data) + 1) // 2])

    # -- rules

    def _check(self, host: int, board: int) -> None:
        """Hold what the host was told against what the board has done."""
        scenario, done, told = self.ends.scenario, self.ends.done[board], self.ends.told[host]
        at: dict[int, int] = {}
        for where, payload in enumerate(done):
            i = int.from_bytes(payload[1:4], "little")
            expect(
                i < len(scenario.sizes) and payload == scenario.payload(i), f"{payload!r} was done: nobody asked for it"
            )
            expect(i not in at, f"operation {i} was done twice")
            at[i] = where
        last = -1
        for i, outcome in enumerate(told.outcomes):
            if isinstance(outcome, bytes):
                expect(i in at, f"operation {i} was answered with {outcome!r}, and not done")
                right = result(done, at[i])
                expect(outcome == right, f"operation {i} was answered with {outcome!r} instead of {right!r}")
                expect(at[i] > last, f"operation {i} was done before one that was asked before it")
                last = at[i]
            expect(outcome != REFUSED or i not in at, f"operation {i} was said to be refused, and done")
            expect(not str(outcome).startswith(STUCK), f"operation {i} got no answer: {outcome!r}")

    def run(self) -> int:
        """Visit all states; return how many there are. Raises BrokenRule."""
        with self.ends.open():
            try:
                first = self._first()
            except AssertionError as e:
                raise self._broken(e, []) from e
            numbers = {first: 0}
            states = [first]
            parents, calm = array("l", [0]), array("l")
            steps: dict[str, int] = {"": 0}
            by = array("H", [0])
            for here, state in enumerate(states):
                towards = here
                try:
                    for step, after in self._after(state):
                        number = numbers.setdefault(after, len(states))
                        if number == len(states):
                            states.append(after)
                            parents.append(here)
                            by.append(steps.setdefault(step, len(steps)))
                        if towards == here:
                            towards = number
                except AssertionError as e:
                    raise self._broken(e, [*_order(here, parents, by, steps), self._trying]) from e
                calm.append(towards if not self._at_rest(state) else here)
            self.states = len(states)
            for here in _never_ending(calm, [self._at_rest(state) for state in states]):
                raise self._broken(
                    AssertionError("the session never comes to its end"), _order(here, parents, by, steps)
                )
        return self.states

    def _at_rest(self, state: int) -> bool:
        return self.ends.told[state >> _HOST].ended and not self._lines[state >> _LINES & 0xFFFFFF][0]

    def _broken(self, rule: AssertionError, order: list[str]) -> BrokenRule:
        text = " ".join(order)
        return BrokenRule(str(rule), text, f'python -m tests.link.walk {self.scenario} "{text}"{self.named}')

    def numbers(self) -> set[int]:
        """Return the numbers that the board waited for in any of the states."""
        return {pickle.loads(board).session._next for board in self.ends.boards}

    def replay(self, order: str) -> Iterator[str]:
        """Go one way, and say what follows from each step. Raises AssertionError where a rule breaks."""
        with self.ends.open():
            self.faults = _LEFT
            state = self._first()
            yield self._said("", state)
            for step in order.split():
                state = next(after for name, after in self._after(state) if name == step)
                yield self._said(step, state)

    def _said(self, step: str, state: int) -> str:
        lines = self._lines[state >> _LINES & 0xFFFFFF]
        up, down, late_up, late_down = [
            " ".join([self._frames[f].strip(b"\0")[:12].hex() for f in one]) for one in lines
        ]
        done = [int.from_bytes(p[1:4], "little") for p in self.ends.done[state >> _BOARD & 0xFFFF]]
        outcomes = self.ends.told[state >> _HOST].outcomes
        return f"{step:8} done {done} told {list(outcomes)} up [{up}] down [{down}] late [{late_up}] [{late_down}]"


def _coming(frames: Frames, late: Frames) -> Iterator[tuple[int, int]]:
    """Give the next frame with -1, and the late ones, of the same only the first, with their places."""
    if frames:
        yield -1, frames[0]
    for i, frame in enumerate(late):
        if not i or late[i - 1] != frame:
            yield i, frame


def _order(here: int, parents: "array[int]", by: "array[int]", steps: dict[str, int]) -> list[str]:
    names = list(steps)
    found = []
    while here:
        found.append(names[by[here]])
        here = parents[here]
    return found[::-1]


def _never_ending(calm: "array[int]", rests: list[bool]) -> Iterator[int]:
    """Give the states from which, when no more faults come, the host does not come to its end."""
    good = bytearray(rests)
    for start in range(len(calm)):
        way = []
        here = start
        while not good[here]:
            good[here] = 2  # on the way
            way.append(here)
            here = calm[here]
        if good[here] == 2:
            yield start
        for passed in way:
            good[passed] = 1

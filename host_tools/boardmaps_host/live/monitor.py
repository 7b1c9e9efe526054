"""Looks at a board at a steady rate, in a thread of its own: the list of maps, the map that is shown, now and then the others.

Another thread draws what is here. It needs no lock: lists are replaced whole, never changed in place. It gives jobs (edits) to
do(), which are done between two requests, so that an edit waits for one frame at most. The board may go, restart or end its
program meanwhile: `problem` says so until it answers.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boardmaps.errors import MapError
from boardmaps_host.client.errors import FirmwareError, LinkError
from boardmaps_host.client.info import MapInfo
from boardmaps_host.client.maps import remote
from boardmaps_host.live.reading import read
from boardmaps_host.live.tables import Table

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board
    from boardmaps_host.client.maps.base import RemoteMap

_LIST = 1.0  # seconds between two looks at the list of maps, and at how full the pool is
_OTHERS = 2.0  # seconds between two readings of a map that is not shown
_OTHERS_MOST = 8192  # bytes of a map that is read although it is not shown: a second of a slow line at most
_AGAIN, _AGAIN_MOST = 0.5, 4.0  # seconds until a board that has failed is asked again: twice as long each time
_LINES = 500  # of the board's output that are kept
_TRIPS = 20  # round trips of which the middle one counts

Job = Callable[["Board"], object]


@dataclass
class Shown:
    """A map of the board: what the board tells of it, the map itself, and its content, as far as it was read."""

    info: MapInfo
    map: "RemoteMap"
    table: Table
    due: float = 0.0  # when it is read next, as long as it is not the one that is looked at

    @property
    def name(self) -> str:
        """What people call it: its name, else its id."""
        return self.table.name


@dataclass
class Line:
    """What is known of the line to the board: seconds of a round trip, frames sent again, calls that failed."""

    trips: deque[float] = field(default_factory=lambda: deque(maxlen=_TRIPS))
    failed: int = 0

    @property
    def trip(self) -> float | None:
        """The middle one of the last round trips."""
        there = sorted(self.trips)
        return there[len(there) // 2] if there else None


class Monitor:
    """Looks at `board` every `every` seconds. `told` is called, in the monitor's thread, when something new is here.

    `console` has the lines that the board has printed: give `printed` to connect().
    """

    def __init__(self, every: float = 0.2, told: Callable[[], None] = lambda: None) -> None:
        self.every = every
        self.told = told
        self.maps: list[Shown] = []
        self.pool = (0, 0, 0)  # total bytes, used bytes, allocations; zeros where there is no pool
        self.line = Line()
        self.console: deque[str] = deque(maxlen=_LINES)
        self.problem = ""  # why the board does not answer, "" while it does
        self.fault: Exception | None = None  # a mistake in boardmaps, which has ended the thread
        self.ended = ""  # how the program on the board ended, until somebody has seen it
        self.asking_since: float | None = None
        self.paused = False
        self.boot = ""
        self.rounds = 0
        self.extra: dict[str, Callable[[Board], None]] = {}  # what else is asked once a second, by its name
        self.selected: str | int | None = None
        self._board: Board | None = None
        self._jobs: deque[tuple[Job, Callable[[object], None]]] = deque()
        self._wake = threading.Event()
        self._stop = False
        self._thread: threading.Thread | None = None
        self._listed = 0.0

    @property
    def resent(self) -> int:
        """How many frames were sent again."""
        return self._board.link.resent if self._board is not None else 0

    # -- for whoever draws

    def start(self, board: "Board") -> None:
        """Begin to look."""
        self._board = board
        self.boot = board.link.boot
        self._thread = threading.Thread(target=self._run, args=(board,), name="boardmaps monitor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a call that is under way is waited for, at most its timeout."""
        self._stop = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def do(self, job: Job, done: Callable[[object], None] = lambda _: None) -> None:
        """Have a job done between two requests; `done` gets what it returns, or its LinkError or MapError, in this thread."""
        self._jobs.append((job, done))
        self._wake.set()

    def select(self, which: str | int | None) -> None:
        """Look at the map of this name, or id, at each turn."""
        self.selected = which
        self._wake.set()

    def pause(self, paused: bool) -> None:
        """Read nothing more, or go on. Jobs are done all the same."""
        self.paused = paused
        self._wake.set()

    def printed(self, text: str) -> None:
        """Take what the board prints."""
        for line in text.splitlines():
            self.console.append(line)

    def find(self, which: str | int | None) -> Shown | None:
        """Return the map of this name, or id."""
        return next((one for one in self.maps if which is not None and which in (one.name, one.info.id)), None)

    @property
    def shown(self) -> Shown | None:
        """The map that is looked at: the selected one, else the first."""
        return self.find(self.selected) or (self.maps[0] if self.maps else None)

    def waiting(self) -> float:
        """Return how long the board has been asked without an answer, in seconds."""
        since = self.asking_since
        return time.monotonic() - since if since is not None else 0.0

    # -- the thread

    def _run(self, board: "Board") -> None:
        due, again = 0.0, _AGAIN
        while not self._stop:
            now = time.monotonic()
            try:
                self.asking_since = now
                self._work(board)
                if not self.paused and now >= due:
                    due = now + self.every if now - due > self.every else due + self.every
                    self._round(board)
                elif self.paused and now >= due:
                    due = now + self.every
                    board.link.pump(0)  # it goes on printing
                self._well(board)
                again = _AGAIN
            except (LinkError, MapError) as error:
                self._failed(error)
                due = time.monotonic() + again
                again = min(2 * again, _AGAIN_MOST)
            except Exception as error:
                self.fault = error
                self.told()
                return
            finally:
                self.asking_since = None
            self.told()
            self._wake.wait(max(0.0, due - time.monotonic()))
            self._wake.clear()

    def _work(self, board: "Board") -> None:
        """Do the jobs that wait. What fails in one is told to whoever gave it."""
        while self._jobs:
            job, done = self._jobs.popleft()
            try:
                result: object = job(board)
            except (LinkError, MapError) as error:
                result = error
            done(result)

    def _between(self) -> bool:
        """Do the jobs that wait; return whether there were any."""
        if not self._jobs or self._board is None:
            return False
        self._work(self._board)
        return True

    def _round(self, board: "Board") -> None:
        now = time.monotonic()
        board.link.pump(0)
        if now - self._listed >= _LIST or self.boot != board.link.boot:
            self._list(board)
            for ask in list(self.extra.values()):
                self._between()
                ask(board)
        shown = self.shown
        if shown is not None:
            self._read(board, shown)
        now = time.monotonic()
        other = min(
            (one for one in self.maps if one is not shown and one.due <= now), key=lambda m: m.due, default=None
        )
        if other is not None:  # one at a time, the longest waiting first
            other.due = now + _OTHERS
            if other.info.slice_bytes <= _OTHERS_MOST:
                self._between()
                self._read(board, other)
        self.rounds += 1

    def _list(self, board: "Board") -> None:
        """Ask for the maps; those that are as they were keep what was read of them."""
        begun = time.monotonic()
        if board.info.get("profile") != "cloud":
            self.pool = board.pool.stats()
            self.line.trips.append(time.monotonic() - begun)
            self._between()
        infos = board.maps()
        boot = board.link.boot
        old = {(one.info.id, one.info.name): one for one in self.maps} if boot == self.boot else {}
        found = []
        for info in infos:
            before = old.get((info.id, info.name))
            if before is not None and before.info.definition == info.definition:
                before.info = info
                found.append(before)
            else:
                found.append(Shown(info, remote(board.link, info), Table(info.definition, f"id {info.id}")))
        self.maps = found
        self.boot = boot
        self._listed = time.monotonic()

    def _read(self, board: "Board", one: Shown) -> None:
        try:
            read(board, one.map, one.table, time.monotonic, self._between)
        except MapError as error:
            one.table.why = str(error)

    def _well(self, board: "Board") -> None:
        if self.problem and not board.link.gone:
            self.problem = ""

    def _failed(self, error: Exception) -> None:
        self.line.failed += 1
        if isinstance(error, FirmwareError):
            self.ended = str(error)
        self.problem = str(error)
        self._listed = 0.0

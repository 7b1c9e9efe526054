"""Boards that are read again and again, each by a thread of its own: one that fails does not stop the others."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from boardmaps.errors import MapError
from boardmaps_host.client.errors import LinkError
from boardmaps_host.export.reading import Health, Place, Reader, Reading, glance, reading

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

_AGAIN = 1.0  # seconds between two tries to reach a board that is down
_REACH = 120.0  # seconds that connect() takes at the very most; by itself it gives up before
_LEAVE = 2.0  # seconds that a board is given to end in good order
_WAITING = 64  # readings that may wait for a slow output; then the boards are read less often

Job = Callable[["Board"], Any]


class Poller:
    """Reads one board: every `every` seconds, and tells `deliver` each reading, and when it goes down; None: only when asked, and
    told is whether it is there.

    `connect` opens the board. All of the board's calls are made by one thread; `deliver` is called there.
    """

    def __init__(
        self,
        name: str,
        connect: "Callable[[], Board]",
        deliver: Callable[[Reading], None],
        every: float | None,
        maps: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.health = Health(False, time.time(), "not reached yet")
        self._connect = connect
        self._deliver = deliver
        self._every = every
        self._maps = maps
        self._place: Place = {}
        self._jobs: queue.SimpleQueue[tuple[Job | None, Future[Any]] | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"boardmaps export {name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end: the board is left as soon as what is under way is done."""
        self._ended.set()
        self._jobs.put(None)

    def join(self, seconds: float) -> None:
        """Wait for its end."""
        self._thread.join(seconds)

    def tried(self, seconds: float) -> bool:
        """Wait until the board was reached once, or could not be; return whether that is so."""
        return self._tried.wait(seconds)

    def do(self, job: Job) -> "Future[Any]":
        """Have a call made between two readings, and the board read behind it. Its error is the future's.

        While the board is down, and when it goes before the call was made, that is a LinkError.
        """
        return self._ask(job)

    def now(self) -> "Future[Reading]":
        """Have the board read now; a board that is down is told as such at once."""
        return self._ask(None)

    def _ask(self, job: Job | None) -> "Future[Any]":
        future: Future[Any] = Future()
        self._jobs.put((job, future))
        return future

    # -- the thread

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with self._connect() as board:
                    self._watch(board)
            except (LinkError, MapError, OSError) as error:
                self._down(str(error))
            except Exception as error:  # said where the others go on, rather than a thread that is silently no more
                self._down(f"a mistake in boardmaps: {type(error).__name__}: {error}")
            end = time.monotonic() + _AGAIN
            while not self._ended.is_set() and (left := end - time.monotonic()) > 0:
                self._refuse(left)
        while not self._jobs.empty():
            self._refuse(0)

    def _refuse(self, seconds: float) -> None:
        """Answer what is asked of a board that is down."""
        with suppress(queue.Empty):
            asked = self._jobs.get(timeout=seconds) if seconds else self._jobs.get_nowait()
            if asked is not None:
                job, future = asked
                if job is None:
                    future.set_result(Reading(self.name, time.time(), self.health))
                else:
                    future.set_exception(LinkError(f"{self.name}: the board is down: {self.health.why}"))

    def _watch(self, board: "Board") -> None:
        """Read the board until it goes."""
        reader = Reader(board, self._maps, self._place)
        due = time.monotonic()
        if self._every is None:
            self._is(glance(self.name, reader))
        while not self._ended.is_set():
            asked = None
            try:
                asked = self._jobs.get(timeout=None if self._every is None else max(0.0, due - time.monotonic()))
            except queue.Empty:
                due = max(due + (self._every or 0), time.monotonic())
                self._told(self._read(reader))
            if asked is not None:
                self._answer(reader, *asked)

    def _answer(self, reader: Reader, job: Job | None, future: "Future[Any]") -> None:
        try:
            if job is None:
                future.set_result(self._read(reader))
                return
            try:
                result = job(reader.board)
            except LinkError:
                raise
            except Exception as refused:
                future.set_exception(refused)
            else:
                future.set_result(result)
            self._told(self._read(reader))
        except LinkError as gone:
            if not future.done():
                if job is None:
                    self._down(str(gone))
                    future.set_result(Reading(self.name, time.time(), self.health))
                else:
                    future.set_exception(gone)
            raise

    def _read(self, reader: Reader) -> Reading:
        try:
            found = reading(self.name, reader, self.health.since)
        except MapError as wrong:  # a map has gone meanwhile: the board itself is there
            self._down(str(wrong))
            return Reading(self.name, time.time(), self.health)
        self._is(found)
        return found

    def _is(self, found: Reading) -> None:
        """Take a reading of the board, which is up, and have the time since when in it."""
        before, now = self.health, found.health
        if not before.up or before.boot != now.boot:
            now = replace(now, since=found.at)
        self.health = found.health = now
        self._tried.set()
        if self._every is None and not before.up:
            self._deliver(found)

    def _down(self, why: str) -> None:
        was = self.health
        self.health = Health(False, time.time() if was.up else was.since, why)
        self._tried.set()
        if was.up or was.why != why:
            self._deliver(Reading(self.name, time.time(), self.health))

    def _told(self, found: Reading) -> None:
        if found.health.up:
            self._deliver(found)


class Fleet:
    """Many boards, by name, each with its Poller. Use it as a context manager.

    `boards` has what opens each. With `every`, readings() gives what they tell; without, now() reads them all.
    """

    def __init__(
        self, boards: "Mapping[str, Callable[[], Board]]", every: float | None, maps: Sequence[str] = ()
    ) -> None:
        self._told: queue.Queue[Any] = queue.Queue(_WAITING)
        self._ended = False
        self.pollers = {name: Poller(name, connect, self.put, every, maps) for name, connect in boards.items()}

    def put(self, told: Any) -> None:
        """Give readings() something to tell; waits while too much waits already."""
        while not self._ended:
            with suppress(queue.Full):
                self._told.put(told, timeout=0.2)
                return

    def readings(self, seconds: float | None) -> Iterator[Any]:
        """Give each reading as it comes, and what else was put; for so many seconds, or for ever.

        The seconds count from the first reading, or where no board could be reached, from when that is known of all of them.
        """
        end: float | None = None
        untried = set(self.pollers)
        while True:
            left = 3600.0 if end is None else end - time.monotonic()
            if left <= 0:
                return
            with suppress(queue.Empty):
                told = self._told.get(timeout=left)
                if seconds is not None and end is None and isinstance(told, Reading):
                    untried.discard(told.board)
                    if told.health.up or not untried:
                        end = time.monotonic() + seconds
                yield told

    def now(self, seconds: float) -> list[Reading]:
        """Read all boards at the same time; one that has not answered after so many seconds is told as down."""
        asked = [(poller, poller.now()) for poller in self.pollers.values()]
        end = time.monotonic() + seconds
        found = []
        for poller, future in asked:
            try:
                found.append(future.result(max(0.0, end - time.monotonic())))
            except NotYet:
                why = poller.health.why or f"no answer within {seconds:g} s"
                found.append(Reading(poller.name, time.time(), replace(poller.health, up=False, why=why)))
        return found

    def once(self, seconds: float) -> list[Reading]:
        """Read all boards as soon as each was reached, or could not be; `seconds` are now()'s."""
        for poller in self.pollers.values():
            poller.tried(_REACH)
        return self.now(seconds)

    def __enter__(self) -> Self:
        for poller in self.pollers.values():
            poller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        for poller in self.pollers.values():
            poller.stop()
        end = time.monotonic() + _LEAVE
        for poller in self.pollers.values():
            poller.join(max(0.0, end - time.monotonic()))

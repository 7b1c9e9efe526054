"""What a board tells unasked: records of rings and series as they come, changes of a key or of a whole map.

The board numbers its EVENT frames and keeps them until they are taken, so the line loses none. What the board itself had to
drop because nobody took it in time shows in the records' own numbers, as `lost`.

More than 300 lines: subscriptions and the hub know each other's numbers.
"""

import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from struct import unpack_from
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from boardmaps.abi import EVENT_ENDED, EVENT_MORE, OP_UNSUBSCRIBE
from boardmaps.errors import KeyNotFound, MapError, error_for
from boardmaps_host.client.info import Asked, ask

_QUEUE = 4096  # events that wait here for the program; then the board keeps what follows
_EARLY = 256  # items of what we have not subscribed to; a board sends not half as many before its reply
_LONGEST = 1 << 20  # bytes of an event
_LEAVE = 5.0  # seconds for the rest of a subscription that ends: a bad line takes some of them
_ROOM = 0x7F  # frames that we take at once: as many as the board likes to send
_GAP = 0x80


@dataclass(frozen=True)
class Record:
    """A record of a ring. `lost` is how many before it were dropped on the board (or reserved and discarded)."""

    number: int
    lost: int
    data: bytes


@dataclass(frozen=True)
class Sampled:
    """A sample of a time series. `lost` is how many before it were overwritten before they could be told."""

    number: int
    lost: int
    timestamp: int
    value: bytes


@dataclass(frozen=True)
class Change:
    """An entry has this value now; None: the key is not there (any more)."""

    key: bytes
    value: bytes | None


@dataclass(frozen=True)
class Told:
    """An item as the board has told it: what a hub passes on (boardmaps_host.share)."""

    what: int
    data: bytes


_Item = TypeVar("_Item", Record, Sampled, Change, Told)


class Subscription(Generic[_Item]):
    """Events as they come: iterate, or give a callback and call board.listen(). End it with close() or `with`.

    Iterating waits for ever, and leaving the loop ends the subscription, unless that is in a `with`. get() waits as long as it
    is told. `lost` counts the events that the board had to drop. A ring's records that were under way when it ends are not
    given back to the board: close() waits for them, and get(0) gives them afterwards.
    """

    def __init__(self, hub: "Hub", begin: Callable[[], int], read: Callable[[int, bytes], list[_Item]]) -> None:
        self.lost = 0
        self._hub = hub
        self._begin = begin
        self._read: Callable[[int, bytes], list[_Item]] = read
        self._queue: deque[_Item] = deque()
        self._callback: Callable[[_Item], None] | None = None
        self._error: MapError | None = None
        self._closed = False
        self._held = False  # by a `with`
        self._begun: tuple[int, bytes] | None = None  # an item whose data goes on in the next one

    def get(self, timeout: float | None = None) -> _Item | None:
        """Return the next event, None when none comes within `timeout` seconds (None: wait for ever).

        Raises the MapError with which the board has ended the subscription, and LinkError and its kin.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not self._queue:
            if self._error is not None:
                raise self._error
            left = 0.5 if end is None else end - time.monotonic()
            if self._closed or left < 0:
                return None
            self._hub.wait(min(left, 0.5))
        return self._queue.popleft()

    def __iter__(self) -> Iterator[_Item]:
        try:
            while (item := self.get()) is not None:
                yield item
        finally:
            if not self._held:
                self.close()

    def close(self) -> None:
        """Tell the board that nobody listens any more, and take what it has on its way. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._hub.end(self)

    def __enter__(self) -> Self:
        self._held = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def error(self) -> MapError | None:
        """The error with which the board has ended it, None while it goes on."""
        return self._error

    # what the hub calls

    def told(self, what: int, data: bytes) -> None:
        """Take one item of an EVENT frame."""
        if self._error is not None:
            return
        if self._begun is not None:
            data = self._begun[1] + data
        kind = what & ~EVENT_MORE
        self._begun = (kind, data) if what & EVENT_MORE else None
        if len(data) > _LONGEST or len(self._queue) > 2 * _QUEUE:
            self._error = MapError(
                "subscription: the board sends more than there is room for; it is not listened to any more"
            )
            return
        if self._begun is not None:
            return
        if kind == EVENT_ENDED:
            self._error = error_for(data[0] if data else 1)(data[1:].decode("utf-8", "replace"))
            return
        try:
            items = self._read(kind, data)
        except struct.error:
            self._error = MapError("subscription: the board's events are not what they should be")
            return
        for item in items:
            if not isinstance(item, Change | Told):
                self.lost += item.lost
            self._queue.append(item)

    def call_back(self) -> None:
        """Hand what has come to the callback, if there is one."""
        while self._callback is not None and self._queue:
            self._callback(self._queue.popleft())


class Connected(Asked, Protocol):
    """What the hub needs of a connection: a Link. The hub calls none of this while the connection calls the hub."""

    @property
    def gone(self) -> bool:
        """Whether the port was closed under us and is not back yet."""
        ...

    def turn(self) -> AbstractContextManager[Any]:
        """Return what `with` gives one thread the line for, across several requests."""
        ...

    def pump(self, seconds: float) -> None:
        """Take what comes within `seconds`, outside of any request."""
        ...


class Hub:
    """The subscriptions of one connection.

    The board knows each by a number that it gave in the present session. When another session begins all of them are to be
    made again; that is a request, so it waits until the connection is pumped, outside of any other request. What fails then
    is told to the reader of that subscription.
    """

    def __init__(self, line: Connected) -> None:
        self._line = line
        self.recorder: Callable[[int, int, bytes], None] | None = None  # is told each event: subscription, what, data
        self._open: list[_Any] = []  # those that the program has not closed
        self._named: dict[int, _Any] = {}  # those that the board knows, by its number
        self._again: list[_Any] = []  # those that the present session does not know yet
        self._early: dict[int, list[tuple[int, bytes]]] = {}
        self._expected = 1
        self._room = _ROOM
        self._owed = False
        self._gap = False

    @property
    def in_use(self) -> bool:
        """Whether there is a subscription that the program has not closed."""
        return bool(self._open)

    # -- for the connection: none of these waits or makes a request

    def pushed(self, seq: int, payload: bytes | None) -> None:
        """Take an EVENT frame; one out of turn is left to come again, and so is one of which pieces are missing (None)."""
        self._owed = True
        if seq != self._expected or payload is None:
            self._gap = (seq - self._expected) & 0xFFFF < 0x8000
            return
        self._expected = (seq + 1) & 0xFFFF
        self._gap = False
        at = 0
        while at + 4 <= len(payload):
            given, what, n = unpack_from("<BBH", payload, at)
            self._told(given, what, payload[at + 4 : at + 4 + n])
            at += 4 + n

    def _told(self, given: int, what: int, data: bytes) -> None:
        if self.recorder is not None and what != EVENT_ENDED:
            self.recorder(given, what, data)
        if what == EVENT_ENDED and not data:  # as we asked for
            self._named.pop(given, None)
            return
        subscription = self._named.get(given)
        if subscription is not None:
            subscription.told(what, data)
        elif sum(map(len, self._early.values())) < _EARLY:
            # the reply that names it may still be on its way
            self._early.setdefault(given, []).append((what, data))

    def session_began(self) -> None:
        """Note that another session has begun: all is to be subscribed to again. A watch then tells again what is there."""
        self._named.clear()
        self._early.clear()
        self._again = [s for s in self._open if s._error is None]
        self._expected = 1
        self._owed = self._gap = False
        self._room = _ROOM

    def ask_again(self) -> None:
        """Nothing was heard for long: what the board waits for may have been lost."""
        self._owed = self._gap = bool(self._named)

    def owed(self) -> tuple[int, int] | None:
        """Return (seq, room) of the TAKEN frame that the board should get now, None when it need not."""
        if not self._owed and not self._named:
            return None
        waiting = max((len(s._queue) for s in self._named.values() if not s._closed), default=0)
        room = _ROOM if waiting < _QUEUE else 0
        if not self._owed and room == self._room:
            return None
        self._owed = False
        self._room = room
        return self._expected, room | (_GAP if self._gap else 0)

    # -- for whoever pumps

    def waiting(self) -> bool:
        """Whether an event, or the end of a subscription, waits for the program."""
        return any(s._queue or s._error for s in self._open)

    def subscribe_again(self) -> None:
        """Make the subscriptions that the present session does not know. Makes requests: not to be called inside of one.

        What the board refuses is told to the subscription's reader. Raises LinkError when the line fails; then they are
        made at the next call.
        """
        while self._again:
            with self._line.turn():
                if not self._again:  # another thread was here
                    return
                subscription = self._again[0]
                subscription._begun = None
                try:
                    self._begin(subscription)
                except MapError as refused:
                    subscription._error = refused
                    if subscription in self._again:
                        self._again.remove(subscription)

    # -- for the program

    def subscribe(
        self,
        begin: Callable[[], int],
        read: Callable[[int, bytes], list[_Item]],
        callback: Callable[[_Item], None] | None,
    ) -> Subscription[_Item]:
        """Have the board tell what `begin` asks for, which returns its number there; `read` makes events of its items."""
        subscription = Subscription(self, begin, read)
        subscription._callback = callback
        with self._line.turn():
            self._begin(subscription)
            self._open.append(subscription)
        return subscription

    def _begin(self, subscription: "_Any") -> None:
        # It changes nothing that a map holds; should its session be lost, so is whatever it has begun there.
        given = subscription._begin()
        self._named[given] = subscription
        if subscription in self._again:
            self._again.remove(subscription)
        for what, data in self._early.pop(given, []):
            subscription.told(what, data)

    def wait(self, seconds: float) -> None:
        """Take what comes within `seconds`; return as soon as an event waits."""
        self._line.pump(seconds)

    def end(self, subscription: "_Any") -> None:
        """End a subscription on the board too; return when the last of it has come, or after 5 seconds.

        With the port gone nobody is there to be told.
        """
        for known in (self._open, self._again):
            if subscription in known:
                known.remove(subscription)
        given = next((g for g, s in self._named.items() if s is subscription), None)
        if given is None:
            return
        try:
            if not self._line.gone:
                self._leave(given, subscription)
        finally:
            if self._named.get(given) is subscription:
                del self._named[given]

    def _leave(self, given: int, subscription: "_Any") -> None:
        try:
            ask(self._line, bytes((OP_UNSUBSCRIBE, given)))
        except KeyNotFound:  # the board has ended it already
            return
        end = time.monotonic() + _LEAVE
        while self._named.get(given) is subscription and time.monotonic() < end:
            self._line.pump(0.05)

    def call_back(self) -> None:
        """Hand what has come to the callbacks; raise the error with which a subscription that has one was ended, once."""
        for subscription in list(self._open):
            subscription.call_back()
            if subscription._callback is not None and subscription._error is not None:
                self._open.remove(subscription)
                raise subscription._error


_Any = Subscription[Record] | Subscription[Sampled] | Subscription[Change] | Subscription[Told]

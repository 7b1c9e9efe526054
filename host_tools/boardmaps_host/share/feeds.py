"""What the programs of a hub have subscribed to: each once at the board, and told to everyone who has asked for it.

A *feed* is a subscription of the hub's at the board, a *reader* a program's share in it. Readers of a ring get the records that
come from then on; those of a watch first get what is there, which the feed remembers. A time series has a feed for each reader,
since one that comes later begins with older samples.

A reader that does not take what it is told holds up no other one. Of a ring or a series it loses the oldest, which shows in
the numbers of those that follow; of a watch, values that others have followed.
"""

from collections import deque
from collections.abc import Callable
from struct import pack
from typing import Any

from boardmaps.abi import EVENT_ENDED, OP_INFO, OP_SUBSCRIBE, OP_UNSUBSCRIBE
from boardmaps.errors import MapError, StaleMap
from boardmaps.line.events import Events
from boardmaps_host.client.events import Subscription, Told
from boardmaps_host.client.info import ask, one, reading
from boardmaps_host.client.link import Link
from boardmaps_host.kinds import by_number
from boardmaps_host.share.programs import Program

_MOST = 4096  # events that wait for a reader
_MOST_BYTES = 1 << 20  # and bytes of them

Item = tuple[int, bytes]


class Reader:
    """A program's share in a feed: what boardmaps.line.events takes its events from."""

    def __init__(self, program: Program, records: bool) -> None:
        self.program = program
        self.events: Any = None
        self.error: MapError | None = None
        self.left = False
        self._records: deque[Item] = deque()
        self._bytes = 0
        self._slots: dict[bytes, Item] | None = (
            None if records else {}
        )  # the last of each slot, in the order of their coming

    def told(self, what: int, data: bytes) -> None:
        """Take an event."""
        if self._slots is not None:
            self._slots.pop(data[:2], None)
            self._slots[data[:2]] = what, data
            return
        self._records.append((what, data))
        self._bytes += len(data)
        while len(self._records) > _MOST or self._bytes > _MOST_BYTES:
            self._bytes -= len(self._records.popleft()[1])
            self.program.missed += 1

    def next(self, _: int) -> Item | None:
        """Return the next event, None when there is none. Raises the error with which the board has ended the subscription."""
        if self._slots:
            return self._slots.pop(next(iter(self._slots)))
        if self._records:
            item = self._records.popleft()
            self._bytes -= len(item[1])
            return item
        if self.error is not None:
            raise self.error
        if self.left:  # its end is told behind what it was told
            sources = self.events._sources
            del sources[next(given for given, source in sources.items() if source is self)]
            return EVENT_ENDED, b""
        return None


class Feed:
    """A subscription of the hub's. `boot` is the boot of the board in which its map has this number."""

    def __init__(self, link: Link, request: bytes, records: bool) -> None:
        self.records = records
        self.every = int.from_bytes(request[3:5], "little")
        self.readers: list[Reader] = []
        self._link = link
        self._boot = link.boot
        self._request = request
        self._state: dict[bytes, Item] = {}  # of a watch: what was told last of each slot
        self._subscription: Subscription[Told] = link.hub.subscribe(self._begin, _as_told, self._told)

    def _begin(self) -> int:
        if self._link.boot != self._boot:
            raise StaleMap("subscription: the board has restarted")
        with reading("subscribe"):
            (given,) = ask(self._link, self._request) or b""
            return given

    def _told(self, item: Told) -> None:
        if not self.records:
            self._state[item.data[:2]] = item.what, item.data
        for reader in self.readers:
            reader.told(item.what, item.data)

    def join(self, reader: Reader) -> None:
        """Have a program told too."""
        for what, data in self._state.values():
            reader.told(what, data)
        self.readers.append(reader)

    def deliver(self) -> None:
        """Hand on what has come."""
        self._subscription.call_back()
        if self._subscription.error is not None:
            for reader in self.readers:
                reader.error = self._subscription.error

    @property
    def ended(self) -> bool:
        """Whether the board has ended it."""
        return self._subscription.error is not None

    def close(self) -> None:
        """End it at the board; what was under way is told to its readers."""
        self._subscription.close()
        self._subscription.call_back()


def _as_told(what: int, data: bytes) -> list[Told]:
    return [Told(what, bytes(data))]


class ProgramEvents(Events):
    """The subscriptions of one program's session."""

    def handle(self, request: bytes, map_of: Callable[..., Any]) -> bytes:
        """Execute SUBSCRIBE or UNSUBSCRIBE; `map_of(request)` gives what has host_subscribe()."""
        if request[0] == OP_UNSUBSCRIBE and isinstance(reader := self._sources.get(request[1]), Reader):
            reader.left = True
            return b"\0"
        reply: bytes = super().handle(request, map_of)  # type: ignore[no-untyped-call]
        for source in self._sources.values():
            if isinstance(source, Reader):
                source.events = self
        return reply


class _Asked:
    """What Events asks of a map when a program subscribes to it."""

    subscribe_needs = ("", 0)  # the board looks at the rights

    def __init__(self, host_subscribe: Callable[[int, bytes], Reader]) -> None:
        self.host_subscribe = host_subscribe


class Feeds:
    """All feeds of a hub. What makes requests stands alone in the hub's order."""

    def __init__(self) -> None:
        self._feeds: dict[bytes, list[Feed]] = {}  # by map and key

    def handle(self, link: Link, program: Program, request: bytes) -> bytes:
        """Execute SUBSCRIBE or UNSUBSCRIBE of a program; makes requests. Raises MapError."""
        if program.session is None:
            return b""
        if program.session.taken is None:
            program.events = ProgramEvents(program.session)  # type: ignore[no-untyped-call]
        events: ProgramEvents = program.events
        if request[0] == OP_SUBSCRIBE:
            return events.handle(request, lambda *_: _Asked(lambda *_: self._subscribe(link, program, request)))
        reader = events._sources.get(request[1])
        if isinstance(reader, Reader) and not reader.left:
            self._leave(reader)
        return events.handle(request, lambda *_: None)

    def _subscribe(self, link: Link, program: Program, request: bytes) -> Reader:
        about = ask(link, bytes((OP_INFO,)) + request[1:3]) or b""
        with reading("subscribe"):
            kind = by_number(one(about).map_type)
        every, of = int.from_bytes(request[3:5], "little"), request[1:3] + request[5:]
        reader = Reader(program, not kind.has("update"))
        fitting = [
            feed
            for feed in self._feeds.get(of, ())
            if not feed.ended and (kind.in_bytes or (not feed.records and feed.every <= every))
        ]
        if fitting:
            feed = fitting[0]
        else:
            feed = Feed(link, pack("<BHH", OP_SUBSCRIBE, int.from_bytes(request[1:3], "little"), every) + request[5:],
                        not kind.has("update"))  # fmt: skip
            self._feeds.setdefault(of, []).append(feed)
        feed.join(reader)
        return reader

    def _leave(self, reader: Reader) -> None:
        """Have a reader be told no more; the last one ends the feed, and is told what was under way. Makes requests."""
        for of, feeds in list(self._feeds.items()):
            for feed in feeds:
                if reader in feed.readers:
                    if len(feed.readers) == 1:
                        feeds.remove(feed)
                        feed.close()
                    feed.readers.remove(reader)
            if not feeds:
                del self._feeds[of]

    def leave(self, events: ProgramEvents) -> None:
        """Have a program whose session has ended be told no more. Makes requests."""
        for reader in events._sources.values():
            if isinstance(reader, Reader):
                self._leave(reader)

    def deliver(self) -> None:
        """Hand on what the board has told."""
        for feeds in self._feeds.values():
            for feed in feeds:
                feed.deliver()

    def end(self) -> None:
        """The board has restarted and knows of none: have none made again."""
        for feeds in self._feeds.values():
            for feed in feeds:
                feed.close()
        self._feeds.clear()

    def forget(self) -> None:
        """The board's session is over, and nobody's session is left."""
        self._feeds.clear()

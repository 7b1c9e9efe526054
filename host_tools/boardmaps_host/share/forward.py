"""The hub's requests to the board: those of all programs in the order in which they came, several in flight.

A request goes with others when its reply fits a frame; one that changes something and whose reply may be longer goes alone,
for the board keeps a long reply only until the next request. What only looks is asked again alone when its reply turns out to
be long.

For the journal an entry is read by the request before the one that changes it.
"""

import contextlib
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from boardmaps import abi
from boardmaps_host.client.batch import Batch
from boardmaps_host.client.commit import changes_in
from boardmaps_host.client.info import MapInfo
from boardmaps_host.kinds import by_number
from boardmaps_host.share.journal import Entry, Journal, Place, changes, map_of
from boardmaps_host.share.programs import Program

_AHEAD = 8  # requests taken out of the queue before the board has room for them
# What changes nothing that the board has.
LOOKS = frozenset(
    (abi.OP_PING, abi.OP_LIST, abi.OP_INFO, abi.OP_LOOKUP, abi.OP_NEXT_KEY, abi.OP_BATCH_LOOKUP, abi.OP_POOL,
     abi.OP_QUERY, abi.OP_SAMPLES, abi.OP_STATS, abi.OP_POOL_READ, abi.OP_PEEK, abi.OP_PINS, abi.OP_KEPT_READ, abi.OP_HEALTH)
)  # fmt: skip
# What changes something, and has a short reply always.
_SHORT = frozenset(
    (abi.OP_UPDATE, abi.OP_DELETE, abi.OP_ADD, abi.OP_COMPARE_AND_SWAP, abi.OP_BATCH_UPDATE, abi.OP_BATCH_DELETE,
     abi.OP_OUTPUT, abi.OP_PUSH_SAMPLE, abi.OP_FETCH_OR, abi.OP_FETCH_AND, abi.OP_FETCH_XOR, abi.OP_EXCHANGE,
     abi.OP_UPDATE_PART, abi.OP_PUSH, abi.OP_COMMIT, abi.OP_COMMITTED)
)  # fmt: skip
_TOGETHER = LOOKS | _SHORT
_NOT_ABOUT_MAPS = frozenset((abi.OP_PING, abi.OP_CREATE, abi.OP_LIST, abi.OP_POOL, abi.OP_POOL_RESET, abi.OP_POOL_READ,
                             abi.OP_UNPIN, abi.OP_PINS, abi.OP_KEPT_READ, abi.OP_HEALTH, abi.OP_COMMITTED))  # fmt: skip
# Changes of one entry, whose value the request before them reads, and where their key is.
_READ_BEFORE = {abi.OP_UPDATE: 7, abi.OP_DELETE: 0, abi.OP_UPDATE_PART: 7}
_KEY_OF_ADD = 16
_LATER = 64  # commits that wait for a tick, of which the journal remembers what they are to change


@dataclass(slots=True)
class Request:
    """A request of a program, in one of its sessions."""

    program: Program
    session: int
    seq: int
    payload: bytes
    alone: bool = False

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for its reply still: its session has not ended."""
        session = self.program.session
        return session is not None and session.session == self.session and not self.program.gone

    @property
    def looks(self) -> bool:
        """Whether it changes nothing."""
        return self.payload[:1] != b"" and self.payload[0] in LOOKS

    @property
    def changes(self) -> list[bytes]:
        """The requests that it is on maps: itself, those of a commit, none when it changes no map, or only looks."""
        if not self.payload or self.payload[0] in LOOKS or self.payload[0] in _NOT_ABOUT_MAPS:
            return []
        if self.payload[0] == abi.OP_COMMIT:
            with contextlib.suppress(struct.error):
                return changes_in(self.payload)
            return []
        return [self.payload]

    @property
    def map_ids(self) -> list[int]:
        """The maps that it changes."""
        return [map_of(one) for one in self.changes]


Task = Callable[[], None]
Queue = deque["Request | Task"]


class Maps:
    """What the hub knows of the board's maps in this boot, for the journal: MapInfo by their numbers, None for one that is not."""

    def __init__(self) -> None:
        self.known: dict[int, MapInfo | None] = {}

    def reads_before(self, request: Request) -> list[Place]:
        """Return the entries whose values are to be read before a request changes them."""
        in_commit = request.payload[0] == abi.OP_COMMIT
        found = dict.fromkeys(self._read_before(one, in_commit) for one in request.changes)
        return [place for place in found if place is not None]

    def _read_before(self, payload: bytes, in_commit: bool) -> Place | None:
        at = _READ_BEFORE.get(payload[0]) if payload else None
        if in_commit and payload[:1] == bytes((abi.OP_ADD,)):  # else its reply has the number
            at = _KEY_OF_ADD
        info = self.known.get(map_of(payload))
        if at is None or info is None or info.map_flags & abi.BPF_F_WRONLY:
            return None
        kind = by_number(info.map_type)
        if not kind.has("add"):  # a trie's look-up finds another key's value, a queue's none of a key
            return None
        if not at:
            return map_of(payload), payload[3:]
        if at == _KEY_OF_ADD:
            return map_of(payload), payload[at:]
        return map_of(payload), payload[9 : 9 + int.from_bytes(payload[at : at + 2], "little")]


class Stream(Batch):
    """The requests in `queue` that go with others, as long as one stands at its head.

    `lose` ends a program's session: a request of it is in doubt. `tend` is called between any two turns of the line.
    """

    def __init__(self, queue: Queue, maps: Maps, journal: Journal,
                 lose: Callable[[Program, int | None, str | None], bytes], tend: Callable[[], None]) -> None:  # fmt: skip
        super().__init__((), changes=True)
        self.payloads: dict[int, bytes] = {}
        self.mtu = 0
        self._queue = queue
        self._maps = maps
        self._journal = journal
        self._lose = lose
        self._tend = tend
        self._requests: dict[int, Request | None] = {}  # None: a value that the journal asks for
        self._reads: dict[
            int, tuple[int, Place]
        ] = {}  # of which entry that is, and the index of the request that follows
        self._before: dict[int, dict[Place, bytes]] = {}  # what entries were, by that index
        self._later: dict[
            bytes, tuple[Request, dict[Place, bytes]]
        ] = {}  # commits that wait for a tick, by their numbers
        self._number = 0

    def together(self, request: Request) -> bool:
        """Whether a request goes with others."""
        payload = request.payload
        if request.alone or not payload or len(payload) > self.mtu or payload[0] not in _TOGETHER:
            return False
        return all(number in self._maps.known for number in request.map_ids)

    def pending(self) -> bool:
        """Whether something is under way, after a look at what has come."""
        self._tend()
        queue = self._queue
        while queue and len(self.waiting) < _AHEAD:
            head = queue[0]
            if not isinstance(head, Request) or not (self.together(head) or not head.wanted):
                break
            queue.popleft()
            if head.wanted:
                reads = self._maps.reads_before(head)
                follows = self._number + len(reads) + 1
                for number, key in reads:
                    self._add(struct.pack("<BH", abi.OP_LOOKUP, number) + key, None)
                    self._reads[self._number] = follows, (number, key)
                self._add(head.payload, head)
        return bool(self.waiting or self.flying)

    def _add(self, payload: bytes, request: Request | None) -> None:
        self._number = index = self._number + 1
        self.payloads[index] = payload
        self._requests[index] = request
        self.waiting.insert(0, index)

    def in_doubt(self) -> bool:
        """Whether something is in flight."""
        return bool(self.flying)

    def replied(self, index: int, payload: bytes) -> None:
        """Give a reply to the program that waits for it."""
        asked = self.payloads.pop(index)
        request = self._requests.pop(index)
        if request is None:
            follows, place = self._reads.pop(index)
            if payload[0] == abi.STATUS_OK:
                self._before.setdefault(follows, {})[place] = payload[1:]
            return
        before = self._before.pop(index, {})
        if payload[0] & abi.STATUS_MORE:  # it only looked, or the reply would be short
            request.alone = True
            self._queue.appendleft(request)
            return
        if asked[0] not in LOOKS and payload[0] == abi.STATUS_OK:
            self.note(request, payload, before)
        if request.wanted:
            request.program.answer(request.seq, payload)

    def note(self, request: Request, reply: bytes, before: dict[Place, bytes]) -> None:
        """Write into the journal what a request has changed; of a commit that waits for a tick when it was asked for and holds."""
        payload = request.payload
        if payload[0] == abi.OP_COMMITTED:
            waited = self._later.pop(payload[1:5], None) if reply[1:2] == b"\1" else None
            if waited is None:
                return
            request, before = waited
        elif payload[0] == abi.OP_COMMIT and reply[1:2] == b"\0":
            self._later[reply[2:6]] = request, before
            if len(self._later) > _LATER:
                del self._later[next(iter(self._later))]
            return
        try:
            told = changes(request.payload, reply, before, self._maps.known)
        except struct.error:  # a board that takes such a request has its own idea of it
            return
        for one in told:
            self._journal.add(Entry(time.time(), request.program.pid, request.program.name, *one))

    def lost(self, doubtful: Sequence[int], name: str, boot: str | None) -> None:  # noqa: ARG002 - a batch's
        """The board has lost the hub's session: so have those programs theirs whose changes are in doubt."""
        for index in doubtful:
            request = self._requests[index]
            if request is not None and not request.looks and request.wanted:
                self._lose(request.program, request.seq, boot)
        self.drop()

    def drop(self) -> None:
        """Forget what nobody waits for any more, and what is not in flight."""
        for index in list(self.waiting):
            request = self._requests[index]
            if request is None or not request.wanted:
                self.waiting.remove(index)
                del self.payloads[index], self._requests[index]
                self._reads.pop(index, None)
        self._before.clear()

    def forget(self) -> None:
        """Forget everything."""
        for kept in (self.waiting, self.flying, self.payloads, self._requests, self._reads, self._before, self._later):
            kept.clear()

"""Events: pushed by the board, numbered, none lost by the line, what the board itself drops counted, and never in its way.

More than 300 lines: events of every source, over good and bad lines, share their boards and helpers.
"""

import random
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from boardmaps import (
    BPF_F_WRONLY,
    ArrayMap,
    HashMap,
    InvalidKeySize,
    NotPermitted,
    NotSupported,
    OutOfMemory,
    RingBuf,
    StaleMap,
    TimeSeries,
)
from boardmaps.abi import OP_SUBSCRIBE
from boardmaps.line.dispatch import Dispatcher
from boardmaps.line.events import Events
from boardmaps.line.frame import EVENT, HELLO, PIECE_FLAG, REQUEST, TAKEN, Decoder, encode
from boardmaps.line.session import ServerSession, pack_hello
from boardmaps_host import Board, connect
from boardmaps_host.client.events import Change, Record
from boardmaps_host.client.transports.base import Transport
from boardmaps_host.twin.registries import Registry
from boardmaps_sim.unix import UnixBoard
from tests.client.conftest import Mpremote
from tests.waits import PATIENCE

FIRMWARE = """
import boardmaps, time
from boardmaps import *
StaticPool.reset()
state = ArrayMap(4, 4, 0, "state")
ring = RingBuf(2048, 0, "ring")
series = TimeSeries(4, 32, 0, "series")
goal = bytearray(4)
n = 0
while True:
    boardmaps.poll()
    state.lookup_into(0, goal)
    if n < int.from_bytes(goal, "little"):
        ring.output(n.to_bytes(4, "little") * 4)
        series.push(n * 10, n.to_bytes(4, "little"))
        n += 1
    else:
        time.sleep_ms(1)
    state.update(1, (int.from_bytes(state.lookup(1), "little") + 1).to_bytes(4, "little"))
"""


@pytest.fixture
def producer(unix: UnixBoard, mpremote: Mpremote) -> Iterator[Board]:
    """A board whose firmware makes as many records and samples as entry 0 of `state` says, and counts its turns in 1."""
    mpremote("exec", "--no-follow", FIRMWARE)
    with connect(unix.port) as board:
        yield board
    mpremote("exec", "pass")


@pytest.fixture(params=["twin", "unix"])
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    """A board without maps, of both profiles."""
    target = request.param if request.param == "twin" else request.getfixturevalue("unix").port
    with connect(target, allow_reset=True) as board:
        board.pool.reset()
        yield board


def make(board: Board, count: int) -> None:
    board.map("state").update(0, count.to_bytes(4, "little"))


def turns(board: Board) -> int:
    return int.from_bytes(board.map("state").lookup(1) or b"", "little")


def test_records_come_without_being_asked_for(producer: Board) -> None:
    ring = producer.map("ring")
    with ring.records() as records:  # type: ignore[attr-defined]
        make(producer, 40)
        asked = producer.link.connection.session._seq
        found = [records.get(PATIENCE) for _ in range(40)]
        assert producer.link.connection.session._seq == asked, "the host polled"
        assert [(r.number, r.lost, r.data) for r in found] == [(i, 0, i.to_bytes(4, "little") * 4) for i in range(40)]
        assert records.get(0.1) is None


def test_a_slow_host_loses_visibly_and_stops_nobody(producer: Board) -> None:
    ring = producer.map("ring")
    with ring.records() as records:  # type: ignore[attr-defined]
        before = turns(producer)
        make(producer, 5000)
        time.sleep(1.5)  # nobody takes anything
        assert turns(producer) - before > 5000, "the board waited for the host"
        found: list[Record] = []
        while (record := records.get(0.3)) is not None:
            found.append(record)
        make(producer, 5001)
        found.append(records.get(PATIENCE))
        dropped = ring.query().dropped  # type: ignore[attr-defined]
    assert [r.data[:4] for r in found] == [r.number.to_bytes(4, "little") for r in found]
    assert len(found) + dropped == 5001
    assert records.lost == sum(r.lost for r in found) == dropped > 1000
    assert all(b.number == a.number + 1 + b.lost for a, b in pairwise(found))


def test_samples_stay_in_the_series_and_say_what_was_overwritten(producer: Board) -> None:
    series = producer.map("series")
    make(producer, 10)
    with series.records() as samples:  # type: ignore[attr-defined]
        first = [samples.get(PATIENCE) for _ in range(10)]
        assert [(s.number, s.timestamp, s.value) for s in first] == [
            (i, i * 10, i.to_bytes(4, "little")) for i in range(10)
        ]
        make(producer, 3000)
        time.sleep(1)
        rest = []
        while (sample := samples.get(0.3)) is not None:
            rest.append(sample)
        assert len(rest) + samples.lost == 2990
        assert samples.lost > 0
        assert rest[-1].timestamp == 29990
    assert len(series.last(100)) == 32  # type: ignore[attr-defined]


def test_a_watched_map_looks_at_the_end_as_it_is(board: Board) -> None:
    """Whatever happened to which slots: the changes that were told add up to the map."""
    m = board.create_map(HashMap, key_size=2, value_size=8, max_entries=48, name="m")
    rng = random.Random(5)
    seen: dict[bytes, bytes] = {}
    m.update(b"ab", b"before!!")
    with m.watch(every=0) as changes:
        for turn in range(60):
            for _ in range(rng.randrange(12)):
                key = bytes((rng.randrange(40), 0))
                if rng.random() < 0.5:
                    m.update(key, rng.randbytes(8))
                elif key in m:
                    m.delete(key)
            while (change := changes.get(0.02 if turn < 59 else 0.4)) is not None:
                assert change.value != seen.get(change.key), "told twice"
                if change.value is None:
                    del seen[change.key]
                else:
                    seen[change.key] = change.value
    assert seen == dict(m.items())


def test_an_array_is_watched_by_its_indices(board: Board) -> None:
    a = board.create_map("ArrayMap", value_size=3, max_entries=100, name="a")
    with a.watch(every=0) as changes:
        first = [changes.get(1) for _ in range(100)]
        assert [c.key[0] for c in first if c] == list(range(100))
        a.update(77, b"abc")
        assert changes.get(1) == Change(b"\x4d\0\0\0", b"abc")
        a.delete(77)
        assert changes.get(1) == Change(b"\x4d\0\0\0", bytes(3))
        assert changes.get(0.1) is None


def test_a_key_is_watched_before_it_is_there(board: Board) -> None:
    m = board.create_map(HashMap, key_size=4, value_size=1, max_entries=4)
    with m.watch(b"temp", every=0) as changes:
        assert changes.get(1) == Change(b"temp", None)
        m.update(b"else", b"1")
        assert changes.get(0.1) is None
        m.update(b"temp", b"2")
        assert changes.get(1) == Change(b"temp", b"2")
        m.delete(b"temp")
        assert changes.get(1) == Change(b"temp", None)


def test_a_record_longer_than_a_frame(board: Board) -> None:
    ring = board.create_map(RingBuf, max_entries=8192)
    data = random.Random(1).randbytes(5000)
    with ring.records() as records:  # type: ignore[attr-defined]
        for n in (0, 1, 463, 464, 465, 5000):
            ring.output(data[:n])  # type: ignore[attr-defined]
            record = records.get(PATIENCE)
            assert record is not None
            assert record.data == data[:n]


def test_callbacks_are_made_while_listening(board: Board) -> None:
    m = board.create_map(HashMap, key_size=1, value_size=1, max_entries=4)
    told: list[Change] = []
    subscription = m.watch(every=0, callback=told.append)
    m.update(b"a", b"1")
    assert told == []
    board.listen(0.2)
    assert told == [Change(b"a", b"1")]
    subscription.close()
    m.update(b"a", b"2")
    board.listen(0.1)
    assert len(told) == 1


def test_a_watched_map_that_goes_says_so(board: Board) -> None:
    m = board.create_map(HashMap, key_size=1, value_size=1, max_entries=4, name="gone")
    with m.watch(every=0) as changes:
        board.pool.reset()
        with pytest.raises(StaleMap):
            changes.get(1)


def test_what_cannot_be_subscribed_to(board: Board) -> None:
    m = board.create_map(HashMap, key_size=1, value_size=1, max_entries=4)
    with pytest.raises(InvalidKeySize):
        m.watch(b"ab")
    secret = board.create_map(HashMap, key_size=1, value_size=1, max_entries=4, map_flags=BPF_F_WRONLY)
    with pytest.raises(NotPermitted):
        secret.watch()
    with pytest.raises(NotSupported):
        board.create_map("Queue", value_size=1, max_entries=4).watch()
    ring = board.create_map(RingBuf, max_entries=64)
    ring.freeze()
    with pytest.raises(NotPermitted):
        ring.records()  # type: ignore[attr-defined]
    for _ in range(8):
        m.watch()
    with pytest.raises(OutOfMemory, match="at most 8"):
        m.watch()


def test_the_twin_tells_its_samples() -> None:
    series = TimeSeries(4, 4, name="s")
    for t in range(6):
        series.push(t, bytes(4))
    with connect("twin") as board, board.map(series.id).records() as samples:  # type: ignore[attr-defined]
        assert [(s.number, s.timestamp) for s in (samples.get(PATIENCE) for _ in range(4))] == [
            (n, n) for n in range(2, 6)
        ]
        series.clear()
        series.push(9, b"last")
        told = samples.get(PATIENCE)
        assert (told.number, told.lost, told.timestamp, told.value) == (6, 0, 9, b"last")


# Seconds without an event after which one is lost for good. Silence alone tells nothing before: what the line has eaten is
# repeated after 0.2 and 0.6 s and each half second up to 5.6 s, then as often as the host asks, every third of the
# session's `idle` seconds.
STALL = 30


class BadLine:
    """A line on which bytes are damaged and whole reads and writes are lost, by a seed."""

    def __init__(self, line: Transport, seed: int, error: float) -> None:
        self.name = line.name
        self._line = line
        self._rng = random.Random(seed)
        self._error = error

    def _hit(self, data: bytes) -> bytes:
        rng = self._rng
        if rng.random() < self._error * 10:
            return b""
        return bytes(b ^ rng.randrange(1, 256) if rng.random() < self._error else b for b in data)

    def read(self, timeout: float) -> bytes:
        return self._hit(self._line.read(timeout))

    def write(self, data: bytes) -> None:
        self._line.write(self._hit(data))

    def close(self) -> None:
        self._line.close()


class Halting:
    """A line on which each frame stops behind `at` bytes, and its rest comes after a pause, as on a busy machine."""

    def __init__(self, line: Transport, at: int, pause: float) -> None:
        self.name = line.name
        self._line = line
        self._at = at
        self._pause = pause
        self._come = b""
        self._until = 0.0  # 0: the next frame has not begun

    def read(self, timeout: float) -> bytes:
        frame, zero, rest = self._come.partition(b"\0")
        if not zero or time.monotonic() < self._until:
            self._come += self._line.read(min(timeout, 0.01))
            return b""
        if frame and not self._until:
            self._until = time.monotonic() + self._pause
            self._come = self._come[self._at :]
            return frame[: self._at]
        self._until = 0.0
        self._come = rest
        return frame + zero

    def write(self, data: bytes) -> None:
        self._line.write(data)

    def close(self) -> None:
        self._line.close()


@pytest.mark.parametrize("at", [1, 2, 3, 4, 9])
def test_the_rest_of_a_frame_may_come_late_and_is_no_output(unix: UnixBoard, mpremote: Mpremote, at: int) -> None:
    mpremote("exec", "--no-follow", FIRMWARE)
    printed: list[str] = []
    with connect(unix.port, console=printed.append) as board:
        ring = board.map("ring")
        with ring.records() as records:  # type: ignore[attr-defined]
            make(board, 1)
            assert records.get(PATIENCE) is not None
            good = board.link.connection.line
            board.link.connection.line = Halting(good, at, 0.3)
            make(board, 2)
            record = records.get(PATIENCE)
            assert record is not None
            assert record.data == (1).to_bytes(4, "little") * 4
            board.link.connection.line = good
            assert printed == []
    mpremote("exec", "pass")


@pytest.mark.parametrize(("seed", "error"), [(1, 1e-3), (2, 1e-3), (3, 3e-3)])
def test_a_bad_line_loses_no_event(unix: UnixBoard, seed: int, error: float) -> None:
    with connect(unix.port, allow_reset=True) as board:
        board.pool.reset()
        ring = board.create_map(RingBuf, max_entries=16384)
        m = board.create_map(HashMap, key_size=4, value_size=4, max_entries=64)
        good = board.link.connection.line
        with ring.records() as records, m.watch(every=0) as changes:  # type: ignore[attr-defined]
            board.link.connection.line = BadLine(good, seed, error)
            made = {}
            for i in range(100):
                ring.output(b"%d" % i * (1 + i % 40))  # type: ignore[attr-defined]
                made[(i % 64).to_bytes(4, "little")] = i.to_bytes(4, "little")
                m.update((i % 64).to_bytes(4, "little"), i.to_bytes(4, "little"))
            got = [records.get(STALL) for _ in range(100)]
            seen: dict[bytes, bytes | None] = {}
            while seen != made:
                change = changes.get(STALL)
                assert change is not None, "a change was lost"
                seen[change.key] = change.value
            board.link.connection.line = good
            while (change := changes.get(0.5)) is not None:
                seen[change.key] = change.value
        assert [(r.number, r.lost, r.data) for r in got if r] == [(i, 0, b"%d" % i * (1 + i % 40)) for i in range(100)]
        assert seen == made == dict(m.items())


class Pushing:
    """A server of events without I/O, over the twin's maps."""

    def __init__(self) -> None:
        self.registry = Registry()
        dispatcher = Dispatcher(self.registry)
        self.session = ServerSession(dispatcher.handle, {"boot": "00c0ffee"})
        self.session.receive(encode(HELLO, 99, 7, 0, pack_hello({"v": 2})))
        self.events = Events(self.session)
        dispatcher.extra = {OP_SUBSCRIBE: self.events.handle}
        self.decoder = Decoder(5000)

    def subscribe(self, map_id: int) -> None:
        request = bytes((OP_SUBSCRIBE, map_id & 0xFF, map_id >> 8, 0, 0))
        self.session.receive(encode(REQUEST, 99, self.session._next, 0, request))
        assert len(self.events) == 1

    def poll(self, now: int) -> list[int]:
        """Return the numbers of the EVENT frames that are sent, once for all pieces of one."""
        frames = [f for f in self.decoder.feed(self.events.poll(now)) if not isinstance(f, bytes)]
        assert {f[0] & ~PIECE_FLAG for f in frames} <= {EVENT}
        return [f[2] for f in frames if f[0] == EVENT or f[4][:2] == b"\0\0"]

    def taken(self, seq: int, room: int) -> None:
        self.session.receive(encode(TAKEN, 99, seq, room))


def test_no_more_is_under_way_than_the_host_has_room_for() -> None:
    server = Pushing()
    with server.registry:
        ring = RingBuf(16384)
        server.subscribe(ring.id)
        for _ in range(30):
            assert ring.output(bytes(400))
        assert server.poll(0) == [1, 2, 3, 4]
        assert server.poll(100) == []
        assert server.poll(201) == [1], "the oldest again when nothing was heard"
        server.taken(3, 1)
        assert server.poll(210) == [], "two are under way already"
        server.taken(5, 1)
        assert server.poll(220) == [5]
        server.taken(6, 0)
        assert server.poll(10_000) == []
        assert len(ring) == 28  # no more were taken out than the five frames hold, the last of them in part
        server.taken(6, 127)
        assert server.poll(10_001) == [6, 7, 8, 9]
        server.taken(6, 127 | 0x80)
        assert server.poll(10_002) == [6], "at once when the host has seen a gap"
        server.taken(5, 127)  # overtaken by a newer one
        server.taken(4000, 127)  # never sent
        assert server.poll(10_003) == []


def test_a_host_that_is_gone_is_not_flooded() -> None:
    server = Pushing()
    with server.registry:
        ring = RingBuf(4096)
        server.subscribe(ring.id)
        for _ in range(5):
            ring.output(bytes(400))
        sent = [n for now in range(0, 60_000, 50) for n in server.poll(now)]
    assert sent == [1, 2, 3, 4, *[1] * 12]


def test_numbers_of_events_wrap_around() -> None:
    server = Pushing()
    with server.registry:
        ring = RingBuf(64)
        server.subscribe(ring.id)
        for i in range(1, 65_600):
            ring.output(b"x")
            assert server.poll(i) == [i & 0xFFFF]
            server.taken((i + 1) & 0xFFFF, 127)


def test_leaving_a_loop_ends_its_subscription_and_a_with_keeps_it(unix: UnixBoard) -> None:
    with connect(unix.port, allow_reset=True) as board:
        board.pool.reset()
        m = board.create_map(ArrayMap, value_size=4, max_entries=2, name="left")
        for _ in range(20):  # a session has room for eight
            for change in m.watch(0):
                assert change.value == bytes(4)
                break
        with m.watch(0) as changes:
            for n in range(3):
                m.update(0, bytes((n + 1, 0, 0, 0)))
                for change in changes:
                    if change.value == bytes((n + 1, 0, 0, 0)):
                        break


def test_a_reader_that_leaves_has_what_it_took_out_of_the_ring(producer: Board) -> None:
    """Readers one after the other, each leaving while records come: between them they have every one."""
    ring, numbers = producer.map("ring"), []
    for turn in range(1, 16):
        with ring.records() as records:  # type: ignore[attr-defined]
            make(producer, 20 * turn)
        while (record := records.get(0)) is not None:
            numbers.append(record.number)
    with ring.records() as records:  # type: ignore[attr-defined]
        while (record := records.get(0.5)) is not None:
            numbers.append(record.number)
    assert ring.query().dropped == 0  # type: ignore[attr-defined]
    assert numbers == list(range(300))


@pytest.mark.parametrize("seed", range(5))
def test_a_reader_that_leaves_a_bad_line_has_them_too(unix: UnixBoard, seed: int) -> None:
    """Records that several frames share, and readers that each leave with the first: what was on its way comes after it."""
    with connect(unix.port, allow_reset=True) as board:
        board.pool.reset()
        ring = board.create_map(RingBuf, max_entries=8192)
        good, got = board.link.connection.line, []
        board.link.connection.line = BadLine(good, seed, 1e-3)
        for turn in range(8):
            for n in range(4):
                ring.output(bytes((turn, n)) * 150)  # type: ignore[attr-defined]
            records = ring.records()  # type: ignore[attr-defined]
            for record in records:
                got.append(record)
                break
            while (record := records.get(0)) is not None:
                got.append(record)
        board.link.connection.line = good
        with ring.records() as records:  # type: ignore[attr-defined]
            while (record := records.get(0.5)) is not None:
                got.append(record)
    assert [(r.number, r.data) for r in got] == [(4 * t + n, bytes((t, n)) * 150) for t in range(8) for n in range(4)]

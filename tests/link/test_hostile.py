"""Peers that mean harm: a board that answers anything, and a host that asks anything."""

import gc
import random
import tracemalloc
from collections.abc import Callable
from struct import pack
from typing import Any

import pytest

from boardmaps import ArrayMap, HashMap
from boardmaps.abi import INFO_FORMAT, OP_LIST, OP_LOOKUP, OP_MORE, OP_PART, STATUS_MORE
from boardmaps.errors import MapError
from boardmaps.line.dispatch import Dispatcher
from boardmaps.line.frame import EVENT, HELLO, REPLY, REQUEST, Decoder, encode
from boardmaps.line.session import ServerSession, pack_hello, unpack_hello
from boardmaps_host.client.errors import LinkError
from boardmaps_host.twin.registries import Registry
from tests.link.hostile import TIMEOUT, HostileBoard, run

MOST = 4 << 20  # bytes that a hostile board may cost


@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_board_answers_is_an_error_of_the_line_or_of_a_map(seed: int) -> None:
    """Replay a seed: python -m tests.link.hostile SEED. soak/line.py takes a million frames."""
    assert run(seed, 600) > 10


class Liar(HostileBoard):
    """Answers one operation with what a test makes of the request; all else as it should."""

    op = -1
    answer: Callable[[bytes], bytes]
    before: Callable[[int], bytes] = staticmethod(lambda _: b"")

    def write(self, data: bytes) -> None:
        for frame in Decoder(8192).feed(data):
            assert not isinstance(frame, bytes)
            kind, session, seq, _, payload = frame
            if kind == REQUEST and payload[0] in (self.op, OP_MORE if self.op >= 0 else -1):
                self._inner._session._next = seq + 1 & 0xFFFF
                self._waiting += self.before(session) + encode(REPLY, session, seq, 0, self.answer(payload))
            else:
                super().write(encode(*frame))


def cost(call: Callable[[], object], liar: Liar, error: type[Exception] | tuple[type[Exception], ...]) -> str:
    """Return the text of the error that a call raises; check what it took."""
    gc.collect()
    tracemalloc.start()
    begun = liar.now
    try:
        with pytest.raises(error) as caught:
            call()
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()
    assert liar.now - begun <= 12 * TIMEOUT
    return str(caught.value)


def test_a_list_that_never_ends() -> None:
    liar = Liar(1)
    ids = iter(range(1, 1 << 20))

    def record(i: int) -> bytes:
        return pack("<H", 57) + pack(INFO_FORMAT, i & 0xFFFF, 2, 4, 4, 4, 0, 4, 0, 112, 0, b"m%d" % i, 1, 4)

    with Registry(), liar.board() as board:
        liar.op = OP_LIST
        liar.answer = lambda _: b"\0" + b"".join(record(next(ids)) for _ in range(60))
        assert "more than 8192 maps" in cost(board.maps, liar, LinkError)
        liar.answer = lambda _: b"\0" + record(7)
        assert "map 7 comes behind map 7" in cost(board.maps, liar, LinkError)


@pytest.mark.parametrize("size", [0, 100, 2 << 20, (2 << 20) + 1, 0xFFFFFFFF])
def test_a_long_reply_of_any_size(size: int) -> None:
    liar = Liar(1)
    with Registry(), liar.board() as board:
        m = board.create_map("ArrayMap", value_size=8, max_entries=1, name="m")
        liar.op = OP_LOOKUP
        liar.answer = lambda request: (
            bytes((STATUS_MORE,)) + pack("<I", size) + bytes(400)
            if request[0] == OP_LOOKUP
            else bytes((STATUS_MORE,)) + request[3:7] + bytes(399)
        )
        text = cost(lambda: m.lookup(0), liar, LinkError)
        assert "cannot be" in text or "does not go on as it began" in text


def test_events_that_nobody_asked_for() -> None:
    liar = Liar(1)
    numbers = iter(range(1, 1 << 16))
    with Registry(), liar.board() as board:
        m = board.create_map("ArrayMap", value_size=8, max_entries=1, name="m")
        liar.op = OP_LOOKUP
        item = pack("<BBH", 9, 1, 2000) + b"x" * 2000
        liar.before = lambda session: b"".join(encode(EVENT, session, next(numbers), 0, item) for _ in range(600))
        liar.answer = lambda _: b"\1no"
        assert cost(lambda: m.lookup(0), liar, MapError) == "no"


class Asker:
    """A host of a board's session, which says what it likes."""

    def __init__(self, registry: Registry) -> None:
        self.board = ServerSession(Dispatcher(registry).handle, {"boot": "00c0ffee"}, most=130_000)
        self.open()

    def open(self, session: int = 0x77, seq: int = 7) -> None:
        (answer,) = Decoder(600).feed(self.board.receive(encode(HELLO, session, seq, 0, pack_hello({"v": 2}))))
        self.session = session
        self.seq = int((unpack_hello(bytes(answer[4])) or {})["next"])

    def ask(self, request: bytes) -> bytes:
        found: Any = Decoder(600).feed(self.board.receive(encode(REQUEST, self.session, self.seq, 0, request)))
        self.seq = self.seq + 1 & 0xFFFF
        return bytes(found[0][4])


def nonsense(rng: random.Random) -> bytes:
    """Return a request that is nearly one, long ones among them."""
    op = rng.randrange(40)
    if op % 4 == 0:
        flags, at = rng.choice((0, 1, 2, 3)), rng.choice((0, 10, 400, 0xFFFFFFFF))
        return pack("<BBII", OP_PART, flags, at, rng.choice((0, 10, 800, 120_000, 130_001, 0xFFFFFFFF))) + bytes(
            rng.randrange(400)
        )
    if op % 4 == 1:
        return pack("<BHI", OP_MORE, rng.randrange(1 << 16), rng.choice((0, 475, 0xFFFFFFFF)))[: rng.randrange(1, 8)]
    return bytes((op, rng.randrange(4), 0)) + rng.choice((rng.randbytes, bytes))(rng.randrange(60))


def test_whatever_a_host_asks_is_answered_and_leaves_nothing() -> None:
    """No exception, and no memory that stays: what was collected goes with the next request, and with the session."""
    rng = random.Random(1)
    with Registry() as registry:
        m = ArrayMap(4, 4, 0, "m")
        HashMap(4, 700, 4, 0, "long").update(b"key1", bytes(700))
        host = Asker(registry)
        for n in range(20_000):
            request = nonsense(rng)
            if request[0] in (1, 12):  # makes maps, or clears all
                continue
            reply = host.ask(request)
            assert reply
            assert len(reply) <= 480
            if n % 500 == 0:
                host.board.close()
                assert (host.board._long, host.board._kept) == (None, [None] * 4)
                host.open(0x78 + n // 500 % 100, n & 0xFFFF)
        assert m.definition.max_entries == 4
        host.ask(pack("<BBII", OP_PART, 1, 0, 120_000) + bytes(400))
        assert host.board._long is not None
        assert host.board._long._request is not None
        host.ask(b"\0ping")
        assert host.board._long is None


def test_parts_of_two_hosts_are_never_joined() -> None:
    with Registry() as registry:
        m = ArrayMap(600, 1, 0, "m")
        host = Asker(registry)
        update = pack("<BHIH", 5, m.id, 0, 4) + bytes(4) + b"A" * 600
        assert host.ask(pack("<BBII", OP_PART, 1, 0, len(update)) + update[:400]) == b"\0"
        host.open(0x79, 9)  # another host
        assert host.ask(pack("<BBI", OP_PART, 2, 400) + update[400:])[0] == 125
        assert m.lookup(0) == bytes(600)

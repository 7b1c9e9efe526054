"""Memory that ends anywhere inside a board's session: a request's number, its effect and its kept reply stay together."""

import sys
from struct import pack, unpack_from
from typing import Any

import pytest

from boardmaps import ArrayMap, Queue, abi
from boardmaps.abi import (
    OP_ADD,
    OP_COMMIT,
    OP_CREATE,
    OP_LOOKUP,
    OP_LOOKUP_AND_DELETE,
    OP_MORE,
    OP_PART,
    OP_UPDATE,
    STATUS_APART,
    STATUS_GONE,
    STATUS_MORE,
    STATUS_OK,
)
from boardmaps.errors import OutOfMemory
from boardmaps.line import dispatch
from boardmaps.line.commit import Commits
from boardmaps.line.dispatch import Dispatcher
from boardmaps.line.frame import HELLO, PIECE_FLAG, REPLY, REQUEST, Decoder, encode
from boardmaps.line.pieces import Joiner
from boardmaps.line.session import ServerSession, pack_hello, unpack_hello
from boardmaps_host.twin.registries import Registry
from tests.link.memory import Memory

SESSION = 0x77
NO_MEMORY = OutOfMemory.code


class Host:
    """Asks a board, which may have memory to spare, one thing after the other, again and again until it has an answer."""

    def __init__(self, registry: Registry, memory: Memory, spares: bool = False) -> None:
        self.memory = memory
        self.refused = 0  # replies that say that there was no memory
        self.lost = 0  # those that say that there was none for the reply itself

        def spare() -> bool:
            return spares

        handle = Dispatcher(registry, False, spare).handle
        self.board = ServerSession(handle, {"boot": "00c0ffee"}, mtu=160, most=100_000, spare=spare)
        fields: dict[str, str] = {}
        for _ in range(3):
            for frame in self.exchange(encode(HELLO, SESSION, 7, 0, pack_hello({"v": 2}))):
                fields = unpack_hello(bytes(frame[4])) or {}
            if fields:
                break
        self.seq = int(fields["next"])

    def exchange(self, data: bytes) -> list[Any]:
        with self.memory:
            answer = self.board.receive(data)
        return list(Decoder(600).feed(answer))

    def ask(self, request: bytes) -> bytes:
        seq, self.seq = self.seq, (self.seq + 1) & 0xFFFF
        joiner = Joiner(160)
        for _ in range(3):  # nothing is sent where there was no memory to
            for kind, _session, answered, _ack, payload in self.exchange(encode(REQUEST, SESSION, seq, 0, request)):
                assert answered == seq
                whole = joiner.add(seq, payload) if kind & PIECE_FLAG else payload
                assert kind & ~PIECE_FLAG == REPLY
                if whole is not None:
                    self.refused += whole[0] == NO_MEMORY
                    self.lost += whole[0] == STATUS_GONE
                    return bytes(whole)
        raise AssertionError("no answer")

    def whole(self, reply: bytes) -> bytes | None:
        """Return a long reply's bytes; None when the board had no memory for the rest."""
        seq = self.seq - 1 & 0xFFFF
        (size,) = unpack_from("<I", reply, 1)
        got = reply[5:]
        while len(got) < size:
            more = self.ask(pack("<BHI", OP_MORE, seq, len(got)))
            if more[0] in (NO_MEMORY, STATUS_GONE):
                return None
            assert more[1:5] == pack("<I", len(got))
            got += more[5:]
        return got


def script(memory: Memory, registry: Registry, spares: bool = False) -> tuple[int, int]:
    """Have things done, and check after each that the board has done what it said; return how many it refused, and lost."""
    numbers = ArrayMap(4, 1, 0, "numbers")
    large = ArrayMap(400, 1, 0, "large")
    queue = Queue(400, 4, 0, "queue")
    value = bytes(range(200)) * 2
    for _ in range(3):
        queue.push(value)
    host = Host(registry, memory, spares)

    for _ in range(2):
        before = int.from_bytes(numbers.lookup(0) or b"", "little")
        reply = host.ask(pack("<BHIBqI", OP_ADD, numbers.id, 0, 0, 5, 0))
        after = int.from_bytes(numbers.lookup(0) or b"", "little")
        assert reply[0] in (STATUS_OK, NO_MEMORY, STATUS_GONE)
        assert after == before + 5 * (reply[0] != NO_MEMORY)
        assert reply[0] != STATUS_OK or reply[1:] == pack("<Q", after)

    length = len(queue)
    reply = host.ask(pack("<BH", OP_LOOKUP_AND_DELETE, queue.id))
    assert len(queue) == length - (reply[0] != NO_MEMORY)
    if reply[0] & STATUS_MORE:
        assert host.whole(reply) in (None, value)

    maps = len(registry.ids())
    reply = host.ask(pack("<B5IB", OP_CREATE, 2, 4, 4, 1, 0, 4) + b"made")
    assert len(registry.ids()) == maps + (reply[0] != NO_MEMORY)

    update = pack("<BHIH", OP_UPDATE, large.id, 0, 4) + bytes(4) + value
    replies = [host.ask(pack("<BBII", OP_PART, 1, 0, len(update)) + update[:100])]
    replies += [
        host.ask(pack("<BBI", OP_PART, 2 * (at == 400), at) + update[at : at + 100]) for at in (100, 200, 300, 400)
    ]
    assert {reply[0] for reply in replies} <= {STATUS_OK, STATUS_APART, NO_MEMORY, STATUS_GONE}
    done = replies[-1][0] in (STATUS_OK, STATUS_GONE)
    assert large.lookup(0) == (value if done else bytes(400))

    reply = host.ask(pack("<BHI", OP_LOOKUP, large.id, 0))
    assert reply[0] in (STATUS_OK | STATUS_MORE, NO_MEMORY, STATUS_GONE)
    if reply[0] & STATUS_MORE:
        assert host.whole(reply) in (None, large.lookup(0))
    return host.refused, host.lost


def walk(spares: bool = False) -> tuple[int, int]:
    """Run the script once for each point where memory may end; return how often something was refused, and how often lost."""
    whole = Memory()
    with Registry() as registry:
        script(whole, registry)
    assert whole.count > 300
    refused = lost = 0
    for point in range(1, whole.count + 1):
        try:
            with Registry() as registry:
                found = script(Memory(point), registry, spares)
                refused, lost = refused + found[0], lost + found[1]
        except BaseException as error:
            error.add_note(f"memory ended at point {point}")
            raise
    return refused, lost


def test_memory_that_ends_at_any_point() -> None:
    refused, lost = walk()
    assert refused
    assert lost


def test_what_found_no_memory_is_done_once_when_there_is_some_to_spare() -> None:
    refused, lost = walk(spares=True)
    refused_else, lost_else = walk()
    assert refused < refused_else
    assert lost < lost_else, "a long reply that was had is begun when there is memory for that"


def test_what_is_tried_again_is_named_by_its_numbers() -> None:
    look = "CREATE LIST INFO LOOKUP NEXT_KEY BATCH_LOOKUP READ QUERY SAMPLES STATS POOL_READ PEEK"
    rare = "HEALTH COMMIT SLICE_SUM SUBSCRIBE"
    assert tuple(getattr(abi, f"OP_{name}") for name in f"{look} {rare}".split()) == dispatch._AGAIN
    assert (abi.OP_RESTORE, abi.RESTORE_BEGIN) == (dispatch._OP_RESTORE, 0)


def test_a_commit_that_waits_for_a_tick_is_told_of_or_does_not_wait() -> None:
    whole = Memory()
    for point in range(200):
        with Registry() as registry:
            numbers = ArrayMap(4, 1, 0, "numbers")
            commits = Commits()
            change = pack("<BHIBqI", OP_ADD, numbers.id, 0, 0, 5, 0)
            request = bytes((OP_COMMIT,)) + pack("<H", len(change)) + change
            memory = Memory(point)
            waits = True
            try:
                with memory:
                    commits.handle(request, Dispatcher(registry).map_of, lambda function, *given: function(*given))
            except MemoryError:
                waits = False
            commits.tick()
            assert numbers.lookup(0) == pack("<I", 5 * waits), f"memory ended at point {point}"
        if not point:
            whole = memory
        elif point > whole.count:
            break
    assert 20 < whole.count < point


class Forgetful(ServerSession):
    """A board with a mistake: nothing holds a request's place while it is executed."""

    def _execute(self, seq: int, payload: bytes) -> bytes:
        self._next = (seq + 1) & 0xFFFF
        reply = self._handle(payload, self.limit)
        self._kept[seq % self.window] = reply[: self.limit]
        return encode(REPLY, self.session, seq, seq & 0xFF, reply[: self.limit])


def test_a_planted_mistake_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ServerSession", Forgetful)

    def board_adds(memory: Memory, registry: Registry) -> None:
        numbers = ArrayMap(4, 1, 0, "numbers")
        host = Host(registry, memory)
        for n in range(1, 6):
            reply = host.ask(pack("<BHIBqI", OP_ADD, numbers.id, 0, 0, 1, 0))
            assert reply == b"\0" + pack("<Q", n) or reply[0] in (NO_MEMORY, STATUS_GONE)

    def handle(self: Dispatcher, request: bytes, limit: int) -> bytes:
        return bytes(self._others().execute(request[0], request, limit))

    monkeypatch.setattr(Dispatcher, "handle", handle)  # one that lets MemoryError pass
    found = 0
    whole = Memory()
    with Registry() as registry:
        board_adds(whole, registry)
    for point in range(1, whole.count + 1):
        try:
            with Registry() as registry:
                board_adds(Memory(point), registry)
        except AssertionError:
            found += 1
    assert found > 0

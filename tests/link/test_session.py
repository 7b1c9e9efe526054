"""Both ends of the line, joined by one that loses, damages and doubles, under a clock of its own: each request happens once."""

import itertools
import random
from dataclasses import dataclass, field

import pytest

from boardmaps.abi import VERSION
from boardmaps.errors import OutOfMemory
from boardmaps.line import pieces
from boardmaps.line import session as line_session
from boardmaps.line.frame import BYE, HELLO, NAK, PIECE_FLAG, REPLY, REQUEST, Decoder, decode, encode
from boardmaps.line.session import ServerSession, common_version, pack_hello, unpack_hello
from boardmaps_host.client.session import ClientSession, Closed, Lost, Opened, Reply, Text, Told


@dataclass
class Counter:
    """Executes requests by writing them down."""

    executed: list[bytes] = field(default_factory=list)

    def handle(self, payload: bytes, limit: int) -> bytes:
        self.executed.append(payload)
        return b"\0" + payload[::-1][: limit - 1]


def serve(counter: Counter, boot: str = "00c0ffee", **options: int) -> ServerSession:
    return ServerSession(counter.handle, {"boot": boot, "idle": 10}, **options)


def opened(client: ClientSession, server: ServerSession) -> None:
    events, out = client.receive(server.receive(client.hello()), 0.0)
    assert isinstance(events[0], Opened)
    assert out == b""


def begin(server: ServerSession, session: int = 99) -> int:
    """Open a session by hand; return the number of its first request."""
    (answer,) = Decoder(600).feed(server.receive(encode(HELLO, session, 7, 0, pack_hello({"v": 2}))))
    return int((unpack_hello(bytes(answer[4])) or {})["next"])


def test_a_session_from_hello_to_bye() -> None:
    counter = Counter()
    client, server = ClientSession(), serve(counter)
    opened(client, server)
    assert client.fields["boot"] == "00c0ffee"
    seq, frame = client.send(b"one", 0.0)
    assert client.receive(server.receive(frame), 0.1) == ([Reply(seq, b"\0eno")], b"")
    assert client.receive(server.receive(client.bye()), 0.2) == ([Closed()], b"")
    assert server.done
    assert counter.executed == [b"one"]


def test_a_request_that_comes_twice_is_executed_once_and_answered_twice() -> None:
    counter = Counter()
    client, server = ClientSession(), serve(counter)
    opened(client, server)
    _, frame = client.send(b"one", 0.0)
    first = server.receive(frame)
    assert server.receive(frame) == first
    assert counter.executed == [b"one"]
    assert (server.served, server.replayed) == (1, 1)


def test_nothing_that_is_said_into_silence_stops_a_program_that_starts() -> None:
    counter = Counter()
    client, server = ClientSession(random.Random(5)), serve(counter)
    opened(client, server)
    _, frame = client.send(b"\3\3\3", 1.0)  # lost, or the board was reset: its program has not come to its server yet
    now = client.next_due()
    for _ in range(20):
        said = client.due(now)
        assert said
        assert 3 not in said
        now = client.next_due()
    events, again = client.receive(server.receive(said), now)
    assert isinstance(events[0], Opened)
    assert again == frame
    assert client.receive(server.receive(again), now)[0] == [Reply(client._seq, b"\0\3\3\3")]
    assert counter.executed == [b"\3\3\3"]


def test_a_board_that_says_nothing_is_asked_ever_more_rarely() -> None:
    client, server = ClientSession(), serve(Counter())
    opened(client, server)
    client.receive(server.receive(client.send(b"one", 0.0)[1]), 0.1)
    now = 1.0
    client.send(b"two", now)
    said = []
    while now < 101:
        now = client.next_due()
        assert client.due(now - 1e-6) == b""
        assert client.due(now)
        said.append(now)
    assert len(said) < 50, "what a board that starts cannot take waits for it"
    assert all(after - before <= 0.501 for before, after in itertools.pairwise(said) if after < 6)


def test_a_request_is_repeated_at_once_where_a_frame_has_come_that_was_no_answer() -> None:
    client, server = ClientSession(), serve(Counter())
    opened(client, server)
    _, frame = client.send(b"one", 1.0)
    client.receive(b"\0half a reply\0", 1.01)
    assert client.due(client.next_due()) == frame


def test_a_board_without_memory_for_its_answer_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    text = bytes((OutOfMemory.code,)) + b"request: the heap of the board is exhausted: memory allocation failed, " * 2

    def no_memory(*_: object) -> bytes:
        raise MemoryError

    client, server = ClientSession(), ServerSession(lambda *_: text, {"boot": "00c0ffee", "idle": 10})
    opened(client, server)
    seq, frame = client.send(b"one", 1.0)
    server.receive(frame)  # its answer is lost
    monkeypatch.setattr(line_session, "pack_hello", no_memory)
    monkeypatch.setattr(pieces, "pieces", no_memory)
    said = server.receive(client.due(2.0))
    assert Decoder(600).feed(said)[0][0] == NAK
    assert client.receive(said, 2.1) == ([Told()], b"")
    assert client.receive(server.receive(client.due(5.0)), 5.1)[0] == [Reply(seq, line_session.NO_MEMORY)]


def test_a_request_out_of_turn_is_not_executed() -> None:
    counter = Counter()
    server = serve(counter)
    first = begin(server)
    (nak,) = Decoder(600).feed(server.receive(encode(REQUEST, 99, first + 1, 0, b"second")))
    assert (nak[0], nak[2]) == (NAK, first)
    assert counter.executed == []


def test_hello_again_changes_nothing_and_another_one_begins_anew() -> None:
    counter = Counter()
    client, server = ClientSession(), serve(counter)
    opened(client, server)
    _, frame = client.send(b"one", 0.0)
    server.receive(frame)
    server.receive(client.hello())
    assert server.receive(frame)
    assert counter.executed == [b"one"]
    other = ClientSession()
    opened(other, server)
    server.receive(other.send(b"two", 0.0)[1])
    assert counter.executed == [b"one", b"two"]


def test_a_board_that_restarted_says_so() -> None:
    client, server = ClientSession(), serve(Counter())
    opened(client, server)
    _, frame = client.send(b"one", 0.0)
    events, _ = client.receive(serve(Counter(), boot="0badcafe").receive(frame), 0.1)
    assert events == [Lost("0badcafe")]


def test_hello_harms_no_repl() -> None:
    """At a REPL Ctrl-C stops, Ctrl-D resets, Ctrl-A and Ctrl-E change the mode, and a line's end runs what was typed."""
    for seed in range(200):
        frame = ClientSession(random.Random(seed)).hello()
        before, hello, back, after = frame.split(b"\0")
        assert before == after == b""
        typed = hello.replace(b"\6", b"", 1)  # Ctrl-F does nothing at a line's end
        shown = [byte for byte in typed if byte < 0x80]  # the others are passed over
        assert all(0x20 <= byte < 0x7F for byte in shown)
        assert back == b"\b" * len(shown), "and all that is shown is taken back"


@pytest.mark.parametrize(
    ("theirs", "common"),
    [("2", 2), ("2-2", 2), ("1-9", 2), ("0-2", 2), ("1", 0), ("1-1", 0), ("3-4", 0), ("0", 0), ("", 0), ("x-y", 0)],
)
def test_versions(theirs: str, common: int) -> None:
    assert common_version(theirs) == common


def test_a_board_of_another_version_opens_no_session() -> None:
    server = serve(Counter())
    (answer,) = Decoder(600).feed(server.receive(encode(HELLO, 99, 7, 0, pack_hello({"v": "3-4"}))))
    assert (unpack_hello(bytes(answer[4])) or {})["v"] == "2-2"
    assert server.session == 0


# What boardmaps 0.1.0 with version 1 of the protocol says: a host's HELLO, and a board's answer to one of version 2.
OLD_HOST = bytes.fromhex("200621222220626f6172646d61707320763d31206d74753d343039364236f01100")
OLD_TERMS = b"boardmaps v=1-1 fw=0.1.0 boot=00c0ffee profile=embedded machine=old idle=10"


def test_an_old_host_is_told_which_version_the_board_speaks() -> None:
    server = serve(Counter())
    (answer,) = Decoder(600).feed(server.receive(OLD_HOST))
    assert answer[:3] == (HELLO | 0x80, 0x21, 0x2222)
    fields = unpack_hello(bytes(answer[4])) or {}
    assert (fields["v"], fields["fw"]) == ("2-2", VERSION)  # an old host makes its one sentence of these
    assert "next" not in fields
    assert server.session == 0


def test_an_old_board_answers_a_new_host_with_its_version() -> None:
    client = ClientSession()
    _, session, seq, _, _ = decode(client.hello().split(b"\0")[1]) or (0, 0, 0, 0, b"")
    events, out = client.receive(encode(HELLO | 0x80, session, seq, 0, OLD_TERMS), 0.0)
    assert [event.fields["v"] for event in events if isinstance(event, Opened)] == ["1-1"]
    assert out == b""


@pytest.mark.parametrize(
    "payload", [b"", b"boardmaps", b"boardmaps ", b"boardmaps v", b"boardmaps v=2 =", b"\xff" * 40, b"boardmaps v=\xff"]
)
def test_absurd_hellos_are_survived(payload: bytes) -> None:
    server = serve(Counter())
    server.receive(encode(HELLO, 99, 7, 0, payload))
    client = ClientSession()
    opened(client, server)


@pytest.mark.parametrize("value", ["-1", "0", "99999999999999999999", "many", ""])
def test_absurd_terms_are_bounded(value: str) -> None:
    client = ClientSession()
    _, session, seq, _, _ = decode(client.hello().split(b"\0")[1]) or (0, 0, 0, 0, b"")
    fields = pack_hello({"v": 2, "boot": "x", "mtu": value, "win": value, "credit": value})
    client.receive(encode(HELLO | 0x80, session, seq, 0, fields), 0.0)
    assert 32 <= client.mtu <= 4096
    assert client.room(10)


def test_a_stranger_does_not_end_the_session() -> None:
    client, server = ClientSession(), serve(Counter())
    opened(client, server)
    server.receive(encode(BYE, client.session ^ 1, 1, 0))
    assert server.session == client.session


def test_numbers_wrap_around() -> None:
    counter = Counter()
    client, server = ClientSession(), serve(counter)
    opened(client, server)
    for i in range(65_600):
        seq, frame = client.send(b"x", 0.0)
        assert client.receive(server.receive(frame), 0.0)[0] == [Reply(seq, b"\0x")], i
    assert len(counter.executed) == 65_600


def test_console_output_and_replies_share_the_line() -> None:
    client, server = ClientSession(), serve(Counter())
    opened(client, server)
    seq, frame = client.send(b"one", 0.0)
    events, _ = client.receive(b"temperature 21\r\n\0" + server.receive(frame), 0.0)
    assert events == [Text(b"temperature 21\r\n"), Reply(seq, b"\0eno")]


def test_kept_replies_are_bounded_by_the_window() -> None:
    server = serve(Counter(), window=4)
    first = begin(server)
    for seq in range(first, first + 99):
        server.receive(encode(REQUEST, 99, seq & 0xFFFF, 0, b"x" * 400))
    assert len(server._kept) == 4
    assert server.receive(encode(REQUEST, 99, (first + 94) & 0xFFFF, 0, b"x" * 400)) == b""
    again = Decoder(600).feed(server.receive(encode(REQUEST, 99, (first + 95) & 0xFFFF, 0, b"x" * 400)))
    assert {(piece[0], piece[2]) for piece in again} == {(REPLY | PIECE_FLAG, (first + 95) & 0xFFFF)}

"""A locked line: without the key nothing happens, and what was said once cannot be said again.

More than 300 lines: the lock from the first frame to the last, over one set of helpers.
"""

import hmac
import json
import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps.line.frame import HELLO, REQUEST, Decoder, cobs_decode, cobs_encode, encode
from boardmaps.line.seal import CHALLENGE, SEALED, TAG, BoardLock, Hmac, Seal
from boardmaps.line.session import ServerSession, pack_hello
from boardmaps_host import connect
from boardmaps_host.client import LinkError, NoAnswer
from boardmaps_host.client.link import Link
from boardmaps_host.client.transports.locked import LockedTransport, WrongKey
from boardmaps_sim.unix import UnixBoard
from tests.board.conftest import Run, micropython
from tests.client.conftest import Mpremote
from tests.waits import PATIENCE

__all__ = ["micropython"]

KEY = b"sixteen bytes are good"

# RFC 4231: key, data, digest
RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
        b"hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


@pytest.mark.parametrize(("key", "data", "digest"), RFC_4231)
def test_hmac_vectors(key: bytes, data: bytes, digest: str) -> None:
    assert Hmac(key).digest(data).hex() == digest


def test_the_board_agrees_on_the_vectors(micropython: Run) -> None:
    out = micropython(f"""
        from boardmaps.line.seal import Hmac, Seal
        for key, data, digest in {RFC_4231!r}:
            assert Hmac(key).digest(data).hex() == digest
        print(Seal({KEY!r}, b"0011223344556677", bytes(range(16))).seal(8, 99, 7, 6, b"abc").hex())
    """)
    assert out.strip() == Seal(KEY, b"0011223344556677", bytes(range(16))).seal(8, 99, 7, 6, b"abc").hex()


def test_a_whole_beginning_byte_by_byte() -> None:
    vectors = json.loads((Path(__file__).parent / "lock_vectors.json").read_text())
    key, host, board = (
        bytes.fromhex(vectors["key"]),
        vectors["host_nonce"].encode(),
        bytes.fromhex(vectors["board_nonce"]),
    )
    assert encode(CHALLENGE, 0x41, 0x2324, 0x20, b"boardmaps lock " + host).hex() == vectors["challenge"]
    sealing, opening = Seal(key, host, board), Seal(key, host, board)
    # As the specification says it, with the standard library's HMAC: a second implementation.
    assert hmac.digest(key, b"boardmaps board" + host + board, "sha256")[:16].hex() == vectors["proof"]
    assert sealing.proof.hex() == vectors["proof"]
    line = hmac.digest(key, b"boardmaps line" + host + board, "sha256")
    last = [0x8000, 0x8000]
    for frame in vectors["frames"]:
        kind, session, seq, ack = frame["header"]
        payload = bytes.fromhex(frame["payload"])
        raw = bytes((kind | 0x40, session, seq & 0xFF, seq >> 8, ack)) + payload
        number = seq
        if kind not in (6, 12):
            channel = kind in (13, 14)
            number = next(n for n in range(last[channel] - 0x8000, last[channel] + 0x8000) if n & 0xFFFF == seq)
            last[channel] = number
        wire = cobs_encode(raw + hmac.digest(line, struct.pack("<i", number) + raw, "sha256")[:8]) + b"\0"
        assert wire.hex() == frame["wire"], frame["about"]
        assert sealing.seal(kind, session, seq, ack, payload) == wire
        assert opening.open(cobs_decode(wire[:-1]) or b"")


class Locked:
    """A board with a locked line, without I/O; what it says and hears is written down."""

    name = "locked"

    def __init__(self) -> None:
        self.executed: list[bytes] = []
        self.heard: list[bytes] = []
        self.restart()
        self._waiting = b""

    def restart(self) -> None:
        self.boot = random.randbytes(4).hex()
        self.session = ServerSession(self._handle, {"boot": self.boot, "idle": 10})
        self.lock = BoardLock(KEY, 600)

    def _handle(self, payload: bytes, _: int) -> bytes:
        self.executed.append(payload)
        return b"\0" + payload

    def hear(self, data: bytes) -> bytes:
        """Return what the board answers."""
        passed, answer = self.lock.receive(data)
        return answer + self.lock.send(self.session.receive(passed))

    def read(self, timeout: float) -> bytes:
        data, self._waiting = self._waiting, b""
        if not data:
            time.sleep(min(timeout, 0.01))
        return data

    def write(self, data: bytes) -> None:
        self.heard.append(data)
        self._waiting += self.hear(data)

    def reopen(self) -> None:
        """It is never closed."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def board() -> Locked:
    return Locked()


@pytest.fixture
def link(board: Locked) -> Iterator[Link]:
    link = Link(LockedTransport(board, KEY), timeout=1)
    yield link
    link.close()


def test_requests_pass_with_the_key(board: Locked, link: Link) -> None:
    assert link.fields["boot"] == board.boot
    for i in range(200):
        assert link.request(b"%d" % i) == b"\0%d" % i
    assert board.executed == [b"%d" % i for i in range(200)]
    assert board.lock.refused == 0
    assert KEY not in b"".join(board.heard)


def test_another_key_is_told_from_silence(board: Locked) -> None:
    with pytest.raises(WrongKey, match="another key"):
        Link(LockedTransport(board, b"another"), timeout=1)
    assert board.executed == []
    assert board.session.session == 0


def test_a_host_without_a_key_is_told_what_it_needs(board: Locked) -> None:
    with pytest.raises(LinkError, match="locked"):
        Link(board, timeout=1)
    assert board.lock.refused == 1
    assert board.session.session == 0


def test_no_beginning_has_a_ctrl_c(board: Locked) -> None:
    """Until a session is open Ctrl-C stops the program on the board; the tag of a HELLO is as good as random."""
    for _ in range(200):
        board.restart()
        board.heard.clear()
        Link(LockedTransport(board, KEY))
        assert not any(b"\x03" in heard for heard in board.heard)


def test_plain_frames_are_refused_and_end_no_session(board: Locked, link: Link) -> None:
    link.request(b"one")
    refused = board.lock.refused
    session = board.session
    for frame in (
        encode(HELLO, 77, 7, 0, pack_hello({"v": 1, "mtu": 480})),
        encode(REQUEST, session.session, session._next, 0, b"forged"),
        encode(12, session.session, 0, 0),
    ):
        board.hear(b"\0" + frame)
    assert board.lock.refused == refused + 3
    assert link.request(b"two") == b"\0two"
    assert board.executed == [b"one", b"two"]


def test_what_was_said_once_cannot_be_said_again(board: Locked) -> None:
    """All of an old session, and all of the present one, is replayed: nothing is executed a second time."""
    for text in (b"first", b"second"):
        link = Link(LockedTransport(board, KEY), timeout=1)
        link.request(text)
        link.close()
    link = Link(LockedTransport(board, KEY), timeout=1)
    link.request(b"third")
    before = board.lock.refused
    for frames in list(board.heard):
        board.hear(b"\0" + frames)
    assert board.executed == [b"first", b"second", b"third"]
    assert board.lock.refused >= before + 6
    assert link.request(b"fourth") == b"\0fourth"
    link.close()


def test_what_was_said_in_a_closed_session_cannot_open_it_again(board: Locked) -> None:
    link = Link(LockedTransport(board, KEY), timeout=1)
    link.request(b"pay")
    said = list(board.heard)
    board.session.close()  # the idle watchdog
    for frames in said:
        board.hear(b"\0" + frames)
    assert board.executed == [b"pay"]
    assert board.session.session == 0


def test_numbers_that_wrap_around_open_no_window(board: Locked, link: Link) -> None:
    """65,536 requests later a frame has the same number in its header, and yet another MAC."""
    link.request(b"once")
    old = board.heard[-1]
    for _ in range(65_535):
        link.request(b"x")
    board.executed.clear()
    board.hear(old)
    assert board.executed == []
    assert link.request(b"y") == b"\0y"


def test_a_flipped_bit_is_refused(board: Locked, link: Link) -> None:
    link.request(b"the quick brown fox")
    raw = cobs_decode(board.heard[-1][:-1])
    assert raw is not None
    board.executed.clear()
    seq = board.session._next
    rng = random.Random(3)
    for _ in range(2000):
        forged = bytearray(raw)
        forged[2:4] = seq.to_bytes(2, "little")
        for _ in range(rng.randrange(1, 4)):
            forged[rng.randrange(len(forged))] ^= 1 << rng.randrange(8)
        board.hear(cobs_encode(bytes(forged)) + b"\0")
    assert board.executed == []
    assert link.request(b"still here") == b"\0still here"


def test_a_sealed_frame_costs_four_bytes_more(board: Locked, link: Link) -> None:
    link.request(b"abc")
    sealed = board.heard[-1]
    assert len(sealed) == len(encode(REQUEST, 1, 1, 1, b"abc")) + TAG - 4
    raw = cobs_decode(sealed[:-1])
    assert raw is not None
    assert raw[0] == REQUEST | SEALED


def test_a_board_that_restarts_is_met_again(board: Locked, link: Link) -> None:
    link.request(b"one")
    board.restart()
    assert link.request(b"two", changes=False) == b"\0two"
    assert link.fields["boot"] == board.boot
    assert board.executed == [b"one", b"two"]


def test_a_challenge_alone_ends_nothing(board: Locked, link: Link) -> None:
    link.request(b"one")
    for i in range(100):
        board.hear(b"\0" + encode(CHALLENGE, 50, i, 0, b"boardmaps lock %016d" % i))
    session = board.session.session
    assert link.request(b"two") == b"\0two"
    assert board.session.session == session


def test_the_answer_to_an_earlier_challenge_comes_late(board: Locked) -> None:
    """A board that was busy answers all challenges at once: the proof of the first is not taken for a wrong one."""
    late = [b"\0" + encode(CHALLENGE, 0x41, 0x2324, 0x20, b"boardmaps lock %016d" % 7)]
    hear = board.hear
    board.hear = lambda data: hear(late.pop() + data if late else data)  # type: ignore[method-assign]
    link = Link(LockedTransport(board, KEY), timeout=1.0)
    assert link.request(b"one") == b"\0one"
    link.close()


def test_a_sealed_hello_is_no_ctrl_c(board: Locked) -> None:
    """Between sessions Ctrl-C ends the firmware: no byte that opens one may be it, nor anything else that a REPL obeys."""
    harmful = bytes((1, 2, 3, 4, 5, 10, 13))
    for _ in range(60):
        board.heard.clear()
        link = Link(LockedTransport(board, KEY), timeout=1.0)
        assert not set(b"".join(board.heard)) & set(harmful)
        link.close()


def test_garbage_is_survived(board: Locked, link: Link) -> None:
    rng = random.Random(4)
    for _ in range(300):
        board.hear(rng.randbytes(rng.randrange(400)))
    board.hear(b"\0")
    assert link.request(b"here") == b"\0here"
    assert board.lock.decoder.pending() == 0


def test_a_locked_board(unix: UnixBoard, mpremote: Mpremote) -> None:
    """The real thing: maps, prints and events pass; the REPL is there afterwards, and Ctrl-C works."""
    program = f"""
import boardmaps, time
boardmaps.StaticPool.reset()
m = boardmaps.HashMap(4, 4, 16, 0, "m")
server = boardmaps.Server(key={KEY!r})
n = 0
while True:
    server.poll()
    time.sleep_ms(1)
    n += 1
    if n % 50 == 0:
        print("tick", n)
"""
    mpremote("exec", "--no-follow", program)
    with pytest.raises(LinkError, match="locked"):
        connect(unix.port)
    with pytest.raises(WrongKey):
        connect(unix.port, key=b"another")
    printed: list[str] = []
    for _ in range(3):
        with connect(unix.port, key=KEY, console=printed.append) as board:
            m = board.map("m")
            with m.watch(every=0) as changes:
                for i in range(50):
                    m.update(b"k%03d" % (i % 10), i.to_bytes(4, "little"))
                assert changes.get(PATIENCE) is not None
            assert len(dict(m.items())) == 10
            board.listen(0.2)
    assert "tick" in "".join(printed)
    assert all("\0" not in text and "\x08" not in text for text in printed)
    assert mpremote("resume", "exec", "print(n > 100)").strip() == "True"
    with pytest.raises(NoAnswer):  # the key does not go over the line to start a server
        connect(unix.port, key=KEY)


def test_ctrl_c_gives_the_repl_of_a_locked_board_back(unix: UnixBoard, mpremote: Mpremote) -> None:
    program = f"import boardmaps, time\ns = boardmaps.Server(key={KEY!r})\nwhile True:\n    s.poll(1)"
    mpremote("exec", "--no-follow", program)
    board = connect(unix.port, key=KEY)
    board.link.connection.line.close()  # no leave is taken
    time.sleep(0.2)
    assert mpremote("resume", "exec", "print(8)").strip() == "8"


def test_decoders_without_a_lock_take_no_sealed_frame() -> None:
    sealed = Seal(KEY, b"0" * 16, b"1" * 16).seal(REQUEST, 9, 1, 0, b"abc")
    decoder = Decoder(600)
    assert decoder.feed(sealed) == []
    assert decoder.damaged == 1

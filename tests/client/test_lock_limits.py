"""What somebody on a locked line can and cannot do: a test for each sentence of SPEC.md, section 5.6.

More than 300 lines: the sentences' tests stand in one place and in their order.
"""

import itertools
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boardmaps.line.frame import (
    BYE,
    EVENT,
    HELLO,
    INTERRUPT,
    LOST,
    REPLY,
    REPLY_FLAG,
    REQUEST,
    Decoder,
    cobs_decode,
    cobs_encode,
    encode,
)
from boardmaps.line.seal import CHALLENGE, LATEST, Seal
from boardmaps.line.session import ServerSession, pack_hello
from boardmaps_host import connect
from boardmaps_host.client import LinkError, NoAnswer, OutcomeUnknown
from boardmaps_host.client.known import KnownBoards, WrongBoard
from boardmaps_host.client.link import Link
from boardmaps_host.client.lock import HostLock
from boardmaps_host.client.transports.serial import SerialTransport
from boardmaps_sim.unix import UnixBoard
from tests.board.conftest import Run, micropython
from tests.client.conftest import Mpremote
from tests.client.locked import ID, KEY, Locked, host, lock_of

__all__ = ["micropython"]

SPEC = Path(__file__).parents[2] / "firmware" / "SPEC.md"
_TESTED: set[int] = set()

Test = Callable[..., None]


def sentence(number: int) -> Callable[[Test], Test]:
    """Mark a test of a sentence of the document."""
    _TESTED.add(number)
    return lambda test: test


def test_each_sentence_has_a_test() -> None:
    text = SPEC.read_text("utf-8").split("### 5.6")[1]
    assert sorted(_TESTED) == [int(n) for n in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]


@pytest.fixture
def board() -> Locked:
    return Locked()


@pytest.fixture
def link(board: Locked) -> Iterator[Link]:
    link = host(board)
    yield link
    board.up = board.down = lambda data: data
    link.close()


def last_raw(frames: list[bytes]) -> bytes:
    """Return the last frame that has passed, without COBS."""
    raw = cobs_decode(frames[-1].strip(b"\0"))
    assert raw is not None
    return raw


@sentence(1)
def test_payloads_can_be_read_and_the_key_cannot(board: Locked, link: Link) -> None:
    link.request(b"the payload")
    passed = b"".join(board.heard + board.said)
    assert b"the payload" in passed
    assert KEY not in passed
    assert not any(KEY[i : i + 6] in passed for i in range(len(KEY) - 6))


@sentence(2)
def test_a_frame_with_a_changed_bit_is_dropped(board: Locked, link: Link) -> None:
    """Each bit of the next request, before it comes; then the request itself is executed."""
    link.request(b"first")
    held: list[bytes] = []
    board.up = lambda data: held.append(data) or b""  # type: ignore[func-returns-value]
    link.connection.session._trip.overdue = 10  # once
    _, frame = link.connection.session.send(b"the quick brown fox", 0.0)
    raw = cobs_decode(frame[:-1])
    assert raw is not None
    damaged = board.session.decoder.damaged
    for i in range(8 * len(raw)):
        forged = bytearray(raw)
        forged[i // 8] ^= 1 << i % 8
        board.hear(cobs_encode(bytes(forged)) + b"\0")
    assert board.executed == [b"first"]
    assert board.session.decoder.damaged == damaged + 8 * len(raw)
    reply = board.hear(frame)
    assert board.executed == [b"first", b"the quick brown fox"]
    raw = cobs_decode(reply.strip(b"\0"))
    assert raw is not None
    for i in range(8 * len(raw)):
        forged = bytearray(raw)
        forged[i // 8] ^= 1 << i % 8
        events, _ = link.connection.session.receive(cobs_encode(bytes(forged)) + b"\0", 0.0)
        assert not any(hasattr(event, "seq") for event in events)
    assert link.connection.session.receive(reply, 0.0)[0]


@sentence(3)
def test_a_splice_makes_no_frame(board: Locked, link: Link) -> None:
    """Bytes before a genuine frame with which both together are a frame whose CRC is right: they are refused like any other."""
    link.request(b"first")
    _, frame = link.connection.session.send(b"genuine", 0.0)
    genuine = frame[:-1]
    for kind in (REPLY, REQUEST, HELLO | REPLY_FLAG, CHALLENGE | REPLY_FLAG, LOST, EVENT):
        # COBS of a plain frame whose payload ends in all of the genuine one's bytes, and with a CRC that fits
        forged = encode(kind, board.session.session, board.session._next, 0, b"x" * 8 + genuine)
        for data in (
            forged,
            forged[:12] + frame,
            b"\x05" + frame,
            genuine + forged,
            genuine[:9] + forged[:-1] + genuine[9:],
        ):
            board.hear(data if data.endswith(b"\0") else data + b"\0")
            events, _ = link.connection.session.receive(data, 0.0)
            assert not any(hasattr(event, "seq") or hasattr(event, "boot") for event in events)
    assert board.executed == [b"first"]
    assert board.hear(b"\0" + frame)
    assert board.executed == [b"first", b"genuine"]


@sentence(3)
def test_no_bytes_are_parsed_twice(board: Locked, link: Link) -> None:
    """A payload that is a frame itself, plain or sealed, is a payload."""
    inner = encode(REQUEST, board.session.session, board.session._next + 1 & 0xFFFF, 0, b"inner").strip(b"\0")
    assert link.request(b"outer" + inner) == b"\0outer" + inner
    assert link.request(board.heard[-1]) == b"\0" + board.heard[-2]
    assert len(board.executed) == 2


@sentence(4)
def test_what_is_made_without_the_key_is_dropped(board: Locked, link: Link) -> None:
    link.request(b"one")
    refused, session = board.lock.refused, board.session
    wrong = Seal(b"another of sixteen bytes", b"0" * 32, b"1" * 16, ID, False)
    forged = [
        (HELLO, 77, 7, 0, pack_hello({"v": 2, "mtu": 480})),
        (REQUEST, session.session, session._next, 0, b"forged"),
        (BYE, session.session, 0, 0, b""),
        (INTERRUPT, session.session, 0, 0, b""),
    ]
    for frame in forged:
        board.hear(b"\0" + encode(*frame))
        board.hear(b"\0" + wrong.seal(*frame))
        for kind in (REPLY, HELLO | REPLY_FLAG, BYE | REPLY_FLAG, LOST, EVENT):
            for made in (encode(kind, *frame[1:]), wrong.seal(kind, *frame[1:])):
                events, _ = link.connection.session.receive(b"\0" + made, 0.0)
                assert all(type(event).__name__ == "Text" for event in events)
    assert board.lock.refused == refused + 8
    assert not session.interrupted
    assert link.request(b"two") == b"\0two"
    assert board.executed == [b"one", b"two"]


@sentence(5)
def test_what_was_said_is_dropped_at_once_and_in_other_sessions(board: Locked) -> None:
    for text in (b"first", b"second"):
        link = host(board)
        link.request(text)
        link.close()
    link = host(board)
    link.request(b"third")
    for frames in list(board.heard):
        board.hear(b"\0" + frames)
    for frames in list(board.said):
        events, _ = link.connection.session.receive(b"\0" + frames, 0.0)
        assert all(type(event).__name__ == "Text" for event in events)
    assert board.executed == [b"first", b"second", b"third"]
    assert link.request(b"fourth") == b"\0fourth"
    assert board.session.replayed == 0
    said = list(board.heard)
    board.session.close()  # the idle watchdog
    for frames in said:
        board.hear(b"\0" + frames)
    assert board.session.session == 0
    board.restart()
    for frames in said:
        board.hear(b"\0" + frames)
    assert (board.session.session, board.lock._seal) == (0, None)
    assert board.executed == [b"first", b"second", b"third", b"fourth"]


@sentence(5)
def test_what_was_said_is_dropped_after_any_number_of_others(board: Locked, link: Link) -> None:
    """2^16 and 2^17 frames later a frame has the same 16 bits of its number, and a request the same seq; those between are lost."""
    link.request(b"once")
    old, old_reply = board.heard[-1], board.said[-1]
    seq = last_raw([old])[2] | last_raw([old])[3] << 8
    host_seal, board_seal = lock_of(link)._seal, board.lock._seal
    assert host_seal is not None
    assert board_seal is not None
    number = host_seal.sent
    for done in (1 << 16, 1 << 17):
        while host_seal.sent < number + done - 2:
            step = min(60_000, number + done - 2 - host_seal.sent)
            for seal in (host_seal, board_seal):
                seal.sent += step
            board.session._next = board.session._next + step - 1 & 0xFFFF
            link.connection.session._seq = link.connection.session._seq + step - 1 & 0xFFFF
            assert link.request(b"x") == b"\0x"
        assert host_seal.sent == number + done - 1
        board.session._next = seq  # the very request that is waited for
        link.connection.session._seq = seq - 1
        board.executed.clear()
        refused, served = board.lock.refused, board.session.served
        for _ in range(3):  # its number is the next one's
            assert board.hear(old) == b""
            assert all(type(e).__name__ == "Text" for e in link.connection.session.receive(old_reply, 0.0)[0])
        assert board.executed == []
        assert (board.lock.refused, board.session.served) == (refused + 3, served)
        assert link.request(b"y") == b"\0y"


@sentence(5)
def test_every_number_opens_once_whatever_is_said_again(board: Locked) -> None:
    """The window by itself against a set of all numbers: frames in any order, again and again, over the 16 bits' end twice."""
    sealing, opening = (Seal(KEY, b"0" * 32, b"1" * 16, ID, is_board) for is_board in (False, True))
    rng = random.Random(6)
    opened: set[int] = set()
    recent: list[tuple[int, bytes]] = []
    old: list[tuple[int, bytes]] = []
    while sealing.sent < 1 << 17:
        if rng.random() < 0.01:
            sealing.sent += rng.randrange(3000)  # so many are lost
        recent.append((sealing.sent + 1, cobs_decode(sealing.seal(REQUEST, 1, 1, 1)[:-1]) or b""))
        recent = recent[-40:]
        for number, raw in (rng.choice(recent), rng.choice(old or recent)):
            highest = max(opened, default=0)
            assert opening.open(raw) == (number not in opened and number > highest - LATEST)
            if number > highest - LATEST:
                opened.add(number)
        opened = {number for number in opened if number > max(opened) - 100}
        if rng.random() < 0.05:
            old.append(recent[-1])


@sentence(6)
def test_what_comes_back_is_dropped(board: Locked, link: Link) -> None:
    """Each frame of both sides, to the side that has sent it."""
    board.down = lambda data: data
    for i in range(20):
        link.request(b"%d" % i)
    executed, refused = list(board.executed), board.lock.refused
    sealed = 0
    for frames in board.said:
        for chunk in frames.split(b"\0"):
            raw = cobs_decode(chunk)
            if raw and raw[0] & 0x40:
                board.hear(chunk + b"\0")
                sealed += 1
    assert sealed >= 21
    assert board.lock.refused == refused + sealed
    for frames in board.heard:
        events, _ = link.connection.session.receive(b"\0" + frames, 0.0)
        assert all(type(event).__name__ == "Text" for event in events)
    assert board.executed == executed
    seal = Seal(KEY, b"0" * 32, b"1" * 16, ID, True)
    assert not seal.open(cobs_decode(seal.seal(REQUEST, 1, 1, 1)[:-1]) or b"")


@sentence(7)
def test_no_side_is_brought_to_speak_without_the_key(board: Locked) -> None:
    """A host with a key at a board without: the board never gets a request, and the host no answer that it takes."""
    executed: list[bytes] = []
    open_board = ServerSession(lambda payload, _: executed.append(payload) or b"\0", {"boot": "0", "idle": 10})  # type: ignore[func-returns-value]
    board.hear = open_board.receive  # type: ignore[method-assign]
    with pytest.raises(NoAnswer):
        host(board)
    assert executed == []

    # Somebody answers every plain HELLO in the board's place, and takes the challenges away.
    fake = ServerSession(lambda *_: b"\0", {"boot": "0", "idle": 10})
    board.hear = lambda _: fake.receive(encode(HELLO, 77, 7, 0, pack_hello({"v": 2})))  # type: ignore[method-assign]
    with pytest.raises(NoAnswer):
        host(board)


@sentence(7)
def test_the_versions_cannot_be_changed(board: Locked) -> None:
    """They are behind the tag; with other versions the HELLO is dropped, and the host connects to nobody."""

    def lower(data: bytes) -> bytes:
        chunks = []
        for chunk in data.split(b"\0"):
            raw = cobs_decode(chunk) or b""
            hello = raw[:1] == bytes((HELLO | 0x40,))
            chunks.append(cobs_encode(raw.replace(b"v=", b"v=0-")) if hello else chunk)
        return b"\0".join(chunks)

    board.up = lower
    with pytest.raises(NoAnswer):
        host(board)
    assert board.session.session == 0


@sentence(8)
def test_a_frame_that_is_held_back_takes_effect_in_its_turn_or_never(board: Locked) -> None:
    link = host(board)
    link.request(b"first")
    held: list[bytes] = []
    board.up = lambda data: held.append(data) or b""  # type: ignore[func-returns-value]
    link.connection.timeout = 0.3
    with pytest.raises(OutcomeUnknown):
        link.request(b"held")
    board.up = lambda data: data
    assert link.request(b"a look") == b"\0a look"  # in another session, under other keys
    for data in held:
        board.hear(b"\0" + data)
    assert board.executed == [b"first", b"a look"]

    # In the same session: it is executed before the next or, since that waits for its turn, not at all.
    board.up = lambda data: held.append(data) or b""  # type: ignore[func-returns-value]
    held.clear()
    session = link.connection.session
    board.write(session.send(b"second", 0.0)[1])
    third = session.send(b"third", 0.0)[1]
    board.hear(third)
    assert board.executed == [b"first", b"a look"]
    board.hear(held[0])
    assert board.executed == [b"first", b"a look", b"second"]


@sentence(8)
@pytest.mark.parametrize("behind", [1, LATEST - 1, LATEST, LATEST + 1])
def test_frames_may_overtake_each_other_a_little(behind: int) -> None:
    sealing, opening = (Seal(KEY, b"0" * 32, b"1" * 16, ID, is_board) for is_board in (False, True))
    frames = [cobs_decode(sealing.seal(REQUEST, 1, i, 1)[:-1]) or b"" for i in range(behind + 1)]
    assert all(opening.open(raw) for raw in frames[1:])
    assert opening.open(frames[0]) == (behind < LATEST)
    assert not any(opening.open(raw) for raw in frames)


@sentence(9)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_told_to_be_done_is_done_once(seed: int) -> None:
    """Everything may be dropped, for a while or for good, at any place."""
    rng = random.Random(seed)
    board = Locked()
    link = host(board, timeout=0.4, rekey=30)
    done: list[bytes] = []
    unknown: list[bytes] = []
    board.up = lambda data: (
        b"" if rng.random() < loss else data[: rng.randrange(len(data))] if rng.random() < loss / 4 else data
    )
    board.down = lambda data: b"" if rng.random() < loss else data
    for i, loss in zip(range(60), itertools.cycle([0, 0, 0.2, 0, 0.9]), strict=False):  # noqa: B007 - the two read it
        try:
            link.request(b"%d" % i)
            done.append(b"%d" % i)
        except OutcomeUnknown:
            unknown.append(b"%d" % i)
        except LinkError:
            assert b"%d" % i not in board.executed
    assert len(done) > 20
    assert all(board.executed.count(payload) == 1 for payload in done)
    assert all(board.executed.count(payload) <= 1 for payload in unknown)
    assert set(board.executed) <= {*done, *unknown}


@sentence(10)
def test_a_relay_to_another_board_with_the_same_key(tmp_path: Path) -> None:
    """Both boards have the key and answer truly; the line of the first is led to the second."""
    known = KnownBoards(path=tmp_path / "known")
    first, second = Locked(board_id=b"board-one"), Locked(board_id=b"board-two")

    def met(board: Locked, key: bytes | str = KEY, known: KnownBoards = known) -> Link:
        return Link(board, timeout=1, codec=HostLock(key, lambda found: known.check(board.name, found)))

    met(first).close()
    with pytest.raises(WrongBoard):
        met(second)
    assert (second.executed, second.session.session) == ([], 0)
    # Nor does it help to say the first one's id: the proof is of the id too.
    second.down = lambda data: said(data, first.id)
    with pytest.raises(LinkError, match="another key"):
        met(second)
    second.down = lambda data: data
    KnownBoards(path=tmp_path / "none").check(second.name, second.id)  # the first time on a port, he can
    met(second, known=KnownBoards(path=tmp_path / "none")).close()
    met(second, known=KnownBoards(accept=True, path=tmp_path / "known")).close()
    met(second).close()


def said(data: bytes, board_id: bytes) -> bytes:
    """Return a board's answer to a challenge with another id in it."""
    out = b""
    for frame in Decoder(600).feed(data):
        assert isinstance(frame, tuple)
        out += encode(*frame[:4], frame[4][:32] + board_id)
    return out


@sentence(10)
def test_a_relay_in_the_midst_of_a_session(board: Locked, link: Link) -> None:
    """A board that answers in the place of one that has gone is not taken for it, though it has the key."""
    link.request(b"one")
    other = Locked(board_id=b"board-two")
    board.hear = other.hear  # type: ignore[method-assign]
    link.connection.timeout = 0.5
    with pytest.raises(LinkError):
        link.request(b"two")
    assert other.executed == []


@sentence(11)
def test_challenges_and_answers_end_nothing(board: Locked, link: Link) -> None:
    link.request(b"one")
    session, seal = board.session.session, board.lock._seal
    for i in range(100):
        board.hear(b"\0" + encode(CHALLENGE, 50, i, 0, b"boardmaps lock 2 %032d" % i))
        link.connection.session.receive(encode(CHALLENGE | REPLY_FLAG, 50, i, 0, b"x" * 40), 0.0)
        _, out = link.connection.session.receive(
            b"\0" + encode(CHALLENGE | REPLY_FLAG, 50, i, 0), 0.0
        )  # "I have no keys"
        (asked,) = Decoder(600).feed(out)
        wrong = encode(CHALLENGE | REPLY_FLAG, asked[1], asked[2], 0, bytes(32) + ID)  # type: ignore[call-overload]
        assert link.connection.session.receive(b"\0" + wrong, 0.0) == ([], b"")
    assert link.request(b"two") == b"\0two"
    assert (board.session.session, board.lock._seal) == (session, seal)
    assert board.executed == [b"one", b"two"]


@sentence(12)
def test_text_is_output_and_nothing_else(board: Locked) -> None:
    printed: list[str] = []
    lock = HostLock(KEY, lambda _: None)
    link = Link(board, timeout=1, codec=lock, console=printed.append)
    link.request(b"one")
    for text in (
        b"\n>>> ",
        b"\x04>",
        b"Traceback (most recent call last):\nOSError: 5\n>>> ",
        b"boardmaps v=2",
        b"boardmaps lock 2",
        b"\x04\x04>raw REPL; CTRL-B to exit\r\n>",
        b"\0" + encode(EVENT, link.connection.session.session, 1, 0, b"\x01\0\x01\0x"),
        b"\0" + encode(BYE | REPLY_FLAG, link.connection.session.session, 1, 0),
    ):
        board._waiting += text
        link.pump(0.15)
        board._waiting += text
        assert link.request(text) == b"\0" + text
    link.connection.heard = 0  # a long silence: the host looks whether its session lives
    board._waiting += b"\nboardmaps lock 2 \n>>> "
    assert link.request(b"two") == b"\0two"
    assert ">>> " in "".join(printed)
    assert "Traceback" in "".join(printed)
    link.close()


_PROGRAM = f"""
import boardmaps, time
server = boardmaps.Server(key={KEY!r})
try:
    while True:
        server.poll()
        time.sleep_ms(1)
finally:
    server.close()
    print("program ended")
"""


@sentence(13)
def test_ctrl_c_interrupts_nothing(unix: UnixBoard, mpremote: Mpremote) -> None:
    """Before a session, in it and after it: Ctrl-C alone, many, mpremote's, with what a REPL obeys behind them."""
    mpremote("exec", "--no-follow", _PROGRAM)
    time.sleep(0.3)
    harm = [b"\x03", b"\r\x03", b"\r\x03\x03\r\x01", b"\x03" * 300, b"\0\x03\0", b"\x03\x02\x04", b"\x04"]
    for turn in range(2):
        with connect(unix.port, key=KEY) as board:
            board.maps()
            for data in harm:
                board.link.connection.line.write(data)
                time.sleep(0.15)
                board.maps()
        line = SerialTransport(unix.port)
        for data in harm:
            line.write(data)
            time.sleep(0.15)
        printed = b""
        while data := line.read(0.2):
            printed += data
        line.close()
        assert b">>>" not in printed, turn
        assert b"ended" not in printed
    with connect(unix.port, key=KEY) as board:
        board.interrupt()


@sentence(13)
@pytest.mark.parametrize("micropython", ["unix"], indirect=True)  # the RISC-V has no clock
def test_ctrl_c_on_a_line_without_a_repl(micropython: Run) -> None:
    """A UART's or a socket's bytes: with a key none of them interrupts, without one they do."""
    out = micropython(f"""
        import sys
        class Config:
            BOARD_ID = b"board-one"
        sys.modules["boardmaps_config"] = Config
        import boardmaps

        class Line:
            credit = 511
            ours = 0
            def open(self):
                self.ours += 1
            def close(self):
                self.ours -= 1
            def wait(self, ms):
                return bool(self.got)
            def readinto(self, buf):
                data = self.got[: len(buf)]
                self.got = self.got[len(data) :]
                buf[: len(data)] = data
                return len(data)
            def write(self, data):
                return len(data)

        for key in ({KEY!r}, None):
            for data in (b"\\x03\\x03", b"\\r\\x03", b"\\x03" * 100, b"\\0\\x03\\x03"):
                line = Line()
                line.got = data
                server = boardmaps.Server(line, key=key)
                try:
                    while line.got:
                        server.poll()
                    print("goes on", line.ours)
                except KeyboardInterrupt:
                    print("interrupted", line.ours)
                server.close()
                assert line.ours == 0
    """)
    assert out.split("\n") == ["goes on 1"] * 4 + ["interrupted 0"] * 4 + [""]


@sentence(14)
def test_behind_the_program_a_repl_obeys_everybody(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", _PROGRAM.replace("while True", "for _ in range(300)"))
    time.sleep(0.2)
    with connect(unix.port, key=KEY) as board:
        board.maps()
    time.sleep(1.5)  # the program ends by itself
    assert mpremote("resume", "exec", "print(8)").strip() == "8"
    assert mpremote("resume", "exec", "print(server.session.codec._key)").strip() == repr(KEY)


@sentence(15)
def test_what_he_sends_takes_bounded_work_and_memory(
    board: Locked, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.request(b"one")
    tries: list[int] = []
    monkeypatch.setattr(
        "boardmaps.line.seal.same",
        lambda one, other: tries.append(1) or one == other,  # type: ignore[func-returns-value]
    )
    board.hear(b"\0" + encode(CHALLENGE, 50, 1, 0, b"boardmaps lock 2 %032d" % 1))
    raw = last_raw(board.heard)
    for i in range(1000):
        board.hear(cobs_encode(raw[:-10] + i.to_bytes(2, "little") + bytes(8)) + b"\0")
        board.hear(b"x" * 300)
        assert board.session.decoder.pending() <= board.session.decoder.limit
    assert len(tries) <= 2000
    assert board.lock.answer == b""
    board.hear(b"\0")
    assert link.request(b"two") == b"\0two"

"""A locked line: its bytes, its keys, and sessions in memory. test_locked_boards.py has real boards.

More than 300 lines: the lock from the first frame to the last, over one set of helpers.
"""

import json
import os
import random
from collections.abc import Iterator

import pytest

from boardmaps.line.frame import REQUEST, Decoder, cobs_decode, encode
from boardmaps.line.seal import CHALLENGE, HOST_NONCE, LEAST_KEY, SEALED, TAG, BoardLock, Hmac, Seal
from boardmaps_host import connect
from boardmaps_host.client import LinkError, LinkTimeout, PortGone
from boardmaps_host.client.link import Link
from boardmaps_host.client.lock import HostLock, WrongKey, stretched
from tests.board.conftest import Run, micropython
from tests.client import lock_spec
from tests.client.locked import ID, KEY, Locked, host, lock_of

__all__ = ["micropython"]

VECTORS = json.loads(lock_spec.VECTORS.read_text())

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


def test_the_vectors_are_what_the_document_says() -> None:
    assert lock_spec.vectors() == VECTORS


def _vector_seal(is_board: bool) -> Seal:
    key, board, board_id = (bytes.fromhex(VECTORS[name]) for name in ("key", "board_nonce", "board_id"))
    return Seal(key, VECTORS["host_nonce"].encode(), board, board_id, is_board)


def test_a_whole_beginning_byte_by_byte() -> None:
    sides = {"board": _vector_seal(False), "host": _vector_seal(True)}  # by whom they seal to
    assert sides["host"].proof.hex() == VECTORS["proof"]
    for frame in VECTORS["frames"]:
        sealing, opening = sides[frame["to"]], sides["host" if frame["to"] == "board" else "board"]
        kind, session, seq, ack = frame["header"]
        sealing.sent = frame["number"] - 1
        if frame["number"] - opening.highest > 0xFF00:
            opening.highest = frame["number"] - 3  # so many have passed meanwhile
        assert sealing.seal(kind, session, seq, ack, bytes.fromhex(frame["payload"])).hex() == frame["wire"], frame[
            "about"
        ]
        raw = cobs_decode(bytes.fromhex(frame["wire"])[:-1]) or b""
        assert opening.open(raw)
        assert not opening.open(raw)


def test_the_board_agrees_on_the_vectors(micropython: Run) -> None:
    out = micropython(f"""
        import json
        from boardmaps.line.frame import cobs_decode
        from boardmaps.line.seal import Hmac, Seal
        for key, data, digest in {RFC_4231!r}:
            assert Hmac(key).digest(data).hex() == digest
        v = json.loads({json.dumps(json.dumps(VECTORS))})
        key, board, board_id = [bytes.fromhex(v[name]) for name in ("key", "board_nonce", "board_id")]
        seals = [Seal(key, v["host_nonce"].encode(), board, board_id, is_board) for is_board in (False, True)]
        assert seals[0].proof.hex() == v["proof"]
        for x in v["frames"]:
            sealing, opening = seals if x["to"] == "board" else seals[::-1]
            kind, session, seq, ack = x["header"]
            sealing.sent = x["number"] - 1
            if x["number"] - opening.highest > 0xFF00:
                opening.highest = x["number"] - 3
            assert sealing.seal(kind, session, seq, ack, bytes.fromhex(x["payload"])).hex() == x["wire"], x["about"]
            raw = cobs_decode(bytes.fromhex(x["wire"])[:-1])
            assert opening.open(raw) and not opening.open(raw)
        print(len(v["frames"]))
    """)
    assert int(out) == len(VECTORS["frames"])


def test_the_host_asks_and_the_board_answers_as_in_the_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda _: bytes.fromhex(VECTORS["board_nonce"]))
    lock = BoardLock(bytes.fromhex(VECTORS["key"]), bytes.fromhex(VECTORS["board_id"]))
    assert lock.decode(bytes.fromhex(VECTORS["challenge"])[:-1]) == ()
    assert lock.answer.hex() == VECTORS["answer"]


def test_a_pass_phrase_is_stretched() -> None:
    vector = VECTORS["pass_phrase"]
    assert stretched(vector["phrase"], bytes.fromhex(vector["board_id"])).hex() == vector["key"]
    assert stretched(vector["phrase"], b"another board").hex() != vector["key"]


def test_a_board_with_the_key_of_a_pass_phrase() -> None:
    phrase = "correct horse battery staple"
    board = Locked(stretched(phrase, ID))
    assert host(board, phrase).request(b"one") == b"\0one"
    with pytest.raises(WrongKey):
        host(board, phrase + " ")
    board.id = b"another id"  # the phrase makes another key there
    board.restart()
    with pytest.raises(WrongKey):
        host(board, phrase)


@pytest.mark.parametrize("key", [b"", b"x", b"x" * (LEAST_KEY - 1)])
def test_short_keys_are_refused_on_both_sides(key: bytes) -> None:
    said = f"the key has {len(key)} bytes: give at least 16, such as `boardmaps key` makes"
    with pytest.raises(ValueError, match=said):
        BoardLock(key, ID)
    with pytest.raises(ValueError, match=said):
        connect("/dev/no such port", key=key)


def test_what_is_no_key() -> None:
    with pytest.raises(ValueError, match="the pass phrase has 5 characters: give at least 12"):
        connect("/dev/no such port", key="short")
    with pytest.raises(TypeError, match="the key is not bytes"):
        BoardLock("sixteen characters are no key", ID)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the key is not bytes"):
        HostLock(1234567890123456, lambda _: None)  # type: ignore[arg-type]
    for board_id in (b"", b"abc", b"x" * 33):
        with pytest.raises(
            ValueError, match=f"id has {len(board_id)} bytes: give 4 to 32 as boardmaps_config.BOARD_ID"
        ):
            BoardLock(KEY, board_id)


@pytest.mark.parametrize("key", [b"k" * 16, b"k" * 63, b"k" * 64, b"k" * 65])
def test_keys_that_differ_in_zeros_at_their_end_are_two(key: bytes) -> None:
    for other in (key + b"\0", key + b"\0\0", Hmac(key)._inner, key.ljust(64, b"\0")):
        if other != key:
            assert Seal(key, b"h", b"b", ID, True).proof != Seal(other, b"h", b"b", ID, True).proof
            with pytest.raises(WrongKey):
                host(Locked(key), other)


@pytest.fixture
def board() -> Locked:
    return Locked()


@pytest.fixture
def link(board: Locked) -> Iterator[Link]:
    link = host(board)
    yield link
    link.close()


def test_requests_pass_with_the_key(board: Locked, link: Link) -> None:
    assert link.fields["boot"] == board.boot
    for i in range(200):
        assert link.request(b"%d" % i) == b"\0%d" % i
    assert board.executed == [b"%d" % i for i in range(200)]
    assert board.lock.refused == lock_of(link).refused == 0


def test_another_key_is_told_from_silence(board: Locked) -> None:
    with pytest.raises(WrongKey, match="another key"):
        host(board, b"another of sixteen bytes")
    assert board.executed == []
    assert board.session.session == 0


def test_a_host_without_a_key_is_told_what_it_needs(board: Locked) -> None:
    with pytest.raises(LinkError, match="locked"):
        Link(board, timeout=1)
    assert board.lock.refused == 1
    assert board.session.session == 0


def test_no_beginning_is_a_ctrl_c(board: Locked) -> None:
    """Where the program has ended a REPL may have the line: no byte that opens a session may be one that it obeys."""
    harmful = bytes((1, 2, 3, 4, 5, 10, 13))
    for _ in range(100):
        board.restart()
        board.heard.clear()
        link = host(board)
        assert not set(b"".join(board.heard)) & set(harmful)
    for number in (0xFC, 0x1FC, 0x3FE, 0xFFFC):  # nor any later HELLO, whatever its number is
        board.heard.clear()
        seal = lock_of(link)._seal
        assert seal is not None
        seal.sent = number
        link.connection.session.receive(board.hear(link.connection.session.hello()), 0.0)
        hello = link.connection.session.hello()
        assert not set(hello) & set(harmful)
    assert link.request(b"one") == b"\0one"


def test_a_sealed_frame_costs_six_bytes_more(board: Locked, link: Link) -> None:
    link.request(b"abc")
    sealed = board.heard[-1]
    assert len(sealed) == len(encode(REQUEST, 1, 1, 1, b"abc")) + TAG + 2 - 4
    raw = cobs_decode(sealed[:-1])
    assert raw is not None
    assert raw[0] == REQUEST | SEALED


def test_a_board_that_restarts_is_met_again(board: Locked, link: Link) -> None:
    link.request(b"one")
    board.restart()
    assert link.request(b"two", changes=False) == b"\0two"
    assert link.fields["boot"] == board.boot
    assert board.executed == [b"one", b"two"]


def test_the_answer_to_an_earlier_challenge_comes_late(board: Locked) -> None:
    """A board that was busy answers all challenges at once: the proof of the first is not taken for a wrong one."""
    late = [b"\0" + encode(CHALLENGE, 0x41, 0x2324, 0, b"boardmaps lock 2 %032d" % 7)]
    board.up = lambda data: late.pop() + data if late else data
    link = host(board)
    assert link.request(b"one") == b"\0one"
    link.close()


@pytest.mark.parametrize("lost", range(8))
def test_any_frame_of_a_beginning_may_be_lost(board: Locked, lost: int) -> None:
    """Also twice, and with the answers coming late: a challenge and a HELLO are said again."""
    count = iter(range(1000))
    board.up = lambda data: b"" if next(count) in (lost // 2, lost // 2 + 1 + lost % 2) else data
    board.down = lambda data: b"" if next(count) == lost else data
    link = host(board, timeout=3)
    assert link.request(b"one") == b"\0one"
    link.close()


def test_new_keys_long_before_the_numbers_end(board: Locked) -> None:
    """In the midst of a session, with several requests in flight; the session is the same, and nothing is done twice."""
    link = host(board, rekey=100)
    session, seals = board.session.session, set()
    payloads = [b"%d" % i for i in range(3000)]
    for i in range(0, 3000, 30):
        assert link.requests(payloads[i : i + 30]) == [b"\0" + p for p in payloads[i : i + 30]]
        seals.add(board.lock._seal)
    assert board.executed == payloads
    assert board.session.session == session
    assert len(seals) >= 15
    assert link.resent == 0
    assert board.lock.refused == lock_of(link).refused == 0


def test_new_keys_on_a_line_that_loses_frames(board: Locked) -> None:
    rng = random.Random(5)
    board.up = lambda data: b"" if rng.random() < 0.1 else data
    board.down = lambda data: b"" if rng.random() < 0.1 else data
    link = host(board, timeout=10, rekey=40)
    seals = set()
    for i in range(300):
        assert link.request(b"%d" % i) == b"\0%d" % i
        seals.add(board.lock._seal)
    assert board.executed == [b"%d" % i for i in range(300)]
    assert len(seals) > 3


def test_numbers_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boardmaps.line.seal.END", 20)
    nonce = b"0" * HOST_NONCE
    sealing, opening = Seal(KEY, nonce, b"b" * 16, ID, False), Seal(KEY, nonce, b"b" * 16, ID, True)
    frames = [sealing.seal(REQUEST, 1, 1, 1) for _ in range(25)]
    assert all(frames[:19])
    assert not any(frames[19:])
    monkeypatch.setattr("boardmaps.line.seal.END", 10)
    assert [opening.open(cobs_decode(f[:-1]) or b"") for f in frames[:19]] == [True] * 9 + [False] * 10


def test_a_garbled_line_is_survived(board: Locked, link: Link) -> None:
    rng = random.Random(4)
    for _ in range(300):
        board.hear(rng.randbytes(rng.randrange(400)))
    board.hear(b"\0")
    assert link.request(b"here") == b"\0here"
    assert board.session.decoder.pending() == 0


def test_requests_and_replies_of_any_size_pass(board: Locked, link: Link) -> None:
    long = random.Random(5).randbytes(20_000)
    assert link.request(long) == b"\0" + long
    assert board.executed == [long]


def test_an_interrupt_is_said_again_and_ends_the_session(board: Locked, link: Link) -> None:
    link.request(b"one")
    lost = iter((True, False))
    board.up = lambda data: b"" if next(lost, False) else data
    link.interrupt()
    assert board.session.interrupted
    assert board.session.session == 0
    assert link.request(b"two") == b"\0two"  # the program has caught it, and goes on serving


def test_an_interrupt_without_an_answer_may_have_happened(board: Locked) -> None:
    link = host(board, timeout=0.4)
    board.down = lambda _: b""
    with pytest.raises(LinkTimeout, match="interrupted") as timeout:
        link.interrupt()
    assert timeout.value.may_have_happened
    board.down = lambda data: data
    assert link.request(b"one") == b"\0one"


def test_the_port_may_go_away_while_the_program_is_interrupted(
    board: Locked, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(timeout: float) -> bytes:
        raise PortGone("locked: gone")

    link.request(b"one")
    with monkeypatch.context() as patch:
        patch.setattr(board, "read", gone)
        with pytest.raises(PortGone) as error:
            link.interrupt()
    assert error.value.may_have_happened
    assert link.gone
    board.restart()
    assert link.request(b"two") == b"\0two"


def test_decoders_without_a_lock_take_no_sealed_frame() -> None:
    sealed = Seal(KEY, b"0" * HOST_NONCE, b"1" * 16, ID, False).seal(REQUEST, 9, 1, 0, b"abc")
    decoder = Decoder(600)
    assert decoder.feed(sealed) == []
    assert decoder.damaged == 1

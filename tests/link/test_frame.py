"""Frames: the vectors of vectors.json on both sides, and a decoder that nothing puts out of step."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from boardmaps.line.frame import Decoder, cobs_decode, cobs_encode, decode, encode
from tests.board.conftest import Run, micropython

__all__ = ["micropython"]

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
LIMIT = 600


@pytest.mark.parametrize("vector", VECTORS["cobs"], ids=lambda v: v["about"])
def test_cobs_vectors(vector: dict[str, str]) -> None:
    raw, coded = bytes.fromhex(vector["raw"]), bytes.fromhex(vector["coded"])
    assert cobs_encode(raw) == coded
    assert cobs_decode(coded) == raw


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda v: v["about"])
def test_frame_vectors(vector: dict[str, Any]) -> None:
    wire = bytes.fromhex(vector["wire"])
    kind, session, seq, ack = vector["header"]
    payload = bytes.fromhex(vector["payload"])
    assert encode(kind, session, seq, ack, payload) == wire
    assert decode(wire[:-1]) == (kind, session, seq, ack, payload)


@pytest.mark.parametrize("vector", VECTORS["broken"], ids=lambda v: v["about"])
def test_what_is_no_frame(vector: dict[str, str]) -> None:
    assert decode(bytes.fromhex(vector["wire"])) is None


def test_the_board_agrees_on_every_vector(micropython: Run) -> None:
    out = micropython(f"""
        import json
        from boardmaps.line.frame import cobs_decode, cobs_encode, decode, encode
        v = json.loads({json.dumps(json.dumps(VECTORS))})
        n = 0
        for x in v["cobs"]:
            assert cobs_encode(bytes.fromhex(x["raw"])) == bytes.fromhex(x["coded"]), x["about"]
            assert cobs_decode(bytes.fromhex(x["coded"])) == bytes.fromhex(x["raw"]), x["about"]
            n += 1
        for x in v["frames"]:
            kind, session, seq, ack = x["header"]
            payload = bytes.fromhex(x["payload"])
            assert encode(kind, session, seq, ack, payload) == bytes.fromhex(x["wire"]), x["about"]
            assert decode(bytes.fromhex(x["wire"])[:-1]) == (kind, session, seq, ack, payload), x["about"]
            n += 1
        for x in v["broken"]:
            assert decode(bytes.fromhex(x["wire"])) is None, x["about"]
            n += 1
        print(n)
    """)
    assert int(out) == sum(len(group) for group in VECTORS.values())


@pytest.mark.parametrize("length", [0, 1, 100, 240, 243, 244])
def test_overhead_is_eleven_bytes(length: int) -> None:
    for fill in (b"\0", b"\1", b"\xff"):
        assert len(encode(8, 77, 0x1234, 5, fill * length)) <= length + 11


def test_every_length_and_byte_survives() -> None:
    decoder = Decoder(2000)
    for length in range(521):
        payload = bytes((i * 7 + length) & 0xFF for i in range(length))
        assert decoder.feed(encode(9, 1, length, 0, payload)) == [(9, 1, length, 0, payload)]
    assert decoder.damaged == 0


@pytest.mark.parametrize("seed", range(50))
def test_in_step_again_after_garbage(seed: int) -> None:
    """Whatever came before, the frame behind the next zero is understood."""
    rng = random.Random(seed)
    decoder = Decoder(LIMIT)
    garbage = rng.randbytes(rng.randrange(3000))
    for i in range(0, len(garbage), 37):
        decoder.feed(garbage[i : i + 37])
    frame = encode(8, 3, seed, 0, rng.randbytes(200))
    assert decoder.feed(b"\0" + frame)[-1] == decode(frame[:-1])
    assert decoder.pending() == 0


def test_memory_is_bounded() -> None:
    decoder = Decoder(LIMIT)
    for _ in range(1000):
        decoder.feed(b"x" * 999)
        assert decoder.pending() <= LIMIT
    assert decoder.dropped > 900_000


def test_prints_between_frames_are_text() -> None:
    one, two = encode(9, 1, 1, 0, b"abc\n"), encode(9, 1, 2, 0, bytes(300))
    for text in (b"hello\r\n", b"no newline", b"\n", b"a\nb\nc", bytes(range(1, 256)) * 2):
        decoder = Decoder(2000, text=True)
        found = decoder.feed(text + b"\0" + one + text + b"\0" + two)
        assert found == [text, decode(one[:-1]), text, decode(two[:-1])]


def test_a_flipped_bit_is_never_accepted() -> None:
    wire = encode(8, 9, 10, 11, b"the quick brown fox")
    for i in range(len(wire) - 1):
        for bit in range(8):
            broken = bytearray(wire)
            broken[i] ^= 1 << bit
            assert Decoder(LIMIT).feed(bytes(broken)) == []


def test_each_chunk_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that could begin a frame at every byte costs no more than other text; none of it is a frame with what follows."""
    tries: list[int] = []
    for text in (b"\n" * 4000, b"\x09" * 4000, bytes(range(1, 256)) * 15, b"\n\x0b" * 2000, b"x" * 40_000):
        decoder = Decoder(4200, text=True)
        monkeypatch.setattr(
            decoder,
            "decode",
            lambda chunk: tries.append(len(chunk)) or decode(chunk),  # type: ignore[func-returns-value]
        )
        for i in range(20):
            tries.clear()
            frame = encode(9, 1, i, 0, b"abc")
            found = decoder.feed(text + b"\0" + frame)
            assert len(tries) <= 2
            assert sum(tries) <= len(text) + len(frame)
            assert found == [text, decode(frame[:-1])]


def test_text_that_is_too_long_for_a_frame_is_text_to_its_end() -> None:
    decoder = Decoder(100, text=True)
    text = b"".join(b"line %d\n" % i for i in range(100))
    frame = encode(9, 1, 1, 0, b"abc")
    found = [piece for i in range(0, len(text), 33) for piece in decoder.feed(text[i : i + 33])]
    found += decoder.feed(b"\0" + frame)
    assert found.pop() == decode(frame[:-1])
    assert b"".join(f for f in found if isinstance(f, bytes)) == text
    assert decoder.damaged == 1

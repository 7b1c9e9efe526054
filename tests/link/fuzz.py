"""Bytes that nobody would send, for both ends; the tests take a few, soak/line.py very many."""

import random
import re
import struct
from collections.abc import Callable

from boardmaps import ArrayMap
from boardmaps.abi import OP_ADD, OP_MORE, OP_PART, OP_POOL_RESET
from boardmaps.line.frame import HELLO, REQUEST, Decoder, decode, encode
from boardmaps.line.session import ServerSession, frame_limit, pack_hello, unpack_hello
from boardmaps_host import Board

_CTRL_C = re.compile(rb"(^|\0)\r?\x03")  # begins what asks a board for its REPL, and gets it
_MOST = 2 * frame_limit(4096) + 8192  # bytes that a decoder may hold


def _broken(rng: random.Random, sound: bytes) -> bytes:
    """Return a sound frame with something done to it, or bytes that never were one."""
    kind = rng.randrange(5)
    data = bytearray(sound)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 40))
    if kind == 1:
        at = rng.randrange(len(data) - 1)
        data[at] ^= rng.randrange(1, 256)
    elif kind == 2:
        del data[rng.randrange(len(data) - 1) :]
        data += b"\0"
    elif kind == 3:
        at = rng.randrange(1, len(data) - 1)  # before it a zero would leave it sound
        data[at:at] = rng.randbytes(rng.randrange(1, 4))
    else:
        at = rng.randrange(len(data) - 1)
        del data[at : at + rng.randrange(1, 4)]
    return bytes(data)


def fuzz_host(rng: random.Random, frames: int) -> int:
    """Give the host's decoder broken frames; return how many it took for sound. It must hold little meanwhile."""
    decoder = Decoder(frame_limit(4096), text=True)
    sounds = [encode(9, 0x77, i, 0, rng.randbytes(rng.randrange(32))) for i in range(64)]
    real = {decode(s[:-1]) for s in sounds}
    accepted = 0
    for _ in range(frames):
        data = _broken(rng, rng.choice(sounds))
        accepted += sum(not isinstance(f, bytes) and f not in real for f in decoder.feed(data))
        if decoder.pending() > _MOST:
            raise AssertionError(f"{decoder.pending()} bytes are held")
    return accepted


def fuzz_server(rng: random.Random, frames: int, server: type[ServerSession]) -> int:
    """Give a board with an open session broken frames; return how many requests it executed, of which none was sent."""
    executed: list[bytes] = []

    def handle(payload: bytes, limit: int) -> bytes:
        executed.append(payload)
        return b"\0"

    board = server(handle, {"boot": "00c0ffee"})
    (answer,) = Decoder(600).feed(board.receive(encode(HELLO, 0x77, 7, 0, pack_hello({"v": 2}))))
    first = int((unpack_hello(bytes(answer[4])) or {})["next"])
    for _ in range(frames):
        # What it waits for, but broken; sometimes behind a zero, so that it stands alone.
        board.receive(b"\0" * rng.randrange(2) + _broken(rng, encode(REQUEST, 0x77, first, 0, b"never sent")) + b"\0")
        if board.decoder.pending() > _MOST:
            raise AssertionError(f"{board.decoder.pending()} bytes are held")
    return len(executed)


def fuzz_board(rng: random.Random, frames: int, board: Board) -> int:
    """Send a real board broken additions in an open session; return how many it executed, of which none was sent."""
    link = board.link
    m = board.create_map(ArrayMap, value_size=4, max_entries=1, name="fuzzed")
    session, seq = link.connection.session.session, link.connection.session._seq + 1 & 0xFFFF
    add = bytes((OP_ADD, m.id & 0xFF, m.id >> 8)) + struct.pack("<IBqI", 0, 0, 1, 0)
    sound = encode(REQUEST, session, seq, 0, add)
    sent = 0
    while sent < frames:
        some = [_broken(rng, sound) + b"\0" for _ in range(8)]
        if not any(_CTRL_C.search(data) for data in some):
            link.connection.line.write(b"".join(some))
            sent += len(some)
    executed = int.from_bytes(m.lookup(0) or b"", "little")
    if m.add(0, 1) != executed + 1:
        raise AssertionError("the board is out of step")
    return executed


def fuzz_requests(rng: random.Random, requests: int, ask: Callable[[bytes], bytes]) -> int:
    """Ask for nonsense; return how many requests got no proper answer. The pool stays as it is: its reset is not asked for."""
    wrong = 0
    for _ in range(requests):
        op = rng.choice([op for op in range(30) if op not in (OP_POOL_RESET, OP_PART, OP_MORE)])
        payload = bytes((op, rng.randrange(4), 0)) + rng.choice((rng.randbytes, bytes))(rng.randrange(40))
        reply = ask(payload[: rng.randrange(1, 44)])
        wrong += not reply
    return wrong


def resynchronised(seed: int) -> bool:
    """Whether a board that has been sent arbitrary bytes understands the second of two frames at the latest."""
    rng = random.Random(seed)
    decoder = Decoder(frame_limit(480))
    garbage = rng.randbytes(rng.randrange(1500))
    for i in range(0, len(garbage), 64):
        decoder.feed(garbage[i : i + 64])
    frame = encode(REQUEST, 77, seed & 0xFFFF, 0, rng.randbytes(rng.randrange(480)))
    found = decoder.feed(frame) + decoder.feed(frame)
    return bool(found) and found[-1] == decode(frame[:-1]) and decoder.pending() == 0

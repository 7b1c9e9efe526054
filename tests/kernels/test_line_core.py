"""Frames and requests of the line in C on the computer, under sanitizers, against frame.py and the plain kernels.

What a request that succeeds does and answers is written down here once more, from SPEC.md; one that fails must change nothing and
be left to operations.py. tests/board/test_line_in_c.py holds the same C against the whole session on a board.
"""

import random
import subprocess
from pathlib import Path
from struct import pack

import pytest

from boardmaps.abi import BPF_F_RDONLY, BPF_F_WRONLY, OP_ADD, OP_DELETE, OP_LOOKUP, OP_PING, OP_UPDATE
from boardmaps.kernels import plain_array, plain_hash
from boardmaps.kinds import ARRAY, HASH
from boardmaps.line.frame import cobs_decode, cobs_encode, decode, encode
from tests.kernels.sanitized import missing, program
from tests.kernels.test_core import FIND, LOOKUP, Walk
from tests.require import require_or_skip

DELETE = 5
LIMIT = 64
NOT_HERE = -1
OK, MISS = b"\0", b"\x7f"


@pytest.fixture(scope="session")
def driver() -> Path:
    """Compile driver.c with the sanitizers; return the program."""
    require_or_skip(not missing("gcc"), missing("gcc"))
    return program("driver.c")


def find(w: Walk, key: bytes) -> int:
    """Return where the value under a key is in the slice, 0 when there is none."""
    if w.definition.map_type == ARRAY:
        return plain_array.find(w.view, int.from_bytes(key, "little"))  # type: ignore[no-any-return]
    return max(0, -plain_hash.op(w.view, key, key, FIND))  # type: ignore[no-any-return]


def update(w: Walk, key: bytes, value: bytes, flags: int) -> bool:
    """Update as a request does; whether it succeeded."""
    if w.definition.map_type == ARRAY:
        return flags in (0, 2) and plain_array.op(w.view, key, value, 0) == 0
    return flags <= 2 and plain_hash.op(w.view, key, value, flags) == 0


def executed(w: Walk, request: bytes) -> bytes | None:
    """Execute a request on the plain kernels; return the reply, None for what operations.py must do."""
    d = w.definition
    op = request[0] if request else -1
    lengths = {
        OP_LOOKUP: 3 + d.key_size,
        OP_UPDATE: 9 + d.key_size + d.value_size,
        OP_DELETE: 3 + d.key_size,
        OP_ADD: 16 + d.key_size,
    }
    denied = {OP_LOOKUP: BPF_F_WRONLY, OP_ADD: BPF_F_RDONLY | BPF_F_WRONLY}.get(op, BPF_F_RDONLY)
    reply = None
    if op == OP_PING and len(request) <= LIMIT:
        reply = OK + request[1:]
    elif lengths.get(op) != len(request) or d.map_flags & denied:
        pass
    elif op == OP_LOOKUP:
        at = find(w, request[3:])
        reply = OK + bytes(w.view[at : at + d.value_size]) if at else MISS
    elif op == OP_UPDATE:
        flags, size = int.from_bytes(request[3:7], "little"), int.from_bytes(request[7:9], "little")
        done = size == d.key_size and update(w, request[9 : 9 + size], request[9 + size :], flags)
        reply = OK if done else None
    elif op == OP_DELETE:
        kernel = plain_array if d.map_type == ARRAY else plain_hash
        reply = OK if kernel.op(w.view, request[3:], b"", DELETE) == 0 else None
    else:
        reply = added(w, request)
    return reply


def added(w: Walk, request: bytes) -> bytes | None:
    """Add to a number, all of the value when the width is 0."""
    size = w.definition.value_size
    offset, width = (int.from_bytes(request[3:7], "little"), request[7]) if request[7] else (0, size)
    at = find(w, request[16:])
    if not at or width not in (1, 2, 4, 8) or offset + width > size:
        return None
    at += offset
    delta = int.from_bytes(request[8:16], "little")
    number = (int.from_bytes(w.view[at : at + width], "little") + delta) & ((1 << 8 * width) - 1)
    w.view[at : at + width] = number.to_bytes(width, "little")
    return OK + number.to_bytes(8, "little")


def a_request(w: Walk) -> bytes:
    """Make a request, mostly one that succeeds."""
    rng, d = w.rng, w.definition
    key = bytes((rng.randrange(6), *(0,) * (d.key_size - 1)))
    what = rng.choice(
        (OP_PING, OP_LOOKUP, OP_LOOKUP, OP_UPDATE, OP_UPDATE, OP_DELETE, OP_ADD, OP_ADD, rng.randrange(256))
    )
    made = {
        OP_PING: w.some(rng.randrange(70)),
        OP_UPDATE: pack("<HIH", 1, rng.choice((0, 0, 0, 1, 2, 3, 1 << 31)), d.key_size) + key + w.some(d.value_size),
        OP_ADD: pack("<HIBQ", 1, rng.randrange(d.value_size + 1), rng.choice((0, 1, 2, 4, 8, 9)), rng.getrandbits(64))
        + key,
    }.get(what, b"\1\0" + key)
    request = bytearray(bytes((what,)) + made)
    if rng.random() < 0.1:
        del request[rng.randrange(len(request)) :]
    elif rng.random() < 0.1:
        request[rng.randrange(len(request))] = rng.randrange(256)
    return bytes(request)


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("flags", [0, BPF_F_RDONLY, BPF_F_WRONLY])
@pytest.mark.parametrize(
    ("kind", "key_size", "value_size"), [(ARRAY, 4, 8), (ARRAY, 4, 3), (HASH, 4, 4), (HASH, 5, 11)]
)
def test_requests(driver: Path, kind: int, key_size: int, value_size: int, flags: int, seed: int) -> None:
    w = Walk(seed, kind, key_size, value_size, 5, flags)
    here = 0
    for _ in range(600):
        request = a_request(w)
        line, reply = f"line {LIMIT} {w.at(request)}", executed(w, request)
        here += reply is not None
        w.did(line, NOT_HERE if reply is None else len(reply), reply or b"")
        if w.rng.random() < 0.1:
            slot, entry = w.rng.randrange(8), bytearray(key_size + value_size)
            w.did(f"walk {slot}", walked(w, slot, entry), entry)
    assert here > (200 if not flags else 20)
    w.check(driver)


def walked(w: Walk, slot: int, entry: bytearray) -> int:
    """Copy the first entry at or behind a slot; return the next slot, 0 at the end."""
    d = w.definition
    if d.map_type == HASH:
        key, value = bytearray(d.key_size), bytearray(d.value_size)
        behind: int = plain_hash.entry_at(w.view, slot, key, value)
        if behind:
            entry[:] = key + value
        return behind
    if not 0 < slot <= d.max_entries:
        return 0
    value = bytearray(d.value_size)
    plain_array.op(w.view, slot - 1, value, LOOKUP)
    entry[:] = (slot - 1).to_bytes(4, "little") + value
    return slot + 1


@pytest.mark.parametrize("seed", [0])
def test_frames(driver: Path, seed: int) -> None:
    rng = random.Random(seed)
    lines, answers = [], []

    def did(line: str, answer: bytes | None, data: bytes | bytearray) -> None:
        lines.append(f"{line} {data.hex()}@{rng.randrange(8)}")
        answers.append("-1" if answer is None else answer.hex())

    for _ in range(600):
        n = rng.choice((rng.randrange(12), rng.randrange(600), *range(252, 258), *range(506, 511)))
        raw = bytes(0 if rng.random() < rng.choice((0, 0.01, 0.5)) else rng.randrange(1, 256) for _ in range(n))
        stuffed = cobs_encode(raw)
        did("stuff", stuffed, raw)
        did("unstuff", raw, stuffed)
        kind, session, seq, ack = rng.randrange(256), rng.randrange(256), rng.getrandbits(16), rng.randrange(256)
        frame = encode(kind, session, seq, ack, raw)
        did(f"close {kind} {session} {seq} {ack}", frame, raw)
        broken = bytearray(frame[:-1])
        for _ in range(rng.randrange(3)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        broken = broken[: rng.choice((len(broken), rng.randrange(len(broken) + 1)))]
        did("unstuff", cobs_decode(bytes(broken)), broken)
        found = decode(bytes(broken))
        did("open", None if found is None else cobs_decode(bytes(broken)), broken)
    said = subprocess.run([driver], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr[:4000]
    for line, expected, got in zip(lines, answers, said.stdout.splitlines(), strict=True):
        number, _, data = got.partition(" ")
        assert ("-1" if number == "-1" else data.strip()) == expected, line

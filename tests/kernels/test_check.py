"""The C check on the computer, under sanitizers: slices with any bytes behind a header that is right, against plain Python.

Whatever the bytes are, it ends and touches nothing outside the slice, which ends where its block of memory does.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from struct import pack_into

import pytest

from boardmaps.kernels import plain_check, plain_hash, plain_lpm, plain_ring
from boardmaps.kinds import ARRAY, BLOOM_FILTER, HASH, LPM_TRIE, PERCPU_HASH, QUEUE, RINGBUF, TIME_SERIES
from tests.kernels.test_core import DELETE, Walk
from tests.kernels.test_core import driver as driver  # noqa: PLC0414 - a fixture, for this module too

OWN = (7, 8, 9, 10, 15, 16, 18)  # words that no definition tells
STATE, FREE = 17, (8, 9, 10, 15, 16)  # bit 0 of the state; what some kinds count with and others never change
BAD_HEADER = 10
CHANGED = 3_000  # slices


def fill_hash(w: Walk) -> None:
    for _ in range(40):
        key = w.some(w.definition.key_size, 3)
        plain_hash.op(w.view, key, w.some(w.definition.value_size), w.rng.choice((0, 0, DELETE)))


def fill_lpm(w: Walk) -> None:
    size = w.definition.key_size - 4
    for _ in range(40):
        key = w.rng.randrange(8 * size + 1).to_bytes(4, "little") + w.some(size, 4)
        plain_lpm.op(w.view, key, w.some(w.definition.value_size), w.rng.choice((0, 0, DELETE)))


def fill_ring(w: Walk) -> None:
    for _ in range(40):
        plain_ring.output(w.view, w.some(w.rng.randrange(20)))
        if w.rng.random() < 0.7:
            plain_ring.read_into(w.view, bytearray(64), 64)


def change(w: Walk, image: bytes) -> bytes:
    """Return a slice that is changed a little, or has any bytes behind what a definition tells."""
    data, most = bytearray(image), w.definition.max_entries
    some = w.rng.random()
    for _ in range(w.rng.randrange(1, 5)):
        if some < 0.4:
            pack_into(
                "<I", data, 4 * w.rng.choice(OWN), w.rng.choice((w.rng.randrange(most + 2), w.rng.getrandbits(32)))
            )
        if some > 0.2:
            at = w.rng.randrange(96, len(data))
            data[at] = w.rng.choice((data[at] ^ 1 << w.rng.randrange(8), w.rng.randrange(min(2 * most, 256))))
    if some > 0.9:
        data[96:] = w.some(len(data) - 96, w.rng.choice((3, most % 256 + 1, 256)))
    return bytes(data)


Fill = Callable[[Walk], None]


@pytest.mark.parametrize(
    ("definition", "cpus", "functions"),
    [
        ((HASH, 5, 3, 9), 1, 0),
        ((PERCPU_HASH, 4, 4, 7), 2, 0),
        ((ARRAY, 4, 8, 3), 1, 0),
        ((QUEUE, 0, 4, 5), 1, 0),
        ((TIME_SERIES, 8, 4, 5), 1, 0),
        ((LPM_TRIE, 6, 3, 9), 1, 0),
        ((RINGBUF, 0, 0, 128), 1, 0),
        ((BLOOM_FILTER, 0, 4, 30), 1, 5),
    ],
)
def test_a_slice_that_a_reset_left(driver: Path, definition: tuple[int, ...], cpus: int, functions: int) -> None:
    """Its header too: every bit of it that is changed is seen, but what counts, and what is no slice; by both sorts the same."""
    w = Walk(3, *definition, 0, cpus=cpus, functions=functions)
    {HASH: fill_hash, LPM_TRIE: fill_lpm, RINGBUF: fill_ring}.get(definition[0], lambda _: None)(w)
    lines, expected = [], []
    image = bytes(w.view)
    assert plain_check.slice(image) == 0
    for bit in range(8 * 96):
        data = bytearray(image)
        data[bit // 8] ^= 1 << bit % 8
        said = plain_check.slice(bytes(data))
        word = bit // 32
        own = word in OWN or word == STATE or (word in FREE and definition[0] not in (HASH, PERCPU_HASH, BLOOM_FILTER))
        assert said or own, f"bit {bit}"
        lines += [f"slice {data.hex()}", "whole"]
        expected += ["0", str(said)]
    for _ in range(300):
        data = bytearray(image)
        pack_into("<I", data, 4 * w.rng.choice(OWN), w.rng.choice((w.rng.randrange(9), w.rng.getrandbits(32))))
        lines += [
            f"slice {data.hex()}",
            "whole",
            f"slice {data[: w.rng.randrange(len(data))].hex() or '00'}",
            "whole",
        ]
        expected += ["0", str(plain_check.slice(bytes(data))), "0", str(BAD_HEADER)]
    done = subprocess.run([driver], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    answers = done.stdout.split()
    assert [(lines[i], answers[i], expected[i]) for i in range(len(expected)) if answers[i] != expected[i]] == []


def test_what_is_reserved_is_discarded(driver: Path) -> None:
    w = Walk(5, RINGBUF, 0, 0, 128, 0)
    for n in range(4):
        at = plain_ring.claim(w.view, n)
        if n % 2:
            plain_ring.finish(w.view, at, bytes(n), 0)
    lines = [f"slice {w.view.hex()}", "settle", "dump"]
    plain_check.settle(w.view)
    assert plain_check.slice(w.view) == 0
    assert [plain_ring.read_into(w.view, bytearray(9), 9) for _ in range(3)] == [1, 3, -1]
    done = subprocess.run([driver], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    said = memoryview(bytearray.fromhex(done.stdout.split()[2]))
    assert [plain_ring.read_into(said, bytearray(9), 9) for _ in range(3)] == [1, 3, -1]


@pytest.mark.parametrize(
    ("fill", "look", "definition", "cpus"),
    [
        (fill_hash, plain_check.chains, (HASH, 5, 3, 9), 1),
        (fill_hash, plain_check.chains, (HASH, 1, 1, 1), 1),
        (fill_hash, plain_check.chains, (PERCPU_HASH, 4, 4, 7), 2),
        (fill_lpm, plain_check.nodes, (LPM_TRIE, 6, 3, 9), 1),
        (fill_lpm, plain_check.nodes, (LPM_TRIE, 5, 1, 1), 1),
        (fill_lpm, plain_check.nodes, (LPM_TRIE, 260, 1, 5), 1),
        (fill_ring, plain_check.records, (RINGBUF, 0, 0, 128), 1),
        (fill_ring, plain_check.records, (RINGBUF, 0, 0, 1), 1),
    ],
)
def test_any_bytes(
    driver: Path, fill: Fill, look: Callable[[bytes], int], definition: tuple[int, ...], cpus: int
) -> None:
    w = Walk(7, *definition, 0, cpus=cpus)
    lines, expected = [], []
    whole = 0
    for number in range(CHANGED):
        if number % 100 == 0:
            fill(w)
            assert look(w.view) == 0  # type: ignore[arg-type]
        data = change(w, bytes(w.view))
        said = look(data)
        whole += said == 0
        lines += [f"slice {data.hex()}", look.__name__]
        expected += ["0", str(said)]
    done = subprocess.run(
        [driver], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[:4000]
    answers = done.stdout.split()
    wrong = [(lines[i - 1 : i + 1], answers[i], expected[i]) for i in range(len(expected)) if answers[i] != expected[i]]
    assert wrong == []
    assert 0 < whole < CHANGED

"""The C kernels on the computer, under sanitizers: random operations on maps of all kinds, against the plain Python kernels.

boards/cmodules/boardmaps/core is C99 over bytes. It is compiled here without MicroPython, with every warning an error and the
sanitizers of addresses and undefined behaviour (alignment is part of that), and run by driver.c. The plain kernels run on CPython
over the same bytes: answers, buffers and the slice at the end must be equal. A dict beside them knows nothing of slices.

More than 300 lines: one walk with a driver a kind, and what they share.
"""

import random
import subprocess
from pathlib import Path
from struct import pack_into
from types import SimpleNamespace

import pytest

from boardmaps.abi import BPF_F_RB_OVERWRITE
from boardmaps.definition import MAGIC, MapDef, buckets_for, check_word, filter_bits, layout, slice_size
from boardmaps.kernels import (
    plain_array,
    plain_bloom,
    plain_hash,
    plain_keyed,
    plain_lpm,
    plain_percpu,
    plain_queue,
    plain_ring,
    plain_series,
)
from boardmaps.kernels.plain_base import word
from boardmaps.kinds import (
    ARRAY,
    BLOOM_FILTER,
    HASH,
    LPM_TRIE,
    PERCPU_ARRAY,
    PERCPU_HASH,
    QUEUE,
    RINGBUF,
    STACK,
    TIME_SERIES,
)
from tests.kernels.sanitized import CORE, missing, program
from tests.require import require_or_skip

LOOKUP, TAKE, DELETE, FIND, NEXT = 3, 4, 5, 6, 7
MISS = 1


@pytest.fixture(scope="session")
def driver() -> Path:
    """Compile driver.c with the sanitizers; return the program."""
    require_or_skip(not missing("gcc"), missing("gcc"))
    return program("driver.c")


def test_the_core_knows_nothing_of_micropython() -> None:
    for path in sorted(CORE.glob("*.h")):
        included = [line.split()[1] for line in path.read_text().splitlines() if line.startswith("#include")]
        own = {f'"{other.name}"' for other in CORE.glob("*.h")}
        assert set(included) <= own | {"<stdbool.h>", "<stddef.h>", "<stdint.h>", "<string.h>"}, path.name


@pytest.mark.parametrize("path", sorted(CORE.glob("*.h")), ids=lambda path: path.name)
def test_each_header_compiles_alone(path: Path, tmp_path: Path) -> None:
    require_or_skip(not missing("gcc"), missing("gcc"))
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-x", "c", "-c", str(path), "-o", str(tmp_path / "o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Walk:
    """A slice of a new map, and what is done to it: lines for the driver and the answers that the plain kernels gave."""

    def __init__(self, seed: int, *definition: int, cpus: int = 1, functions: int = 0) -> None:
        self.rng = random.Random(seed)
        d = MapDef(*definition, "", cpus, functions)  # type: ignore[call-arg, arg-type]
        self.definition = d
        data = bytearray(slice_size(d))
        pack_into(
            "<4s6I", data, 0, MAGIC, len(data), *definition[:1], d.map_flags, d.key_size, d.value_size, d.max_entries
        )
        pack_into("<4I", data, 44, *layout(d))
        if d.map_type in (HASH, PERCPU_HASH):
            mask = buckets_for(d.max_entries) - 1
            pack_into("<3I", data, 32, self.rng.getrandbits(30), self.rng.getrandbits(30) | 1, mask)
        if d.functions:
            pack_into(
                "<3I",
                data,
                32,
                self.rng.getrandbits(30),
                self.rng.getrandbits(30) | 1,
                filter_bits(d.max_entries, d.functions) - 1,
            )
            pack_into("<I", data, 60, d.functions)
        pack_into("<I", data, 76, check_word(data))
        self.view = memoryview(data)
        self.lines = [f"slice {data.hex()}"]
        self.answers = ["0"]
        self.m = SimpleNamespace(_slice=self.view, _unswapped=lambda *_: None)

    def some(self, n: int, most: int = 256) -> bytes:
        return bytes(self.rng.randrange(most) for _ in range(n))

    def at(self, data: bytes | bytearray) -> str:
        """Write a buffer for the driver, at any alignment."""
        return f"{data.hex()}@{self.rng.randrange(8)}"

    def did(self, line: str, answer: object, *buffers: bytes | bytearray) -> None:
        self.lines.append(line)
        self.answers.append(
            " ".join([str(int(answer) if isinstance(answer, bool) else answer), *(b.hex() for b in buffers)])
        )

    def check(self, driver: Path) -> None:
        """Let the driver do the same; compare every answer, and the slices."""
        self.lines.append("dump")
        done = subprocess.run([driver], input="\n".join(self.lines) + "\n", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:4000]
        answers = done.stdout.splitlines()
        for i, expected in enumerate(self.answers):
            assert answers[i].rstrip() == expected.rstrip(), (i, self.lines[i])
        assert answers[-1].strip() == self.view.hex()

    def key_bytes(self, key: bytes | bytearray) -> int:
        return int.from_bytes(key, "little")


def change(w: Walk, key: bytes | bytearray, locate: object) -> None:
    """Change a number in the value under a key, or compare and swap it."""
    apply, _, swap = plain_keyed.atomics(w.m, locate)  # type: ignore[no-untyped-call]
    size = w.definition.value_size

    def refuse(_what: int, key: bytes, offset: int, width: int, _out: None) -> None:
        if not locate(key) or width not in (1, 2, 4, 8) or offset > size - width:  # type: ignore[operator]
            raise LookupError

    w.m._unchanged = refuse
    if w.rng.random() < 0.3:
        at = locate(key)  # type: ignore[operator]
        now = bytes(w.view[at : at + size]) if at and w.rng.random() < 0.7 else w.some(size)
        fresh = w.some(size)
        line = f"swap {w.at(key)} {w.at(now)} {w.at(fresh)}"
        w.did(line, swap(key, now, fresh) if at else -1)
        return
    what, operand, width = w.rng.randrange(5), w.rng.getrandbits(64), w.rng.choice((1, 2, 3, 4, 8))
    offset = w.rng.randrange(size + 1)
    line = f"apply {what} {operand} {offset} {width} {w.at(key)}"
    try:
        w.did(line, apply(what, key, operand, offset, width, None))
    except LookupError:
        w.did(line, "none")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("key_size", "value_size"), [(8, 8), (1, 3), (5, 1), (4, 12), (7, 17)])
def test_hash(driver: Path, key_size: int, value_size: int, seed: int) -> None:
    w = Walk(seed, HASH, key_size, value_size, 13, 0)
    model: dict[bytes, bytes] = {}

    def locate(key: bytes | bytearray) -> int:
        return max(0, -plain_hash.op(w.view, key, key, FIND))  # type: ignore[no-any-return]

    for _ in range(1500):
        key = w.some(key_size, 3)
        if w.rng.random() < 0.15:
            change(w, key, locate)
            if key in model:
                at = locate(key)
                model[key] = bytes(w.view[at : at + value_size])
            continue
        if w.rng.random() < 0.1:
            slot, k, v = w.rng.randrange(16), bytearray(key_size), bytearray(value_size)
            line = f"entry {slot} {w.at(k)} {w.at(v)}"
            w.did(line, plain_hash.entry_at(w.view, slot, k, v), k, v)
            continue
        what = w.rng.choice((0, 0, 0, 1, 2, LOOKUP, LOOKUP, TAKE, DELETE, FIND, NEXT))
        wrong = w.rng.random() < 0.03
        value = bytearray(w.some(key_size if what == NEXT else value_size) + b"x" * wrong)
        line = f"hash {what} {w.at(key)} {w.at(value)}"
        before = bytes(value)
        done = plain_hash.op(w.view, key, value, what)
        w.did(line, done, value)
        if wrong and what not in (DELETE, FIND):
            assert done == 4
        elif what < LOOKUP:
            full = len(model) == 13 and key not in model
            expected = 2 if what == 1 and key in model else 1 if what == 2 and key not in model else 3 if full else 0
            assert done == expected
            if done == 0:
                model[key] = before
        elif what in (LOOKUP, TAKE):
            assert (done == 0) == (key in model)
            assert done or bytes(value) == model[key]
            if what == TAKE:
                model.pop(key, None)
        elif what == DELETE:
            assert (done == 0) == (model.pop(key, None) is not None)
    w.check(driver)


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("size", [1, 4, 8, 11])
def test_array(driver: Path, size: int, seed: int) -> None:
    w = Walk(seed, ARRAY, 4, size, 6, 0)
    model = [bytes(size)] * 6

    def locate(key: bytes | bytearray) -> int:
        return plain_array.find(w.view, w.key_bytes(key))  # type: ignore[no-any-return]

    for _ in range(1000):
        i = w.rng.randrange(8) if w.rng.random() < 0.95 else w.rng.getrandbits(32)
        key = i.to_bytes(4, "little")
        if w.rng.random() < 0.3:
            change(w, key, locate)
        else:
            what = w.rng.choice((0, 0, LOOKUP, LOOKUP, DELETE))
            value = bytearray(w.some(size))
            line, before = f"array {what} {w.at(key)} {w.at(value)}", bytes(value)
            done = plain_array.op(w.view, key, value, what)
            w.did(line, done, value)
            assert (done == 0) == (i < 6)
            if what == LOOKUP and i < 6:
                assert value == model[i]
            if what == 0 and i < 6:
                assert bytes(w.view[locate(key) : locate(key) + size]) == before
        if i < 6:
            model[i] = bytes(w.view[locate(key) : locate(key) + size])
    w.check(driver)


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("kind", [QUEUE, STACK])
@pytest.mark.parametrize("size", [1, 4, 16, 19])
def test_queue_and_stack(driver: Path, size: int, kind: int, seed: int) -> None:
    w = Walk(seed, kind, 0, size, 5, 0)
    model: list[bytes] = []
    for _ in range(1000):
        if w.rng.random() < 0.5:
            value, over = w.some(size + (w.rng.random() < 0.05)), w.rng.randrange(2)
            done = plain_queue.put(w.view, value, over)
            w.did(f"put {over} {w.at(value)}", done)
            assert done == (4 if len(value) != size else 3 if len(model) == 5 and not over else 0)
            if done == 0:
                model = [*model, value][-5:]
        else:
            out, remove = bytearray(size), w.rng.randrange(2)
            line = f"take {remove} {w.at(out)}"
            w.did(line, plain_queue.take(w.view, out, remove), out)
            if model:
                assert out == model[0 if kind == QUEUE else -1]
                if remove:
                    model.pop(0 if kind == QUEUE else -1)
    w.check(driver)


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("flags", [0, BPF_F_RB_OVERWRITE])
def test_ring(driver: Path, flags: int, seed: int) -> None:
    w = Walk(seed, RINGBUF, 0, 0, 256, flags)
    reserved: list[tuple[int, int]] = []
    for _ in range(3000):
        what = w.rng.randrange(8)
        if what < 3:
            data = w.some(w.rng.choice((0, 1, 8, 40, 100, 248, 300)))
            w.did(f"output {w.at(data)}", plain_ring.output(w.view, data))
        elif what < 5:
            out = bytearray(w.rng.choice((0, 8, 100, 250)))
            line = f"read {w.at(out)}"
            w.did(line, plain_ring.read_into(w.view, out, len(out)), out)
        elif what == 5:
            n = w.rng.randrange(60)
            at = plain_ring.claim(w.view, n)
            w.did(f"claim {n}", at)
            if at:
                reserved.append((at, n))
        elif what == 6 and reserved:
            at, n = reserved.pop(w.rng.randrange(len(reserved)))
            data, discard = w.some(n), w.rng.randrange(2)
            plain_ring.finish(w.view, at, data, discard)
            w.did(f"finish {at} {discard} {w.at(data)}", 0)
        elif w.rng.random() < 0.1:
            w.did("clear", plain_ring.clear(w.view, 0))
        else:
            w.did("passed", plain_ring.passed(w.view))
    w.check(driver)


@pytest.mark.parametrize("seed", [0])
def test_series(driver: Path, seed: int) -> None:
    w = Walk(seed, TIME_SERIES, 8, 5, 7, 0)
    for number in range(500):
        low, high, value = w.rng.getrandbits(32), w.rng.getrandbits(32), w.some(5)
        plain_series.push(w.view, value, low, high)
        w.did(f"push {low} {high} {w.at(value)}", 0)
        out = bytearray(13)
        asked = w.rng.randrange(max(0, number - 9), number + 3)
        line = f"get {asked} {w.at(out)}"
        found = plain_series.get(w.view, asked, out)
        w.did(line, found, out)
        assert found == (number - 6 <= asked <= number)
    w.check(driver)


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("kind", [PERCPU_ARRAY, PERCPU_HASH])
def test_rows(driver: Path, kind: int, seed: int) -> None:
    w = Walk(seed, kind, 4, 12, 9, 0, cpus=3)
    model: dict[int, bytes] = {i: bytes(48) for i in range(9)} if kind == PERCPU_ARRAY else {}
    for _ in range(1500):
        i = w.rng.randrange(12)
        key = i.to_bytes(4, "little")
        what = w.rng.choice((0, 0, 1, 2, LOOKUP, LOOKUP, DELETE if kind == PERCPU_ARRAY else TAKE))
        at, n = w.rng.choice(((0, 48), (0, 12), (16, 12), (32, 12)))
        buffer = bytearray(w.some(n))
        line, before = f"row {what} {at} {i} {w.at(key)} {w.at(buffer)}", bytes(buffer)
        done = plain_percpu.row(w.m, i if kind == PERCPU_ARRAY else key, at, buffer, n << 4 | what)
        w.did(line, done, buffer)
        there = i in model
        assert done in ((0, 2) if there else (0, 1, 3))
        if done == 0 and what < LOOKUP:
            old = model.get(i, bytes(48))
            model[i] = old[:at] + before + old[at + n :]
        elif done == 0 and what == DELETE:
            model[i] = bytes(48)
        elif done == 0:
            assert buffer == model[i][at : at + n]
            if what == TAKE:
                del model[i]
    w.check(driver)


def prefix(rng: random.Random, data_size: int) -> bytes:
    """Return a key of a trie, of a few branches; at times one that is longer than its data."""
    length = rng.choice((0, 1, 2, 3, 7, 8, rng.randrange(8 * data_size + 1), 8 * data_size))
    data = bytearray(b"\xa5" * data_size)
    for bit in rng.sample(range(8 * data_size), rng.randrange(3)):
        data[bit // 8] ^= 0x80 >> bit % 8
    return (8 * data_size + 1 if rng.random() < 0.03 else length).to_bytes(4, "little") + data


def bits_of(key: bytes) -> str:
    """Return the prefix as a text of 0 and 1."""
    return "".join(f"{byte:08b}" for byte in key[4:])[: int.from_bytes(key[:4], "little")]


def checked_trie(w: Walk) -> None:
    """Look at every node: where it must be, how it branches, and that none is lost."""
    view, slots = w.view, w.definition.max_entries
    inner = 0

    def below(node: int) -> list[str]:
        nonlocal inner
        length = plain_lpm.of(view, 2, node)
        sides = [plain_lpm.of(view, side, node) for side in (0, 1)]
        if node <= slots:
            texts = [bits_of(plain_lpm.data_of(view, node))]
            assert len(texts[0]) == length
        else:
            assert all(sides), "an inner node has two children"
            texts = []
            inner += 1
        for side, child in enumerate(sides):
            if child:
                assert plain_lpm.of(view, 2, child) > length
                found = below(child)
                assert len({text[:length] for text in [*texts, *found]}) == 1
                assert {text[length] for text in found} == {str(side)}
                texts += found
        return texts

    root = word(view, 8)
    texts = below(root) if root else []
    assert len(set(texts)) == len(texts) == word(view, 7)
    free = word(view, 9)
    while free:
        inner += 1
        free = plain_lpm.of(view, 0, free)
    assert inner == word(view, 10) <= slots - 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("data_size", "n"), [(1, 1), (1, 4), (2, 13), (4, 40), (16, 9)])
def test_lpm(driver: Path, data_size: int, n: int, seed: int) -> None:
    w = Walk(seed, LPM_TRIE, 4 + data_size, 5, n, 0)
    model: dict[str, tuple[bytes, bytes]] = {}
    for _ in range(1200):
        if w.rng.random() < 0.1:
            slot, k, v = w.rng.randrange(n + 2), bytearray(4 + data_size), bytearray(5)
            line = f"entry {slot} {w.at(k)} {w.at(v)}"
            w.did(line, plain_lpm.entry_at(w.view, slot, k, v), k, v)
            continue
        if w.rng.random() < 0.005:
            plain_lpm.clear(w.view)
            w.did("forget", 0)
            model.clear()
        key = prefix(w.rng, data_size)
        what = w.rng.choice((0, 0, 0, 1, 2, LOOKUP, LOOKUP, DELETE, DELETE, NEXT))
        value = bytearray(w.some(len(key) if what == NEXT else 5))
        line, before = f"lpm {what} {w.at(key)} {w.at(value)}", bytes(value)
        done = plain_lpm.op(w.view, key, value, what)
        w.did(line, done, value)
        text = bits_of(key)
        long = len(text) < int.from_bytes(key[:4], "little")
        if what == LOOKUP:
            found = [] if long else [t for t in model if text.startswith(t)]
            assert (done, bytes(value)) == ((0, model[max(found, key=len)][1]) if found else (MISS, before))
        elif what == NEXT:
            order = sorted(t + "2" for t in model)
            after = [t[:-1] for t in order if long or t > text + "2"]
            assert (done, bytes(value)) == ((0, model[after[0]][0]) if after else (MISS, before))
        elif long:
            assert done == 5
        elif what == DELETE:
            assert (done == 0) == (model.pop(text, None) is not None)
        else:
            full = len(model) == n and text not in model
            assert done == (
                2 if what == 1 and text in model else 1 if what == 2 and text not in model else 3 if full else 0
            )
            if done == 0:
                model[text] = (key, before)
        checked_trie(w)
    w.check(driver)


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize(("size", "n", "functions"), [(1, 3, 1), (4, 100, 5), (7, 60, 15), (8, 1, 2)])
def test_bloom(driver: Path, size: int, n: int, functions: int, seed: int) -> None:
    w = Walk(seed, BLOOM_FILTER, 0, size, n, 0, functions=functions)
    there: set[bytes] = set()
    strangers = 0
    for number in range(2 * n + 400):
        value = w.some(size)
        if number < n:
            plain_bloom.push(w.view, value)
            w.did(f"add {w.at(value)}", 0)
            there.add(value)
        known = w.rng.choice(sorted(there))
        for asked in (value, known):
            answer = plain_bloom.peek(w.view, asked)
            w.did(f"has {w.at(asked)}", answer)
            assert asked not in there or answer == 0
        strangers += value not in there and plain_bloom.peek(w.view, value) == 0
    assert n < 50 or strangers < 30
    plain_bloom.clear(w.view)
    w.did("empty", 0)
    assert plain_bloom.peek(w.view, known) == MISS
    w.check(driver)

"""Eight threads on one map: no increment lost, no torn value, no walk that fails to end; and Ctrl-C at any moment."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from boardmaps import BPF_NOEXIST, ArrayMap, HashMap, KeyExists, KeyNotFound, LruHashMap, OutOfMemory
from boardmaps_host import connect
from boardmaps_host.twin import Registry
from tests.twin.conftest import OrderedLru
from tests.waits import PATIENCE

THREADS = 8
ROUNDS = 2000
COUNTERS = 4


@pytest.fixture(autouse=True)
def eager_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


def run(work: Callable[[int], None]) -> None:
    failures: list[BaseException] = []

    def guarded(n: int) -> None:
        try:
            work(n)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(n,), daemon=True) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a thread did not end"
    if failures:
        raise failures[0]


def uniform(value: bytes | None) -> bool:
    return value is None or (len(value) == 64 and len(set(value)) == 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: HashMap(4, 64, 48),
        lambda: LruHashMap(4, 64, 48),
        lambda: OrderedLru(4, 64, 48),
        lambda: ArrayMap(64, 48),
    ],
    ids=["hash", "lru", "ordered lru", "array"],
)
def test_adds_updates_lookups_deletes_and_walks(make: Callable[[], HashMap | LruHashMap | ArrayMap]) -> None:
    """Keys below COUNTERS hold numbers that only grow, the others 64 equal bytes that anyone may change or remove."""
    m = make()
    for n in range(COUNTERS):
        m.update(k(n), bytes(64))

    def work(number: int) -> None:
        rng = random.Random(number)
        out = bytearray(64)
        for i in range(ROUNDS):
            m.add(k(i % COUNTERS), 1, 8 * (number % 2), 8)
            key = k(rng.randrange(COUNTERS, 40))
            try:
                match rng.randrange(7):
                    case 0 | 1:
                        m.update(key, bytes((rng.randrange(256),)) * 64)
                    case 2:
                        m.update(key, bytes((rng.randrange(256),)) * 64, BPF_NOEXIST)
                    case 3:
                        assert uniform(m.lookup(key))
                    case 4:
                        assert not m.lookup_into(key, out) or uniform(bytes(out))
                    case 5:
                        m.delete(key)
                    case 6:
                        assert all(uniform(v) for key, v in m.items() if int.from_bytes(key, "little") >= COUNTERS)
                        cursor: int | None = None
                        for _ in range(100):
                            cursor, keys, values = m.batch_lookup(cursor, 7)
                            assert len(keys) == len(values)
                            if cursor is None:
                                break
                        assert cursor is None
            except (KeyExists, KeyNotFound):
                pass

    run(work)
    total = 0
    for n in range(COUNTERS):
        value = m.lookup(k(n)) or b""
        total += int.from_bytes(value[:8], "little") + int.from_bytes(value[8:16], "little")
    assert total == THREADS * ROUNDS
    assert len(list(m)) == len(m)


@pytest.mark.parametrize("make", [HashMap, LruHashMap, OrderedLru])
def test_compare_and_swap_loses_nothing(make: type[HashMap]) -> None:
    """Half of the threads add 1; the others add 2**32 in the way of lock-free code: look, compare and swap, try again."""
    m = make(4, 8, 4)
    m.update(k(0), bytes(8))

    def work(number: int) -> None:
        for _ in range(ROUNDS):
            if number % 2:
                m.add(k(0), 1)
            else:
                while True:
                    old = m.lookup(k(0)) or b""
                    new = (int.from_bytes(old, "little") + (1 << 32)).to_bytes(8, "little")
                    if m.compare_and_swap(k(0), old, new):
                        break

    run(work)
    half = THREADS // 2 * ROUNDS
    assert m.lookup(k(0)) == (half << 32 | half).to_bytes(8, "little")


@pytest.mark.parametrize("make", [HashMap, LruHashMap, OrderedLru])
def test_an_add_never_brings_an_old_value_back(make: type[HashMap]) -> None:
    """One thread updates the upper half, without a lock; the others add to the lower half of what they find."""
    m = make(4, 8, 4)
    m.update(k(0), bytes(8))
    done = threading.Event()

    def work(number: int) -> None:
        if number:
            while not done.is_set():
                m.add(k(0), 1)
            return
        try:
            for epoch in range(1, 10 * ROUNDS):
                m.update(k(0), (epoch << 32).to_bytes(8, "little"))
                seen = int.from_bytes(m.lookup(k(0)) or b"", "little") >> 32
                assert seen == epoch, "an add that began before the update was stored behind it"
        finally:
            done.set()

    run(work)


def test_the_guides_counter_loses_increments_and_add_does_not() -> None:
    """Lookup, then update: what looks atomic and is not. Another thread's increment in between is overwritten."""
    m = ArrayMap.with_entries(8, 2)
    m.update(0, bytes(8))
    turns = [threading.Event(), threading.Event()]

    def slow_increment() -> None:
        old = int.from_bytes(m.lookup(0) or b"", "little")
        turns[0].set()
        turns[1].wait(10)
        m.update(0, (old + 1).to_bytes(8, "little"))

    thread = threading.Thread(target=slow_increment)
    thread.start()
    turns[0].wait(10)
    m.update(0, (int.from_bytes(m.lookup(0) or b"", "little") + 1).to_bytes(8, "little"))
    turns[1].set()
    thread.join(10)
    assert m.lookup(0) == (1).to_bytes(8, "little"), "two increments, and one of them is lost"

    def work(_: int) -> None:
        for _ in range(ROUNDS):
            m.add(1, 1)

    run(work)
    assert m.lookup(1) == (THREADS * ROUNDS).to_bytes(8, "little")


def test_exactly_max_entries_fit_with_many_writers() -> None:
    m = HashMap(4, 4, 100)
    stored: list[bytes] = []

    def work(number: int) -> None:
        for n in range(50):
            try:
                m.update(k(number * ROUNDS + n), k(0), BPF_NOEXIST)
                stored.append(k(number * ROUNDS + n))
            except OutOfMemory:
                pass

    run(work)
    assert len(m) == 100
    assert sorted(m) == sorted(stored)


@pytest.mark.parametrize("kind", [LruHashMap, OrderedLru])
@pytest.mark.parametrize("watched", [False, True])
def test_an_lru_map_under_threads_stays_exact_in_number(watched: bool, kind: type[LruHashMap]) -> None:
    evicted: list[bytes] = []
    m = kind(4, 4, 16, on_evict=(lambda key, _: evicted.append(key)) if watched else None)

    def work(number: int) -> None:
        for n in range(ROUNDS):
            m.update(k(number * ROUNDS + n), k(n))
            m.lookup(k(number * ROUNDS + max(n - 3, 0)))

    run(work)
    assert len(m) == len(list(m)) == 16
    assert m.evictions == THREADS * ROUNDS - 16
    if watched:
        assert len(evicted) == len(set(evicted)) == m.evictions
        assert not set(evicted) & set(m)


@pytest.mark.parametrize("make", [HashMap, LruHashMap, OrderedLru])
@pytest.mark.parametrize("over_the_line", [False, True])
def test_clear_never_raises_because_others_delete(make: type[HashMap], over_the_line: bool, registry: Registry) -> None:
    m = make(4, 4, 64, name="m")
    done = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            try:
                with connect("twin") as board:
                    target = board.map("m") if over_the_line else m
                    for _ in range(ROUNDS // 10):
                        target.clear()
            finally:
                done.set()
            return
        while not done.is_set():
            for n in range(64):
                key = k(n)
                m.update(key, key)
                with suppress(KeyNotFound):
                    m.delete(key)

    run(work)
    m.clear()
    assert len(m) == len(list(m)) == 0


CTRL_C = """
import os, signal, boardmaps, boardmaps_host.twin

ours = os.path.dirname(boardmaps_host.twin.__file__)
interrupts = n = 0

def strike(number, frame):
    global interrupts
    if frame and frame.f_code.co_filename.startswith(ours):  # not in this script's own lines
        interrupts += 1
        raise KeyboardInterrupt

signal.signal(signal.SIGALRM, strike)
maps = [boardmaps.HashMap(4, 4, 8), boardmaps.LruHashMap(4, 4, 8), boardmaps.ArrayMap(4, 8)]
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0007)
while interrupts < 1000:
    n += 1
    for m in maps:
        key = (n % 8).to_bytes(4, "little")
        try:
            m.update(key, key)
            m.add(key, 1)
            m.batch_update([key], [key])
            m.next_key(key)
            m.delete(key)
        except KeyboardInterrupt:
            pass
signal.setitimer(signal.ITIMER_REAL, 0)
for m in maps:
    for key in range(8):
        m.update(key.to_bytes(4, "little"), b"1234")
    sizes = [len(m), len(list(m)), len(m.batch_lookup(None, 100)[1])]
    assert sizes == [8, 8, 8], (m, sizes)
    assert dict(m.items()) == {key.to_bytes(4, "little"): b"1234" for key in range(8)}
print("usable")
"""


def test_ctrl_c_at_any_moment_leaves_every_map_usable() -> None:
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={"PYTHONPATH": path},
    )
    assert (done.stdout, done.stderr) == ("usable\n", "")

"""An interrupt at every instant: each call is stopped before each single instruction that it executes in the twin.

Wherever that is, the map's turn is free afterwards, for other threads too, and the map is as good as before.

More than 300 lines: a list of every call that is interrupted, and what interrupts it.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import boardmaps_host.twin
from boardmaps import BPF_EXIST, BPF_NOEXIST, MapError
from boardmaps_host.twin import (
    ArrayMap,
    BloomFilter,
    HashMap,
    LpmTrie,
    LruHashMap,
    PerCpuHash,
    Queue,
    RingBuf,
    Stack,
    TimeSeries,
)
from tests.twin.conftest import OrderedLru

HOME = str(Path(boardmaps_host.twin.__file__).parent)
MOST = 4
Call = Callable[[Any], object]


def k(n: int) -> bytes:
    return n.to_bytes(4, "little")


def prefix(n: int) -> bytes:
    return k(8) + bytes([n])


def stopped_at(number: int, call: Callable[[], object]) -> bool:
    """Run the call and raise KeyboardInterrupt before the instruction of this number; return whether it had so many."""
    passed = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal passed
        if not frame.f_code.co_filename.startswith(HOME):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            passed += 1
            if passed == number:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except (KeyboardInterrupt, MapError):
        pass
    finally:
        sys.settrace(before)
    return passed >= number


def in_another_thread(work: Callable[[], object]) -> None:
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "the map's turn is still taken"
    if failures:
        raise failures[0]


def walk(m: Any) -> Iterator[bytes]:
    key = m.next_key()
    while key is not None:
        yield key
        key = m.next_key(key)


def check_keys(m: Any, make: Callable[[int], bytes] = k) -> None:
    keys = set(m.keys())
    assert len(m) == len(keys) <= MOST
    for found in (list(m.keys()), list(walk(m)), m.batch_lookup(None, 99)[1], [key for key, _ in m.items()]):
        assert len(found) == len(keys)
        assert set(found) == keys
    m.clear()
    for n in range(10, 10 + MOST):
        m.update(make(n), k(n), BPF_NOEXIST)
    assert sorted(m.batch_lookup(None, 99)[1]) == sorted(walk(m)) == [make(n) for n in range(10, 10 + MOST)]


def check_lru(m: Any) -> None:
    check_keys(m)
    m.update(k(99), k(99))
    assert sorted(m.keys()) == [k(11), k(12), k(13), k(99)]


def check_array(m: Any) -> None:
    assert len(m) == m.definition.max_entries
    for n in range(len(m)):
        m.update(n, k(n))
        assert m.lookup(n) == k(n)


def check_queue(m: Any) -> None:
    assert len(m) <= MOST
    m.clear()
    for n in range(MOST):
        m.push(k(n))
    m.push(k(MOST), BPF_EXIST)
    assert sorted(iter(m.pop, None)) == [k(n) for n in range(1, MOST + 1)]


def check_ring(m: Any) -> None:
    while m.read() is not None:
        pass
    state = m.query()
    assert (state.waiting, state.consumer, len(m)) == (0, state.producer, 0)
    assert [m.output(bytes(8)) for _ in range(4)] == [True, True, True, False]
    assert m.query().waiting == 48
    m.clear()


def check_series(m: Any) -> None:
    assert len(m.last(99)) == len(m) <= MOST
    for n in range(MOST + 1):
        m.push(n, k(n))
    assert m.last(99) == [(n, k(n)) for n in range(1, MOST + 1)]


def check_bloom(m: Any) -> None:
    m.push(k(7))
    assert m.peek(k(7))


def filled(m: Any, make: Callable[[int], bytes] = k, walked: bool = True) -> Any:
    for n in range(3):
        m.update(make(n), k(n))
    if walked:
        list(walk(m))
        m.batch_lookup(None, 9)
    return m


def pushed(m: Any) -> Any:
    for n in range(MOST):
        m.push(k(n))
    return m


def ring() -> RingBuf:
    m = RingBuf(64)
    m.output(b"one")
    m.output(b"two")
    return m


def series() -> TimeSeries:
    m = TimeSeries(4, MOST)
    for n in range(MOST):
        m.push(n, k(n))
    return m


KEYED: dict[str, Call] = {
    "update": lambda m: m.update(k(1), k(9)),
    "insert": lambda m: m.update(k(8), k(9)),
    "noexist": lambda m: m.update(k(8), k(9), BPF_NOEXIST),
    "exist": lambda m: m.update(k(1), k(9), BPF_EXIST),
    "delete": lambda m: m.delete(k(1)),
    "take": lambda m: m.lookup_and_delete(k(0)),
    "clear": lambda m: m.clear(),
    "add": lambda m: m.add(k(1), 1),
    "swap": lambda m: m.compare_and_swap(k(1), k(1), k(2)),
    "next_key": lambda m: m.next_key(k(1)),
    "page": lambda m: m.batch_lookup(None, 2),
    "take a page": lambda m: m.batch_lookup_and_delete(None, 2),
    "batch_update": lambda m: m.batch_update([k(1), k(8)], [k(9), k(9)]),
    "batch_delete": lambda m: m.batch_delete([k(1), k(2)]),
    "freeze": lambda m: m.freeze(),
}
RAW: dict[str, Call] = {name: call for name, call in KEYED.items() if "page" not in name and "batch" not in name}
CASES: list[tuple[str, Callable[[], Any], Call, Callable[[Any], None]]] = [
    *(("hash " + n, lambda: filled(HashMap(4, 4, MOST)), call, check_keys) for n, call in KEYED.items()),
    *(("new hash " + n, lambda: filled(HashMap(4, 4, MOST), k, False), c, check_keys) for n, c in KEYED.items()),
    *(("lru " + n, lambda: filled(LruHashMap(4, 4, MOST)), call, check_lru) for n, call in KEYED.items()),
    *(("ordered lru " + n, lambda: filled(OrderedLru(4, 4, MOST)), call, check_lru) for n, call in KEYED.items()),
    *(("new lru " + n, lambda: filled(LruHashMap(4, 4, MOST), k, False), c, check_lru) for n, c in KEYED.items()),
    *(
        ("lpm " + name, lambda: filled(LpmTrie(5, 4, MOST), prefix), call, lambda m: check_keys(m, prefix))
        for name, call in {
            "insert": lambda m: m.update(prefix(8), k(9)),
            "delete": lambda m: m.delete(prefix(1)),
            "clear": lambda m: m.clear(),
            "lookup": lambda m: m.lookup(prefix(1)),
        }.items()
    ),
    (
        "percpu update",
        lambda: PerCpuHash(4, 4, MOST, cpus=2),
        lambda m: m.update(k(1), k(1)),
        lambda m: m.add(k(1), 1) if k(1) in m else None,
    ),
    *(
        ("array " + name, lambda: ArrayMap(4, MOST), call, check_array)
        for name, call in {
            "update": lambda m: m.update(1, k(9)),
            "delete": lambda m: m.delete(1),
            "add": lambda m: m.add(1, 1),
            "clear": lambda m: m.clear(),
            "grow": lambda m: m.resize(9),
            "shrink": lambda m: m.resize(2),
            "batch_update": lambda m: m.batch_update([1, 2], [k(1), k(2)]),
        }.items()
    ),
    *(
        (f"{kind.__name__} {name}", lambda kind=kind: pushed(kind(4, MOST)), call, check_queue)  # type: ignore[misc]
        for kind in (Queue, Stack)
        for name, call in {
            "push": lambda m: m.push(k(9), BPF_EXIST),
            "pop": lambda m: m.pop(),
            "clear": lambda m: m.clear(),
        }.items()
    ),
    *(
        ("ring " + name, ring, call, check_ring)
        for name, call in {
            "output": lambda m: m.output(b"three"),
            "read": lambda m: m.read(),
            "clear": lambda m: m.clear(),
        }.items()
    ),
    ("series push", series, lambda m: m.push(9, k(9)), check_series),
    ("series clear", series, lambda m: m.clear(), check_series),
    ("bloom push", lambda: BloomFilter(4, 9), lambda m: m.push(k(1)), check_bloom),
]


@pytest.mark.parametrize(("make", "call", "check"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_an_interrupt_at_every_instant(make: Callable[[], Any], call: Call, check: Callable[[Any], None]) -> None:
    number = 1
    while True:
        m = make()
        reached = stopped_at(number, lambda m=m: call(m))  # type: ignore[misc]
        in_another_thread(lambda m=m: check(m))  # type: ignore[misc]
        if not reached:
            break
        number += 1
    assert number > 10, "nothing was interrupted"


@pytest.mark.parametrize("kind", [HashMap, LruHashMap, OrderedLru])
def test_a_resize_that_is_interrupted(kind: Callable[[int, int, int], Any]) -> None:
    for size in (2, 9):
        number = 1
        reached = True
        while reached:
            m = filled(kind(4, 4, MOST))
            reached = stopped_at(number, lambda m=m, size=size: m.resize(size))  # type: ignore[misc]
            in_another_thread(lambda m=m: m.resize(MOST))  # type: ignore[misc]
            check_keys(m)
            number += 1


def test_what_interrupts_a_step_is_refused_instead_of_waiting_for_itself() -> None:
    m = HashMap(4, 4, MOST)
    refused: list[MapError] = []

    def step() -> None:
        try:
            m.update(k(1), k(1))
        except MapError as error:
            refused.append(error)

    m._alone(step)
    assert "interrupted" in str(refused[0])
    m.update(k(1), k(1))


def test_an_error_of_a_step_is_not_taken_for_a_turn_that_is_taken() -> None:
    m = HashMap(4, 4, MOST)

    def step() -> None:
        raise RuntimeError("its own")

    with pytest.raises(RuntimeError, match="its own"):
        m._alone(step)


def test_a_taken_turn_is_waited_for() -> None:
    m = HashMap(4, 4, MOST)
    inside, leave = threading.Event(), threading.Event()

    def step() -> None:
        inside.set()
        leave.wait(20)

    holder = threading.Thread(target=lambda: m._alone(step), daemon=True)
    holder.start()
    inside.wait(20)
    done = threading.Event()

    def writer() -> None:
        m.update(k(1), k(1))
        done.set()

    waiting = threading.Thread(target=writer, daemon=True)
    waiting.start()
    assert not done.wait(0.1)
    assert m.lookup(k(1)) is None  # readers wait for nobody
    leave.set()
    assert done.wait(20)
    holder.join(20)
    waiting.join(20)

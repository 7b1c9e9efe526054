"""Per-CPU maps where there are two CPUs, and all of the new types within each of the board's guards."""

from tests.board.conftest import GUARDS, Run

CONFIG = """
import sys, micropython
cpu = 0
class config:
    POOL_SIZE = 65536
    CPUS = 2
    GUARD = "%s"
    this_cpu = staticmethod(lambda: cpu)
sys.modules["boardmaps_config"] = config
from boardmaps import InvalidValueSize, KeyNotFound, OutOfMemory, PerCpuArray, PerCpuHash, Queue, RingBuf
from boardmaps import StaleMap, StaticPool, TimeSeries
one = b"\\1\\0\\0\\0"; two = b"\\2\\0\\0\\0"; key = bytearray(b"key1"); out = bytearray(4)
h = PerCpuHash(4, 4, 3); a = PerCpuArray(4, 3)
"""


@GUARDS
def test_each_cpu_has_its_own_value(micropython: Run, guard: str) -> None:
    code = """
for m, k in ((h, key), (a, 1), (a, b"\\2\\0\\0\\0")):
    cpu = 0
    m.update(k, one)
    cpu = 1
    assert m.lookup(k) == bytes(4), "in a new entry the others are zero"
    m.update(k, two)
    assert m.add(k, 5) == 7
    assert m.compare_and_swap(k, b"\\7\\0\\0\\0", b"\\x09\\0\\0\\0") and not m.compare_and_swap(k, b"\\7\\0\\0\\0", two)
    assert m.lookup_percpu(k) == [one, b"\\x09\\0\\0\\0"]
    cpu = 0
    assert m.lookup(k) == one and m.add(k, -2) == 0xffffffff
    m.update_percpu(k, [two, two])
    assert m.lookup_percpu(k) == [two, two]
    m.delete(k)
h.update(key, two)
h.delete(key)
h.update(key, one)
assert h.lookup_percpu(key) == [one, bytes(4)], "nothing of a deleted row comes back"
cpu = 1
assert h.lookup_and_delete(key) == bytes(4) and h.lookup(key) is None
try:
    h.update_percpu(key, [one])
    assert False
except InvalidValueSize as e:
    assert "1 values for 2 CPUs" in str(e)
"""
    micropython(CONFIG % guard + code)


@GUARDS
def test_nothing_is_allocated(micropython: Run, guard: str) -> None:
    code = """
q = Queue(4, 2); r = RingBuf(64); t = TimeSeries(4, 4)
def work():
    for i in range(300):
        key[0] = i & 1
        h.update(key, two)
        if not h.lookup_into(key, out) or h.add(key, 1) != 3 or h.compare_and_swap(key, one, two):
            return False
        h.delete(key)
        a.update(i % 3, two)
        if not a.lookup_into(i % 3, out) or a.add(i % 3, 1) != 3:
            return False
        a.delete(i % 3)
        q.push(one)
        t.push(i, one)
        if not q.peek_into(out) or not q.pop_into(out) or not r.output(one) or r.read_into(out) != 4:
            return False
    return True
done = None
micropython.heap_lock()
done = work()
micropython.heap_unlock()
assert done
"""
    micropython(CONFIG % guard + code)


@GUARDS
def test_misuse_leaves_no_guard_held(micropython: Run, guard: str) -> None:
    code = """
q = Queue(4, 2); r = RingBuf(64)
r.output(b"12345")
q.push(one); q.push(two)
def refused(error, *calls):
    for i, call in enumerate(calls):
        try:
            call()
            assert False, i
        except error:
            pass
refused(OutOfMemory, lambda: q.push(one))
refused(InvalidValueSize, lambda: q.push(b"1"), lambda: q.pop_into(bytearray(3)), lambda: r.read_into(bytearray(3)))
refused(KeyNotFound, lambda: h.delete(key), lambda: h.add(key, 1), lambda: a.delete(3), lambda: a.update(3, one))
assert q.pop() == one and r.read() == (0, b"12345")
StaticPool.reset()
refused(StaleMap, lambda: q.push(one), lambda: q.pop_into(out), lambda: r.output(b"1"), lambda: r.read_into(out))
refused(StaleMap, lambda: h.update(key, one), lambda: h.lookup(key), lambda: h.delete(key), lambda: h.lookup_percpu(key))
refused(StaleMap, h.next_key, lambda: h.next_key(key), lambda: len(h), lambda: a.update(1, one), lambda: a.delete(0))
refused(StaleMap, lambda: a.lookup_into(0, out), lambda: a.add(0, 1), lambda: a.update_percpu(0, [one, two]))
assert Queue(4, 1).peek() is None
"""
    micropython(CONFIG % guard + code)

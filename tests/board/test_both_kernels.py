"""Boards that have all kernels: maps driven by C, native modules, viper and plain Python by turns.

Those are built-in firmware on the Cortex-M3 and on RISC-V, and the unix port, which has C as native modules alone; the emulated
Pico does a part of it, in test_kernels_on_pico.py. They must agree about every byte, answer and error. The dict and the lists
beside them know nothing of slices.

More than 300 lines: one program a kind, all driven by the same random walk.
"""

import re

import pytest

from tests.board.chips import Run

FRAMES = """
import random, sys
import boardmaps.line.frame as c
from boardmaps import settings
assert c.encode is settings.in_c.frame.encode
settings.in_c = None
del sys.modules["boardmaps.line.frame"]
import boardmaps.line.frame as python
assert python.encode is not c.encode

def some(n, zeros):
    data = bytearray([random.getrandbits(8) for _ in range(n)])
    for i in range(n):
        if zeros == 3 or random.getrandbits(4) < zeros * 4:
            data[i] = 0
        elif not zeros:
            data[i] |= 1
    return bytes(data)

def same(name, *args):
    one, other = getattr(c, name)(*args), getattr(python, name)(*args)
    assert one == other, (name, args, one, other)
    return one

random.seed(SEED)
found = 0
for n in list(range(40)) + list(range(240, 262)) + list(range(500, 516)):
    for zeros in range(4):
        raw = some(n, zeros)
        coded = same("cobs_encode", raw)
        assert 0 not in coded and same("cobs_decode", coded) == raw
        same("cobs_decode", raw)
        head = random.getrandbits(8), random.getrandbits(8), random.getrandbits(16), random.getrandbits(8)
        wire = same("encode", *(head + (raw,)))
        assert same("decode", wire[:-1]) == head + (raw,)
        for _ in range(3):
            bad = bytearray(wire[:-1])
            bad[random.getrandbits(16) % len(bad)] = random.getrandbits(8)
            found += same("decode", bytes(bad)) is not None
            same("cobs_decode", bytes(bad[: random.getrandbits(16) % len(bad)]))
assert same("encode", 6, 1, 0xFFFF, 255) == same("encode", 6, 1, 0xFFFF, 255, b"")
assert found < 30, found  # what was changed to what it had been
for wrong in ((), (1,), ("x", 1, 2, 3), (1, 2, 3, 4, 5)):
    try:
        c.encode(*wrong)
        assert not "refused"
    except TypeError:
        pass
"""

# Each map is there once a sort: both() does the same to all, drives them in another order each time, and compares the slices.
MAPS = """from boardmaps import (
    BPF_F_RB_OVERWRITE, ArrayMap, BloomFilter, HashMap, LpmTrie, PerCpuArray, PerCpuHash, Queue, RingBuf, StaleMap, Stack,
    StaticPool, TimeSeries
)
"""
COMMON = """
import random
import sys
import uctypes
from boardmaps.kernels import native
from boardmaps.settings import built_in, kernels
KINDS = {HashMap: "hash", ArrayMap: "array", Queue: "queue", Stack: "queue", RingBuf: "ring", PerCpuArray: "percpu",
         PerCpuHash: "percpu", TimeSeries: "series", LpmTrie: "lpm", BloomFilter: "bloom"}
SORTS = ("viper", "native") + (("c",) if built_in else ())
if not built_in or SEED == 0:
    SORTS += ("plain",)  # it is slow on emulated boards
assert kernels("hash") is (built_in or native).hash
assert native.start("none")
turn = 0
driven = {}  # map to the sort that drives it, of those that have functions of their own

def sort_of(kind, sort):
    if sort in ("c", "native"):
        return getattr(built_in if sort == "c" else native, kind)
    name = "boardmaps.kernels.%s_%s" % (sort, kind)
    __import__(name)
    return sys.modules[name]

def drive(m, sort):
    module = sort_of(KINDS[type(m)], sort)
    name = {PerCpuArray: "drive_array", PerCpuHash: "drive_hash"}.get(type(m), "drive")
    if type(m) in (PerCpuArray, PerCpuHash):
        import boardmaps.maps.percpu as home
        home._kernels = module
    if type(m) is TimeSeries:
        import boardmaps.maps.timeseries as home
        home._push, home._get = module.push, module.get
        return
    if type(m) in (LpmTrie, BloomFilter):
        home = sys.modules[type(m).__module__]
        home._kernels = module
        for function in ("op",) if type(m) is LpmTrie else ("push", "peek"):
            setattr(home, "_" + function, getattr(module, function))
        return
    if driven.get(m) != sort:
        getattr(module, name)(m)
        m._move(m._slice) if sort != "plain" else None
        driven[m] = sort

def own(args):
    return [bytearray(a) if isinstance(a, bytearray) else a for a in args]

def both(maps, name, *args):
    global turn
    turn += 1
    if not turn % 100:
        print(turn, end=" ")  # whoever waits sees that it goes on
    said = []
    for i, m in enumerate(maps):
        drive(m, SORTS[(turn // EACH + i) % len(SORTS)])
        given = own(args)
        try:
            answer = getattr(m, name)(*given)
        except Exception as e:
            answer = type(e), str(e) if type(e) is not TypeError else ""  # MicroPython's own words
        said.append((answer, given))
    for i in range(1, len(maps)):
        assert said[0] == said[i], (name, args, said)
        one, other = maps[0]._slice, maps[i]._slice
        assert one[:80] == other[:80] and one[96:] == other[96:], (name, args)
    return said[0][0]

def twice(kind, *definition):
    driven.clear()
    maps = [kind(*definition) for _ in SORTS]
    if type(maps[0]) in (HashMap, PerCpuHash, BloomFilter):
        for m in maps[1:]:
            m._slice[32:40] = maps[0]._slice[32:40]  # the seed
            m._slice[76:80] = maps[0]._slice[76:80]
    return maps

def numbers(maps, key, size):
    name = ("fetch_or", "fetch_and", "fetch_xor", "exchange", "add")[random.getrandbits(8) % 5]
    operand = (random.getrandbits(30) << random.getrandbits(6)) - (1 << random.getrandbits(5))
    if random.getrandbits(1):
        both(maps, name + "_into", key, operand, bytearray(size))
    else:
        place = random.getrandbits(2), (1, 2, 4, 8, 3, None)[random.getrandbits(8) % 6]
        both(maps, name, key, operand, *place)
    both(maps, "update_part", key, random.getrandbits(2), some(random.getrandbits(3)))

def some(n, most=256):
    return bytes([random.getrandbits(8) % most for _ in range(n)])

random.seed(SEED)
"""

HASH = """
for key_size, value_size in ((8, 8), (1, 3), (5, 1), (4, 12), (7, 5)):
    pair = twice(HashMap, key_size, value_size, 13)
    model = {}
    for _ in range(400):
        key, value, flags = some(key_size, 3), some(value_size), random.getrandbits(2)
        what = random.getrandbits(3)
        if what < 3:
            done = both(pair, "update", key, value, flags)
            if done is None:
                model[key] = value
        elif what == 3:
            done = both(pair, "delete", key)
            assert (done is None) == (model.pop(key, None) is not None)
        elif what == 4:
            assert both(pair, "lookup", key) == model.get(key)
            assert both(pair, "lookup_into", key, bytearray(value_size)) == (key in model)
        elif what == 5:
            assert both(pair, "lookup_and_delete", key) == model.pop(key, None)
        elif what == 6:
            if both(pair, "compare_and_swap", key, model.get(key, value), value) is True:
                model[key] = value
            both(pair, "next_key", key)
        elif value_size in (1, 8, 12):
            where = (4, 4) if value_size == 12 else (0, value_size)
            new = both(pair, "add", key, random.getrandbits(30) - 2**29, *where)
            if key in model:
                old = model[key]
                model[key] = old[:where[0]] + new.to_bytes(where[1], "little") + old[where[0] + where[1]:]
        both(pair, "_at", random.getrandbits(4))
        numbers(pair, key, value_size)
        if key in model:
            model[key] = pair[0].lookup(key)
    assert dict(pair[0].items()) == dict(pair[1].items()) == model and len(pair[0]) == len(model)
    for wrong in ((b"", some(value_size)), (some(key_size), b""), (some(key_size), some(value_size), 7)):
        both(pair, "update", *wrong)
    both(pair, "lookup_into", some(key_size), bytearray(1 + value_size))
    both(pair, "lookup", b"")
    both(pair, "delete", b"")
    both(pair, "add", some(key_size), 1, value_size)
    both(pair, "compare_and_swap", some(key_size), b"", b"")
"""

ARRAY = """
for size in (1, 4, 8, 11):
    pair = twice(ArrayMap, size, 6)
    model = [bytes(size)] * 6
    for _ in range(300):
        i, value = random.getrandbits(3), some(size)
        key = i if random.getrandbits(1) else bytes((i, 0, 0, 0))
        what = random.getrandbits(2)
        if what == 0 and both(pair, "update", key, value, random.getrandbits(2)) is None:
            model[i] = value
        elif what == 1:
            assert both(pair, "lookup_into", key, bytearray(size)) == (i < 6)
            assert both(pair, "lookup", key) == (model[i] if i < 6 else None)
        elif what == 2 and size != 11:
            new = both(pair, "add", key, random.getrandbits(30) << random.getrandbits(4) * 3)
            if i < 6:
                model[i] = new.to_bytes(size, "little")
        elif what == 3:
            both(pair, "compare_and_swap", key, bytes(size), value)
            both(pair, "next_key", key)
            both(pair, "delete", key)
            if i < 6:
                model[i] = bytes(size)
        numbers(pair, key, size)
        if i < 6:
            model[i] = pair[0].lookup(i)
            assert pair[0].view(i) == pair[1].view(i) == model[i]
    assert [value for _, value in pair[0].items()] == [value for _, value in pair[1].items()] == model
    for wrong in ((6, value), (-1, value), (1 << 70, value), (b"", value), (0, b""), (b"\\0\\0\\0\\1", value)):
        both(pair, "update", *wrong)
        both(pair, "lookup_into", wrong[0], bytearray(wrong[1]))
        both(pair, "add", wrong[0], 1)
"""

QUEUE = """
for kind in (Queue, Stack):
    for size in (1, 4, 16, 19):
        pair = twice(kind, size, 5)
        model = []
        for _ in range(300):
            value, what = some(size), random.getrandbits(2)
            if what < 2:
                flags = random.getrandbits(2)
                if both(pair, "push", value, flags) is None:
                    model = (model + [value])[-5:]
            elif what == 2:
                expected = model.pop(0 if kind is Queue else -1) if model else None
                assert both(pair, "pop") == expected
                both(pair, "peek_into", bytearray(size))
                if len(model) > 1:
                    both(pair, "pop_into", bytearray(size))
                    model.pop(0 if kind is Queue else -1)
            else:
                assert both(pair, "peek") == ((model[0] if kind is Queue else model[-1]) if model else None)
        both(pair, "push", b"")
        both(pair, "pop_into", bytearray(size + 1))
        both(pair, "peek_into", bytearray())
"""

RING = """
for flags in (0, BPF_F_RB_OVERWRITE):
    pair = twice(RingBuf, 256, flags)
    waiting = 0
    for _ in range(600):
        what, n = random.getrandbits(2), random.getrandbits(7)
        if what < 2:
            both(pair, "output", some(n * 2 if n > 120 else n))
        elif what == 2:
            both(pair, "read_into", bytearray(96))
            assert len(pair[0]) == len(pair[1])
        else:
            both(pair, "read")
            both(pair, "query")
    both(pair, "clear")
    both(pair, "output", b"12345")
    both(pair, "read_into", bytearray(4))
"""

PERCPU = """
import boardmaps.maps.percpu as percpu
cpu = 0
import boardmaps.maps.percpu_array as percpu_array
import boardmaps.maps.percpu_hash as percpu_hash
percpu.this_cpu = percpu_hash.this_cpu = lambda: cpu
percpu.CPUS = percpu_array.CPUS = percpu_hash.CPUS = 2
for kind, definition in ((PerCpuArray, (8, 5)), (PerCpuHash, (4, 12, 5))):
    maps = twice(kind, *definition)
    for _ in range(150):
        cpu = random.getrandbits(1)
        key = bytes((random.getrandbits(3), 0, 0, 0))
        what, value = random.getrandbits(3), some(maps[0].definition.value_size)
        if what < 2:
            both(maps, "update", key, value, random.getrandbits(2))
        elif what == 2:
            both(maps, "update_percpu", key, [value] * maps[0].cpus)
        elif what == 3:
            both(maps, "delete", key)
        elif what == 4:
            both(maps, "lookup_percpu", key)
            both(maps, "lookup_into", key, bytearray(len(value)))
        elif what == 5:
            both(maps, "add", key, random.getrandbits(30) << 3, 0, 8)
            both(maps, "compare_and_swap", key, value, value)
        elif what == 6:
            both(maps, "lookup_and_delete", key)
        else:
            both(maps, "next_key", key)
            both(maps, "_at", 1)
    both(maps, "fetch_or", key, 1)
"""

LPM = """
def prefix(size):
    length = random.getrandbits(8) % (8 * size + 2)
    data = bytearray([0xa5] * size)
    for _ in range(random.getrandbits(2)):
        bit = random.getrandbits(8) % (8 * size)
        data[bit >> 3] ^= 0x80 >> (bit & 7)
    return length.to_bytes(4, "little") + bytes(data)

for size, value_size, n in ((1, 1, 3), (4, 4, 20), (16, 5, 9)):
    maps = twice(LpmTrie, 4 + size, value_size, n)
    for _ in range(400):
        key, what = prefix(size), random.getrandbits(3)
        if what < 3:
            both(maps, "update", key, some(value_size), random.getrandbits(2))
        elif what < 5:
            both(maps, "delete", key)
        elif what == 5:
            both(maps, "lookup", key)
            both(maps, "lookup_into", key, bytearray(value_size))
        elif what == 6:
            both(maps, "next_key", key)
            both(maps, "next_key")
        else:
            both(maps, "_at", random.getrandbits(4))
        assert len(maps[0]) == len(maps[1]) == len(maps[2])
    both(maps, "batch_lookup", None, 30)
    for wrong in ((b"", some(value_size)), (key, b""), (key, some(value_size), 7), (b"\\xff" * (4 + size), some(value_size), 7)):
        both(maps, "update", *wrong)
    both(maps, "update", bytes(4 + size), [1] * value_size)
    both(maps, "lookup", b"")
    both(maps, "delete", b"")
    both(maps, "next_key", b"")
    both(maps, "clear")
    both(maps, "next_key")
    both(maps, "update", bytes(4 + size), some(value_size))
"""

BLOOM = """
for size, n, functions in ((1, 4, 1), (5, 40, 5), (8, 30, 15)):
    maps = twice(lambda *d: BloomFilter(*d, functions=functions), size, n)
    for i in range(2 * n):
        value = some(size)
        if i & 1:
            both(maps, "push", value)
            assert both(maps, "peek", value) is True
        both(maps, "peek", some(size))
        assert maps[0].host_count() == maps[1].host_count() == maps[2].host_count()
    both(maps, "push", value, 1)
    both(maps, "push", some(size + 1))
    both(maps, "push", [1] * size)
    both(maps, "peek", b"")
    both(maps, "clear")
    assert both(maps, "peek", value) is False
"""

SERIES = """
maps = twice(TimeSeries, 5, 7)
for n in range(100):
    both(maps, "push", random.getrandbits(30) << random.getrandbits(5), some(5))
    both(maps, "last", random.getrandbits(4))
    both(maps, "push", n, [1, 2, 3, 4, 5])
"""

A_LIST = """
h, a, q, r, s = twice(HashMap, 4, 4, 4), twice(ArrayMap, 4, 4), twice(Queue, 4, 4), twice(RingBuf, 64), twice(Stack, 4, 4)
wrong = [1, 2, 3, 4]
for maps, call in ((h, ("update", b"1234", wrong)), (a, ("update", 0, wrong)), (q, ("push", wrong)), (s, ("push", wrong)),
                   (r, ("output", wrong))):
    before = bytes(maps[0]._slice)
    for _ in range(3):
        for i, m in enumerate(maps):
            drive(m, SORTS[i])
            try:
                getattr(m, call[0])(*call[1:])
                assert not "refused"
            except TypeError:
                pass
            assert bytes(m._slice)[:80] == before[:80] and bytes(m._slice)[96:] == before[96:], (call, SORTS[i])
q[1].push(b"1234"); s[1].push(b"1234"); r[1].output(b"1234")
for m, call in ((q[1], "pop_into"), (s[1], "pop_into"), (r[1], "read_into")):
    try:
        getattr(m, call)(wrong)
        assert not "refused"
    except TypeError:
        pass
    assert len(m) == 1, (m, call)
# where a slice lies decides nothing about what is added, and an offset is looked at whole
a = twice(ArrayMap, 8, 4)
for m in a:
    at = uctypes.addressof(m._slice) >> 3
    for delta in (at, at << 32, -at, -at << 32, at << 32 | 1, (1 << 32) - 1, -(1 << 32), 1 << 62):
        both(a, "add", 0, delta)
        assert m.lookup(0) == bytes(m._slice)[96:104]
        before = int.from_bytes(m.lookup(0), "little")
        both(a, "add", 0, delta)
        assert int.from_bytes(m.lookup(0), "little") == before + delta & (1 << 64) - 1, delta
for maps, key in ((a, 0), (h, b"1234")):
    for place in ((1 << 28, 1), (1 << 32, 1), (1 << 60, 1), (-1, 1), (0, 1 << 32), (1 << 28, None)):
        both(maps, "add", key, 1, *place)
        both(maps, "fetch_or", key, 1, *place)
        both(maps, "update_part", key, place[0], b"x")
"""

STALE = """
maps = HashMap(8, 8, 2), ArrayMap(8, 2), Queue(8, 2), Stack(8, 2), RingBuf(64)
StaticPool.reset()
other = ArrayMap(8, 1000)
key, out = bytes(8), bytearray(8)
def refused(call, *args):
    try:
        call(*args)
    except StaleMap:
        return
    assert False, call
for m in maps[:2]:
    k = 0 if m is maps[1] else key
    for call, args in ((m.update, (k, out)), (m.update, (k, out, 2)), (m.lookup_into, (k, out)), (m.lookup, (k,)), (m.delete, (k,)),
                       (m.add, (k, 1)), (m.add, (k, 1, 0, 4)), (m.compare_and_swap, (k, out, out))):
        refused(call, *args)
for m in maps[2:4]:
    for call, args in ((m.push, (out,)), (m.push, (out, 2)), (m.pop_into, (out,)), (m.peek_into, (out,)), (m.pop, ())):
        refused(call, *args)
for call, args in ((maps[4].output, (out,)), (maps[4].read_into, (out,)), (maps[4].reserve, (8,)), (maps[4].read, ())):
    refused(call, *args)
assert bytes(other._slice[96:]) == bytes(8000)
"""

MISUSE = """
h, a, q, r = HashMap(8, 8, 2), ArrayMap(8, 2), Queue(8, 2), RingBuf(64)
key, out = bytes(8), bytearray(8)
def refused(call, *args, **named):
    try:
        call(*args, **named)
    except TypeError:
        return
    assert False, (call, args, named)
h.update(value=out, key=key, flags=1)
h.update(key, flags=2, value=out)
assert h.add(key, delta=3, width=4) == 3 and h.add(key, 1, offset=0, width=1) == 4
q.push(value=out)
assert q.pop_into(out=out)
for call in (h.update, h.lookup_into, h.add, a.update, a.add, a.lookup_into, q.push, q.pop_into, r.output, r.read_into):
    refused(call)
    refused(call, 1.5, out)
    refused(call, key, out, 0, 0, 0)
    refused(call, nonsense=1)
    refused(call, key, key=key)
for wrong in (None, 1, 1.5, [], (1,)):
    refused(h.update, wrong, out)
    refused(h.update, key, wrong)
    refused(h.lookup_into, key, wrong)
    refused(h.lookup, wrong)
    refused(h.delete, wrong)
    refused(h.compare_and_swap, key, wrong, out)
    refused(a.update, 0, wrong)
    refused(q.push, wrong)
    refused(q.pop_into, wrong)
    refused(r.output, wrong)
    refused(r.read_into, wrong)
refused(h.add, key, 1.5)
refused(a.add, 0, None)
q.push(out); r.output(b"1")
for call, args in ((h.lookup_into, (key, key)), (a.lookup_into, (0, key)), (q.pop_into, (key,)), (r.read_into, (key,))):
    refused(call, *args)  # bytes cannot be written
assert len(h) == 1 and len(q) == 1 and len(r) == 1
"""


LOCKS = """
import sys
from boardmaps.kernels import native
assert native.start("none")
taken = [0, 0]
def acquire():
    taken[0] += 1
def release():
    taken[1] += 1
word = bytearray(4)
h, r = HashMap(8, 8, 4), RingBuf(64)
native.hash.drive(h)
native.ring.drive(r)
for m in (h, r):
    m._move(m._slice)
modules = [sys.modules["boardmaps.kernels." + name] for name in ("c_common", "c_queue", "c_others")]
assert modules[0].exclusive == EXCLUSIVE
for which in (1, 4) + ((3,) if EXCLUSIVE else ()):
    for module in modules:
        module.guard(which, word, acquire, release)
    before = taken[0]
    for i in range(3):
        h.update(b"12345678", bytes([i]) * 8)
        assert h.lookup(b"12345678") == bytes([i]) * 8 and h.add(b"12345678", 1, 0, 1) == i + 1
        assert r.output(b"abc") and r.read()[1] == b"abc"
    assert (taken[0] - before >= 15) == (which == 4) and taken[0] == taken[1] and word == bytes(4), (which, taken, word)
"""


WALKS = {
    "hash": HASH,
    "array": ARRAY,
    "queue and stack": QUEUE,
    "ring": RING,
    "per CPU": PERCPU,
    "series": SERIES,
    "lpm": LPM,
    "bloom": BLOOM,
}


def walking(walk: str, seed: int, part: int = 1, each: int = 1, sorts: str = "") -> str:
    """Return the program of a walk, or of one that has one step of each `part`; it prints how many calls it compared.

    After so many calls, `each`, a map gets other kernels, which on a Pico takes longer than the calls. `sorts` names those that
    are compared, when it is not all that are usual.
    """
    chosen = f"SORTS = {tuple(sorts.split())}" if sorts else ""
    steps = re.sub(r"range\((\d\d\d)\)", lambda found: f"range({int(found[1]) // part})", WALKS[walk])
    return f"{MAPS}{common(seed, each)}{chosen}\n{steps}\nprint(turn)\n"


def common(seed: int, each: int = 1) -> str:
    """Return what all walks begin with."""
    return COMMON.replace("SEED", str(seed)).replace("EACH", str(each))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("walk", WALKS)
def test_all_kernels_leave_the_same_bytes_and_say_the_same(chip: Run, walk: str, seed: int) -> None:
    assert int(chip(walking(walk, seed)).split()[-1]) >= 300


@pytest.mark.parametrize("seed", range(3))
def test_frames_are_the_same_in_c_and_in_python(chip: Run, seed: int) -> None:
    chip(FRAMES.replace("SEED", str(seed)))


def test_native_modules_take_each_lock_and_give_it_back(chip: Run, request: pytest.FixtureRequest) -> None:
    exclusive = request.node.callspec.params["chip"] != "unix"
    chip(MAPS + LOCKS.replace("EXCLUSIVE", str(exclusive)))


def test_what_raises_has_changed_nothing(chip: Run) -> None:
    chip(MAPS + common(1) + A_LIST)


def test_a_stale_map_touches_nothing(chip: Run) -> None:
    chip(MAPS + STALE)


def test_c_kernels_refuse_what_is_no_buffer(chip: Run) -> None:
    chip(MAPS + MISUSE)


@pytest.mark.parametrize("guard", ["none", "irq"])
def test_c_kernels_take_no_heap(chip: Run, guard: str) -> None:
    chip(
        f"""
import micropython, sys
class config: GUARD = {guard!r}
sys.modules["boardmaps_config"] = config
{MAPS}
h, odd, a, q, s, r = HashMap(8, 8, 64), HashMap(6, 5, 64), ArrayMap(8, 64), Queue(16, 4), Stack(16, 4), RingBuf(256)
key, out, sample = bytearray(8), bytearray(8), bytearray(16)
six, five = memoryview(key)[1:7], memoryview(out)[1:6]
def work():
    for i in range(500):
        key[0] = key[1] = i & 31
        h.update(key, out); h.update(key, out, 2); h.lookup_into(key, out); h.add(key, 1, 1, 2); h.compare_and_swap(key, out, out)
        odd.update(six, five); odd.lookup_into(six, five); odd.add(six, 1, 1, 2); odd.delete(six)
        if odd.lookup_into(six, five):
            return 1
        a.update(i & 63, out); a.update(i & 63, out, 2); a.lookup_into(i & 63, out); a.add(i & 63, 1, 0, 2); a.delete(i & 63)
        if a.lookup_into(99, out):
            return 1
        q.push(sample); q.push(sample, 2); q.peek_into(sample); q.pop_into(sample); q.pop_into(sample)
        s.push(sample, 2); s.pop_into(sample)
        r.output(sample); r.read_into(sample)
        h.delete(key)
    return 2
done = None
micropython.heap_lock()
try:
    done = work()
finally:
    micropython.heap_unlock()
assert done == 2
""",
    )

"""The line's usual turn in C against the same session without it: random requests, byte for byte the same answers and maps.

Two sessions, each with maps of its own, get the same frames: most of them as a host sends them, some damaged, doubled, out of
turn, or joined and cut anywhere. What differs must be nothing but where the work was done, and that is counted.
"""

from collections.abc import Callable

import pytest

WALK = """
import random, sys
from struct import pack
from boardmaps import pool, settings, ArrayMap, HashMap, PerCpuArray, Queue, LpmTrie
from boardmaps.line.dispatch import Dispatcher
from boardmaps.line.frame import HELLO, REQUEST, TAKEN, encode
from boardmaps.line.session import ServerSession, pack_hello
random.seed(SEED)
def maps():
    found = [HashMap(4, 4, 6, 0, "h"), ArrayMap(8, 5, 0, "a"), HashMap(5, 7, 40, 0, "odd"), HashMap(2, 2, 4, 8, "read_only"),
        ArrayMap(3, 4, 16, "write_only"), ArrayMap(600, 2, 0, "large"), PerCpuArray(4, 4), Queue(4, 4), LpmTrie(8, 4, 3),
        HashMap(3, 9, 4)]
    found[-1].freeze()
    found[3].update(b"ab", b"cd")
    return found
class Registry:
    stats, read, reset = pool.stats, pool.read, pool.reset
    def __init__(self):
        self.maps = {i + 1: m for i, m in enumerate(maps())}
        for i, m in self.maps.items():
            m.id = m.offset = i  # the same on both sides
    def ids(self):
        return sorted(self.maps)
    def by_id(self, i):
        if i not in self.maps:
            raise KeyError(i)
        return self.maps[i]
turns = [0, 0]
registries = [Registry(), Registry()]
sides = [ServerSession(Dispatcher(registry).handle, {"boot": "0"}, MTU, 4, 511, 4096) for registry in registries]
turn = settings.in_c.line(registries[0].maps)
buf = memoryview(bytearray(1024))
def in_c(data):
    n = len(data)
    buf[:n] = data
    m = turn(sides[0], buf, n)
    out, end = m & 0xFFFF, m >> 16
    turns[0] += out > 0
    turns[1] += end > 0 or not m
    if not m:
        assert buf[:n] == data
        return sides[0].receive(data)
    assert not out or not buf[0]
    answer = bytes(buf[1:out])
    return answer + sides[0].receive(bytes(buf[out:end])) if end else answer
def check(data):
    answers = [in_c(data), sides[1].receive(data)]
    assert answers[0] == answers[1], (data, answers)
    for name in ("session", "_next", "served", "replayed", "_kept", "limit"):
        assert getattr(sides[0], name) == getattr(sides[1], name), (name, data)
def same_maps():
    for i, m in registries[0].maps.items():
        other = registries[1].maps[i]  # its table has another seed, so not the slices are compared but what they hold
        if m.definition.map_type in (1, 2):
            assert sorted(m.items()) == sorted(other.items()), m
        else:
            assert m.host_count() == other.host_count()
def some(n):
    return bytes([random.getrandbits(8) if random.getrandbits(2) else 0 for _ in range(n)])
def odd(bits):
    return EVERY and not random.getrandbits(bits)
def key(m):
    d = m.definition
    n = random.randrange(8) if odd(5) else d.key_size
    i = random.randrange(min(d.max_entries, 6) + odd(3))
    return pack("<I", i) if d.map_type == 2 and n == 4 else bytes([i] + [1] * n)[:n]
def value(m):
    return some(random.randrange(9) if odd(5) else m.definition.value_size)
def request():
    i = random.choice(IDS)
    m = registries[0].maps.get(i, registries[0].maps[1])
    what = random.randrange(40) if odd(6) else random.choice(b"\\x00\\x04\\x04\\x04\\x05\\x05\\x05\\x05\\x09\\x0f\\x0f")
    if not random.getrandbits(6 - 3 * EVERY):
        what = 6
    if not what:
        return b"\\x00" + some(random.randrange(20))
    head = pack("<BH", what, i)
    if what == 5:
        k = key(m)
        return head + pack("<IH", random.choice((1, 2, 3, 4, 1 << 31)) if odd(2) else 0, len(k) + odd(6)) + k + value(m)
    if what == 9:
        cursor = random.choice((0, i << 16 | random.randrange(8), i << 16 | 1, random.getrandbits(30) if odd(2) else 0))
        return head + pack("<QH", cursor, random.choice((1, 2, 5, 100, 65535, 0 if odd(2) else 1))) + (b"0" if odd(6) else b"")
    if what == 15:
        place = (3, 4) if m.definition.value_size == 7 else (0, 0)
        if odd(1):
            place = random.choice(((1, 2), (0, 4), (random.getrandbits(3), random.getrandbits(4)), (0xFFFFFFFF, 1)))
        return head + pack("<IBq", place[0], place[1], random.choice((1, -1, random.getrandbits(30), -(1 << 40)))) + key(m)
    return (head + key(m))[: random.randrange(8) if odd(5) else None]
IDS = (1, 1, 1, 2, 2, 2, 3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 300) if EVERY else (1, 2, 3)
check(encode(HELLO, 9, 3, 0, pack_hello({"v": "2", "mtu": HOST_MTU})))
seq = sides[0]._next
def frame_of(seq):
    before = random.getrandbits(1) and b"\\2" + b"#" * random.randrange(3, 9) + b"\\0"  # for a REPL
    return (before or b"") + encode(REQUEST, 9, seq, 0, request())
for step in range(STEPS):
    frame = frame_of(seq)
    how = random.randrange(24) if EVERY else 99
    if how == 0:
        check(frame[:3] + b"\\x55" + frame[4:])  # damaged: it comes again
    elif how == 1:
        check(encode(REQUEST, 9, (seq + random.randrange(-5, 5)) & 0xFFFF, 0, request()))
        seq = sides[0]._next
        continue
    elif how == 2:
        check(frame[:4])  # cut in two reads
        frame = frame[4:]
    elif how == 3:
        check(encode(REQUEST, 8, seq, 0, request()))  # another session's
    elif how == 4:
        check(b"\\0\\0" + frame + frame_of((seq + 1) & 0xFFFF))
        seq = sides[0]._next
        continue
    elif how in (8, 9, 10):  # several in flight, in reads that know nothing of frames
        data = frame
        for i in range(1, random.randrange(2, 6)):
            data += b"\\0" * odd(3) + frame_of((seq + i) & 0xFFFF)
        while data:
            n = random.randrange(1, 200)
            check(data[:n])
            data = data[n:]
        seq = sides[0]._next
        continue
    elif how == 5:
        check(encode(TAKEN, 9, 0, 0))
    elif how == 6:
        check(some(700))  # a frame that is too long, then the next
        check(b"\\0")
    check(frame)
    seq = sides[0]._next
    if how == 7:
        check(frame)  # again: the kept reply
    if not step % 64:
        same_maps()
same_maps()
print(*turns)
"""


def _walk(seed: int, **given: object) -> str:
    words = {"SEED": seed, "STEPS": 600, "MTU": 480, "HOST_MTU": 480, "EVERY": True} | given
    code = WALK
    for word in sorted(words, key=len, reverse=True):
        code = code.replace(word, str(words[word]))
    return code


@pytest.mark.parametrize("mtus", [(480, 480), (480, 64), (64, 480)], ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_with_the_turn_in_c_and_without_the_answers_are_the_same(
    chip: Callable[[str], str], seed: int, mtus: tuple[int, int]
) -> None:
    in_c, not_in_c = map(int, chip(_walk(seed, MTU=mtus[0], HOST_MTU=mtus[1])).split())
    assert in_c
    assert not_in_c


def test_nine_of_ten_usual_requests_are_answered_in_c(chip: Callable[[str], str]) -> None:
    in_c, not_in_c = map(int, chip(_walk(7, EVERY=False)).split())
    assert in_c >= 9 * not_in_c, (in_c, not_in_c)

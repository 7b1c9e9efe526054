"""Pins on MicroPython's own littlefs: kept over a restart, written only when changed, whole or not at all."""

from pathlib import Path

import pytest

from tests.board.conftest import on_unix, with_native
from tests.board.on_unix import FIRMWARE
from tests.require import require_board

PROGRAMS = Path(__file__).parent / "programs"

_KINDS = """
import struct
def make():
    return (
        HashMap(4, 8, 20, name="hash"), ArrayMap(4, 9, name="array"), PerCpuHash(4, 8, 5, name="cpuhash"),
        PerCpuArray(8, 3, name="cpuarray"), LpmTrie(8, 4, 6, name="trie"), Queue(4, 5, name="queue"),
        Stack(4, 5, name="stack"), RingBuf(256, name="ring"), BloomFilter(8, 30, name="bloom", functions=3),
        TimeSeries(2, 6, name="series", field="h"),
    )
def fill(maps, n):
    h, a, ph, pa, t, q, s, r, b, ts = maps
    for i in range(n):
        key, value = struct.pack("<I", i), struct.pack("<II", i, n)
        h.update(key, value); a.update(i % 9, key); ph.update(struct.pack("<I", i % 5), value); pa.update(i % 3, value)
        t.update(struct.pack("<I", 24) + bytes((10, 0, i % 6, 0)), key)
        q.push(key, BPF_EXIST); s.push(key, BPF_EXIST); b.push(value); ts.push(i, struct.pack("<h", -i))
        r.output(key) or r.read()
"""


def run(program: str, path: Path = FIRMWARE) -> list[str]:
    """Run a program behind programs/flash.py on the unix port; return the lines that it printed."""
    require_board("unix")
    failed, printed = on_unix((PROGRAMS / "flash.py").read_text() + program, "2M", path)
    assert not failed, printed
    return printed.splitlines()


@pytest.mark.parametrize("kernels", ["viper", "c"])
def test_each_type_comes_back_as_it_was_and_is_written_once(kernels: str, tmp_path: Path) -> None:
    path = with_native(tmp_path) if kernels == "c" else FIRMWARE
    lines = run(
        _KINDS
        + """
maps = make()
fill(maps, 17)
was = [bytes(m._view) for m in maps]
assert all(boardmaps.pin(m) == 32 + m.size for m in maps)
before = flash.operations
assert not any(boardmaps.pin(m) for m in maps) and flash.operations == before
stats = boardmaps.pin_stats()
assert stats[:3] == (10, 10, sum(32 + m.size for m in maps)) and 0 < stats[3] <= stats[4], stats
StaticPool.reset()
power_on(Flash(memory=flash.memory))
again = make()
assert [bytes(m._view) for m in again] == was
assert all(state == "same" for _, state, *_ in boardmaps.pins()), boardmaps.pins()
fill(again, 18)
assert all(m.check() is None for m in again)
assert all(state == "changed" for _, state, *_ in boardmaps.pins()), boardmaps.pins()
print(boardmaps.unpin(again[0]), boardmaps.unpin("hash"), len(boardmaps.pins()))
""",
        path,
    )
    assert lines == ["True False 9"]


def test_what_was_reserved_in_a_ring_is_nobodys_after_a_restart() -> None:
    run("""
r = RingBuf(128, name="ring")
r.output(b"one"); held = r.reserve(9); r.output(b"two")
boardmaps.pin(r)
StaticPool.reset()
r = RingBuf(128, name="ring")
assert r.read() == (0, b"one") and r.read() == (2, b"two") and r.read() is None and r.check() is None
""")


def test_every_flipped_bit_of_a_pin_is_found_and_no_value_of_it_is_served() -> None:
    lines = run("""
import io
a = ArrayMap(4, 3, name="a")
a.update(1, b"\\x12\\x34\\x56\\x78")
boardmaps.pin(a)
with open("/flash/kept/a.pin", "rb") as f:
    whole = bytearray(f.read())
from boardmaps.keep import load as loading
loading.print = lambda *_: None
fresh = None
found = 0
for bit in range(8 * len(whole)):
    whole[bit // 8] ^= 1 << bit % 8
    with open("/flash/kept/a.pin", "wb") as f:
        f.write(whole)
    whole[bit // 8] ^= 1 << bit % 8
    StaticPool.reset()
    a = ArrayMap(4, 3, name="a")
    assert [a.lookup(i) for i in range(3)] == [bytes(4)] * 3 and a.check() is None, bit
    (name, state, *_), = boardmaps.pins()
    assert "not loaded" in state, (bit, state)
    found += 1
assert boardmaps.pin(a) == len(whole)  # a damaged one gives way
print(found)
""")
    assert lines == [str(8 * (32 + 96 + 16))]


def test_a_power_cut_at_every_block_operation_leaves_the_old_or_the_new_content() -> None:
    lines = run("""
def state(n):
    h = HashMap(4, 40, 16, name="table")
    for i in range(n):
        h.update(bytes((i, 0, 0, n)), bytes((n,)) * 40)
    return h
h = state(3)
boardmaps.pin(h)
old = bytes(h._view)
h.delete(bytes((0, 0, 0, 3)))
new = bytes(h._view)
start = bytes(flash.memory)
before = flash.operations
boardmaps.pin(h)
operations = flash.operations - before
seen = set()
for cut in range(operations + 1):
    for torn in (0, 7, 100):
        StaticPool.reset()
        chip = Flash(memory=bytearray(start))
        power_on(chip)
        h = state(0)
        assert bytes(h._view) == old
        h.delete(bytes((0, 0, 0, 3)))
        chip.operations, chip.cut, chip.torn = 0, cut, torn
        try:
            written = boardmaps.pin(h)
        except MapError:
            written = 0
        assert bool(written) == (cut == operations), (cut, written)
        StaticPool.reset()
        power_on(Flash(memory=chip.memory))  # littlefs mounts: the board boots
        h = state(0)
        found = bytes(h._view)
        assert found in (old, new) and h.check() is None, (cut, torn)
        assert not written or found == new
        seen.add(found == new)
        h.clear()
        assert boardmaps.pin(h)  # and what the cut left is in nobody's way
print(operations, sorted(seen))
""")
    operations, seen = lines[0].split(" ", 1)
    assert int(operations) >= 4
    assert seen == "[False, True]"


def cut_at_random(seed: int, cuts: int) -> tuple[int, int, int]:
    """Cut the power so often in random pins; return how many were made, and after how many cuts there was the old, the new."""
    lines = run(f"SEED, CUTS = {seed}, {cuts}\n" + (PROGRAMS / "cutting.py").read_text())
    done, pins, old, new = map(int, lines[-1].split())
    assert done == cuts == old + new
    return pins, old, new


def test_power_cuts_at_random_leave_the_old_or_the_new_content() -> None:
    pins, old, new = cut_at_random(seed=1, cuts=40)
    assert pins > 40
    assert old
    assert new


def read_back(pins: int) -> None:
    """Pin so often without a reset, and read each as a board would that loses its power then."""
    run(
        f"PINS = {pins}"
        + """
a = ArrayMap(4, 20, name="a")
for i in range(PINS):
    a.add(i % 20, i + 1)
    assert boardmaps.pin(a)
    was = bytes(a._view)
    chip = Flash(memory=bytearray(flash.memory))
    power_on(chip)
    with open("/flash/kept/a.pin", "rb") as f:
        assert f.read()[32:] == was
    power_on(flash)
assert boardmaps.pins()[0][3:5] == (PINS, PINS * (32 + a.size)), boardmaps.pins()
"""
    )


def test_pins_one_after_the_other_are_each_read_back_after_a_cut() -> None:
    read_back(60)


def test_a_server_pins_what_has_changed_a_piece_a_turn() -> None:
    run("""
from boardmaps import keep
h = HashMap(4, 200, 20, name="h")
assert boardmaps.pin(h, 0) and keep.turns
wrote = boardmaps.pin_stats()[0]
for _ in range(5):
    keep.take_turns()
assert boardmaps.pin_stats()[0] == wrote  # nothing has changed
h.update(bytes(4), bytes(200))
pieces = 0
while boardmaps.pin_stats()[0] == wrote:
    keep.take_turns()
    pieces += 1
assert pieces > h.size // 512 and boardmaps.pins()[0][1] == "same", (pieces, boardmaps.pins())
h.clear()
keep.take_turns()
keep.take_turns()
assert boardmaps.pin(h)  # by call, in the midst of it
assert boardmaps.pins()[0][1] == "same"
h.update(bytes(4), bytes(200))
keep.take_turns()
StaticPool.reset()  # and the map goes in the midst of it
for _ in range(50):
    keep.take_turns()
h = HashMap(4, 200, 20, name="h")
assert len(h) == 0
boardmaps.pin(h, 3600)
h.update(bytes(4), bytes(200))
for _ in range(50):
    keep.take_turns()
assert boardmaps.pins()[0][1] == "changed"
boardmaps.unpin(h)
keep.take_turns()
assert boardmaps.pins() == []
""")


def test_what_cannot_be_pinned_or_loaded_is_said_and_changes_nothing() -> None:
    lines = run("""
def lift(flags=0, entries=4, kind=ArrayMap):
    StaticPool.reset()
    return kind(4, entries, flags, "a")
a = lift()
a.update(1, b"kept")
print(error(boardmaps.pin, ArrayMap(4, 1)))
print(error(boardmaps.pin, a, -1))
boardmaps.pin(a)
twice = ArrayMap(4, 4, name="a")
print(error(boardmaps.pin, twice))
for other in (lift(BPF_F_RDONLY), lift(0, 5), lift(0, 4, Queue)):
    other = lift(other.definition.map_flags, other.definition.max_entries, type(other))
    print(error(boardmaps.pin, other)[0])
with open("/flash/kept/a.pin", "rb") as f:
    whole = f.read()
def put(data):
    with open("/flash/kept/a.pin", "wb") as f:
        f.write(data)
from binascii import crc32
import struct
later = bytearray(whole)
later[4] = 2
later[28:32] = struct.pack("<I", crc32(later[:28]))
for data in (whole[:-8], whole + bytes(8), whole[:20], b"", later):
    put(data)
    lift()
    print(boardmaps.pins()[0][1])
put(whole)
a = lift()
print(a.lookup(1))
a.update(2, b"more")
power_on(flash, readonly=True)
print(error(boardmaps.pin, a), a.lookup(2))
power_on(flash)
with open("/flash/fill", "wb") as f:
    try:
        while True:
            f.write(bytes(1024)); f.flush()
    except OSError:
        pass
big = ArrayMap(64, 200, name="big")
print(error(boardmaps.pin, big))
print(boardmaps.pins())
""")
    text = "\n".join(lines)
    expected = [
        "InvalidDefinition', 'pin map 2: it has no name",
        "MapError', 'pin: every is -1, not a number of seconds",
        "InvalidDefinition', \"pin 'a': the maps 1 and 3 both have this name",
        "max_entries=5, map_flags=0, name='a') now: it begins empty; boardmaps.migrate('a', function) would move",
        "the pin of map 'a' is not loaded: it has 104 bytes of the map, and 112 were written",
        "it has 120 bytes of the map, and 112 were written",
        "its head is damaged",
        "it has version 2, and this boardmaps reads 1",
        "b'kept'",
        "NotPermitted', \"pin 'a': the file system of /flash/kept is read-only",
        "OutOfMemory', \"pin 'big': the file system is full: 12928 bytes are needed",
    ]
    assert [part for part in expected if part not in text] == []
    assert lines.count("InvalidDefinition") == 3
    assert lines[-1].startswith("[('a', 'changed'")
    assert "big" not in lines[-1]

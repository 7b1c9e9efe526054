"""What a boot finds in the pool of the one before: kept where it is whole, moved, given back, or discarded with the reason.

On the unix port, with memory that stays in the place of a chip's: a C module's block, or the heap of stock firmware, of which
test_outlive.py has more. test_resets.py resets chips.

More than 300 lines: what can become of a slice, a test each.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.board.conftest import on_unix
from tests.board.on_unix import FIRMWARE
from tests.require import require_board

PROGRAMS = Path(__file__).parent / "programs"
C_MODULE = "adopting.py"
BOTH = pytest.mark.parametrize("boots", [C_MODULE, "outliving.py"], indirect=True, ids=["c_module", "heap"])

Run = Callable[..., str]


@pytest.fixture
def boots(request: pytest.FixtureRequest) -> Run:
    """Return a function that runs a program in which boot() begins another boot, by itself of firmware with the C module."""
    require_board("unix")
    program = (PROGRAMS / getattr(request, "param", C_MODULE)).read_text()

    def run(code: str, pool: int = 4096, seed: int = 0) -> str:
        failed, said = on_unix(f"SEED, POOL = {seed}, {pool}\n{program}\n{code}", "4M", FIRMWARE)
        assert not failed, said
        return said

    return run


def test_maps_are_opened_again(boots: Run) -> None:
    boots("""
b = boot()
assert b.recovered() == [], b.recovered()
h, r, n = b.HashMap(4, 4, 8, name="h"), b.RingBuf(64, name="r"), b.ArrayMap(4, 4)
t = b.TimeSeries(8, 4, name="t", field="h", field_offset=2)
f = b.BloomFilter(4, 10, name="f")
h.update(b"key0", b"val0")
r.output(b"one")
record = r.reserve(5)
r.output(b"two")
t.push(7, b"12345678")
f.push(b"this")
h.freeze()
image = bytes(memory)
b = boot()
unnamed = ("", "discarded", "a map without a name is not kept")
assert b.recovered() == [("h", "kept", ""), ("r", "kept", ""), unnamed, ("t", "kept", ""), ("f", "kept", "")], b.recovered()
assert (b.StaticPool.used(), b.StaticPool.allocation_count()) == (0, 0)
h = b.HashMap(4, 4, 8, name="h")
assert (h.lookup(b"key0"), len(h), h.frozen, h.check(), h.offset) == (b"val0", 1, False, None, 0)
assert b.recovered()[0] == ("h", "opened", "")
again = b.HashMap(4, 4, 8, name="h")
assert len(again) == 0 and h.lookup(b"key0") == b"val0", "only the first time in a boot"
r = b.RingBuf(64, name="r")
assert (len(r), r.read(), r.read(), r.read()) == (2, (0, b"one"), (2, b"two"), None), "what was reserved is not there"
t = b.TimeSeries(8, 4, name="t", field="h", field_offset=4)
assert len(t) == 0, "another field is another layout"
assert b.recovered()[3][1:] == ("discarded", "the map was made anew with another definition: this was %r" % t.definition)
f = b.BloomFilter(4, 10, name="f")
assert f.peek(b"this") and not f.peek(b"that")
for m in (h, again, r, t, f):
    assert m.check() is None
b.StaticPool.reset()
b = boot()
assert b.recovered() == []
""")


@BOTH
def test_a_map_that_finds_no_memory_waits_on(boots: Run) -> None:
    boots("""
b = boot()
b.ArrayMap(4, 4, name="a").update(0, b"1234")
b = boot()
pool = sys.modules["boardmaps.pool"]
allocate = pool._allocate
def full(*given):
    raise MemoryError
pool._allocate = full
try:
    b.ArrayMap(4, 4, name="a")
    raise ValueError
except MemoryError:
    pass
pool._allocate = allocate
assert b.recovered() == [("a", "kept", "")] and b.StaticPool.allocation_count() == 0
assert b.ArrayMap(4, 4, name="a").lookup(0) == b"1234"
""")


@BOTH
def test_what_looks_at_them_is_let_go_with_the_last(boots: Run) -> None:
    boots("""
def loaded():
    return [name for name in ("adoption", "maps.check") if "boardmaps." + name in sys.modules]
b = boot()
for name in ("one", "two", ""):
    b.ArrayMap(4, 4, name=name).update(0, b"1234")
assert not loaded()
b = boot()
assert loaded() == ["adoption", "maps.check"]
assert b.ArrayMap(4, 4, name="two").lookup(0) == b"1234"
assert loaded() == ["adoption", "maps.check"], "one waits"
assert b.ArrayMap(4, 4, name="one").lookup(0) == b"1234"
assert not loaded()
assert b.recovered() == [("one", "opened", ""), ("two", "opened", ""), ("", "discarded", "a map without a name is not kept")]
b.StaticPool.reset()
b.ArrayMap(4, 4)
b = boot()
assert len(b.recovered()) == 1 and not loaded(), "none waits"
b.ArrayMap(4, 4, name="one")
b = boot()
b.StaticPool.reset()
b.ArrayMap(4, 4)
assert not loaded(), "it was discarded"
""")


def test_a_reset_of_the_pool_and_a_setting_end_it(boots: Run) -> None:
    boots("""
b = boot()
b.ArrayMap(4, 4, name="a").update(0, b"1234")
b = boot()
b.StaticPool.reset()
assert b.recovered() == [("a", "discarded", "the pool was reset before anybody had opened it")], b.recovered()
assert b.ArrayMap(4, 4, name="a").lookup(0) == bytes(4)
Config.KEEP = False
b = boot()
assert b.recovered() is None
assert b.ArrayMap(4, 4, name="a").lookup(0) == bytes(4)
Config.KEEP = True
Module.kept = False
b = boot()
assert b.recovered() is None
""")


@BOTH
def test_a_function_moves_what_a_map_of_another_definition_held(boots: Run) -> None:
    boots("""
b = boot()
b.HashMap(4, 2, 4, name="limits").update(b"door", b"15")
b.HashMap(4, 2, 4, name="others").update(b"door", b"15")
b = boot()

def longer(old, new):
    for key, value in old.entries():
        new.update(key, value + b"00")

b.migrate("limits", longer)
m, other = b.HashMap(4, 4, 4, name="limits"), b.HashMap(4, 4, 4, name="others")
assert (list(m.items()), len(other), m.check(), other.check()) == ([(b"door", b"1500")], 0, None, None)
told = b.recovered()
assert [state for _, state, _ in told] == ["discarded", "discarded"], told
assert told[0][2].endswith(": migrated") and "another definition" in told[1][2], told
""")


@BOTH
def test_a_schema_that_says_the_same_in_other_words_keeps_the_map(boots: Run) -> None:
    boots("""
b = boot()
b.HashMap.typed("t", key="id:u16", value="heat:i16/100 K", max_entries=4).update(b"01", b"23")
b.ArrayMap(4, 2, name="behind").update(0, b"here")
for text, held in (("heat:i16/100 °C 'of the oven, which is a long text'", 1), ("heat:i16/100", 1), ("heat:i16/10", 0)):
    b = boot()
    m = b.HashMap.typed("t", key="id:u16", value=text, max_entries=4)
    assert (len(m), m.check(), m.definition.schema) == (held, None, "id:u16\\n" + text)
    assert not held or m.lookup(b"01") == b"23"
    m.update(b"45", b"67")
    m.delete(b"45")
    assert b.ArrayMap(4, 2, name="behind").lookup(0) == b"here"
    told = sorted(b.recovered())
    assert told[0] == ("behind", "opened", "") and told[1][:2] == ("t", "opened" if held else "discarded"), told
""")


def test_what_is_not_whole_is_discarded_and_says_why(boots: Run) -> None:
    boots("""
b = boot()
maps = [b.HashMap(4, 4, 4, name=n) for n in ("a", "b", "c", "d")]
for m in maps:
    m.update(m.name.encode() * 4, b"here")
a, second, third, d = [m.offset for m in maps]
pool = b.pool
pool._view[second + 69] = 1  # a reset within a change
pool._view[third + 4] ^= 8  # the size
b = boot()
said = [(name, state) for name, state, _ in b.recovered()]
assert said == [("a", "kept"), ("b", "discarded"), ("c", "discarded"), ("d", "kept")], said
assert [why for _, state, why in b.recovered() if state == "discarded"] == [
    "a change of the map was under way, and did not end",
    "the header says 152 bytes, its definition 144, and the slice has 152",
], b.recovered()
for n in "dcba":
    m = b.HashMap(4, 4, 4, name=n)
    assert (m.lookup(n.encode() * 4), m.check()) == (b"here" if n in "ad" else None, None), n
memory[1] = 0  # no map begins there, but others follow
b = boot()
assert [(name, state) for name, state, _ in b.recovered()] == [("c", "kept"), ("b", "kept"), ("a", "kept")], b.recovered()
""")


@BOTH
def test_those_that_wait_give_way(boots: Run) -> None:
    boots("""
b = boot()
for n in "abc":
    b.ArrayMap(8, 100, name=n).update(0, n.encode() * 8)
assert b.StaticPool.remaining() == 4096 - 3 * 896
b = boot()
assert b.StaticPool.remaining() == 4096
new = b.ArrayMap(8, 350, name="new")  # needs the room of two
assert [new.lookup(i) for i in range(350)] == [bytes(8)] * 350
assert b.recovered() == [("a", "kept", ""), ("b", "discarded", "nobody had opened it when 'new' needed its room"),
                         ("c", "discarded", "nobody had opened it when 'new' needed its room")], b.recovered()
assert b.ArrayMap(8, 100, name="a").lookup(0) == b"a" * 8
assert b.StaticPool.allocate(b.StaticPool.remaining()) is not None
assert b.StaticPool.allocate(1) is None
b = boot()
whole = b.StaticPool.allocate(4096)
assert bytes(whole) == bytes(4096)
assert [state for _, state, _ in b.recovered()] == ["discarded", "discarded"], b.recovered()
""")


def test_what_the_host_may_not_read_stays_hidden_while_it_waits(boots: Run) -> None:
    boots("""
b = boot()
b.ArrayMap(8, 4, b.BPF_F_WRONLY, "w").update(0, b"a secret")
b = boot()
b.ArrayMap(8, 4, name="first")
from boardmaps import pool
assert b"a secret" in bytes(memory) and b"a secret" not in pool.read(0, 4096)
assert b.ArrayMap(8, 4, b.BPF_F_WRONLY, "w").lookup(0) == b"a secret"
assert b"a secret" not in pool.read(0, 4096)
""")


@BOTH
@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_any_maps(boots: Run, seed: int) -> None:
    """Boots that make other maps in another order, in a pool that is often full: each that is opened holds what it held."""
    said = boots(
        """
random.seed(SEED)
model = {}  # (name, definition): what the map held
opened = given = 0
for turn in range(40):
    b = boot()
    states = {name: state for name, state, _ in b.recovered()}
    assert set(states.values()) <= {"kept"}, b.recovered()
    assert set(states) == {name for name, _ in model}, (b.recovered(), model)
    now, left = {}, dict(model)
    for name in sorted("abcdefg", key=lambda _: random.getrandbits(16))[: 2 + random.getrandbits(8) % 6]:
        kind, n = random.getrandbits(8) % 3, (4, 9, 30)[random.getrandbits(8) % 3]
        for had in left:  # mostly as before
            if had[0] == name and random.getrandbits(2):
                _, (kind, n) = had
        if not random.getrandbits(3):
            b.StaticPool.allocate(1 + random.getrandbits(6))
        try:
            if not kind:
                m = b.HashMap(4, 8, n, name=name)
            else:
                m = b.Queue(8, n, name=name) if kind == 1 else b.RingBuf(64 << n // 9, name=name)
        except b.OutOfMemory:
            continue
        state = {told: state for told, state, _ in b.recovered()}.get(name)
        if state == "opened":
            opened += 1
            expected = left.pop((name, (kind, n)))
        else:
            assert state in (None, "discarded"), b.recovered()
            expected = []
        if kind == 0:
            assert sorted(m.items()) == expected, (name, expected)
            m.update(b"%04d" % (turn % n), b"%8d" % random.getrandbits(20))
            now[name, (kind, n)] = sorted(m.items())
        elif kind == 1:
            held = []
            while True:
                value = m.pop()
                if value is None:
                    break
                held.append(value)
            assert held == expected, (name, held, expected)
            held = (held + [b"%8d" % random.getrandbits(20)])[-n:]
            for value in held:
                m.push(value)
            now[name, (kind, n)] = held
        else:
            held = []
            while True:
                record = m.read()
                if record is None:
                    break
                held.append(record[1])
            assert held == expected, (name, held, expected)
            held = (held + [b"%8d" % random.getrandbits(20)])[-2:]
            for value in held:
                assert m.output(value)
            now[name, (kind, n)] = held
    for name, state, why in b.recovered():
        if state == "kept":
            for had in model:
                if had[0] == name:
                    now[had] = model[had]
    given += len([why for _, _, why in b.recovered() if "needed its room" in why])
    for m in b.pool.maps.values():
        assert m.check() is None
    model = now
print(opened, given)
""",
        pool=2048,
        seed=seed,
    )
    opened, given = map(int, said.split())
    assert opened > 30
    assert given > 0, "none gave way"

"""A pin of another definition goes to the program's function, on MicroPython's own littlefs; without one the map begins anew.

One whose schema describes the same layout in other words is no other definition.
"""

from tests.board.test_pins import run

PROGRAM = """
from boardmaps import HashMap, by_name, migrate
old = HashMap.typed("settings", key="id:u32", value="heat:i16/100, mode:u8{off,on}, _:1x", max_entries=4)
old.update(b"\\1\\0\\0\\0", b"\\x34\\x08\\1\\0")
boardmaps.pin(old)
StaticPool.reset()
power_on(Flash(memory=flash.memory))
fresh = HashMap(4, 8, 4, 0, "settings")
assert len(fresh) == 0
print(boardmaps.pins()[0][1])
StaticPool.reset()
migrate("settings", by_name)
new = HashMap.typed("settings", key="id:u32", value="limit:u16(=300), heat:i16/100, mode:u8{off,on,auto}, _:3x", max_entries=4)
print(bytes(new.lookup(b"\\1\\0\\0\\0")).hex(), new.check(), boardmaps.pins()[0][1][-8:])
StaticPool.reset()
def fails(old, new):
    new.update(b"half", bytes(8))
    raise ValueError("no such field")
migrate("settings", fails)
broken = HashMap.typed("settings", key="id:u32", value="limit:u16(=300), heat:i16/100, mode:u8{off,on,auto}, _:3x", max_entries=4)
print(len(broken), broken.check())
StaticPool.reset()
same = HashMap.typed("settings", key="id:u32", value="heat:i16/100, mode:u8{off,on}, _:1x", max_entries=4)
print(bytes(same.lookup(b"\\1\\0\\0\\0")).hex())
StaticPool.reset()
migrate("settings", by_name)
new = HashMap.typed("settings", key="id:u32", value="limit:u16(=300), heat:i16/100, mode:u8{off,on,auto}, _:3x", max_entries=4)
print(boardmaps.pin(new) == 32 + new.size, boardmaps.pins()[0][1])
StaticPool.reset()
new = HashMap.typed("settings", key="id:u32", value="limit:u16(=300), heat:i16/100, mode:u8{off,on,auto}, _:3x", max_entries=4)
print(bytes(new.lookup(b"\\1\\0\\0\\0")).hex())
"""


def test_a_pin_of_another_definition_is_migrated_by_the_programs_function() -> None:
    lines = run(PROGRAM)
    said = [line for line in lines if not line.startswith("boardmaps: ")]
    assert "it begins empty; boardmaps.migrate('settings', function)" in said[0]
    assert said[1:] == ["2c01340801000000 None migrated", "0 None", "34080100", "True same", "2c01340801000000"]
    verdicts = [line for line in lines if line.startswith("boardmaps: ")]
    assert "it begins empty" in verdicts[0]
    assert ": migrated" in verdicts[1]
    assert "its migration failed (ValueError: no such field), and it begins empty" in verdicts[2]
    assert len(verdicts) == 4


DESCRIBED = """
from boardmaps import ArrayMap
def make(value):
    return ArrayMap.typed("settings", value=value, max_entries=2)
old = make("heat:i16/100(0..50=20), mode:u8{off,on}")
old.update(0, b"\\x34\\x08\\1")
size = boardmaps.pin(old)
for value in ("heat:i16/100(-10..90=30)^ °C 'of the oven', mode:u8{off,on}! 'what it does'", "heat:i16/100, mode:u8{off,on}"):
    StaticPool.reset()
    power_on(Flash(memory=flash.memory))
    new = make(value)
    assert new.definition.schema == value and new.check() is None
    print(bytes(new.lookup(0)).hex(), bytes(new.lookup(1)).hex(), boardmaps.pins()[0][1])
    print(boardmaps.pin(new) == 32 + new.size != size, boardmaps.pins()[0][1:3] == ("same", 32 + new.size))
for value in ("heat:i16/10, mode:u8{off,on}", "heat:i16/100, mode:u8{on,off}", "warm:i16/100, mode:u8{off,on}"):
    StaticPool.reset()
    try:
        boardmaps.pin(make(value))
    except boardmaps.InvalidDefinition as refused:
        print(refused)
"""


def test_a_schema_that_says_the_same_of_the_bytes_in_other_words_loads_the_pin() -> None:
    said = [line for line in run(DESCRIBED) if not line.startswith("boardmaps: ")]
    assert said[:4] == ["340801 d00700 changed", "True True"] * 2
    assert len(said) == 7
    assert all("there is a pin already, and it is that of another definition or layout" in line for line in said[4:])

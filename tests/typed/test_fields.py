"""m.field(name), as firmware has it: the same program on the computer and on MicroPython."""

import textwrap

import pytest

from boardmaps import ArrayMap, HashMap, InvalidValue
from tests.board.conftest import Run
from tests.board.conftest import micropython as micropython  # noqa: PLC0414 - a fixture, for this folder too

PROGRAM = """
import boardmaps
from boardmaps import ArrayMap, HashMap, InvalidValue, KeyNotFound, NotSupported

def refused(error, call, *given):
    try:
        call(*given)
    except error as why:
        return str(why)
    raise AssertionError("not refused")

VALUE = ("temp:i16/100 °C, mode:u8{off,heat,cool}, on:bool, n:i8, u:u32, s:i32, big:u64, low:i64, f:f32, name:6s, id:2b, "
         "list:u16[3], fixed:i16[2]/10")
for made, key in (
    (HashMap.typed("rooms", key="room:8s", value=VALUE, max_entries=4), b"kitchen\\0"),
    (ArrayMap.typed("rows", value=VALUE, max_entries=4), 2),
):
    zero = bytes(made.definition.value_size)
    temp = made.field("temp")
    if key != 2:
        assert temp.get(key) is None
        refused(KeyNotFound, temp.set, key, 1.5)
        refused(KeyNotFound, temp.raw.add, key, 1)
    made.update(key, zero)
    temp.set(key, 21.5)
    assert (temp.get(key), temp.raw.get(key), temp.unit) == (21.5, 2150, "°C")
    assert temp.raw.add(key, -4300) == -2150 and temp.get(key) == -21.5
    assert temp.add(key, 1.5) == -20 and temp.raw.get(key) == -2000
    temp.raw.set(key, -5)
    assert made.lookup(key) == b"\\xfb\\xff" + zero[2:]
    assert "32768 does not fit i16" in refused(InvalidValue, temp.raw.set, key, 32768)
    refused(TypeError, temp.raw.set, key, None)
    refused(TypeError, temp.raw.set, key, "7")
    mode = made.field("mode")
    mode.set(key, mode.numbers["heat"])
    assert mode.names[mode.get(key)] == "heat"
    assert "256 does not fit u8" in refused(InvalidValue, mode.set, key, 256)
    refused(InvalidValue, mode.set, key, -1)
    on = made.field("on")
    for value in (True, False):
        on.set(key, value)
        assert on.get(key) is value
    refused(InvalidValue, on.set, key, 2)
    for name, least, most in (("n", -128, 127), ("u", 0, 2**32 - 1), ("s", -(2**31), 2**31 - 1), ("big", 0, 2**64 - 1),
                              ("low", -(2**63), 2**63 - 1)):
        field = made.field(name)
        for number in (0, 1, least, most, least + 1, most // 3, least // 7):
            field.set(key, number)
            assert field.get(key) == number, (name, number, field.get(key))
            assert field.add(key, 1) == (number + 1 if number < most else least)
        refused(InvalidValue, field.set, key, most + 1)
        refused(InvalidValue, field.set, key, least - 1)
    fine = made.field("f")
    fine.set(key, 0.5)
    assert fine.get(key) == 0.5
    refused(NotSupported, fine.add, key, 1)
    text = made.field("name")
    text.set(key, "h\\u00e9")
    assert text.get(key) == "h\\u00e9"
    refused(InvalidValue, text.set, key, "seven..")
    made.field("id").set(key, b"\\1\\2")
    assert made.field("id").get(key) == b"\\1\\2"
    refused(InvalidValue, made.field("id").set, key, b"\\1")
    made.field("list").set(key, (1, 2, 65535))
    assert made.field("list").get(key) == (1, 2, 65535)
    refused(InvalidValue, made.field("list").set, key, (1, 2))
    refused(InvalidValue, made.field("list").set, key, (1, 2, 65536))
    made.field("fixed").set(key, (1.5, -2))
    assert made.field("fixed").get(key) == (1.5, -2)
    assert temp.raw.get(key) == -5 and mode.get(key) == 1 and text.get(key) == "h\\u00e9"
    assert "there are temp, mode, on" in refused(InvalidValue, made.field, "tmp")
assert "none: it has no schema" in refused(InvalidValue, HashMap(4, 4, 4).field, "x")
"""

# A field of the computer's maps cannot lock the heap.
NO_HEAP = """
import micropython
class config: KERNELS = SORT
import sys
sys.modules["boardmaps_config"] = config
from boardmaps import ArrayMap, HashMap
value = "temp:i16/100, on:bool, n:u32"
h = HashMap.typed("h", key="k:4s", value=value, max_entries=4)
a = ArrayMap.typed("a", value=value, max_entries=4)
h.update(b"1234", bytes(7))
fields = [(m.field("temp").raw, m.field("on"), m.field("n"), key) for m, key in ((h, b"1234"), (a, 1))]
def work():
    for temp, on, n, key in fields:
        for i in range(-300, 300):
            temp.set(key, i); on.set(key, i > 0); n.set(key, i + 1000)
            if temp.get(key) != i or on.get(key) != (i > 0) or n.add(key, 1) != i + 1001:
                return 1
    return 2
done = None
micropython.heap_lock()
try:
    done = work()
finally:
    micropython.heap_unlock()
assert done == 2
"""


def test_on_the_computer() -> None:
    exec(compile(PROGRAM, "fields", "exec"), {})


def test_on_micropython(micropython: Run) -> None:
    micropython(PROGRAM)


@pytest.mark.parametrize("sort", [None, "viper"])
@pytest.mark.unix_port
def test_small_numbers_and_bools_take_no_heap(micropython: Run, sort: str | None) -> None:
    micropython(textwrap.dedent(NO_HEAP.replace("SORT", repr(sort))))


def test_a_field_is_of_one_map() -> None:
    one = ArrayMap.typed("one", value="n:u8", max_entries=2)
    two = ArrayMap.typed("two", value="n:u8", max_entries=2)
    one.field("n").set(1, 7)
    assert (one.field("n").get(1), two.field("n").get(1)) == (7, 0)
    with pytest.raises(InvalidValue, match="no such field; there are n"):
        HashMap.typed("h", key="k:u8", value="n:u8", max_entries=1).field("k")

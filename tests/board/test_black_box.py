"""The black box on MicroPython's own littlefs: what ends a program is on record, and a loop of crashes writes no more."""

from pathlib import Path

from tests.board import chips
from tests.board.test_pins import run
from tests.require import require_board

_BOX = """
from boardmaps.keep import box
import boardmaps.keep as keep, os, sys
def boot():
    # what a reset leaves: files alone
    box._run = []
    keep.turns.clear()
    StaticPool.reset()
    keep.suspended = keep.there("suspended")
def failing(text="no water"):
    def main():
        raise ValueError(text)
    return main
def crash(what="no water", **options):
    boot()
    log = RingBuf(256, name="log")
    log.output(what.encode())
    try:
        boardmaps.run(failing(what), **options)
    except ValueError as e:
        assert str(e) == what
    else:
        assert 0
def read(file):
    with open("/flash/kept/" + file, "rb") as f:
        return f.read()
"""


def test_the_first_and_the_last_crash_stay_until_they_are_acknowledged() -> None:
    run(
        _BOX
        + """
boot()
assert boardmaps.run(lambda: 7) == 7
assert boardmaps.ledger()[:5] == (1, 0, 0, 0, 0), boardmaps.ledger()
for n in range(4):
    crash("number %d" % n, fast=0)
for file, n in (("first", 0), ("last", 3)):
    record, image = read(file + ".crash"), read(file + ".pool")
    assert b"Traceback" in record and b"ValueError: number %d" % n in record and record[6] == box.EXCEPTION
    assert b"number %d" % n in image and image[:2] == b"BM"
assert boardmaps.ledger()[:5] == (5, 4, 4, 1, 0), boardmaps.ledger()
assert keep.crash_said() == 1
boot()
assert boardmaps.acknowledge() == 4 and boardmaps.acknowledge() == 0 and keep.crash_said() == 0
assert os.listdir("/flash/kept") == ["ledger"], os.listdir("/flash/kept")
assert boardmaps.ledger()[:5] == (5, 4, 0, 0, 0), boardmaps.ledger()
def stop(error):
    def main():
        raise error
    return main
for error in (KeyboardInterrupt, SystemExit):
    boot()
    try:
        boardmaps.run(stop(error))
    except error:
        pass
    assert boardmaps.ledger()[1] == 4 and keep.crash_said() == 0
async def tasks():
    raise ValueError("in a task")
boot()
try:
    boardmaps.run_async(tasks())
except ValueError:
    assert b"in a task" in read("first.crash")
"""
    )


def test_after_crashes_in_a_row_a_boot_loads_and_writes_nothing_until_somebody_says_so() -> None:
    lines = run(
        _BOX
        + """
a = ArrayMap(4, 2, name="a")
a.update(0, b"kept")
boardmaps.pin(a)
boot()
assert ArrayMap(4, 2, name="a").lookup(0) == b"kept"
for n in range(3):
    assert not keep.suspended
    crash(most=3)
boot()
assert keep.suspended
a = ArrayMap(4, 2, name="a")
assert a.lookup(0) == bytes(4)
assert "nothing is loaded until" in boardmaps.pins()[0][1], boardmaps.pins()
print(error(boardmaps.pin, a))
before = flash.operations
for n in range(20):
    crash("again", most=3)
assert flash.operations == before and b"again" not in read("last.crash")
assert boardmaps.ledger()[:4] == (3, 3, 3, 3), boardmaps.ledger()
assert boardmaps.acknowledge() == 3
boot()
assert ArrayMap(4, 2, name="a").lookup(0) == b"kept"
crash(most=1)
boot()
assert keep.suspended
import time
start = time.ticks_ms
def later():
    # in a run that lasts long enough the row ends
    box._run[2] = time.ticks_add(start(), -61000), time.time() - 61
    keep.take_turns()
    keep.take_turns()
boardmaps.run(later)
boot()
assert not keep.suspended and boardmaps.ledger()[3] == 0
"""
    )
    assert any("5 crashes in a row" in line or "3 crashes in a row" in line for line in lines)
    assert any("NotPermitted" in line for line in lines)


def test_a_reset_is_told_by_what_the_port_says_and_by_a_mark_of_ours() -> None:
    run(
        _BOX
        + """
class Machine:
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
    told = 1
    mem32 = {0x4005801C: 0}
    @staticmethod
    def reset_cause():
        return Machine.told
    @staticmethod
    def reset():
        raise SystemExit
sys.modules["machine"] = Machine
def silent():
    # a run that the board's reset ends
    boot()
    box._begin(None, 60000, 5)
for told, at in ((1, 1), (2, 2), (4, 5), (5, 6)):
    Machine.told = told
    silent()
    assert boardmaps.ledger()[5][at] == 1, (told, boardmaps.ledger())
assert boardmaps.ledger()[:5] == (4, 0, 0, 0, 0)
Machine.told = 3
silent()  # the last run did not end, and the watchdog was it
assert boardmaps.ledger()[:4] == (5, 1, 1, 1), boardmaps.ledger()
record = read("first.crash")
assert record[6] == box.WATCHDOG and record[8] == 4 and b"watchdog has reset the board" in record
boot()
def asks():
    boardmaps.reset()
try:
    boardmaps.run(asks)
except SystemExit:
    pass
silent()
assert boardmaps.ledger()[5][4] == 1 and boardmaps.ledger()[1] == 2, boardmaps.ledger()
import boardmaps.keep.box
class Sys:
    platform = "rp2"
    print_exception = sys.print_exception
    class implementation:
        _machine = "Raspberry Pi Pico with RP2040"
box.sys = Sys
assert box._cause() == box.ASKED  # machine.reset() by the program
Machine.mem32[0x4005801C] = 0x6AB73121
assert box._cause() == box.WATCHDOG
"""
    )


def test_a_ring_whose_memory_is_kept_takes_the_record_and_the_next_boot_writes_it() -> None:
    run(
        _BOX
        + """
from boardmaps import pool
pool.recovered = lambda: []
boot()
ring = RingBuf(2048, name="crashes")
before = flash.operations
try:
    boardmaps.run(failing(), ring=ring, fast=0)
except ValueError:
    pass
assert not keep.there("first.crash") and ring.query().waiting
image = bytes(ring._view)
boot()
ring = RingBuf(2048, name="crashes")
ring._view[:] = image  # adopted
boardmaps.run(lambda: None, ring=ring)
assert b"no water" in read("first.crash") and read("first.pool")[:2] == b"BM"
assert boardmaps.ledger()[:4] == (2, 1, 1, 1), boardmaps.ledger()
try:
    boardmaps.run(lambda: None, ring=3)
except InvalidDefinition:
    pass
else:
    assert 0
"""
    )


def test_where_nothing_can_be_written_the_program_runs_and_the_exception_goes_on() -> None:
    lines = run(
        _BOX
        + """
power_on(flash, readonly=True)
crash()
boot()
assert boardmaps.run(lambda: 3) == 3
power_on(flash)
keep.FOLDER = None
crash()
assert boardmaps.ledger()[0] == 0 and keep.crash_said() == 0
for wrong in ({"fast": -1}, {"most": 0}, {"most": 256}):
    boot()
    try:
        boardmaps.run(failing(), **wrong)
    except InvalidDefinition:
        continue
    assert 0
"""
    )
    assert any("the ledger /flash/kept/ledger cannot be written" in line or "does not work" in line for line in lines)


def test_a_port_without_a_clock_has_a_black_box_too(tmp_path: Path) -> None:
    require_board("qemu")
    with chips.qemu(tmp_path) as on_board:
        said = on_board("import boardmaps, time\nprint(hasattr(time, 'time'), boardmaps.run(lambda: 7))")
    assert said.split() == ["False", "7"]

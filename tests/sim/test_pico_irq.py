"""A hard timer interrupt of the emulated Pico and the main program on the same maps: nothing lost, nothing torn, nothing hung."""

import os
from pathlib import Path

import pytest
from mpremote.transport_serial import SerialTransport

from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.rp2 import BUILT_IN
from boardmaps_sim.pico import PicoBoard
from tests.require import require_or_skip

# The emulator does about 700 a second; set the variable to a million when you have the time.
OPERATIONS = int(os.environ.get("BOARDMAPS_IRQ_OPERATIONS") or 14_000)

# Main program and handler add to the same counters, change the same entry (all its bytes are the same: a torn one shows) and
# insert and delete keys of their own in the same chains.
PROGRAM = """
import machine, sys
class config: GUARD = {guard!r}
sys.modules["boardmaps_config"] = config
from boardmaps import ArrayMap, HashMap
a = ArrayMap(8, 4)
h = HashMap(8, 16, 8)
shared = b"shared.."
h.update(shared, bytes(16))
h.update(b"counting", bytes(16))

update, delete, lookup_into, add, count = h.update, h.delete, h.lookup_into, a.add, h.add

patterns = [bytes((n,)) * 16 for n in range(8)]

def work(state):
    key, turn, out, wrong = state
    try:
        add(0, 1)
        count(b"counting", 1, 0, 4)
        turn[0] = n = (turn[0] + 1) & 7
        update(shared, patterns[n])
        if not lookup_into(shared, out) or out != patterns[out[0]]:
            wrong[0] += 1
        key[1] = n & 1
        update(key, patterns[n])
        if not lookup_into(key, out) or out != patterns[n]:
            wrong[0] += 1
        delete(key)
    except Exception:
        wrong[1] += 1

mine = bytearray(b"main...."), bytearray(1), bytearray(16), [0, 0]
his = bytearray(b"timer..."), bytearray(1), bytearray(16), [0, 0]
fired = [0]
def on_timer(timer):
    fired[0] += 1
    work(his)

timer = machine.Timer(freq={frequency}, hard=True, callback=on_timer)
rounds = 0
while (rounds + fired[0]) * 7 < {operations}:
    work(mine)
    rounds += 1
timer.deinit()
print(rounds, fired[0], a.add(0, 0), h.add(b"counting", 0, 0, 4), len(h), mine[3], his[3])
"""


def run(folder: Path, guard: str, operations: int) -> str:
    require_or_skip(firmware_image(BUILT_IN).exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    with PicoBoard(port=folder / "port", flash=folder / "flash", built_in=True) as board:
        repl = SerialTransport(board.port, wait=0)
        try:
            repl.enter_raw_repl(soft_reset=False)
            program = PROGRAM.format(guard=guard, operations=operations, frequency=700)
            output, error = repl.exec_raw(program, timeout=500)
        finally:
            repl.close()
    assert not error, error.decode()
    return str(output.decode().strip())


@pytest.mark.parametrize("guard", ["irq", "irq+lock"])
def test_a_hard_interrupt_and_the_main_program_on_the_same_maps(tmp_path: Path, guard: str) -> None:
    operations = OPERATIONS if guard == "irq+lock" else OPERATIONS // 10
    rounds, fired, added, counted, rest = run(tmp_path, guard, operations).split(" ", 4)
    assert int(fired) > operations / 100  # it did interrupt
    assert int(added) == int(counted) == int(rounds) + int(fired)
    assert rest == "2 [0, 0] [0, 0]"

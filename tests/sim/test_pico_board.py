"""The emulated Pico: the real rp2 firmware, its REPL, files and interrupts."""

import os
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.rp2 import BUILT_IN, STOCK
from boardmaps_sim.pico import PicoBoard
from tests.require import require_board, require_or_skip
from tests.sim.chip_console import ChipConsole
from tests.sim.conftest import Mpremote
from tests.sim.lifecycle_suite import LifecycleSuite
from tests.sim.mpremote_suite import MpremoteSuite
from tests.sim.programs import SECOND_TERMINAL
from tests.waits import PATIENCE, eventually

# Echoes blocks of 256 bytes with Ctrl-C as data, until a block of zeros.
ECHO = """\
import sys, micropython
micropython.kbd_intr(-1)
block = bytearray(256)
print("ready")
while sys.stdin.buffer.readinto(block) and any(block):
    sys.stdout.buffer.write(block)
micropython.kbd_intr(3)
print("left")
"""
HARD_TIMER = """\
import machine, time
count = bytearray(1)
def tick(timer):
    count[0] += 1
timer = machine.Timer(freq=1000, hard=True, callback=tick)
time.sleep_ms(50)
timer.deinit()
print(40 < count[0] < 60)
"""
# Prints the address of the machine code of every viper and native function in the maps' modules, and of the maps' own closures.
# In a function object the fourth word is its code, in a closure the second one the function.
MACHINE_CODE = """\
import machine, micropython, sys
class config: KERNELS = "viper"
sys.modules["boardmaps_config"] = config
import boardmaps, boardmaps.serving.server
@micropython.viper
def viper(): pass
@micropython.native
def native(): pass
def outer(n):
    return lambda: n
machine_code = type(viper), type(native)
closure = type(outer(1))
maps = boardmaps.ArrayMap(8, 4), boardmaps.HashMap(8, 8, 4), boardmaps.Queue(8, 4), boardmaps.RingBuf(64)
modules = [m for name, m in sys.modules.items() if name.startswith("boardmaps.")]
for owner in modules + list(maps):
    for f in owner.__dict__.values():
        at = machine.mem32[id(f) + 4] if type(f) is closure else id(f)
        if type(f) in machine_code or type(f) is closure and machine.mem32[at] in map(id, machine_code):
            print(machine.mem32[at + 12])
"""


def _board(folder: Path, *, built_in: bool = False, seed: int | None = None) -> PicoBoard:
    require_or_skip(firmware_image(STOCK).exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    return PicoBoard(port=folder / "port", flash=folder / "flash.img", built_in=built_in, seed=seed)


PROGRAMMABLE_IO = """
import rp2
@rp2.asm_pio()
def doubles():
    pull()
    mov(x, osr)
    in_(x, 31)
    in_(null, 1)
    push()
for number in (0, 4):
    block = rp2.StateMachine(number, doubles)
    for _ in range(2):
        block.restart()
        block.active(1)
        block.put(21)
        print(block.get())
        block.active(0)
    rp2.PIO(number // 4).remove_program()
"""


@pytest.fixture
def board(tmp_path: Path) -> Iterator[PicoBoard]:
    """A running Pico with the stock firmware and a flash of its own that persists within the test."""
    with _board(tmp_path) as running:
        yield running


class TestMpremote(MpremoteSuite):
    """mpremote over the emulated USB."""


class TestLifecycle(LifecycleSuite):
    """The emulator's process."""


def test_ctrl_c_while_it_boots_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_board("pico")
    pico = PicoBoard(port=tmp_path / "port", built_in=True)

    def interrupted(process: object) -> None:
        assert eventually((tmp_path / "port").exists)
        raise KeyboardInterrupt

    monkeypatch.setattr(pico, "_await_boot", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pico.start()
    assert list(tmp_path.iterdir()) == []


def test_it_is_a_pico(mpremote: Mpremote) -> None:
    assert mpremote("exec", "import sys; print(sys.platform, sys.implementation._machine)") == (
        "rp2 Raspberry Pi Pico with RP2040\n"
    )
    assert int(mpremote("exec", "import gc; gc.collect(); print(gc.mem_free())")) > 230_000


def test_stock_firmware_has_no_boardmaps_and_built_in_has(mpremote: Mpremote, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no module named 'boardmaps'"):
        mpremote("exec", "import boardmaps")
    folder = tmp_path / "built-in"
    assert firmware_image(BUILT_IN).exists()
    with _board(folder, built_in=True) as board:
        program = "import boardmaps, _boardmaps as p; p.memory()[7] = 9; print(len(p.memory()), p.memory()[7])"
        assert mpremote("disconnect", "connect", board.port, "exec", program) == "65536 9\n"


def test_frozen_machine_code_begins_at_words(mpremote: Mpremote, tmp_path: Path) -> None:
    """Else a Cortex-M0+ reads wrong constants: firmware/manifest.py says what such a build needs."""
    with _board(tmp_path / "built-in", built_in=True) as board:
        found = mpremote("disconnect", "connect", board.port, "exec", MACHINE_CODE)
    code = {int(line) for line in found.splitlines()}
    assert len(code) >= 8
    assert all(0x10000000 <= address < 0x10200000 for address in code)
    assert [hex(address) for address in code if address % 4] == []


def test_every_byte_passes_both_ways(board: PicoBoard) -> None:
    with ChipConsole(board.port) as console:
        console.start(ECHO)
        console.expect(b"ready\r\n")
        for _ in range(8):
            console.write(bytes(range(256)))
            assert console.read(256) == bytes(range(256))
        console.write(bytes(256))
        console.expect(b"left\r\n")


def test_a_hard_timer_interrupt_fires(mpremote: Mpremote) -> None:
    assert mpremote("exec", HARD_TIMER) == "True\n"


def test_programmable_io_runs_when_it_is_told_to(mpremote: Mpremote) -> None:
    assert mpremote("exec", PROGRAMMABLE_IO) == "42\n42\n42\n42\n"
    mpremote("reset")
    assert mpremote("exec", PROGRAMMABLE_IO) == "42\n42\n42\n42\n"


def test_the_emulator_is_the_one_compiled_for_this_python(board: PicoBoard) -> None:
    assert board._process is not None
    loaded = Path(f"/proc/{board._process.pid}/maps").read_text()
    assert f"/_simulator{sysconfig.get_config_var('EXT_SUFFIX')}" in loaded
    assert "/_simulator.abi3.so" not in loaded


def test_random_numbers_differ_from_start_to_start_unless_seeded(mpremote: Mpremote, tmp_path: Path) -> None:
    def drawn(folder: str, seed: int | None) -> str:
        with _board(tmp_path / folder, seed=seed) as board:
            return mpremote("disconnect", "connect", board.port, "exec", "import os; print(list(os.urandom(16)))")

    plain = drawn("a", None)
    assert plain != drawn("b", None)
    assert len(set(plain.split(","))) > 8
    assert drawn("c", 7) == drawn("d", 7)


def test_a_second_terminal_can_send_input_and_ctrl_c(mpremote: Mpremote) -> None:
    """What threaded.py needs of a board, and the unix board does as this one."""
    assert mpremote("exec", SECOND_TERMINAL) == "b'two'\ninterrupted\ngoes on\n"


def test_sleeping_takes_its_time_and_no_processor(board: PicoBoard, mpremote: Mpremote) -> None:
    begun = time.monotonic()
    mpremote("exec", "import time; time.sleep(1)")
    assert 1 <= time.monotonic() - begun < PATIENCE
    assert board._process is not None
    used = _cpu_seconds(board._process.pid)
    time.sleep(1)
    assert _cpu_seconds(board._process.pid) - used < 0.5


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

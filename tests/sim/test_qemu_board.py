"""The Cortex-M3 in QEMU: REPL on UART0, the maps' line on UART1, exact ticks."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import serial

from boardmaps_sim.base import BoardError
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.qemu_port import IMAGE
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.qemu_exact import run_exact
from tests.require import require_or_skip
from tests.sim.chip_console import ChipConsole
from tests.sim.conftest import Mpremote
from tests.sim.lifecycle_suite import LifecycleSuite
from tests.sim.mpremote_suite import MpremoteSuite
from tests.waits import PATIENCE

# Echoes everything on UART1 until it is interrupted.
ECHO = """\
import cmsdk_uart, select
uart, block = cmsdk_uart.UART(), bytearray(64)
view, poll = memoryview(block), select.poll()
poll.register(uart, select.POLLIN)
while True:
    poll.poll(1000)
    n, sent = uart.readinto(block), 0
    while sent < n:
        sent += uart.write(view[sent:n])
"""
# Reads UART1 only when it holds all that it can, and then to the end.
KEEPS = """\
import cmsdk_uart, time
uart, block, n = cmsdk_uart.UART(), bytearray(4096), 0
print("begun")
input()
while uart.any() < 2048:
    time.sleep_ms(1)
print(uart.any())
while n < 3000:
    n += uart.readinto(block) or 0
print(n)
"""
TICKS = """\
import gc, time
gc.collect()
def work():
    d = {}
    for i in range(500):
        d[b"%d" % (i % 50)] = i
    return len(d)
work()
for _ in range(3):
    begun = time.ticks_cpu()
    work()
    print(time.ticks_diff(time.ticks_cpu(), begun))
"""


def _board(folder: Path, icount: int | None = None, seed: int | None = None) -> QemuBoard:
    require_or_skip(firmware_image(IMAGE).exists(), "no firmware for QEMU. Build it: make qemu-deps qemu")
    require_or_skip(shutil.which("qemu-system-arm") is not None, "no qemu-system-arm. Run: make qemu-deps")
    return QemuBoard(port=folder / "port", flash=folder / "flash.img", icount=icount, seed=seed)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[QemuBoard]:
    """A running QEMU board with a flash of its own that persists within the test."""
    with _board(tmp_path) as running:
        yield running


class TestMpremote(MpremoteSuite):
    """mpremote over UART0."""


class TestLifecycle(LifecycleSuite):
    """QEMU and the process that looks after it."""


def test_it_is_a_cortex_m3_with_boardmaps_in_it(mpremote: Mpremote) -> None:
    assert mpremote("exec", "import sys; print(sys.implementation._machine)") == "mps2-an385 with Cortex-M3\n"
    program = "import boardmaps, _boardmaps as p, gc; gc.collect(); print(len(p.memory()), gc.mem_free() > 200000)"
    assert mpremote("exec", program) == "65536 True\n"


@pytest.mark.parametrize("name", ["time", "select", "asyncio", "gc", "struct", "random", "machine", "uctypes"])
def test_modules_that_a_board_has(mpremote: Mpremote, name: str) -> None:
    assert mpremote("exec", f"import {name}; print({name}.__name__)") == f"{name}\n"


def test_ctrl_c_stops_a_busy_loop(board: QemuBoard) -> None:
    with ChipConsole(board.port) as console:
        console.start("print('begun')\nwhile True: pass\n")
        console.expect(b"begun\r\n")
        console.write(b"\x03")
        console.expect(b"KeyboardInterrupt: \r\n")


def test_the_clock_runs_with_ours(mpremote: Mpremote) -> None:
    program = "import time; t = time.ticks_us(); time.sleep_ms(300); print(time.ticks_diff(time.ticks_us(), t))"
    assert 300_000 <= int(mpremote("exec", program)) < 400_000


def test_a_soft_reset_ends_the_hard_timer(mpremote: Mpremote) -> None:
    control = "import machine; print(machine.mem32[0x40002008] & 0x80)"
    mpremote("exec", "import _hard_timer; _hard_timer.start(25_000, lambda: None)")
    assert mpremote("resume", "exec", control) == "128\n"
    assert mpremote("exec", control) == "0\n"  # mpremote resets first unless it is told to resume


def test_the_maps_line_carries_every_byte(board: QemuBoard) -> None:
    with ChipConsole(board.port) as console, serial.Serial(board.maps_port, timeout=PATIENCE) as line:
        console.start(ECHO)
        for size in (1, 16, 256):
            block = (bytes(range(256)) * 4)[:size]
            for _ in range(20):
                line.write(block)
                assert line.read(size) == block
        much = bytes(range(256)) * 32  # at once: the line holds the sender back and loses nothing
        with ThreadPoolExecutor() as sender:
            sender.submit(line.write, much)
            assert line.read(len(much)) == much


def test_the_maps_line_keeps_what_comes_while_the_program_is_busy(board: QemuBoard) -> None:
    """As machine.UART does with an rxbuf; how far QEMU is with the rest does not matter."""
    with ChipConsole(board.port) as console, serial.Serial(board.maps_port, timeout=PATIENCE) as line:
        console.start(KEEPS)
        line.write(bytes(3000))
        line.flush()
        console.write(b"\r")
        console.expect(b"2048\r\n")
        console.expect(b"3000\r\n")


def test_ticks_are_the_same_on_every_run(board: QemuBoard) -> None:
    board.stop()
    first, second = (run_exact(TICKS) for _ in range(2))
    assert first == second
    counts = [int(line) for line in first.split()]
    assert len(counts) == 3
    assert min(counts) > 100_000


def test_an_exact_run_reports_what_went_wrong(board: QemuBoard) -> None:
    board.stop()
    with pytest.raises(BoardError, match="ZeroDivisionError: divide by zero"):
        run_exact("print(1)\n1/0\n")


def test_random_numbers_differ_from_start_to_start_unless_seeded(mpremote: Mpremote, tmp_path: Path) -> None:
    def drawn(folder: str, seed: int | None) -> str:
        with _board(tmp_path / folder, seed=seed) as board:
            return mpremote("disconnect", "connect", board.port, "resume", "exec", "import os; print(os.urandom(8))")

    assert drawn("a", None) != drawn("b", None)
    assert drawn("c", 7) == drawn("d", 7)

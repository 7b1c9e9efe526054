"""A hard timer interrupt and the main program on the same maps: nothing lost, nothing torn, nothing hung.

The Cortex-M3 does a million operations in seconds, interrupted between any two instructions. The emulated Pico does some
hundreds a second: 100,000 here, the million in `make soak`.
"""

from pathlib import Path

import pytest

from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.given import BEHIND_FLASH, WITHOUT_C, flash_with, importing, joined
from boardmaps_sim.chips.qemu_port import IMAGE
from boardmaps_sim.chips.rp2 import BUILT_IN, STOCK
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.qemu_exact import ICOUNT, run_exact
from tests.board.natives import native
from tests.require import require_or_skip
from tests.sim.hard_irq import on_pico, on_qemu
from tests.sim.stock import stock_pico

# What a guard is for: two that add to one counter.
_TWO_ADD = """
import sys
class config: GUARD = {guard!r}
sys.modules["boardmaps_config"] = config
from boardmaps import ArrayMap
import _hard_timer
add = ArrayMap(8, 1).add
fired = [0]
def handler():
    fired[0] += 1
    add(0, 1)
_hard_timer.start(4001, handler)
added = 0
while added < 60_000:
    add(0, 1)
    added += 1
_hard_timer.stop()
print(added, fired[0], added + fired[0] - add(0, 0))
"""
_ALLOCATES = """
import _hard_timer, machine, time
fired = [0]
def handler():
    fired[0] += 1
    bytes(fired[0])
_hard_timer.start(100_000, handler)
time.sleep_ms(50)
print(fired[0], machine.mem32[0x40002008])
"""


def require_qemu() -> None:
    require_or_skip(firmware_image(IMAGE).exists(), "no firmware for QEMU. Build it: make qemu-deps qemu")


@pytest.mark.parametrize("kernels", [None, "viper"], ids=["built-in kernels", "viper kernels"])
def test_a_million_operations_on_the_cortex_m3(tmp_path: Path, kernels: str | None) -> None:
    require_qemu()
    with QemuBoard(port=tmp_path / "port", icount=ICOUNT) as board:
        found = on_qemu(board, "irq", 1_000_000, kernels)
    assert found.wrong == ""
    assert min(found.main, found.handler) > 10_000


def test_a_million_operations_with_native_modules(tmp_path: Path) -> None:
    require_qemu()
    modules = native("armv7m")
    with QemuBoard(port=tmp_path / "port", icount=ICOUNT, flash=flash_with(joined(modules, tmp_path))) as board:
        found = on_qemu(board, "irq", 1_000_000, before=WITHOUT_C + importing(modules, BEHIND_FLASH))
    assert found.wrong == ""
    assert min(found.main, found.handler) > 10_000


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("guard", "operations"), [("irq", 5_000), ("irq+lock", 100_000)])
def test_on_the_emulated_pico(tmp_path: Path, guard: str, operations: int) -> None:
    require_or_skip(firmware_image(BUILT_IN).exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    with PicoBoard(port=tmp_path / "port", built_in=True) as board:
        found = on_pico(board, guard, operations)
    assert found.wrong == ""
    assert min(found.main, found.handler) > operations / 200


@pytest.mark.timeout(1800)
def test_on_the_stock_pico_with_native_modules(tmp_path: Path) -> None:
    require_or_skip(firmware_image(STOCK).exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    with stock_pico(tmp_path) as board:
        found = on_pico(board, "irq", 5_000, native=True)
    assert found.wrong == ""
    assert min(found.main, found.handler) > 25


@pytest.mark.parametrize("guard", ["none", "irq"])
def test_it_is_the_guard_that_keeps_them_whole(guard: str) -> None:
    require_qemu()
    added, fired, lost = (int(word) for word in run_exact(_TWO_ADD.format(guard=guard)).split())
    assert added == 60_000
    assert fired > 1_000
    assert (lost > 0) == (guard == "none")


def test_a_handler_has_no_heap_and_an_exception_stops_its_timer() -> None:
    require_qemu()
    assert run_exact(_ALLOCATES) == "1 0\n"

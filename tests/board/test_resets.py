"""Chips that are reset while their maps are changed: every map that is found again is exactly a state that it had.

By machine.reset(), the watchdog, a crash of the program and Ctrl-C, in turn, while main program, hard interrupt and
a host change them (the host leaves before the last two). A few of each here; `python -m soak.resets` does thousands.
"""

from pathlib import Path

import pytest

from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.qemu_port import IMAGE
from boardmaps_sim.chips.rp2 import BUILT_IN, STOCK
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.qemu import QemuBoard
from tests.board.resets import MAPS, SMALLER, VIPER, Said, reset_often
from tests.require import require_or_skip
from tests.sim.stock import stock_pico


def found_whole(said: Said, boots: int) -> None:
    """Hold what was said against what firmware with boardmaps built in promises: a reset loses the map that was changed at most."""
    assert said.wrong == []
    assert said.boots + said.interrupted == boots
    assert len(said.ids) == said.boots
    assert said.by_host >= said.boots - 1
    assert said.worst <= 1, said.discarded
    assert said.lost == 0
    assert said.opened == (said.boots - 1) * MAPS - len(said.discarded)
    assert all("a change of the map was under way" in why for _, _, why in said.discarded)


@pytest.mark.parametrize(("before", "boots"), [("", 61), (VIPER, 13)], ids=["c", "viper"])
def test_a_cortex_m3(before: str, boots: int, tmp_path: Path) -> None:
    require_or_skip(firmware_image(IMAGE).exists(), "no firmware for QEMU. Build it: make qemu-deps qemu")
    with QemuBoard(port=tmp_path / "port") as board:
        found_whole(reset_often(board, "qemu", boots, before), boots)


def test_a_pico_with_boardmaps_built_in(tmp_path: Path) -> None:
    require_or_skip(firmware_image(BUILT_IN).exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    with PicoBoard(port=tmp_path / "port", built_in=True) as board:
        found_whole(reset_often(board, "rp2", 5), 5)


def test_a_pico_with_stock_firmware(tmp_path: Path) -> None:
    """Its maps are on the heap, and a boot takes long to load the modules."""
    require_or_skip(firmware_image(STOCK).exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    with stock_pico(tmp_path) as board:
        found_whole(reset_often(board, "rp2", 5, SMALLER), 5)

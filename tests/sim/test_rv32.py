"""The RISC-V board itself; what the maps do there, the programs of tests/board show."""

from pathlib import Path

import pytest

from boardmaps_sim import rv32
from boardmaps_sim.base import BoardError
from boardmaps_sim.rv32 import run_program
from tests.require import require_board


@pytest.fixture
def _board() -> None:
    require_board("rv32")


@pytest.mark.usefixtures("_board")
def test_it_is_another_processor_and_its_maps_lie_above_2_to_the_31() -> None:
    output, error = run_program("""
import sys
from boardmaps import ArrayMap
from boardmaps.kernels.viper_base import address
print(sys.implementation._machine, sys.implementation._mpy >> 10 & 15)
print(address(ArrayMap(8, 4)._slice) + (1 << 32) >= 1 << 31)
""")
    assert error == ""
    assert output == "virt with RV32IMAC 11\nTrue\n"  # 11: RV32IMC, of mpy-cross


@pytest.mark.usefixtures("_board")
def test_every_boot_draws_other_random_numbers() -> None:
    drawn = {run_program("import os; print(os.urandom(16))")[0] for _ in range(3)}
    assert len(drawn) == 3


@pytest.mark.usefixtures("_board")
def test_a_traceback_is_told_apart_from_what_was_printed() -> None:
    output, error = run_program("print('before')\nraise ValueError('why')")
    assert output == "before\n"
    assert error.endswith("ValueError: why\n")


@pytest.mark.usefixtures("_board")
def test_a_crash_and_a_program_without_an_end_are_errors() -> None:
    with pytest.raises(BoardError, match=r"the board crashed(.|\n)*here(.|\n)*Load address fault"):
        run_program("import machine; print('here'); machine.mem32[0]")
    with pytest.raises(BoardError, match=r"the program did not end within 1 s"):
        run_program("while True: pass", seconds=1)


def test_an_image_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rv32, "firmware_image", lambda name: tmp_path / name)
    with pytest.raises(BoardError, match=r"rv32\.elf is not there. Build it: make rv32-deps rv32"):
        run_program("")

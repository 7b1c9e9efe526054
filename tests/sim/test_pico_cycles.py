"""Hosts come and go at the emulated Pico: nothing is reset, and the REPL is there after each. 100 of them in `make soak`."""

from pathlib import Path

from boardmaps_host import connect
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.rp2 import BUILT_IN
from boardmaps_sim.pico import PicoBoard
from tests.require import require_or_skip
from tests.sim.chip_console import ChipConsole
from tests.waits import PATIENCE


def cycles(pico: PicoBoard, count: int) -> set[str]:
    """Connect and leave so many times, and use the REPL after each; return the boot ids that were seen."""
    boots = set()
    with ChipConsole(pico.port) as console:
        console.write(b"kept = 0\r")
        console.expect(b">>> ")
    for i in range(count):
        with connect(pico.port, timeout=PATIENCE) as board:
            boots.add(board.info["boot"])
            assert board.pool.total_size() == 65536
        with ChipConsole(pico.port) as console:
            console.write(b"kept += 1; print('kept', kept)\r")
            console.expect(b"\nkept %d\r\n>>> " % (i + 1))
    return boots


def test_connecting_and_leaving_resets_nothing_and_leaves_the_repl(tmp_path: Path) -> None:
    require_or_skip(firmware_image(BUILT_IN).exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    with PicoBoard(port=tmp_path / "port", built_in=True) as pico:
        assert len(cycles(pico, 10)) == 1


def test_a_reset_shows_in_the_boot_id(tmp_path: Path) -> None:
    require_or_skip(firmware_image(BUILT_IN).exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    boots = set()
    with PicoBoard(port=tmp_path / "port", built_in=True) as pico:
        for _ in range(2):
            boots |= cycles(pico, 1)
            with ChipConsole(pico.port) as console:
                console.write(b"\x04")
                console.expect(b"soft reboot\r\n")
                console.expect(b">>> ")
    assert len(boots) == 2

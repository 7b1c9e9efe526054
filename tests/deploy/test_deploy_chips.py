"""deploy() to the real rp2 firmware over USB, and to firmware that has boardmaps in it already."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps.abi import VERSION
from boardmaps_host.boards import load
from boardmaps_host.deploy import deploy
from boardmaps_host.deploy import files as deploy_files
from boardmaps_host.deploy.link import BoardLink
from boardmaps_sim.base import SimulatedBoard
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.native import OUT, PARTS
from boardmaps_sim.chips.qemu_port import IMAGE
from boardmaps_sim.chips.rp2 import BUILT_IN, STOCK
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.qemu import QemuBoard
from tests.deploy.conftest import SETTINGS
from tests.require import require_or_skip
from tests.waits import PATIENCE

USED = """
from boardmaps import ArrayMap, HashMap, RingBuf
h, a, r = HashMap(4, 4, 4), ArrayMap(4, 4), RingBuf(64)
h.update(b"1234", b"abcd")
r.output(b"record")
print(h.lookup(b"1234"), a.add(1, 7), r.read()[1])
"""


def test_the_pico_gets_code_for_its_own_processor(tmp_path: Path) -> None:
    require_or_skip(firmware_image(STOCK).exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    with PicoBoard(port=tmp_path / "port") as board:
        report = deploy(board.port, timeout=PATIENCE)
        assert report.form == "mpy armv6m"
        assert report.version == VERSION
        assert "RP2040" in report.machine
        sort = "native" if (OUT / "armv6m").is_dir() else "viper"
        native = PARTS if sort == "native" else {}
        assert len(report.written) == len(deploy_files.chosen(deploy_files.modules(), sort)) + len(native) + 1
        assert report.kernels.startswith("C, in native modules" if native else "viper: ")
        assert (report.board, report.written[-1]) == ("pico", "/lib/boardmaps_config.py")
        with BoardLink(board.port) as link:
            assert link.execute("import boardmaps\nprint(boardmaps.__file__)").strip() == "/lib/boardmaps/__init__.mpy"
            assert link.execute(SETTINGS).split() == ["65536", "irq+lock", "2"]
            assert link.execute(USED).split() == ["b'abcd'", "7", "b'record'"], "under the guard with the lock"


def built_in_pico(folder: Path) -> SimulatedBoard:
    require_or_skip(
        firmware_image(BUILT_IN).exists(), "no built-in firmware for the Pico. Build it: make pico-deps pico"
    )
    return PicoBoard(port=folder / "port", built_in=True)


def qemu(folder: Path) -> SimulatedBoard:
    require_or_skip(firmware_image(IMAGE).exists(), "no firmware for QEMU. Build it: make qemu-deps qemu")
    require_or_skip(shutil.which("qemu-system-arm") is not None, "no qemu-system-arm. Run: make qemu-deps")
    return QemuBoard(port=folder / "port")


@pytest.mark.parametrize(("make", "board_name"), [(built_in_pico, "pico"), (qemu, "qemu")])
def test_what_is_frozen_of_the_definition_and_what_goes_before_it(
    make: Callable[[Path], SimulatedBoard], board_name: str, tmp_path: Path
) -> None:
    """Also ties the settings that a build freezes to those that deploy would write: there is nothing to write."""
    definition = load(board_name).settings
    with make(tmp_path) as board:
        assert deploy(board.port, board=board_name, reset=False, timeout=PATIENCE).written == ()
        with BoardLink(board.port) as link:
            assert link.execute(SETTINGS).split() == [str(value) for value in definition.values()]
        assert deploy(board.port, pool=4096, reset=False, timeout=PATIENCE).written == ("/boardmaps_config.py",)
        with BoardLink(board.port) as link:
            assert link.execute(SETTINGS).split() == ["4096", definition["GUARD"], str(definition["CPUS"])]


@pytest.mark.parametrize("make", [built_in_pico, qemu])
def test_what_is_frozen_in_is_left_alone_and_only_the_program_goes(
    make: Callable[[Path], SimulatedBoard], tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text("x = 1\n")
    with make(tmp_path) as board:
        report = deploy(board.port, app=tmp_path / "app.py", reset=False, timeout=PATIENCE)
        assert (report.form, report.version) == ("part of its firmware", VERSION)
        assert (report.written, report.removed) == (("/main.py",), ())
        with BoardLink(board.port) as link:
            assert link.listing("/lib/boardmaps") is None

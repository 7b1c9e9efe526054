"""A power cut of the emulated Pico: at which operation of its flash, what is left there, that the board ends and boots again."""

from pathlib import Path

import pytest

from boardmaps_sim.base import BoardError
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.power import PowerCut
from tests.require import require_board
from tests.sim.chip_console import ChipConsole

SECTOR, PAGE = 4096, 256
OLD, NEW = bytes(range(16)) * 16, bytes(range(255, 239, -1)) * 16  # pages of the last sector, which no file has
ERASED = b"\xff" * PAGE
# One erase, and a program for each page: a write to a chip in whole blocks.
WRITE = """\
import rp2
flash = rp2.Flash()
last = flash.ioctl(4, 0) - 1
flash.writeblocks(last, bytes(%r) * 16)
print("written")
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What is in a flash that has a file system, and OLD in its last sector."""
    require_board("pico")
    folder = tmp_path_factory.mktemp("files")
    with (
        PicoBoard(port=folder / "port", flash=folder / "flash", built_in=True) as board,
        ChipConsole(board.port) as console,
    ):
        console.start(WRITE % OLD)
        console.expect(b"written\r\n")
    assert board.flash.read_bytes()[-SECTOR:] == 16 * OLD
    return board.flash.read_bytes()


def _written(files: bytes, folder: Path, cut: PowerCut | None = None) -> tuple[PicoBoard, bytes]:
    """Have a board write NEW where OLD is, until the cut; return it when it has ended, and what is in the flash's last sector."""
    flash = folder / "flash"
    flash.write_bytes(files)
    board = PicoBoard(port=folder / "port", flash=flash, built_in=True, power_cut=cut)
    with board, ChipConsole(board.port) as console:
        console.start(WRITE % NEW)
        if cut:
            assert board.wait() == 0
        else:
            console.expect(b"written\r\n")
    assert list(folder.iterdir()) == [flash]
    assert flash.read_bytes()[:-SECTOR] == files[:-SECTOR]
    return board, flash.read_bytes()[-SECTOR:]


def test_operations_are_counted(files: bytes, tmp_path: Path) -> None:
    board, sector = _written(files, tmp_path)
    assert board.flash_operations == 1 + SECTOR // PAGE
    assert sector == 16 * NEW


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        (PowerCut(0), 16 * OLD),
        (PowerCut(0, "first"), 8 * ERASED + 8 * OLD),
        (PowerCut(0, "last"), 8 * OLD + 8 * ERASED),
        (PowerCut(1), 16 * ERASED),
        (PowerCut(3), 2 * NEW + 14 * ERASED),
        (PowerCut(3, "first"), 2 * NEW + NEW[:128] + ERASED[:128] + 13 * ERASED),
        (PowerCut(16, "last"), 15 * NEW + ERASED[:128] + NEW[128:]),
    ],
    ids=lambda value: f"{value.at} {value.torn}" if isinstance(value, PowerCut) else "",
)
def test_what_is_left_is_what_was_done(files: bytes, tmp_path: Path, cut: PowerCut, left: bytes) -> None:
    board, sector = _written(files, tmp_path, cut)
    assert sector == left
    assert board.flash_operations == cut.at


@pytest.mark.parametrize(("before", "after"), [(NEW, ERASED), (ERASED, NEW)], ids=["erase", "program"])
def test_torn_bits_are_as_before_or_as_they_were_to_be(before: bytes, after: bytes) -> None:
    left = PowerCut(5, "bits").leaves(before, after)
    changed = [bit for bit in range(8 * PAGE) if (before[bit // 8] ^ after[bit // 8]) >> bit % 8 & 1]
    done = [bit for bit in changed if not (left[bit // 8] ^ after[bit // 8]) >> bit % 8 & 1]
    assert 0.4 < len(done) / len(changed) < 0.6
    assert all(found | (old ^ new) == old | new for found, old, new in zip(left, before, after, strict=True))
    assert left == PowerCut(5, "bits").leaves(before, after) != PowerCut(6, "bits").leaves(before, after)


def test_a_cut_in_the_first_boot_ends_the_board_and_the_next_boot_makes_the_file_system(tmp_path: Path) -> None:
    require_board("pico")
    flash = tmp_path / "flash"
    with PicoBoard(port=tmp_path / "port", flash=flash, built_in=True, power_cut=PowerCut(1, "bits")) as board:
        assert board.wait() == 0
    assert 0 < len(flash.read_bytes().strip(b"\xff")) < PAGE
    with PicoBoard(port=tmp_path / "port", flash=flash, built_in=True) as board, ChipConsole(board.port) as console:
        console.start("import os; print(os.statvfs('/')[2])")
        console.expect(b"\x04")
    assert board.flash_operations


def test_a_cut_needs_a_flash_that_stays(tmp_path: Path) -> None:
    require_board("pico")
    with pytest.raises(BoardError, match="Pass a flash"):
        PicoBoard(port=tmp_path / "port", built_in=True, power_cut=PowerCut(0)).start()
    assert list(tmp_path.iterdir()) == []

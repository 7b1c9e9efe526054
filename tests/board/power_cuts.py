"""Power cuts of the emulated Pico while it pins: programs/pinning.py until the cut, and what is there after the next boot."""

import shutil
from ast import literal_eval
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, get_args

from mpremote.transport_serial import SerialTransport

from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.power import PowerCut, Torn
from tests.waits import PATIENCE

TEARS: tuple[Torn | None, ...] = (None, *get_args(Torn))
PROGRAM = (Path(__file__).parent / "programs" / "pinning.py").read_text()
# What a map is made to hold and pinned with, one after the other; None gives its pin up.
STEPS = (
    ("table", 1),
    ("limits", 2),
    ("table", 3),
    ("table", None),
    ("limits", 4),
)
_FURTHER = 9  # what both are pinned with after the cut


def safe(steps: int) -> list[int]:
    """Return what table and limits begin with in a boot after so many steps."""
    pinned = {"table": 0, "limits": 0} | {name: number or 0 for name, number in STEPS[:steps]}
    return list(pinned.values())


def formatted(folder: Path) -> Path:
    """Return a flash as the first boot leaves it, with a file system."""
    with PicoBoard(port=folder / "port", flash=folder / "begin.flash", built_in=True) as board:
        return board.flash


def operations(begin: Path, folder: Path, *, built_in: bool = True) -> int:
    """Go through all steps on a copy of the flash `begin`; return how many operations of the flash they are."""
    flash = Path(shutil.copyfile(begin, folder / "whole.flash"))
    board = PicoBoard(port=folder / "port", flash=flash, built_in=built_in)
    with board, _at_repl(board) as value:
        for name, number in STEPS:
            value(f"step({name}, {number})")
        assert value("[held(table), held(limits)]") == [STEPS[2][1], STEPS[4][1]]
    assert board.flash_operations is not None
    return board.flash_operations


def cut_once(begin: Path, folder: Path, cut: PowerCut, *, built_in: bool = True) -> bool:
    """Go through the steps until a power cut, and boot again; return whether the step that was cut took effect.

    AssertionError where a map holds anything but what it held before that step or after it, a pin is not loaded, or no further
    one works. `begin` stays as it is; `folder` is one of the caller's own.
    """
    flash = Path(shutil.copyfile(begin, folder / "cut.flash"))
    done = 0
    board = PicoBoard(port=folder / "port", flash=flash, built_in=built_in, power_cut=cut)
    with board:
        with suppress(OSError), _at_repl(board) as value:  # the port ends with the power
            for name, number in STEPS:
                value(f"step({name}, {number})")
                done += 1
        assert done < len(STEPS), f"{cut} did not come"
        board.wait()
    assert board.flash_operations == cut.at
    board = PicoBoard(port=folder / "port", flash=flash, built_in=built_in)
    with board, _at_repl(board) as value:
        found, pins = value("[held(table), held(limits)]"), value("boardmaps.pins()")
        assert found in (safe(done), safe(done + 1)), f"{cut} in step {done}: {found}"
        assert all(state == "same" for _, state, *_ in pins), f"{cut} in step {done}: {pins}"
        for name in ("table", "limits"):
            value(f"step({name}, {_FURTHER})")
            assert value(f"on_flash({name})"), f"{cut} in step {done}: no further pin"
    return bool(found == safe(done + 1))


@contextmanager
def _at_repl(board: PicoBoard) -> Iterator[Callable[[str], Any]]:
    """Run the program at a board's REPL, and give a function that returns the value of an expression."""
    repl = SerialTransport(board.port, wait=0)

    def run(program: str) -> str:
        said, error = repl.exec_raw(program, timeout=PATIENCE)
        assert not error, error.decode()
        return str(said.decode())

    try:
        repl.enter_raw_repl(soft_reset=False, timeout_overall=PATIENCE)
        said = run(PROGRAM)
        assert not said, said  # why a pin is not loaded
        yield lambda expression: literal_eval(run(f"print({expression})"))
    finally:
        repl.serial.close()

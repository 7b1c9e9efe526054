"""Boards that run programs with all sorts of kernels at hand: each has native modules beside what it has of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mpremote.transport_serial import SerialTransport

from boardmaps_sim.chips.given import BEHIND_FLASH, FROM_FILES, flash_with, importing, joined
from boardmaps_sim.chips.littlefs import write_image
from boardmaps_sim.pico import FILES_SIZE, PicoBoard
from boardmaps_sim.process_board import ProcessBoard
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.rv32 import GIVEN_AT, run_program
from tests.board.natives import native
from tests.board.on_unix import FIRMWARE, run_on_unix

Run = Callable[[str], str]  # runs a program and returns what it printed; a traceback fails the test


@contextmanager
def unix(folder: Path) -> Iterator[Run]:
    """The unix port, which has C as native modules alone."""
    before = importing(native("x64"))
    file = folder / "program.py"

    def run(program: str) -> str:
        file.write_text(before + program)
        failed, output = run_on_unix([str(file)], "4M", FIRMWARE)
        assert not failed, output
        return output

    yield run


@contextmanager
def rv32(folder: Path) -> Iterator[Run]:
    """A 32-bit RISC-V in QEMU, started for each program."""
    modules = native("rv32imc")
    given = joined(modules, folder)

    def run(program: str) -> str:
        said, error = run_program(importing(modules, GIVEN_AT) + program, given=given)
        assert not error, error
        return said

    yield run


@contextmanager
def qemu(folder: Path) -> Iterator[Run]:
    """The Cortex-M3 in QEMU, reset before each program."""
    modules = native("armv7m")
    with QemuBoard(port=folder / "port", flash=flash_with(joined(modules, folder))) as board, _repl(board) as run:
        yield lambda program: run(importing(modules, BEHIND_FLASH) + program)


@contextmanager
def pico(folder: Path) -> Iterator[Run]:
    """The emulated Pico (Cortex-M0+), reset before each program; the modules are in its files."""
    image = folder / "pico.flash"
    write_image(image, FILES_SIZE, {f"given/{name}": content for name, content in native("armv6m").items()})
    with PicoBoard(port=folder / "port", built_in=True, flash=image) as board, _repl(board) as run:
        yield lambda program: run(FROM_FILES + program)


@contextmanager
def _repl(board: ProcessBoard) -> Iterator[Run]:
    repl = SerialTransport(board.port, wait=0)

    def run(program: str) -> str:
        repl.enter_raw_repl(soft_reset=True)
        said, error = repl.exec_raw(program, timeout=1800)
        assert not error, error.decode()
        return str(said.decode())

    try:
        yield run
    finally:
        repl.close()


CHIPS = {"unix": unix, "qemu": qemu, "rv32": rv32, "pico": pico}

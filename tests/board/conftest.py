"""Runs small programs on MicroPython itself, with the firmware's modules on its path: what only the board's own code can show."""

import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mpremote.transport_serial import SerialTransport

from boardmaps_sim.chips.given import BEHIND_FLASH, WITHOUT_C, flash_with, importing, joined
from boardmaps_sim.find import find_micropython
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.rv32 import GIVEN_AT, run_program
from tests.board.natives import native
from tests.require import require_board

FIRMWARE = Path(__file__).parents[2] / "firmware"
# The lock is _thread's: only the unix port has that.
GUARDS = pytest.mark.parametrize("guard", ["none", "irq", pytest.param("irq+lock", marks=pytest.mark.unix_port)])

Run = Callable[..., str]


@pytest.fixture(scope="session", params=["unix", "unix_native", "rv32", "rv32_viper"])
def micropython(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function that runs a program on MicroPython and returns what it printed; a traceback fails the test.

    On the unix port without native modules and with them, and in QEMU on a 32-bit RISC-V with the C kernels and without. `heap` is
    the unix port's.
    """
    require_board(request.param.partition("_")[0])
    path = FIRMWARE
    if request.param == "unix_native":
        path = with_native(tmp_path_factory.mktemp("native"))

    def run(code: str, heap: str = "500K", fails: bool = False) -> str:
        code = textwrap.dedent(code)
        if request.param.startswith("unix"):
            failed, output = on_unix(code, heap, path)
        else:
            printed, error = run_program(code if request.param == "rv32" else WITHOUT_C + code)
            failed, output = bool(error), printed + error
        assert failed == fails, output
        return output

    return run


def with_native(folder: Path) -> Path:
    """Copy the firmware to a folder, with the native modules for this computer; return it."""
    shutil.copytree(FIRMWARE / "boardmaps", folder / "boardmaps")
    for name, content in native("x64").items():
        (folder / "boardmaps" / "kernels" / name).write_bytes(content)
    return folder


def on_unix(code: str, heap: str, path: Path = FIRMWARE) -> tuple[bool, str]:
    """Run a program on the unix port; return whether an exception ended it, and what it printed."""
    return run_on_unix(["-c", code], heap, path)


def run_on_unix(what: list[str], heap: str, path: Path) -> tuple[bool, str]:
    done = subprocess.run(
        [find_micropython(None), "-X", f"heapsize={heap}", *what],
        env={**os.environ, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    return done.returncode != 0, done.stdout + done.stderr


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the programs that need threads, or a heap of a certain size, where there is no such thing."""
    left_out = [item for item in items if item.get_closest_marker("unix_port") and _target(item).startswith("rv32")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _target(item: pytest.Item) -> str:
    assert isinstance(item, pytest.Function)
    return str(item.callspec.params["micropython"])


@pytest.fixture(scope="module", params=["unix", "qemu", "rv32"])
def chip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Return a function that runs a program on a board of each kind with native modules; a traceback fails the test.

    On the unix port and on built-in firmware, all of which then have the C kernels, viper and plain Python.
    """
    require_board(request.param)
    modules = native({"unix": "x64", "qemu": "armv7m", "rv32": "rv32imc"}[request.param])
    folder = tmp_path_factory.mktemp("board")
    if request.param == "unix":
        yield lambda program: _whole_on_unix(importing(modules) + program, folder)
        return
    if request.param == "rv32":
        given = joined(modules, folder)
        yield lambda program: _on_rv32(importing(modules, GIVEN_AT) + program, given)
        return
    with QemuBoard(port=folder / "port", flash=flash_with(joined(modules, folder))) as running:
        repl = SerialTransport(running.port, wait=0)

        def on_qemu(program: str) -> str:
            repl.enter_raw_repl(soft_reset=True)
            said, error = repl.exec_raw(importing(modules, BEHIND_FLASH) + program, timeout=1800)
            assert not error, error.decode()
            return str(said.decode())

        try:
            yield on_qemu
        finally:
            repl.close()


def _whole_on_unix(program: str, folder: Path) -> str:
    file = folder / "program.py"
    file.write_text(program)
    failed, output = run_on_unix([str(file)], "4M", FIRMWARE)
    assert not failed, output
    return output


def _on_rv32(program: str, given: Path) -> str:
    said, error = run_program(program, given=given)
    assert not error, error
    return said

"""Runs small programs on MicroPython itself, with the firmware's modules on its path: what only the board's own code can show."""

import os
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mpremote.transport_serial import SerialTransport

from boardmaps_sim.find import find_micropython
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.rv32 import run_program
from tests.require import require_board

FIRMWARE = Path(__file__).parents[2] / "firmware"
# Makes built-in firmware what stock firmware is: without the C part. Its kernels are then viper, its pool is on the heap.
NO_C_PART = "import sys; sys.modules['_boardmaps'] = None\n"
# The lock is _thread's: only the unix port has that.
GUARDS = pytest.mark.parametrize("guard", ["none", "irq", pytest.param("irq+lock", marks=pytest.mark.unix_port)])

Run = Callable[..., str]


@pytest.fixture(scope="session", params=["unix", "rv32", "rv32_viper"])
def micropython(request: pytest.FixtureRequest) -> Run:
    """Return a function that runs a program on MicroPython and returns what it printed; a traceback fails the test.

    On the unix port, and in QEMU on a 32-bit RISC-V with the C kernels and without. `heap` is the unix port's.
    """
    require_board(request.param.partition("_")[0])

    def run(code: str, heap: str = "500K", fails: bool = False) -> str:
        code = textwrap.dedent(code)
        if request.param == "unix":
            failed, output = _on_unix(code, heap)
        else:
            printed, error = run_program(code if request.param == "rv32" else NO_C_PART + code)
            failed, output = bool(error), printed + error
        assert failed == fails, output
        return output

    return run


def _on_unix(code: str, heap: str) -> tuple[bool, str]:
    done = subprocess.run(
        [find_micropython(None), "-X", f"heapsize={heap}", "-c", code],
        env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode != 0, done.stdout + done.stderr


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the programs that need threads, or a heap of a certain size, where there is no such thing."""
    left_out = [item for item in items if item.get_closest_marker("unix_port") and _target(item) != "unix"]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _target(item: pytest.Item) -> object:
    assert isinstance(item, pytest.Function)
    return item.callspec.params["micropython"]


@pytest.fixture(scope="module", params=["qemu", "rv32"])
def chip(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Return a function that runs a program on a board of each kind; a traceback fails the test."""
    require_board(request.param)
    if request.param == "rv32":
        yield _on_rv32
        return
    with TemporaryDirectory() as folder, QemuBoard(port=Path(folder, "port")) as running:
        repl = SerialTransport(running.port, wait=0)

        def on_qemu(program: str) -> str:
            repl.enter_raw_repl(soft_reset=True)
            said, error = repl.exec_raw(program, timeout=120)
            assert not error, error.decode()
            return str(said.decode())

        try:
            yield on_qemu
        finally:
            repl.close()


def _on_rv32(program: str) -> str:
    said, error = run_program(program)
    assert not error, error
    return said

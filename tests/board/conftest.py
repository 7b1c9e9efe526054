"""Runs small programs on MicroPython itself, with the firmware's modules on its path: what only the board's own code can show."""

import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps_sim.find import find_micropython
from boardmaps_sim.rv32 import run_program
from tests.board.natives import native
from tests.require import require_board

FIRMWARE = Path(__file__).parents[2] / "firmware"
# Makes built-in firmware what stock firmware is: without the C part. Its kernels are then viper, its pool is on the heap.
NO_C_PART = "import sys; sys.modules['_boardmaps'] = None\n"
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
            failed, output = _on_unix(code, heap, path)
        else:
            printed, error = run_program(code if request.param == "rv32" else NO_C_PART + code)
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


def _on_unix(code: str, heap: str, path: Path) -> tuple[bool, str]:
    done = subprocess.run(
        [find_micropython(None), "-X", f"heapsize={heap}", "-c", code],
        env={**os.environ, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
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

"""Runs small programs on MicroPython itself, with the firmware's modules on its path: what only the board's own code can show."""

import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boardmaps_sim.chips.given import WITHOUT_C
from boardmaps_sim.rv32 import run_program
from tests.board.chips import CHIPS
from tests.board.natives import native
from tests.board.on_unix import FIRMWARE, run_on_unix
from tests.require import require_board

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
    with CHIPS[request.param](tmp_path_factory.mktemp("board")) as run:
        yield run

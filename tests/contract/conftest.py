"""One contract, many targets: every test in this folder runs once on each of them. A new target is one line.

The boards, without maps when a test begins, are the plugin's (boardmaps_host.testing); those that are to have kernels of one sort
are made here.
"""

import ast
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mpremote.transport_serial import SerialTransport

from boardmaps import HashMap
from boardmaps.errors import MapError
from boardmaps_host import connect
from boardmaps_host.client.booting import serve_uart
from boardmaps_host.deploy import deploy
from boardmaps_sim.chips.given import BEHIND_FLASH, WITHOUT_C, flash_with, importing, joined
from boardmaps_sim.chips.native import PARTS
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.unix import UnixBoard
from tests.board.natives import native
from tests.require import require_board
from tests.waits import PATIENCE

# The firmware of qemu and pico has C kernels; unix, as other stock firmware, has them in native modules where those are built,
# and qemu_native does as if it had none built in. The others are told to use what MicroPython compiles, and plain Python, for
# which a port needs no machine code.
# pico_native is stock firmware after a deploy, which takes minutes: soak/wheel.py names it in $BOARDMAPS_TARGETS.
_USUAL = "twin unix unix_viper unix_plain qemu qemu_native qemu_viper pico"
TARGETS = os.environ.get("BOARDMAPS_TARGETS", _USUAL).split()
# The emulated ones are slow: long random walks are that many times shorter there.
EMULATED = {"qemu": 4, "qemu_native": 20, "qemu_viper": 4, "pico": 20, "pico_native": 20}

CHOOSE = """
with open("boardmaps_config.py", "w") as f:
    f.write(%r)
"""
CHOSEN = "KERNELS = 'SORT'"
LOADED = """
import sys
from boardmaps import ArrayMap, HashMap, PerCpuArray, Queue, RingBuf, TimeSeries
print([name for name in sorted(sys.modules) if name.startswith("boardmaps.kernels.")])
"""
LARGEST: list[int] = []  # bytes of the largest value that comes and goes on a stock Pico, behind its tests


@pytest.fixture(scope="session", params=TARGETS)
def board_target(request: pytest.FixtureRequest) -> str:
    """What boards the plugin's fixture `board` is to be, whatever --board says."""
    require_board(request.param.partition("_")[0])
    return str(request.param)


@pytest.hookimpl
def pytest_boardmaps_board(name: str) -> AbstractContextManager[str] | None:
    """Return what runs a board of our own."""
    name, _, sort = name.partition("_")
    return _told(name, sort) if sort or name == "unix" else None


@contextmanager
def _told(name: str, sort: str) -> Iterator[str]:
    with TemporaryDirectory() as folder, TOLD[name](Path(folder), sort) as port:
        yield port
        if (name, sort) == ("pico", "native"):
            LARGEST.append(_longest(port))


@contextmanager
def _qemu(folder: Path, sort: str) -> Iterator[str]:
    """Run a qemu board that serves maps with kernels of this sort; give the port."""
    flash = None
    config = CHOSEN.replace("SORT", sort)
    if sort == "native":
        modules = native("armv7m")
        flash = flash_with(joined(modules, folder))
        config = WITHOUT_C + importing(modules, BEHIND_FLASH)
    with QemuBoard(port=folder / "port", flash=flash) as board:
        _do(board.port, CHOOSE % config)
        _see(board.port, sort)
        serve_uart(board.port, allow_reset=True)
        yield board.maps_port


@contextmanager
def _unix(folder: Path, sort: str) -> Iterator[str]:
    """Run a unix board that uses kernels of this sort, its usual ones when none is named; give the port."""
    with UnixBoard(port=folder / "port") as board:
        if sort:
            _do(board.port, CHOOSE % CHOSEN.replace("SORT", sort))
        report = deploy(str(board.port), reset=False, timeout=PATIENCE)
        _see(board.port, sort or ("native" if report.kernels.startswith("C") else "viper"))
        yield board.port


@contextmanager
def _pico(folder: Path, sort: str) -> Iterator[str]:
    """Run an emulated Pico with stock firmware and what deploy sends it; give the port."""
    with PicoBoard(port=folder / "port") as board:
        deploy(board.port, timeout=300)
        _see(board.port, sort)
        yield board.port


TOLD = {"qemu": _qemu, "unix": _unix, "pico": _pico}


def _longest(port: str) -> int:
    """Return the bytes of the largest value that is written and read on this board, to a kilobyte: what its heap has room for."""
    with connect(port, timeout=PATIENCE, allow_reset=True) as board:
        for size in range(4096, 32768, 1024):
            board.pool.reset()
            m = board.create_map(HashMap, key_size=1, value_size=size, max_entries=1)
            try:
                m.update(b"k", bytes(size))
                read = m.lookup(b"k")
            except MapError:
                break
            assert read == bytes(size)
    return size - 1024


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how far from the end of its heap a stock Pico is, with every kind and every request in one boot."""
    if LARGEST:
        terminalreporter.write_line(f"pico_native: largest value that comes and goes behind it: {LARGEST[0]} bytes")


def _do(port: str, code: str) -> str:
    """Run code in a board's raw REPL; return what it printed."""
    repl = SerialTransport(port, wait=0)
    try:
        repl.enter_raw_repl(soft_reset=False)
        said, error = repl.exec_raw(code, timeout=300)
        repl.exit_raw_repl()
    finally:
        repl.close()
    assert not error, error.decode()
    return str(said.decode())


def _see(port: str, sort: str) -> None:
    """See that a board has loaded kernels of this sort, and no others."""
    names = _do(port, LOADED)
    if sort == "native":
        loaded = set(ast.literal_eval(names)) - {"boardmaps.kernels.c_check"}  # which is loaded when it is asked for
        assert loaded == {f"boardmaps.kernels.{name}" for name in (*PARTS, "native") if name != "c_check"}, names
    else:
        assert names.count("boardmaps.kernels.") == names.count(f".{sort}_") >= 6, names


@pytest.fixture
def steps(board_target: str) -> Callable[[int], int]:
    """Return a function that shortens a random walk of so many steps for a target that is slow."""
    return lambda n: max(n // EMULATED.get(board_target, 1), 4)

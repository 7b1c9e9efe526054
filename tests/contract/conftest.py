"""One contract, many targets: every test in this folder runs once on each of them. A new target is one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mpremote.transport_serial import SerialTransport

from boardmaps_host import Board, connect
from boardmaps_host.client.simulated import serve_uart
from boardmaps_host.deploy import deploy
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.unix import UnixBoard
from tests.require import require_board

# The firmware of qemu and pico has C kernels; qemu_viper is told to use the compiled ones, which stock firmware has, as unix does;
# unix_plain is told to use those in Python, for which a port needs no machine code.
TARGETS = ["twin", "unix", "unix_plain", "qemu", "qemu_viper", "pico"]
# The emulated ones are slow: long random walks are that many times shorter there.
EMULATED = {"qemu": 4, "qemu_viper": 4, "pico": 20}

CHOOSE = """
with open("boardmaps_config.py", "w") as f:
    f.write('KERNELS = "SORT"')
"""
LOADED = """
import sys
from boardmaps import ArrayMap, HashMap, PerCpuArray, Queue, RingBuf, TimeSeries
print([name for name in sorted(sys.modules) if name.startswith("boardmaps.kernels.")])
"""


@pytest.fixture(scope="session", params=TARGETS)
def connection(request: pytest.FixtureRequest) -> Iterator[Board]:
    """A board of each kind, started once."""
    name, _, sort = request.param.partition("_")
    require_board(name)
    if sort or name == "unix":
        with (
            TemporaryDirectory() as folder,
            TOLD[name](Path(folder), sort) as port,
            connect(port, allow_reset=True, timeout=30) as board,
        ):
            yield board
        return
    with connect(request.param, allow_reset=True, timeout=30) as board:
        yield board


@contextmanager
def _qemu(folder: Path, sort: str) -> Iterator[str]:
    """Run a qemu board that serves maps with kernels of this sort; give the port."""
    with QemuBoard(port=folder / "port") as board:
        _do(board.port, CHOOSE.replace("SORT", sort))
        _see(board.port, sort)
        serve_uart(board.port, allow_reset=True)
        yield board.maps_port


@contextmanager
def _unix(folder: Path, sort: str) -> Iterator[str]:
    """Run a unix board that uses kernels of this sort, its usual ones when none is named; give the port."""
    with UnixBoard(port=folder / "port") as board:
        if sort:
            _do(board.port, CHOOSE.replace("SORT", sort))
        deploy(str(board.port), reset=False)
        if sort:
            _see(board.port, sort)
        yield board.port


TOLD = {"qemu": _qemu, "unix": _unix}


def _do(port: str, code: str) -> str:
    """Run code in a board's raw REPL; return what it printed."""
    repl = SerialTransport(port, wait=0)
    try:
        repl.enter_raw_repl(soft_reset=False)
        said, error = repl.exec_raw(code)
        repl.exit_raw_repl()
    finally:
        repl.close()
    assert not error, error.decode()
    return str(said.decode())


def _see(port: str, sort: str) -> None:
    """See that a board has loaded kernels of this sort, and no others."""
    names = _do(port, LOADED)
    assert names.count("boardmaps.kernels.") == names.count(f".{sort}_") >= 6, names


@pytest.fixture
def steps(request: pytest.FixtureRequest, connection: Board) -> Callable[[int], int]:
    """Return a function that shortens a random walk of so many steps for a target that is slow."""
    target = request.node.callspec.params["connection"]
    return lambda n: max(n // EMULATED.get(target, 1), 4)


@pytest.fixture
def board(connection: Board) -> Board:
    """A board without maps."""
    connection.pool.reset()
    return connection

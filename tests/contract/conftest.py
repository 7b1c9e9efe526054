"""One contract, many targets: every test in this folder runs once on each of them. A new target is one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mpremote.transport_serial import SerialTransport

from boardmaps_host import Board, connect
from boardmaps_host.client.simulated import serve_uart
from boardmaps_sim.qemu import QemuBoard
from tests.require import require_board

# The firmware of qemu and pico has C kernels; qemu_viper is told to use the compiled ones, which stock firmware has.
TARGETS = ["twin", "unix", "qemu", "qemu_viper", "pico"]
# The emulated ones are slow: long random walks are that many times shorter there.
EMULATED = {"qemu": 4, "qemu_viper": 4, "pico": 20}

USE_VIPER = """
with open("boardmaps_config.py", "w") as f:
    f.write('KERNELS = "viper"')
import sys
from boardmaps import ArrayMap, HashMap, Queue, RingBuf
print([name for name in sorted(sys.modules) if "viper_" in name])
"""


@pytest.fixture(scope="session", params=TARGETS)
def connection(request: pytest.FixtureRequest) -> Iterator[Board]:
    """A board of each kind, started once."""
    require_board("qemu" if request.param == "qemu_viper" else request.param)
    if request.param == "qemu_viper":
        with TemporaryDirectory() as folder, _viper_board(Path(folder)) as port, connect(port, timeout=30) as board:
            yield board
        return
    with connect(request.param, allow_reset=True, timeout=30) as board:
        yield board


@contextmanager
def _viper_board(folder: Path) -> Iterator[str]:
    """Run a qemu board that serves maps with viper kernels; give the port."""
    with QemuBoard(port=folder / "port") as board:
        repl = SerialTransport(board.port, wait=0)
        try:
            repl.enter_raw_repl(soft_reset=False)
            said, error = repl.exec_raw(USE_VIPER)
            repl.exit_raw_repl()
        finally:
            repl.close()
        assert said.decode().count("boardmaps.") == 5, said + error
        serve_uart(board.port, allow_reset=True)
        yield board.maps_port


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

"""One contract, many targets: every test in this folder runs once on each of them. A new target is one line."""

from collections.abc import Callable, Iterator

import pytest

from boardmaps_host import Board, connect
from boardmaps_sim.chips import qemu_port
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.pico import BUILT_IN
from tests.require import require_or_skip

TARGETS = ["twin", "unix", "qemu", "pico"]
EMULATED = {"qemu": 4, "pico": 20}  # the emulated ones are slow: long random walks are that many times shorter there


@pytest.fixture(scope="session", params=TARGETS)
def connection(request: pytest.FixtureRequest) -> Iterator[Board]:
    """A board of each kind, started once."""
    if request.param in EMULATED:
        image = firmware_image({"qemu": qemu_port.IMAGE, "pico": BUILT_IN}[request.param])
        require_or_skip(image.exists(), f"{image} is not there: make qemu-deps qemu pico-deps pico")
    with connect(request.param, allow_reset=True, timeout=30) as board:
        yield board


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

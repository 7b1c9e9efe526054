"""One contract, many targets: every test in this folder runs once on each of them. A new target is one line."""

from collections.abc import Callable, Iterator

import pytest

from boardmaps_host import Board, connect
from tests.require import require_board

TARGETS = ["twin", "unix", "qemu", "pico"]
EMULATED = {"qemu": 4, "pico": 20}  # the emulated ones are slow: long random walks are that many times shorter there


@pytest.fixture(scope="session", params=TARGETS)
def connection(request: pytest.FixtureRequest) -> Iterator[Board]:
    """A board of each kind, started once."""
    require_board(request.param)
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

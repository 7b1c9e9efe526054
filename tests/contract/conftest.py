"""One contract, many targets: every test in this folder runs once on each of them. A new target is one line."""

from collections.abc import Iterator

import pytest

from boardmaps_host import Board, connect

TARGETS = ["twin", "unix"]


@pytest.fixture(scope="session", params=TARGETS)
def connection(request: pytest.FixtureRequest) -> Iterator[Board]:
    """A board of each kind, started once."""
    with connect(request.param, allow_reset=True) as board:
        yield board


@pytest.fixture
def board(connection: Board) -> Board:
    """A board without maps."""
    connection.pool.reset()
    return connection

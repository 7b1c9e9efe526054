"""Maps of the twin to look at, and none left behind."""

from collections.abc import Iterator

import pytest

from boardmaps_host import Board, connect
from boardmaps_host.twin import Registry


@pytest.fixture
def twin() -> Iterator[Board]:
    """A connection to a registry of its own, which has no maps."""
    with Registry(), connect("twin") as board:
        yield board

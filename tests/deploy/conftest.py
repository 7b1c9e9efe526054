"""A unix board of one's own for each deploy test, and a way to ask it things without disturbing it further."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boardmaps_host.deploy.link import BoardLink
from boardmaps_sim.unix import UnixBoard

# Prints what the board's modules have made of boardmaps_config.
SETTINGS = """
from boardmaps import StaticPool
from boardmaps.maps.percpu import CPUS
from boardmaps.settings import GUARD
print(StaticPool.total_size(), GUARD, CPUS)
"""
Ask = Callable[[str], str]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[UnixBoard]:
    """A running board with an empty flash that stays while the test lasts."""
    with UnixBoard(port=tmp_path / "port", flash=tmp_path / "flash.img") as running:
        yield running


@pytest.fixture
def ask(board: UnixBoard) -> Ask:
    """ask(code) soft-resets the board without main.py, runs `code` there and returns what it prints."""

    def run(code: str) -> str:
        with BoardLink(board.port) as link:
            return link.execute(code).strip()

    return run

"""The faulty line as a relay in front of a simulated board: real time, real ports."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from boardmaps import ArrayMap
from boardmaps_host import Board, connect
from boardmaps_host.client import LinkError
from boardmaps_host.deploy import deploy
from boardmaps_sim.faulty import Faults
from boardmaps_sim.relay import FaultyBoard
from boardmaps_sim.unix import UnixBoard, default_port
from soak.restless import restless
from tests.waits import PATIENCE

BAD = Faults(corrupt=1e-3, loss=1e-3, duplicate=1e-3)


@contextmanager
def board_behind(faults: Faults, seed: int = 7) -> Iterator[Board]:
    name = f"faulty-{os.getpid()}"
    inner = UnixBoard(name, port=default_port(name))
    with FaultyBoard(inner, faults, seed) as running:
        deploy(inner.port, reset=False)  # over the perfect port: this is about the maps' line
        with connect(running.port, allow_reset=True) as board:
            board.pool.reset()
            yield board
    assert not Path(running.port).is_symlink()
    assert not list(Path(running.port).parent.glob(f"*{name}*"))


def test_exactly_once_on_a_real_board_behind_a_bad_line() -> None:
    """Replay: boardmaps sim --corrupt 1e-3 --loss 1e-3 --duplicate 1e-3 --seed 7."""
    with board_behind(BAD) as board:
        m = board.create_map(ArrayMap, value_size=4, max_entries=1, name="sum")
        for i in range(500):
            before = int.from_bytes(m.lookup(0) or b"", "little")
            assert before == i, f"seed 7: {before} additions instead of {i}"
            assert m.add(0, 1) is not False
        assert board.link.resent > 0


def test_everything_at_once_on_a_real_board() -> None:
    """Cuts and restarts come by themselves; `make soak` does ten thousand, also with bursts and a half-open line."""
    host = restless(80, line=BAD, every=10)
    assert host.wrong == []
    assert host.happened["restarts"] > 0
    assert host.happened["done"] + host.happened["unknown"] > 60


def test_the_baud_rate_is_kept() -> None:
    with board_behind(Faults(baud=115200)) as board:
        payload = bytes(range(1, 241))
        start = time.monotonic()
        for _ in range(10):
            assert board.link.request(b"\0" + payload, changes=False) == b"\0" + payload
        took = time.monotonic() - start
        assert took > 10 * 2 * 252 * 10 / 115200
    assert took < PATIENCE


@pytest.mark.parametrize("cut", [2000])
def test_a_line_that_goes_dead_ends_in_an_error_in_time(cut: int) -> None:
    name = f"cut-{os.getpid()}"
    inner = UnixBoard(name, port=default_port(name))
    with FaultyBoard(inner, Faults(cut_at=cut)) as running:
        deploy(inner.port, reset=False)
        start = time.monotonic()
        with pytest.raises(LinkError), connect(running.port, timeout=1) as board:
            board.link.requests([b"\0" + bytes(16)] * 1000, changes=False)
        assert time.monotonic() - start < PATIENCE

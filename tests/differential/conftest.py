"""The sides to compare, and what a test of random sequences knows of its run."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from boardmaps_host import Board, connect, twin
from tests.differential.kernel import possible_cpus, unavailable
from tests.differential.kernel_subject import KernelSubject
from tests.differential.pair import Make, model_of
from tests.differential.rows import ROWS, Shape
from tests.differential.subjects import OurSubject
from tests.differential.summary import count
from tests.require import require_board, require_or_skip
from tests.waits import PATIENCE


@dataclass(frozen=True)
class Target:
    """Where our maps live. `host`: they are reached as the host reaches a board's, so that freeze and rights count."""

    name: str
    make: Callable[[Shape], Any]
    host: bool
    cpus: int


@dataclass
class Run:
    """This run's seed, the line that replays a failure (a seed is still to be added to it), and this test's counts.

    `longer`: how many times as many sequences as usual to make.
    """

    seed: int
    longer: int
    replay: str
    done: Counter[tuple[str, str, str]]
    by_hypothesis: Counter[tuple[str, str, str]]


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """What a test of random sequences needs to know of the run that it is part of."""
    option = request.config.getoption
    this = Run(option("seed"), option("longer"), f"pytest '{request.node.nodeid}' --seed", Counter(), Counter())
    yield this
    count(request.node, this.done, this.by_hypothesis)


@pytest.fixture
def kernel() -> None:
    """The kernel's maps, or the reason why there are none here."""
    reason = unavailable()
    require_or_skip(reason is None, reason or "")


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Make:
    """What our maps are held against, by the name in the test's parameters."""
    if request.param == "model":
        return model_of
    request.getfixturevalue("kernel")
    return KernelSubject


@pytest.fixture(scope="session")
def boards() -> Iterator[Callable[[str], Board]]:
    """Return a function from a board's name to the connection, opened when it is first asked for."""
    with ExitStack() as opened:
        yield cache(lambda name: opened.enter_context(connect(name, allow_reset=True, timeout=PATIENCE)))


@pytest.fixture
def target(request: pytest.FixtureRequest, boards: Callable[[str], Board]) -> Target:
    """A place where our maps live, by the name in the test's parameters."""
    cpus = 2 if unavailable() else possible_cpus()
    if request.param == "twin":
        return Target("twin", twin_map, host=False, cpus=cpus)
    require_board(request.param)
    board = boards("twin" if request.param == "line" else request.param)
    if ROWS[request.node.callspec.params["row"]].per_cpu:
        cpus = min(cpus, board.create_map("PerCpuArray", value_size=1, max_entries=1).info().cpus)
    return Target(request.param, lambda shape: remote_map(board, shape), host=True, cpus=cpus)


class _TwinMap(OurSubject):
    """A map of this process in a registry of its own."""

    def __init__(self, shape: Shape) -> None:
        row = shape.row
        sizes = ([shape.key_size] if row.keyed_freely else []) + [shape.value_size, shape.max_entries]
        self._registry = twin.Registry()
        with_cpus = {"cpus": shape.cpus} if row.per_cpu else {}
        self._registry.__enter__()
        super().__init__(shape, getattr(twin, row.class_name)(*sizes, **with_cpus))

    def close(self) -> None:
        self._registry.__exit__(None, None, None)


def twin_map(shape: Shape) -> OurSubject:
    """Make a map on the twin."""
    return _TwinMap(shape)


def remote_map(board: Board, shape: Shape) -> OurSubject:
    """Make a map on a board, the only one that it has."""
    board.pool.reset()
    sizes = {"value_size": shape.value_size, "max_entries": shape.max_entries, "map_flags": shape.map_flags}
    if shape.key_size:
        sizes["key_size"] = shape.key_size
    return OurSubject(shape, board.create_map(shape.row.class_name, **sizes))

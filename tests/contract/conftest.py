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


# What the emulated Pico is known to get wrong. The same tests pass on the other targets, the Cortex-M3 among them, so the
# fault is in what the ring's and the series' machine code becomes on a Cortex-M0+ (hashmap.py had one such: a jump that was
# too far). To be mended, not to be lived with; a test that passes again leaves this list.
PICO_FAULTS = (
    "test_space_is_as_in_the_kernel",
    "test_overwriting_drops_the_oldest",
    "test_every_record_is_read_or_counted",
    "test_the_oldest_sample_goes",
    "test_timestamps_are_64_bits",
    "test_stats_of_a_number",
    "test_a_whole_series_longer_than_a_frame",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the known faults to fail, and say so in the summary."""
    for item in items:
        name, _, parameters = item.name.partition("[")
        if name in PICO_FAULTS and parameters.startswith("pico") and "tests/contract" in str(item.path):
            item.add_marker(pytest.mark.xfail(reason="RingBuf and TimeSeries are wrong on a Cortex-M0+", strict=False))

"""Every allocation of an operation, a request, an opening and an event fails once, in turn: nothing is half done, nothing ends.

On the Cortex-M3, in the image in which the collector's allocator can be made to fail (boards/cmodules/mps2/fail.c): alone, and
every second with all allocations behind it, as where the heap is full. programs/ has what the board runs.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from mpremote.transport_serial import SerialTransport

from boardmaps.kinds import KINDS
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.qemu_port import FAILING_IMAGE
from boardmaps_sim.qemu import QemuBoard
from tests.require import require_or_skip

PROGRAMS = Path(__file__).parent / "programs"
KERNELS = pytest.mark.parametrize("kernels", [None, "viper"], ids=["C", "viper"])
BOARD = 1  # a trait of kinds.py: a board has this kind

Failing = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def failing() -> Iterator[Failing]:
    """Return a function that runs a program on the board and returns what it found: what was done, and what went wrong."""
    require_or_skip(firmware_image(FAILING_IMAGE).exists(), f"{FAILING_IMAGE} is not there: make qemu-deps qemu")
    with (
        TemporaryDirectory() as folder,
        QemuBoard(image=firmware_image(FAILING_IMAGE), port=Path(folder, "port")) as running,
    ):
        repl = SerialTransport(running.port, wait=0)

        def run(program: str, **settings: object) -> dict[str, Any]:
            repl.enter_raw_repl(soft_reset=True)
            given = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
            code = given + "".join((PROGRAMS / name).read_text() for name in ("failing.py", program))
            said, error = repl.exec_raw(code, timeout=1800)
            assert not error, error.decode()
            *wrong, found = said.decode().splitlines()
            assert not wrong, "\n".join(wrong)
            return dict(json.loads(found))

        try:
            yield run
        finally:
            repl.close()


@KERNELS
def test_operations(failing: Failing, kernels: str | None) -> None:
    found = failing("failing_maps.py", KERNELS=kernels)
    assert found["wrong"] == {}
    assert set(found["done"]) == {row[1] for row in KINDS if row[4] & BOARD}
    assert sum(found["done"].values()) >= 200
    assert found["points"] > 4_000


def test_requests_openings_and_events(failing: Failing) -> None:
    found = failing("failing_line.py", KERNELS=None, SEALED=False, STEP=20, EVERY=1)
    assert found["wrong"] == {}
    assert found["done"]["request"] > 50
    assert found["points"] > 2_000


@pytest.mark.parametrize(
    ("kernels", "sealed", "every"), [("viper", False, 12), (None, True, 12)], ids=["viper", "locked line"]
)
def test_some_requests(failing: Failing, kernels: str | None, sealed: bool, every: int) -> None:
    found = failing("failing_line.py", KERNELS=kernels, SEALED=sealed, STEP=40, EVERY=every)
    assert found["wrong"] == {}
    assert found["points"] > 500


def test_a_planted_mistake_is_found(failing: Failing) -> None:
    """It takes heap behind its change."""
    with pytest.raises(AssertionError, match="careless: allocation 3 of 4: no memory, and it has changed"):
        failing("failing_planted.py", KERNELS=None)


def test_a_usual_turn_takes_single_blocks_of_the_heap(failing: Failing) -> None:
    """More than one in a row is looked for long where much of the heap is in use."""
    taken = failing("failing_turn.py", KERNELS=None)["done"]
    assert taken.pop("a large frame") == [1, 1]  # such a one is seen
    assert {what: large for what, (_, large) in taken.items() if large} == {}
    assert len(taken) == 11
    assert {what for what, (count, _) in taken.items() if not count} >= {"no session", "nothing comes"}

"""Native modules for armv6m against C, viper and plain Python: the walks of test_both_kernels.py on the emulated Pico, shortened.

Plain Python is left out, for it is slow there. `python -m soak.kernels` does them whole, here and on the other processors.
"""

from collections.abc import Iterator

import pytest

from tests.board.chips import Run, pico
from tests.board.test_both_kernels import walking
from tests.require import require_board

_PART = 100
_WALKS = ("hash", "queue and stack", "lpm")  # kernels of each native module


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    require_board("pico")
    with pico(tmp_path_factory.mktemp("pico")) as program:
        yield program


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("walk", _WALKS)
def test_all_kernels_leave_the_same_bytes_and_say_the_same(run: Run, walk: str) -> None:
    assert int(run(walking(walk, seed=1, part=_PART)).split()[-1]) >= 3

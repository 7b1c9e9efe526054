"""The power of an emulated Pico is cut at each operation of its flash while it pins maps: they hold the old or the new content.

Each operation is cut once here, by turns before it and torn; `python -m soak.pins` cuts each in all ways, and stock firmware too.
"""

from pathlib import Path

import pytest

from boardmaps_sim.power import PowerCut, Torn
from tests.board.power_cuts import TEARS, cut_once, formatted, operations
from tests.require import require_board


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_board("pico")
    return formatted(tmp_path_factory.mktemp("begin"))


@pytest.fixture(scope="module")
def total(begin: Path) -> int:
    return operations(begin, begin.parent)


@pytest.mark.parametrize("torn", TEARS, ids=str)
def test_a_power_cut_at_every_flash_operation_leaves_the_old_or_the_new_content(
    begin: Path, total: int, torn: Torn | None, tmp_path: Path
) -> None:
    cuts = [PowerCut(at, torn) for at in range(TEARS.index(torn), total, len(TEARS))]
    assert len(cuts) >= 8
    in_effect = [cut_once(begin, tmp_path, cut) for cut in cuts]
    assert not all(in_effect)

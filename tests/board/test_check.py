"""check() of a map: what is whole it calls whole, and what it calls whole no operation leaves, whichever kernels there are.

A program on the board changes bytes, words and links of a map that lies between two others. Each change is found, or every
operation, driven by every sort of kernels, ends and changes nothing but the map's own slice, which is whole again then. All sorts
of check say the same. Where the check has a mistake, the same program fails.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps_sim.chips.given import importing
from tests.board.conftest import FIRMWARE, run_on_unix
from tests.board.natives import native
from tests.board.test_both_kernels import COMMON, MAPS
from tests.require import require_board

BOARDMAPS = FIRMWARE / "boardmaps"
PROGRAM = (Path(__file__).parent / "programs" / "checking.py").read_text()
LAYOUTS = ("hash", "array", "percpu", "queue", "ring", "series", "lpm", "bloom")
EVERY = 3  # change is tried; on an emulated board one of EMULATED
EMULATED = 97

Run = Callable[[str], str]


def program(layout: str, stride: int = 1, states: int = 2, planted: tuple[str, str] | None = None) -> str:
    """Return the program for the maps of a layout; `planted` are the texts of a check with a mistake."""
    given = f"LAYOUT, STRIDE, STATES = {layout!r}, {stride}, {states}\nPLANTED = {planted!r}\n"
    return MAPS + COMMON.replace("SEED", "0") + given + PROGRAM


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_changed_is_found_or_does_no_harm(chip: Run, layout: str, request: pytest.FixtureRequest) -> None:
    on_unix = request.node.callspec.params["chip"] == "unix"
    said = chip(program(layout, EVERY) if on_unix else program(layout, EMULATED, 1))
    tried, found, moved, passed = map(int, said.split())
    stride = EVERY if on_unix else EMULATED
    assert tried > 1_000
    assert found > tried // stride // 3
    assert passed > tried // stride // 5
    assert moved > 0 or not on_unix, "no header was another map's"


# By a layout that shows it: what stands in a file, and what instead of it
CHECK, KERNELS = "maps/check.py", "kernels/plain_check.py"
MISTAKES = [
    ("array", CHECK, " or layout(d) != places", ""),
    ("array", CHECK, "not size == len(view) == slice_size(d)", "False"),
    ("queue", CHECK, "if d and not", "if False and not"),
    ("queue", CHECK, "w[_COUNT] > w[_PEAK] or ", ""),
    ("queue", CHECK, "w[_FIRST] >= d.max_entries", "False"),
    ("bloom", CHECK, "d.functions != functions or ", ""),
    ("bloom", CHECK, "w[_MASK] != (len(view) - HEADER_SIZE) * 8 - 1", "False"),
    ("hash", KERNELS, "word(view, _MASK) != buckets - 1 or ", ""),
    ("hash", KERNELS, "if met > count", "if False"),
    ("hash", KERNELS, "bucket_of(view, key) != bucket", "False"),
    ("hash", KERNELS, "key_of(view, other) == key", "False"),
    ("hash", KERNELS, "not link & _FREE_BIT or not rest", "not rest"),
    ("hash", KERNELS, "not link & _FREE_BIT or not rest", "not link & _FREE_BIT"),
    ("hash", KERNELS, "return _BAD_FREE if rest else _WHOLE", "return _WHOLE"),
    ("percpu", KERNELS, "_ASTRAY if met < count else check_free(view, count)", "_WHOLE"),
    ("lpm", KERNELS, "not slots < x <= top or not inner", "not inner"),
    ("lpm", KERNELS, "not slots < x <= top or not inner", "not slots < x <= top"),
    ("lpm", KERNELS, "not least <= bits <= most", "False"),
    ("lpm", KERNELS, "not _fits(view, key, bits, before, above, side) or ", ""),
    ("lpm", KERNELS, " or not _leads(view, key, first, x)", ""),
    ("lpm", KERNELS, "_ASTRAY if rest or inner else ", ""),
    ("ring", KERNELS, " or (at | rest) & 7", ""),
    ("ring", KERNELS, " or flags not in (0, _RESERVED, _DISCARDED)", ""),
    ("ring", KERNELS, "not behind or (nth > 1 and behind >= last)", "False"),
    ("ring", KERNELS, "waiting == word(view, _COUNT)", "True"),
]


@pytest.mark.parametrize(("layout", "file", "right", "wrong"), MISTAKES)
def test_a_mistake_of_the_check_is_found(layout: str, file: str, right: str, wrong: str, tmp_path: Path) -> None:
    require_board("unix")
    texts = {name: (BOARDMAPS / name).read_text() for name in (KERNELS, CHECK)}
    assert texts[file].count(right) == 1
    texts[file] = texts[file].replace(right, wrong)
    code = program(layout, planted=(texts[KERNELS], texts[CHECK]))
    (tmp_path / "program.py").write_text(importing(native("x64")) + code)
    failed, output = run_on_unix([str(tmp_path / "program.py")], "4M", FIRMWARE)
    assert failed, output
    assert "SyntaxError" not in output

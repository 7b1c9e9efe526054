"""check() of a map: what is whole it calls whole, and what it calls whole no operation leaves, whichever kernels there are.

A program on the board changes bytes, words and links of a map that lies between two others. Each change is found, or every
operation, driven by every sort of kernels, ends and changes nothing but the map's own slice, which is whole again then. All sorts
of check say the same. Where the check has a mistake, the same program fails.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps_sim.chips.given import importing
from tests.board.natives import native
from tests.board.on_unix import FIRMWARE, run_on_unix
from tests.board.test_both_kernels import MAPS, common
from tests.require import require_board

BOARDMAPS = FIRMWARE / "boardmaps"
PROGRAM = (Path(__file__).parent / "programs" / "checking.py").read_text()
LAYOUTS = ("hash", "array", "percpu", "queue", "ring", "series", "lpm", "bloom")
EVERY = 5  # change is tried; on an emulated board one of EMULATED
EMULATED = 293

Run = Callable[[str], str]

# Where keys lie in a hash table comes of random numbers: here each time the same, of which every mistake below shows.
SAME = """
import boardmaps.maps.base
class os:
    @staticmethod
    def urandom(n):
        return bytes(range(6, 6 + n))
boardmaps.maps.base.os = os
"""


def program(layout: str, stride: int = 1, states: int = 2, planted: tuple[str, str] | None = None) -> str:
    """Return the program for the maps of a layout; `planted` are the texts of a check with a mistake."""
    given = f"LAYOUT, STRIDE, STATES = {layout!r}, {stride}, {states}\nPLANTED = {planted!r}\n"
    return SAME + MAPS + common(0) + given + PROGRAM


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_changed_is_found_or_does_no_harm(chip: Run, layout: str, request: pytest.FixtureRequest) -> None:
    on_unix = request.node.callspec.params["chip"] == "unix"
    said = chip(program(layout, EVERY if on_unix else EMULATED, states=1))
    tried, found, moved, passed = map(int, said.split())
    stride = EVERY if on_unix else EMULATED
    assert tried > 1_000
    assert found > tried // stride // 4
    assert passed > tried // stride // 5
    assert moved > 0 or not on_unix, "no header was another map's"


def test_what_it_says(micropython: Run) -> None:
    micropython("""
        from struct import pack_into, unpack_from
        from boardmaps.definition import check_word
        from boardmaps import BPF_F_WRONLY, BloomFilter, HashMap, LpmTrie, Queue, RingBuf, StaleMap, StaticPool, TimeSeries
        h, t, q, r = HashMap(4, 4, 4, BPF_F_WRONLY, "h"), LpmTrie(5, 1, 4), Queue(4, 4), RingBuf(64)
        b, s = BloomFilter(4, 4), TimeSeries(8, 4, field="h")
        for i in range(3):
            h.update(bytes([i] * 4), bytes(4))
            t.update(bytes([8, 0, 0, 0, i]), b"x")
            r.output(b"record")
        h.delete(bytes(4))
        h.freeze()
        for m in (h, t, q, r, b, s):
            assert m.check() is None, m

        def says(m, form, at, *numbers, sealed=False):
            had = bytes(m._slice)
            pack_into(form, m._slice, at, *numbers)
            if sealed:
                pack_into("<I", m._slice, 76, check_word(m._slice))
            said = m.check()
            m._slice[:] = had
            assert m.check() is None
            return said

        def is_said(told, *given, **how):
            said = says(*given, **how)
            assert said == told, said

        is_said("no map begins here", q, "B", 0, 1)
        is_said("the header has a map type that no board has: 9", q, "<I", 8, 9)
        no_schema = "the header's definition is none: create queue '': schema: field ?, character 1: "
        is_said(no_schema + "a schema has no control characters", q, "<H", 70, 5)
        for m, at, bits in ((q, 76, 1), (q, 80, 97), (h, 32, 64), (h, 36, 64), (h, 12, 24), (s, 36, 1), (s, 40, 1), (b, 32, 64)):
            is_said("the header's check is not that of its bytes", m, "B", at, m._slice[at] ^ bits)
        is_said("the header is another map's: MapDef(stack, key_size=0, value_size=4, max_entries=4, map_flags=0, name='')",
                q, "<I", 8, 23, sealed=True)
        is_said("the header is another map's: MapDef(queue, key_size=0, value_size=4, max_entries=4, map_flags=0, name='q')",
                q, "B", 80, 113, sealed=True)
        slot = 2
        link = unpack_from("<I", h._slice, 44)[0] + 2 * (slot - 1)
        assert "it loops" in says(h, "<H", link, slot)
        assert "leads to no entry" in says(h, "<H", link, 1), "that one is free"
        is_said("the chain of free slots is broken, at slot 2", h, "<I", 60, 2)
        is_said("there are entries that nothing leads to, or a wrong count (3)", h, "<H", link - 2, 0)
        assert "in the place of another key" in says(t, "B", unpack_from("<I", t._slice, 48)[0], 7)
        is_said("record 1 has a wrong length or wrong flags", r, "<I", 96, 1 << 27)
        StaticPool.reset()
        try:
            h.check()
            assert False
        except StaleMap:
            pass
    """)


# By a layout that shows it: what stands in a file, and what instead of it
CHECK, KERNELS = "maps/check.py", "kernels/plain_check.py"
MISTAKES = [
    ("array", CHECK, " or layout(d) != places", ""),
    ("array", CHECK, "not size == len(view) == needs", "False"),
    ("queue", CHECK, "if d and not", "if False and not"),
    ("queue", CHECK, "w[_COUNT] > w[_PEAK] or ", ""),
    ("queue", CHECK, "w[_FIRST] >= d.max_entries", "False"),
    ("bloom", CHECK, "d.functions != functions or ", ""),
    ("bloom", CHECK, "w[_MASK] != filter_bits(d.max_entries, d.functions) - 1", "False"),
    ("array", CHECK, 'unpack_from("<I", view, 4 * _CHECK)[0] != check_word(view)', "False"),
    ("queue", CHECK, "elif view[_MARK_AT]", "elif False"),
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

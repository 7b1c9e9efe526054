"""A reset within an operation is seen: in every moment of every kernel the slice is as before or as after it, or the mark is set.

The kernels in C are stopped between any two stores, see stopped.c; those in Python at every step of bytecode, see stopped.py.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.sanitized import CORE, missing
from tests.kernels.stopping import stopped
from tests.kernels.test_trust import mistaken
from tests.require import require_or_skip

ROOT = Path(__file__).parents[2]

# What takes a slice in core/ and is no kernel: what kernels are made of. A new function is either here or called by stopped.c.
CHANGES = {  # its callers set the mark, or clear it
    *(
        "bm_hash_create",
        "bm_hash_remove",
        "bm_queue_drop_first",
        "bm_ring_claim",
        "bm_ring_submit",
        "bm_ring_make_room",
    ),
    *(
        "bm_ring_copy",
        "bm_lpm_update",
        "bm_lpm_delete",
        "bm_lpm_link",
        "bm_lpm_inner",
        "bm_lpm_free_inner",
        "bm_line_op",
    ),
}
READS = {
    *(
        "bm_hash_links",
        "bm_hash_entry",
        "bm_hash_head",
        "bm_hash_place",
        "bm_hash_next",
        "bm_hash_fits",
        "bm_bloom_hash",
    ),
    *("bm_bloom_bit", "bm_lpm_nodes", "bm_lpm_common", "bm_lpm_match", "bm_lpm_way", "bm_lpm_next", "bm_row_find"),
    *("bm_line_find", "bm_line_entry", "bm_queue_slot", "bm_ring_record"),
}


def test_every_kernel_in_c_sets_the_mark() -> None:
    require_or_skip(not missing("gcc"), missing("gcc"))
    told, wrong = stopped(3)
    assert not wrong
    found: dict[str, str] = {}
    for path in sorted(CORE.glob("*.h")):
        if path.name not in ("check.h", "slice.h"):  # the first changes nothing, the other has the mark
            text = path.read_text()
            found.update(re.findall(r"^static inline [\w ]+ \*?(bm_\w+)\(uint32_t \*h\b(.*?)^}", text, re.M | re.S))
    assert set(found) == set(told) | CHANGES | READS
    for name, body in found.items():
        if "bm_begin(" in body and name not in CHANGES:
            assert told[name][1], f"{name} changed nothing"
        assert name not in READS or "bm_begin(" not in body


@pytest.mark.parametrize(
    ("header", "right", "wrong"),
    [
        ("array.h", "    bm_begin(h);\n    if (what == DELETE)", "    if (what == DELETE)"),
        ("hash.h", "        return FULL;\n    }\n    bm_begin(h);\n", "        return FULL;\n    }\n"),
        (
            "hash.h",
            "    h[FREE] = p->slot;\n    --h[COUNT];\n    bm_end(h);",
            "    bm_end(h);\n    h[FREE] = p->slot;\n    --h[COUNT];",
        ),
        ("lpm.h", "    --h[COUNT];\n    bm_end(h);\n", "    --h[COUNT];\n"),
    ],
)
def test_a_mark_that_is_missing_is_found(tmp_path: Path, header: str, right: str, wrong: str) -> None:
    require_or_skip(not missing("gcc"), missing("gcc"))
    _, said = stopped(1, mistaken(tmp_path, header, right, wrong))
    assert "ERROR: bm_" in said


@pytest.mark.parametrize("sort", ["plain", "viper"])
def test_every_kernel_in_python_sets_the_mark(sort: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.kernels.stopped", sort], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    reached, changes, missed = done.stdout.rstrip("\n").split(" ", 2)
    assert missed == "", "functions of kernels/__init__.py that stopped.py does not call"
    assert int(reached) > 35
    assert int(changes) > 500

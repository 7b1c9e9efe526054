"""What docs/trust.md says of the kernels in C, in short: cases enumerated, sessions fuzzed, layouts proven, mistakes found.

`make soak` does the first two for long, `make proofs` the last in whole.
"""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kernels.fuzzing import fuzz, replay, seeds
from tests.kernels.proofs.layouts import Proof, proofs
from tests.kernels.proofs.run import ENUMERATED, PAGE, TESTED, functions_of_core, prove
from tests.kernels.sanitized import CORE, enumerated, missing
from tests.require import require_or_skip


@pytest.mark.parametrize(
    ("part", "size", "cases"),
    [
        ("hashes", 3, 800),
        ("tries", 2, 400),
        ("rings", 32, 3000),
        ("stuffed", 8, 4000),
        ("unstuffed", 5, 18_000),
        ("blocks", 300, 100_000),
        ("lines", 5, 25_000),
    ],
)
def test_every_case_up_to_a_size(part: str, size: int, cases: int) -> None:
    require_or_skip(not missing("gcc"), missing("gcc"))
    found, calls = enumerated(part, size)
    assert found > cases
    assert calls > found


def test_sessions_are_fuzzed() -> None:
    require_or_skip(not missing("clang"), missing("clang"))
    found = fuzz(runs=15_000)
    assert not found.failed, found.told()
    assert found.sessions >= 15_000
    assert found.calls > 10 * found.sessions


def test_random_sessions_replay() -> None:
    """The sessions that the fuzzer begins with, in a program of another compiler."""
    require_or_skip(not missing("gcc"), missing("gcc"))
    calls, said = replay([session for seed in range(10) for session in seeds(random.Random(seed))])
    assert not said
    assert calls > 30_000


def mistaken(tmp_path: Path, header: str, right: str, wrong: str) -> Path:
    """Return a copy of core/ in which a header has a mistake."""
    core = tmp_path / "core"
    shutil.copytree(CORE, core)
    text = (core / header).read_text()
    assert text.count(right) == 1, "the mistake has no place any more"
    (core / header).write_text(text.replace(right, wrong))
    return core


def test_the_fuzzer_finds_a_mistake(tmp_path: Path) -> None:
    """A replay of what it found fails again."""
    require_or_skip(not missing("clang", "gcc"), missing("clang", "gcc"))
    core = mistaken(tmp_path, "frame.h", "if (!code || at + code > n) {", "if (!code || at + code > n + 1) {")
    found = fuzz(core, runs=40_000)
    assert "heap-buffer-overflow" in found.said
    assert f"--replay {found.failed}" in found.told()
    _, said = replay([bytes.fromhex(found.failed)], core)
    assert "heap-buffer-overflow" in said


@pytest.mark.parametrize(
    ("header", "right", "wrong", "seen"),
    [
        ("series.h", "memcpy(slot + 8, value, h[VALUE_SIZE]);", "memcpy(slot + 9, value, h[VALUE_SIZE]);", "overflow"),
        (
            "array.h",
            "return key[0] | key[1] << 8 | key[2] << 16 | (uint32_t)key[3] << 24;",
            "return *(const uint32_t *)(const void *)key;",
            "misaligned address",
        ),
    ],
)
def test_random_sessions_find_a_mistake(tmp_path: Path, header: str, right: str, wrong: str, seen: str) -> None:
    require_or_skip(not missing("gcc"), missing("gcc"))
    _, said = replay(list(seeds(random.Random(1))), mistaken(tmp_path, header, right, wrong))
    assert seen in said


@pytest.mark.parametrize(
    ("right", "wrong", "seen"),
    [
        (" - (t->out == t->begin) + ", " + ", "no reply has room for more than the buffer"),
        ("        memmove(t->at, behind, t->end - behind);\n", "", "what is not taken yet stays"),
        ("before > size - n || ", "", "heap-buffer-overflow"),
    ],
)
def test_every_case_finds_a_mistake(tmp_path: Path, right: str, wrong: str, seen: str) -> None:
    require_or_skip(not missing("gcc"), missing("gcc"))
    with pytest.raises(AssertionError, match=seen):
        enumerated("lines", 4, mistaken(tmp_path, "turn.h", right, wrong))


def named(name: str) -> Proof:
    """Return a proof with its last layout alone."""
    found = next(proof for proof in proofs() if proof.name.startswith(name))
    return replace(found, blocks=found.blocks[-1:])


@pytest.mark.parametrize(
    "name",
    ["array", "stack", "time", "Bloom", "per-CPU array", "hash 5", "per-CPU hash 1", "ring of 8", "line, hash 1"],
)
def test_a_layout_is_proven(name: str, tmp_path: Path) -> None:
    require_or_skip(not missing("frama-c"), missing("frama-c"))
    outcome = prove(named(name), tmp_path)
    assert not outcome.wrong
    assert outcome.functions


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("array", "#define VALUE_BYTES 9", "#define VALUE_BYTES 13"),  # the last value ends behind the slice
        ("hash 5", "#define CHAINED Frama_C_nondet(0,", "#define CHAINED Frama_C_nondet(5,"),  # no such slot
        ("stack", "#define ENTRIES_MOST 1\n", "#define ENTRIES_MOST 2\n"),
    ],
)
def test_what_is_not_so_is_not_proven(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    """With a slice that is shorter than its header says, or a chain that leads out of it."""
    require_or_skip(not missing("frama-c"), missing("frama-c"))
    proof = named(name)
    assert right in proof.blocks[0]
    outcome = prove(replace(proof, blocks=(proof.blocks[0].replace(right, wrong),)), tmp_path)
    assert outcome.wrong


def test_the_page_has_every_function_of_the_core() -> None:
    """Each is proven or enumerated; of what is neither, run.py says why."""
    text = PAGE.read_text()
    functions = functions_of_core()
    assert sum(map(len, functions.values())) > 60
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("| ") and "`bm_" in line]
    told = {what.split("`")[1]: (proven.strip(), cases.strip()) for what, proven, cases in rows}
    for header, names in functions.items():
        for name in names:
            assert name in told, f"{name} of {header} is new: run `make proofs`"
            assert told[name] != ("-", "-"), f"{name} is neither proven nor enumerated"
            other = "enumerated" if header in ENUMERATED else "tested" if header in TESTED else "-"
            assert told[name][1] == other

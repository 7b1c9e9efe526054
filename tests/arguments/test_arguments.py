"""A walk over the public API with right and wrong arguments: the same outcome on the twin and on boards with all kernels."""

import inspect
import itertools
import json
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

import boardmaps
from boardmaps_host.kinds import KINDS
from boardmaps_host.twin.registries import Registry
from tests.arguments import walk
from tests.board.conftest import Run
from tests.board.conftest import micropython as micropython  # noqa: PLC0414 - a fixture, for this folder too

# Needs objects or several lists, differs by profile, or is freed from a fixed outcome by what it returns
LEFT_OUT = {
    "resize",
    "host_subscribe",
    "freeze",
    "clear",
    "keys",
    "items",
    "from_definition",
    "with_entries",
    "first_number",
    "copy_sample",
}
WANTED = 5000


def calls() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Give every method of every class that boards have, found by introspection: one argument wrong at a time, and pairs."""
    for kind in KINDS:
        if not kind.on_boards:
            continue
        assert kind.class_name in walk.SETUP, f"{kind.class_name} is new: say in walk.py how a map is made"
        cls = getattr(boardmaps, kind.class_name)
        for method, function in sorted(inspect.getmembers(cls, inspect.isfunction)):
            if method.startswith(("_", "host_")) or method in LEFT_OUT:
                continue
            names = [
                p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
            ][1:]
            if any(name not in walk.RIGHT for name in names):
                continue
            key = 1 if kind.indexed else 0
            right = [walk.RIGHT[name][min(key, len(walk.RIGHT[name]) - 1)] for name in names]
            if method.startswith("exchange") and len(right) > 1:
                right[1] = "3"
            for i, j in itertools.combinations_with_replacement(range(len(names)), 2):
                if i != j and (
                    "add" in method or "fetch" in method or "exchange" in method
                ):  # of a wrong key and a wrong number either may be told first
                    continue
                both = itertools.product(walk.VALUES[::3], walk.VALUES[1::4])
                for one, other in zip(walk.VALUES, walk.VALUES, strict=True) if i == j else both:
                    arguments = list(right)
                    arguments[i], arguments[j] = one, other
                    yield kind.class_name, method, tuple(arguments[: j + 1] if j + 1 > _least(function) else arguments)


def _least(function: object) -> int:
    parameters = list(inspect.signature(function).parameters.values())[1:]  # type: ignore[arg-type]
    return sum(p.default is p.empty for p in parameters)


TABLE = list(dict.fromkeys(calls()))
NAMES = {"array": array, **{kind.class_name: getattr(boardmaps, kind.class_name) for kind in KINDS if kind.on_boards}}


def on_the_twin() -> list[str]:
    names = dict(NAMES)
    for name in ("PerCpuArray", "PerCpuHash"):
        names[name] = lambda *sizes, cls=NAMES[name]: cls(*sizes, cpus=1)  # type: ignore[misc]
    said = []
    for call in TABLE:
        with Registry():
            said.append(walk.outcome(names, *call))  # type: ignore[no-untyped-call]
    return said


@pytest.fixture(scope="session")
def expected() -> list[str]:
    said = on_the_twin()
    print(f"{len(said):,} calls on the twin")
    return said


def test_the_walk_is_long_and_nothing_changes_what_it_refuses(expected: list[str]) -> None:
    assert len(TABLE) >= WANTED
    assert [c for c, s in zip(TABLE, expected, strict=True) if "AND CHANGED" in s] == []


@pytest.mark.parametrize("sort", [None, "viper", "plain"])
def test_a_board_says_the_same(micropython: Run, expected: list[str], sort: str | None) -> None:
    source = Path(walk.__file__).read_text()
    found: list[str] = []
    for first in range(0, len(TABLE), 700):
        part = TABLE[first : first + 700]
        out = micropython(
            f"import sys\nclass config: KERNELS = {sort!r}\nsys.modules['boardmaps_config'] = config\n{source}\n"
            "import gc, json\nfrom array import array\nfrom boardmaps import StaticPool, "
            + ", ".join(name for name in NAMES if name != "array")
            + f"\nnames = dict(globals())\nfor call in json.loads({json.dumps(json.dumps(part))}):\n"
            "    StaticPool.reset()\n    print('=' + outcome(names, *call))\n",
            heap="8M",
        )
        found += [line[1:] for line in out.splitlines() if line.startswith("=")]
    different = [(c, e, f) for c, e, f in zip(TABLE, expected, found, strict=True) if e != f]
    print(f"{len(found):,} calls, {len(different)} different", *different, sep="\n")
    assert different == []

"""A plan made on the computer is what creation takes, to the byte: hundreds of random definitions of every type."""

import random

import pytest

from boardmaps import InvalidDefinition, MapDef, OutOfMemory
from boardmaps.kinds import ARRAY, HASH
from boardmaps_host.kinds import KINDS, by_number
from boardmaps_host.planner import POOL_SIZE, plan
from tests.board.conftest import Run

TYPES = [kind for kind in KINDS if kind.on_boards]

PROGRAM = """
import sys
class config:
    CPUS = {cpus}
    this_cpu = staticmethod(lambda: 0)
sys.modules["boardmaps_config"] = config
import boardmaps
from boardmaps import OutOfMemory, StaticPool
for maps in {lists}:
    StaticPool.reset()
    made = []
    try:
        for name, sizes in maps:
            m = getattr(boardmaps, name)(*sizes)
            made.append((m.offset, m.size))
    except OutOfMemory:
        pass
    print(made, StaticPool.used())
"""


def draw(rng: random.Random, cpus: int) -> MapDef:
    """Return a definition of any type; one in a few hundred is far too large."""
    kind = rng.choice(TYPES)
    if kind.in_bytes:
        return MapDef(kind.number, 0, 0, 1 << rng.randrange(17))
    most = rng.choice((3, 40, 300, kind.most))
    key = kind.key_least
    if key != kind.key_most:
        key = rng.randrange(key, key + rng.choice((4, 39, kind.key_most - key + 1)))
    value = rng.randrange(1, rng.choice((9, 70, 2000)))
    entries = rng.choice((1, 2, 1 << rng.randrange(9), rng.randrange(1, most)))
    return MapDef(kind.number, key, value, entries, cpus=cpus if kind.per_cpu else 1)


def constructor(d: MapDef) -> tuple[str, tuple[int, ...]]:
    """Return the class's name and the arguments that make such a map."""
    kind = by_number(d.map_type)
    return kind.class_name, tuple(getattr(d, part) for part in kind.sizes)


@pytest.mark.parametrize("cpus", [1, 2])
def test_hundreds_of_definitions(micropython: Run, cpus: int) -> None:
    rng = random.Random(cpus)
    lists = [[draw(rng, cpus) for _ in range(rng.randrange(1, 9))] for _ in range(100)]
    expected = []
    for definitions in lists:
        fitting = len(definitions)
        while True:
            try:
                planned = plan(definitions[:fitting])
                break
            except OutOfMemory:
                fitting -= 1
        expected.append(f"{[(p.offset, p.size) for p in planned]} {sum(p.size for p in planned)}")
    program = PROGRAM.format(cpus=cpus, lists=[[constructor(d) for d in definitions] for definitions in lists])
    assert micropython(program).splitlines() == expected
    assert {d.map_type for definitions in lists for d in definitions} == {kind.number for kind in TYPES}
    short = sum(line.count("(") < len(definitions) for line, definitions in zip(expected, lists, strict=True))
    assert 10 < short < 90, "some lists must fit and some not"


def test_what_does_not_fit_is_named_with_the_bytes_that_it_lacks() -> None:
    small = MapDef(ARRAY, 4, 8, 100, name="small")
    for size in (904, 1000, 1791):
        with pytest.raises(OutOfMemory, match=rf"plan 'b' \(map 2\).*: {1792 - size:,} are missing"):
            plan([small, MapDef(ARRAY, 4, 8, 100, name="b")], size)
    assert sum(p.size for p in plan([small, MapDef(ARRAY, 4, 8, 100, name="b")], 1792)) == 1792
    with pytest.raises(OutOfMemory, match=r"plan 'huge' \(map 1\): .* are missing"):
        plan([MapDef(HASH, 512, 0xFFFFFFFF, 0xFFFFFFFF, name="huge")], POOL_SIZE)


def test_a_plan_refuses_what_no_pool_can_number() -> None:
    size = plan([MapDef(HASH, 4, 4, 32767)], 1 << 22)[0].size
    with pytest.raises(InvalidDefinition, match=r"'more'.* 32768; in a pool this type has at most 32767"):
        plan([MapDef(HASH, 4, 4, 32768, name="more")], 1 << 22)
    with pytest.raises(OutOfMemory, match="'more'"):  # also too large, which is said first, as on the board
        plan([MapDef(HASH, 4, 4, 32768, name="more")], size)

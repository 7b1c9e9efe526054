"""A plan made on the computer is what creation then takes on a board, to the byte."""

import random

import pytest

from boardmaps import MapDef, OutOfMemory
from boardmaps_host import Board
from boardmaps_host.kinds import KINDS, by_number
from boardmaps_host.planner import plan


def draw(rng: random.Random, cpus: int) -> MapDef:
    """Return a definition of any type that boards have, of any size that may fit."""
    kind = rng.choice([kind for kind in KINDS if kind.on_boards])
    if kind.in_bytes:
        return MapDef(kind.number, 0, 0, 1 << rng.randrange(0, 13))
    key_size = kind.key_least
    if key_size != kind.key_most:
        key_size = rng.randrange(key_size, 40)
    cpus = cpus if kind.per_cpu else 1
    return MapDef(kind.number, key_size, rng.randrange(1, 70), rng.randrange(1, 100), cpus=cpus)


def create(board: Board, d: MapDef) -> tuple[int, int]:
    kind = by_number(d.map_type)
    info = board.create_map(kind.class_name, **{part: getattr(d, part) for part in kind.sizes}).info()
    return info.offset, info.slice_bytes


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_is_what_creation_takes(board: Board, seed: int) -> None:
    rng = random.Random(seed)
    cpus = board.create_map("PerCpuArray", value_size=1, max_entries=1).info().cpus
    board.pool.reset()
    definitions = [draw(rng, cpus) for _ in range(12)]
    if board.info["profile"] == "cloud":  # it has no pool: whatever a board takes, it takes too
        for d in definitions:
            create(board, d)
        assert len(board.maps()) == len(definitions)
        return
    total = board.pool.total_size()
    fitting = len(definitions)
    try:
        planned = plan(definitions, total)
    except OutOfMemory as error:
        fitting = int(str(error).split("(map ")[1].split(")")[0]) - 1
        planned = plan(definitions[:fitting], total)
    assert [(p.offset, p.size) for p in planned] == [create(board, d) for d in definitions[:fitting]]
    assert board.pool.used() == sum(p.size for p in planned)
    if fitting < len(definitions):
        with pytest.raises(OutOfMemory):
            create(board, definitions[fitting])

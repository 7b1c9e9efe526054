"""Every order of faults in small sessions breaks no rule, and what is planted is found. `make soak` walks further."""

import pickle
import subprocess
import sys

import pytest

from tests.link.mistakes import PLANTED
from tests.link.orders import FAULTS, BrokenRule, Walk

# scenario, faults at most, of which sorts, and the states that there are at least
WALKS = [
    ("plain", 2, FAULTS, 40_000),
    ("plain", 3, ("memory", "cut", "restart"), 100_000),
    ("pieces", 2, FAULTS, 18_000),
    ("pieces", 3, ("memory", "lose"), 3_500),
    ("locked", 1, FAULTS, 4_000),
    ("short", 3, FAULTS, 25_000),
    ("short", 5, ("lose", "double", "late"), 80_000),
    ("long", 5, ("lose", "restart"), 15_000),
]


@pytest.mark.parametrize(("scenario", "faults", "sorts", "least"), WALKS, ids=str)
def test_no_order_breaks_a_rule(scenario: str, faults: int, sorts: tuple[str, ...], least: int) -> None:
    walk = Walk(scenario, faults, sorts)
    assert walk.run() >= least
    print(f"{scenario}, {faults} faults: {walk.states:,} states visited, the real code ran {walk.ends.asked:,} times")


def test_the_numbers_wrap() -> None:
    walk = Walk("plain", 1)
    walk.run()
    assert walk.numbers() == set(range(8))


def test_ci_visits_enough() -> None:
    assert sum(least for *_, least in WALKS) >= 100_000


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_found_and_its_order_replayed(name: str) -> None:
    planted = PLANTED[name]
    with planted.walk(name) as walk, pytest.raises(BrokenRule, match=planted.says) as found:
        walk.run()
    replay = str(found.value).partition("\nreplay: python ")[2]
    scenario, _, order = replay.partition('"')
    command = [*scenario.split(), order.partition('"')[0], "--planted", name]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 1
    assert planted.says in done.stderr
    assert f"{planted.scenario} " in replay


def test_an_order_that_breaks_nothing_is_told_step_by_step() -> None:
    *_, last = Walk("short").replay("u d u u- t u d")  # the second u is what takes the HELLO back from a REPL
    assert last.startswith("d        done [0] told [b'\\x00\\x01\\x00\\x00\\x00']")


def test_states_are_copies() -> None:
    """What is asked of one state of the board changes no other."""
    walk = Walk("short")
    with walk.ends.open():
        board = walk.ends.first_board()
        _, hello = walk.ends.first_host()
        answers = {walk.ends.hear(board, hello) for _ in range(3)}
    assert len(answers) == 1
    assert pickle.loads(walk.ends.boards[board]).session.session == 0

"""The suite itself: it finds a planted mistake, makes it short, and its replay line finds it again."""

import re
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.differential.model import HashModel, Model, QueueModel
from tests.differential.pair import Disagreement, Make, machine, model_of, run_sequences
from tests.differential.rows import ROWS


class ForgetfulHash(HashModel):
    """Takes BPF_NOEXIST for BPF_ANY."""

    def update(self, key: bytes, value: Any, flags: int) -> None:
        super().update(key, value, 0 if flags == 1 else flags)


class WrongEnd(QueueModel):
    """Makes room by dropping the newest."""

    def push(self, value: Any, flags: int) -> None:
        if flags == 2 and len(self.values) == self.max_entries:
            self.values.pop()
        super().push(value, flags)


def planted(mistaken: type[Model]) -> Make:
    """Return what makes maps with a mistake."""
    return lambda shape: mistaken(shape.max_entries, shape.zero, shape.map_flags)


@pytest.mark.parametrize(
    ("row", "mistaken", "most"),
    [pytest.param("hash", ForgetfulHash, 2, id="noexist"), pytest.param("queue", WrongEnd, 21, id="oldest")],
)
def test_a_planted_mistake_is_found_made_short_and_replayed(row: str, mistaken: type[Model], most: int) -> None:
    def failure(seeds: range) -> str:
        with pytest.raises(Disagreement) as caught:
            run_sequences(ROWS[row], model_of, planted(mistaken), host=False, cpus=1, seeds=seeds, replay="--seed")
        return str(caught.value)

    text = failure(range(100, 200))
    assert 0 < len(re.findall(r"^  \(", text, re.MULTILINE)) <= most, text
    seed = int(re.findall(r"replay: --seed (\d+)", text)[0])
    assert failure(range(seed, seed + 1)) == text


def test_the_state_machine_finds_it_too() -> None:
    made = machine(ROWS["hash"], model_of, planted(ForgetfulHash), host=False, cpus=1)
    with pytest.raises(Disagreement, match="KeyExists"):
        run_state_machine_as_test(
            made, settings=settings(max_examples=200, database=None, deadline=None, phases=[Phase.generate])
        )

"""Random sequences of operations, on our maps and on what they are held against: every answer and every error.

A failure prints the shortest sequence that shows it, and the one line that runs it again.
"""

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.differential.conftest import Run, Target
from tests.differential.pair import STEPS, Disagreement, Make, machine, run_sequences
from tests.differential.rows import ROWS, Shape
from tests.differential.subjects import OurSubject

# How many sequences of the fast driver, and how many of hypothesis, each target gets: a board takes a request a step. Freeze
# and rights are the host's: the line, where they count, has sequences of its own. The Cortex-M3 is slow, and held against
# the models alone; the emulated Pico would take minutes a map type: tests/contract has it. `make soak` makes ten times as many.
SEQUENCES = {"twin": 2000, "line": 200, "unix": 50, "qemu": 5}
EXAMPLES = {"twin": 60, "line": 20, "unix": 6, "qemu": 2}

each_pair = pytest.mark.parametrize(
    ("row", "reference", "target"),
    [
        pytest.param(row.name, reference, target, id=f"{row.name}-{reference}-{target}")
        for target in SEQUENCES
        for row in ROWS.values()
        for reference in ("kernel", "model")
        if ((row.in_kernel and target != "qemu") or reference == "model")
        and (row.in_firmware or target in ("twin", "line"))
    ],
    indirect=["reference", "target"],
)


@each_pair
def test_random_sequences(row: str, reference: Make, target: Target, run: Run, request: pytest.FixtureRequest) -> None:
    seeds = range(run.seed, run.seed + run.longer * SEQUENCES[target.name])
    text = ""
    try:
        run_sequences(
            ROWS[row], reference, target.make, host=target.host, cpus=target.cpus, seeds=seeds, replay=run.replay
        )
    except Disagreement as e:
        text = str(e)
    if text:
        pytest.fail(text, pytrace=False)  # the sequence says it all; how the driver came to it says nothing
    run.done[row, request.node.callspec.params["reference"], target.name] += len(seeds)


@each_pair
def test_state_machine(row: str, reference: Make, target: Target, run: Run, request: pytest.FixtureRequest) -> None:
    counted = row, request.node.callspec.params["reference"], target.name

    def make(shape: Shape) -> OurSubject:
        subject: OurSubject = target.make(shape)
        run.by_hypothesis[counted] += 1
        return subject

    made = seed(run.seed)(machine(ROWS[row], reference, make, host=target.host, cpus=target.cpus))
    try:
        run_state_machine_as_test(
            made,
            settings=settings(
                max_examples=run.longer * EXAMPLES[target.name],
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Exception as e:
        e.add_note(f"replay: {run.replay} {run.seed}")
        raise

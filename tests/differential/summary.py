"""The seed of a run, the same on every worker, and the number of sequences that it made, printed at its end.

tests/conftest.py has it as a plugin: with pytest-xdist the process that prints the summary loads no conftest.py below that.
"""

import random
from collections import Counter
from collections.abc import Mapping

import pytest

from tests.differential.pair import STEPS

Counts = Mapping[tuple[str, str, str], int]  # of (row, reference, target)
_BY_DRIVER, _BY_HYPOTHESIS = "sequences", "state machines"  # a report's properties with those counts


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the number that a failure prints, and how much longer than usual to look."""
    parser.addoption("--longer", type=int, default=1, help="how many times as many random sequences as CI makes")
    parser.addoption("--seed", type=int, default=None, help="where the random sequences begin: the number of a failure")


def pytest_configure(config: pytest.Config) -> None:
    """Draw a seed when none is given; the workers are started with the options as they are then."""
    if config.option.seed is None:
        config.option.seed = random.randrange(10**9)


def count(item: pytest.Item, by_driver: Counts, by_hypothesis: Counts) -> None:
    """Add to a test's reports how many sequences it made."""
    for name, counts in ((_BY_DRIVER, by_driver), (_BY_HYPOTHESIS, by_hypothesis)):
        item.user_properties += [(name, [*key, n]) for key, n in counts.items()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the sequences of each map type against each reference on each target."""
    found: dict[str, Counter[tuple[str, str, str]]] = {_BY_DRIVER: Counter(), _BY_HYPOTHESIS: Counter()}
    for report in [r for reports in terminalreporter.stats.values() for r in reports]:
        if getattr(report, "when", "") == "teardown":  # the one report that every test has, after it has counted
            for name, value in report.user_properties:
                if name in found:
                    row, reference, target, n = value
                    found[name][row, reference, target] += n
    for name, what in (
        (_BY_DRIVER, f"sequences of {STEPS} operations, from --seed {config.option.seed}"),
        (_BY_HYPOTHESIS, f"state machines of hypothesis, each up to {STEPS} operations"),
    ):
        done = found[name]
        if done:
            terminalreporter.section(f"differential: {what}")
        for row, reference in sorted({(row, reference) for row, reference, _ in done}):
            counts = ", ".join(
                f"{n:,} on {t}" for (r, ref, t), n in sorted(done.items()) if (r, ref) == (row, reference)
            )
            terminalreporter.write_line(f"{row:13} against the {reference}: {counts}")

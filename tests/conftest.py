"""What the whole run says at its end: how often the contract was kept on each target."""

import os
import re
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator

import pytest

_CONTRACT = re.compile(r"tests/contract/.*\[(?P<target>twin|unix|pico|qemu|qemu_viper)\b")


@pytest.fixture(scope="module", autouse=True)
def _known_boards() -> Iterator[None]:
    """Keep the ids of the tests' boards out of the user's folder, and those of a module out of the next one's."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "XDG_CONFIG_HOME", folder)
        yield


def pytest_configure() -> None:
    """Let Ctrl-C and a hang-up reach the programs that the tests start, also when this run ignores them: under & or nohup."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the contract suite once per target: what passed, failed and was skipped."""
    targets: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            named = _CONTRACT.match(getattr(report, "nodeid", ""))
            if named and (outcome != "passed" or report.when == "call"):
                targets.setdefault(named["target"], Counter())[outcome] += 1
    if targets:
        terminalreporter.section("contract suite by target")
        for target, counts in targets.items():
            words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passed", "failed", "error", "skipped"))
            terminalreporter.write_line(f"{target:<11}{words}")

"""What the whole run says at its end: how often the contract was kept on each target."""

import re
import signal
from collections import Counter

import pytest

_CONTRACT = re.compile(r"tests/contract/.*\[(?P<target>twin|unix|unix_plain|pico|qemu|qemu_viper)\b")


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

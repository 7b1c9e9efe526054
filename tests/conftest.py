"""What holds for the whole run: boards and folders of its own, which worker runs which tests, and the summary by target.

Under pytest-xdist (`make test` runs three workers: boards wait much) the tests are dealt out by scope: tests of one scope run on
one worker, in order, so that a board that several tests share is booted once. A scope is a file; the contract suite, whose
boards live as long as tests on them follow, is one scope a target instead, but on the emulated Pico, which takes longest: all
workers take files of it, on a Pico each. The slow tests of one file that share no board are scopes of their own.
"""

import os
import re
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

_CONTRACT = re.compile(
    r"tests/contract/.*\[(?P<target>twin|unix|unix_viper|unix_plain|pico|pico_native|qemu|qemu_native|qemu_viper)\b"
)
_ON_PICO = re.compile(r"\[pico\b")
# Scopes that take longest, by how their names begin, in the order in which they begin: one that begins last leaves the others
# without work.
_LONGEST = (
    "contract on pico",
    "tests/link/test_ports.py on pico",
    "tests/sim/test_hard_irq.py",
    "tests/sim/test_pico",
    "tests/examples",
    "tests/deploy/test_deploy_chips.py",
    "contract on",
    "tests/differential",
    "tests/board",
)
# Files in which each test has a board of its own: each is a scope.
_APART = ("tests/deploy/test_deploy", "tests/sim/test_hard_irq.py")

pytest_plugins = ["tests.differential.summary", "pytester"]

_RUNTIME = pytest.StashKey[str]()
# What a user's shell may say to boardmaps, and no test may hear.
_FOREIGN = ("BOARDMAPS_PORT", "BOARDMAPS_KEY", "BOARD", "FORCE_COLOR")


def pytest_configure(config: pytest.Config) -> None:
    """Give this process boards of its own, and let Ctrl-C and a hang-up reach the programs that the tests start.

    Simulated boards have their ports and their flash below XDG_RUNTIME_DIR, by name: a board that the user runs, another
    checkout's and another worker's are in other folders. Under `&` or nohup a run ignores the two signals, and what it
    starts would, too.
    """
    config.stash[_RUNTIME] = os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="boardmaps-tests-")
    os.environ["BOARDMAPS_SHARE"] = "0"  # each test owns its boards alone; those of the hub say otherwise, and end it
    for name in _FOREIGN:
        os.environ.pop(name, None)
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="module", autouse=True)
def _known_boards() -> Iterator[None]:
    """Keep the ids of the tests' boards out of the user's folder, and those of a module out of the next one's."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "XDG_CONFIG_HOME", folder)
        yield


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that folder."""
    shutil.rmtree(config.stash.get(_RUNTIME, ""), ignore_errors=True)


def scope(nodeid: str) -> str:
    """Name what tests go to one worker together."""
    file, _, test = nodeid.partition("::")
    contract = _CONTRACT.match(nodeid)
    if contract:
        part = f", {file}" if contract["target"] == "pico" else ""
        return f"contract on {contract['target']}{part}"
    if nodeid.startswith(_APART):
        return nodeid
    return f"{file} on pico" if _ON_PICO.search(test) else file


def _rank(nodeid: str) -> int:
    return next((i for i, begin in enumerate(_LONGEST) if scope(nodeid).startswith(begin)), len(_LONGEST))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest scopes first on workers, which take them in this order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> "LoadScopeScheduling":
    """Deal the tests out by scope()."""
    from xdist.scheduler import LoadScopeScheduling  # it is there when this hook is called

    class ByScope(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

    config.option.loadscopereorder = False  # it would go by the number of tests, and ours differ a thousandfold
    return ByScope(config, log)


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
        for target, counts in sorted(targets.items()):
            words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passed", "failed", "error", "skipped"))
            terminalreporter.write_line(f"{target:<12}{words}")

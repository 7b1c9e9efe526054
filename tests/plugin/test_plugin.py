"""The pytest plugin as a user's suite has it: fixtures, cleaning between tests, what a failure shows, needs, and bad input."""

import re
from pathlib import Path

import pytest
import serial

from boardmaps_host import connect
from boardmaps_sim.unix import UnixBoard
from tests.firmware import running
from tests.plugin.conftest import Suite

WHOLE = """
import time
import pytest
from boardmaps import HashMap
from boardmaps_host.testing import eventually

@pytest.fixture
def counter(firmware):
    return firmware("firmware", twin="counter:turns")

@pytest.mark.parametrize("again", [1, 2])
def test_a_board_has_no_maps(board, again):
    assert board.maps() == []
    made = board.create_map(HashMap, key_size=1, value_size=1, max_entries=1, name="m")
    assert made.lookup(b"k") is None
    made.update(b"k", b"v")
    made.watch(b"k")  # which nobody ends
    if board.info["profile"] == "embedded":
        made.pin()

def test_a_fresh_board(fresh_board):
    assert fresh_board.maps() == []

@pytest.mark.parametrize("step", [2, 5])
def test_a_firmware_begins_anew(counter, step):
    state = counter.maps.state
    assert state[0].step == 1
    state[0].step = step
    before = state[0].rounds
    eventually(lambda: state[0].rounds > before + step)

def test_a_failure(counter):
    counter.maps.state[0].stop = True
    eventually(lambda: counter.maps.state[0].step == 9, 1)

def test_an_end_that_is_not_seen(counter):
    counter.maps.state[0].stop = True
    time.sleep(0.5)

@pytest.mark.board("unix")
def test_a_firmware_that_fails_at_once(firmware, tmp_path):
    (tmp_path / "main.py").write_text("print('begun')\\n1 // 0")
    firmware(tmp_path)

def test_the_repl_again(board):
    assert board.maps() == [] and not board.crash_on_record

@pytest.mark.board(heap="192K")
def test_much_heap(board): pass

@pytest.mark.board(cpus=2)
def test_two_cpus(board): pass

@pytest.mark.board("twin")
def test_the_twin_alone(board):
    assert board.info["profile"] == "cloud"

@pytest.mark.board(real=True)
def test_a_real_one(board): pass
"""
ON_EACH = (
    "test_a_board_has_no_maps[{}-1]",
    "test_a_board_has_no_maps[{}-2]",
    "test_a_fresh_board[{}]",
    "test_a_firmware_begins_anew[{}-2]",
    "test_a_firmware_begins_anew[{}-5]",
    "test_the_repl_again[{}]",
    "test_much_heap[{}]",
)


@pytest.fixture(scope="module")
def said(suite: Suite) -> str:
    """What pytest said of all that on two boards, with two workers, each of which has boards of its own."""
    return suite(WHOLE, "-n", "2", "-rs", "--board", "twin", "--board", "unix", status=1)


def test_each_test_runs_once_on_each_board(said: str) -> None:
    wanted = [name.format(board) for name in ON_EACH for board in ("twin", "unix")]
    wanted += ["test_an_end_that_is_not_seen[twin]", "test_an_end_that_is_not_seen[unix]"]  # it fails behind the test
    wanted += ["test_the_twin_alone[twin]", "test_two_cpus[twin]"]
    assert sorted(re.findall(r"PASSED test_it.py::(\S+)", said)) == sorted(wanted)


def test_a_failure_shows_what_the_board_has_said_and_why_it_crashed(said: str) -> None:
    failed = set(re.findall(r"(FAILED|ERROR) test_it.py::(\S+)", said))
    assert failed == {
        (word, f"{name}[{board}]")
        for word, name in (
            ("FAILED", "test_a_failure"),
            ("ERROR", "test_a_failure"),
            ("ERROR", "test_an_end_that_is_not_seen"),
        )
        for board in ("twin", "unix")
        if (name, word, board) != ("test_a_failure", "ERROR", "unix")  # there the test itself has seen the end
    } | {("FAILED", "test_a_firmware_that_fails_at_once[unix]")}
    assert "the firmware has ended as soon as it was started: Traceback" in said
    assert "ZeroDivisionError: divide by zero" in said
    assert "console of unix" in said
    assert "\ncounting\n" in said
    assert "the firmware ended during the test: Traceback" in said  # the twin's
    section = said.partition("postmortem of unix")[2]
    assert "crash 1 (first): exception, boot 1" in section
    assert "ZeroDivisionError: told to stop" in section


def test_a_need_that_no_board_has_is_a_skip_or_a_failure(said: str, suite: Suite) -> None:
    for name in ("unix", "twin"):
        assert f"the test needs a real board, and {name} is none" in said
    assert "test_two_cpus[unix]" not in said  # the twin has them
    once = suite(WHOLE, "-k", "two_cpus", "--board", "unix", status=1, BOARDMAPS_REQUIRE="1")
    assert "required here, and not run: the test needs cpus 2, and unix has 1" in once


def test_a_simulated_board_ends_with_the_tests_on_it(suite: Suite) -> None:
    suite(
        """
import os
import pytest
PORTS = set()

@pytest.mark.parametrize("n", [1, 2])
def test_on_it(board, n):
    PORTS.add(board.link.name)

def test_behind_them():
    (port,) = PORTS
    assert not os.path.exists(port)
""",
        *("--board", "unix"),
    )


def refused(pytester: pytest.Pytester, text: str, *words: str) -> str:
    """Return the one line with which pytest has refused to begin."""
    pytester.makepyfile(text)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (error,) = [line for line in result.errlines + result.outlines if line.startswith("ERROR: ")]
    return error


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--board", "unx"], "--board unx: there is no such board. Name twin, a simulated board"),
        (["--board", "/dev/none"], "--board: /dev/none: there is no such port."),
        (["--board", "/dev/null"], "write it as one word, --board=/dev/null. pytest takes a path"),
        (["--board", "/dev/none", "-n", "2"], "--board /dev/none: one board cannot serve 2 workers. Leave out -n"),
    ],
)
def test_a_board_that_is_not_there_is_a_sentence(pytester: pytest.Pytester, words: list[str], sentence: str) -> None:
    assert sentence in refused(pytester, "def test_it(board): pass", *words)


def test_a_port_that_somebody_has_is_a_sentence(pytester: pytest.Pytester, tmp_path: Path) -> None:
    with UnixBoard(port=tmp_path / "port") as board, serial.Serial(board.port, exclusive=True):
        assert "is in use by" in refused(pytester, "def test_it(board): pass", f"--board={board.port}")


def test_a_need_that_cannot_be_read_is_a_sentence(pytester: pytest.Pytester) -> None:
    said = refused(pytester, "import pytest\n@pytest.mark.board(heaps=1)\ndef test_it(board): pass")
    assert "test_it[unix]: @pytest.mark.board: a board has no 'heaps'; a test may need heap, pool" in said


def test_what_is_not_there_to_run_on_the_twin_is_a_sentence(suite: Suite) -> None:
    wrong = ("'nowhere:turns'", "'counter:steps'", "'counter'", "None")
    text = "".join(f"def test_{i}(firmware): firmware('firmware', twin={name})\n" for i, name in enumerate(wrong))
    said = suite(text, "-rs", "--board", "twin", status=1)
    assert "twin='nowhere:turns': there is no module nowhere in" in said
    assert "twin='counter:steps': steps is no generator function of counter. Name one whose" in said
    assert "twin='counter': nothing is no generator function of counter" in said
    assert "Traceback" not in said
    assert "1 skipped" in said
    assert "the firmware of this test runs on boards alone" in said


KEEPER = """
from boardmaps import HashMap
def test_it_runs(board):
    assert board.program_runs and [m.name for m in board.maps()] == ["state"]

def test_it_is_left_as_it_is(board):
    assert board.program_runs

def test_a_port_runs_my_firmware(firmware):
    own = firmware("firmware")
    assert own.maps.state[0].step == 1
    own.maps.state.map.pin()

def test_the_repl_of_a_port(board):
    assert not board.program_runs and board.maps() == []
    board.create_map(HashMap, key_size=1, value_size=1, max_entries=1, name="m").pin()
"""


OWN = """
import boardmaps
from boardmaps import ArrayMap

state = ArrayMap(4, 1, name="state")
boardmaps.pin(state)
while True:
    boardmaps.poll()
"""


def test_a_port_keeps_what_it_had(suite: Suite, tmp_path: Path) -> None:
    """A board on a desk, with a program and a pin of its own: its pin is there afterwards."""
    files = tmp_path / "board"
    files.mkdir()
    with running(files, OWN) as board:
        with connect(board.port) as to:
            kept = to.kept("state.pin")
            assert kept
        assert "4 passed" in suite(KEEPER, f"--board={board.port}")
        with connect(board.port) as to:
            assert to.kept("state.pin") == kept

"""The command `top` on a terminal and without one: one sentence, the right status, and the terminal as it was."""

import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import BOARDMAPS, environment
from tests.top.terminals import Terminal

TOP = [*BOARDMAPS, "top", "--port", "twin"]


@pytest.mark.parametrize("end", ["q", "\x03", "TERM", "HUP"])
def test_it_leaves_the_terminal_as_it_was_after_any_end(end: str) -> None:
    with Terminal(TOP) as terminal:
        terminal.sees("Quit")
        terminal.sees("every 0.2 s")
        if len(end) == 1:
            terminal.press(end)
        else:
            terminal.process.send_signal(signal.Signals[f"SIG{end}"])
        assert terminal.ends() == {"q": 0, "\x03": 130, "TERM": 143, "HUP": 129}[end]
        assert terminal.is_clean()
        assert "Traceback" not in terminal.text


@pytest.mark.parametrize("how", ["pipe", "dumb"])
def test_without_a_terminal_it_says_so(how: str) -> None:
    if how == "pipe":
        done = subprocess.run(TOP, capture_output=True, text=True, check=False, env=environment())
        status, said = done.returncode, done.stderr
    else:
        with Terminal(["env", "TERM=dumb", *TOP]) as terminal:
            status, said = terminal.ends(), terminal.text
    assert status == 2
    assert said.startswith("boardmaps: top needs a terminal")
    assert said.strip().count("\n") == 0


def test_without_the_extra_it_says_which() -> None:
    code = "import sys; sys.modules['textual'] = None; from boardmaps_host.cli import main; main(sys.argv[1:])"
    with Terminal([sys.executable, "-c", code, *TOP[3:]], columns=200) as terminal:
        assert terminal.ends() == 1
        assert terminal.text.strip() == "boardmaps: boardmaps top needs the extra `top`: pip install 'boardmaps[top]'"
        assert terminal.is_clean()


def test_a_board_that_is_not_there_is_said_before_anything_is_drawn() -> None:
    with Terminal([*BOARDMAPS, "top", "--port", "/dev/ttyNOWHERE"], columns=200) as terminal:
        assert terminal.ends() == 1
        assert "/dev/ttyNOWHERE" in terminal.text
        assert terminal.text.strip().count("\n") == 0
        assert "\x1b[?1049h" not in terminal.drawn


def test_no_other_command_loads_what_it_draws_with() -> None:
    code = (
        "import sys, atexit; atexit.register(lambda: print(sorted({'textual', 'matplotlib'} & set(sys.modules))));"
        "from boardmaps_host.cli import main; main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.splitlines()[-1] == "[]"
    assert "top" in done.stdout

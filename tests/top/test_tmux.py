"""`boardmaps top` in a real terminal program, at the size of an old one and of a large window, on a real simulated board."""

import re
from pathlib import Path

import pytest

from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS
from tests.export.engines import program
from tests.firmware import running
from tests.top.page import PROGRAM
from tests.top.tmux import Tmux
from tests.waits import eventually

TOP = [*BOARDMAPS, "top"]
# What each line must have in full. The firmware brings temp there from setpoint, in steps that end below it.
LINES = (
    r" \S.*  every 0\.2 s  round trip \d+\.\d ms",
    r" map +kind +full +rate +room +setpoint °C  mode +temp! °C +runs!\+",
    r" rooms +hash .* kitchen +21\.00  heat +20\.85 +\d+•?",
    r" temps +time_se .* bath +21\.00  heat +0\.00 +0",
    r" +attic +21\.00  heat +0\.00 +0",
    r" kitchen setpoint: 21\.00 °C  default 21\.00  5\.00\.\.35\.00 step 0\.50",
    r" ⏎ Edit  s Stage  g Plot  c Console  / Filter  space Pause  \? Help  q Quit",
)


def whole(terminal: Tmux, lines: list[str]) -> bool:
    """Whether all that is to be on the screen is, in order, the help at its end, and nothing is beside it."""
    written = [line for line in lines if line]
    return (
        len(lines) == terminal.lines
        and len(written) == len(LINES)
        and lines[-1] == written[-1]
        and all(re.fullmatch(line, seen) for line, seen in zip(LINES, written, strict=True))
    )


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
def test_the_view_is_whole_and_leaves_the_terminal_clean(size: tuple[int, int], tmp_path: Path) -> None:
    tmux = program("tmux", "tmux")
    with (
        running(tmp_path, PROGRAM) as board,
        Tmux(tmux, tmp_path, *size, BOARDMAPS_PORT="port") as terminal,
    ):
        for key, status in (("q", 0), ("C-c", 130)):
            terminal.run(TOP)
            terminal.until(lambda lines: whole(terminal, lines), "the whole view")
            terminal.press(key)
            assert terminal.ended() == status
        terminal.run(TOP)
        terminal.until(lambda lines: whole(terminal, lines), "the whole view")
        assert board._process is not None
        board._process.kill()
        lines = terminal.sees("the port is gone")  # and the view stays, with what it had
        assert lines[-1].endswith("q Quit")
        terminal.press("q")
        assert terminal.ended() == 0


@pytest.mark.parametrize("first", [(80, 24), (40, 10)], ids=["80x24", "40x10"])
def test_a_terminal_whose_size_changes_is_looked_at_as_it_is_now(first: tuple[int, int], tmp_path: Path) -> None:
    tmux = program("tmux", "tmux")
    sizes = {(80, 24): "⏎ Edit", (40, 10): "This terminal has 40 columns and 10"}
    with Tmux(tmux, tmp_path, *first, BOARDMAPS_PORT="twin") as terminal:
        terminal.run(TOP)
        for size in (first, *(other for other in sizes if other != first), first):
            terminal.resize(*size)
            text = "\n".join(terminal.sees(sizes[size]))
            assert not any(other in text for at, other in sizes.items() if at != size)
        terminal.press("q")
        assert terminal.ended() == 0


def test_a_board_without_a_program_says_what_to_do(tmp_path: Path) -> None:
    tmux = program("tmux", "tmux")
    sentence = "No program runs on the board: it has no maps but those that were left. "
    sentence += "Reset it to start its main.py, or give it one: boardmaps deploy --app PATH"
    with UnixBoard(port=tmp_path / "port") as board, Tmux(tmux, tmp_path, 80, 24, BOARDMAPS_PORT="port") as terminal:
        deploy(board.port)
        terminal.run(TOP)
        terminal.reads(sentence)
        terminal.press("q")
        assert terminal.ended() == 0


def test_a_terminal_that_goes_ends_it(tmp_path: Path) -> None:
    """A window that is closed, a connection that is cut: nobody is there to press a key, and nothing may be left."""
    tmux = program("tmux", "tmux")
    with running(tmp_path, PROGRAM), Tmux(tmux, tmp_path, 80, 24, BOARDMAPS_PORT="port") as terminal:
        terminal.run([*TOP, "--every", "0.02"])
        terminal.sees("kitchen", "q Quit")
        (pid,) = terminal.programs()
        terminal.close()
        assert eventually(lambda: not Path(f"/proc/{pid}").exists())

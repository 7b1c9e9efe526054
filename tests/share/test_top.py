"""`boardmaps top` beside other programs on one board, through the hub."""

from pathlib import Path

from boardmaps_host import Board
from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS
from tests.export.engines import program
from tests.firmware import running
from tests.share.conftest import Connect
from tests.top import page
from tests.top.terminals import Terminal
from tests.top.tmux import Tmux


def test_the_view_shows_what_another_program_writes(unix: UnixBoard, attach: Connect) -> None:
    other: Board = attach()
    top = [*BOARDMAPS, "top", "hits", "--port", unix.port, "--every", "0.1"]
    with Terminal(top, BOARDMAPS_SHARE="1") as terminal:
        terminal.sees("Quit")
        other.map("hits").update(3, (1234567).to_bytes(8, "little"))
        terminal.sees("1234567•")
        terminal.press("\r")
        terminal.sees("hits 0 value")
        terminal.press("42\r")
        terminal.sees("wrote hits 0 value=42")
        assert other.map("hits").lookup(0) == (42).to_bytes(8, "little")
        terminal.press("c")
        other.map("said").update(0, b"\1\0\0\0")
        terminal.sees("the firmware speaks")
        terminal.press("o")
        terminal.sees("bytes used")
        terminal.press("k")
        terminal.sees("pinned hits:")
        terminal.press("b")
        terminal.sees("pin hits same, written 1 times")
        terminal.sees("serves 2: ")
        terminal.sees("kernels ")
        other.map("hits").update(0, (43).to_bytes(8, "little"))
        terminal.sees("43≠")
        terminal.sees("pinned 42")
        other.unpin("hits")
        terminal.press("q")
        assert terminal.ends() == 0
        assert terminal.is_clean()
    assert other.map("hits").lookup(3) == (1234567).to_bytes(8, "little")


def test_another_board_at_the_port_is_told_of_and_the_words_of_the_first_go(tmp_path: Path) -> None:
    tmux = program("tmux", "tmux")
    with Tmux(tmux, tmp_path, 80, 24, BOARDMAPS_PORT="port", BOARDMAPS_SHARE="1") as terminal:
        with running(tmp_path, page.PROGRAM) as board:
            terminal.run([*BOARDMAPS, "top"])
            terminal.sees("kitchen", "q Quit")
            terminal.press("k")
            terminal.sees("pinned rooms:")
            assert board._process is not None
            board._process.kill()
            terminal.press("+")
            terminal.reads("not written:")
            terminal.reads("the port is gone.")
        with UnixBoard(port=tmp_path / "port") as other:
            terminal.reads("a MicroPython board without boardmaps. Put it there:")
            program_of_other = tmp_path / "other.py"
            program_of_other.write_text(page.PROGRAM.replace("rooms", "halls"))
            deploy(other.port, app=program_of_other)
            lines = terminal.sees("halls", "kitchen", "q Quit")
            assert not any(old in line for line in lines for old in ("unplugged", "pinned", "written", "without"))
            terminal.press("q")
            assert terminal.ended() == 0

"""`boardmaps top` beside other programs on one board, through the hub."""

from boardmaps_host import Board
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS
from tests.share.conftest import Connect
from tests.top.terminals import Terminal


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

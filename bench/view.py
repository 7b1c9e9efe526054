"""The pictures of the view: `python -m bench.view docs` runs the firmware of docs/top.md on a board, and draws into that folder.

top.svg is the view by itself, top-80x24.svg and top-200x50.svg are what tmux of those sizes shows, top-web.png a browser's page.
They need Debian's tmux and chromium: make engines-deps.
"""

import asyncio
import io
import re
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from boardmaps_host import Board, connect
from boardmaps_host.live.monitor import Monitor
from boardmaps_host.top.app import Top
from tests.cli.conftest import BOARDMAPS
from tests.export.engines import engine, free_port, program
from tests.firmware import running
from tests.top.browser import browser
from tests.top.page import PROGRAM
from tests.top.screen import Screen
from tests.top.tmux import Tmux

_SIZE = (100, 28)
_DRAWN = 2.5  # seconds of a plot
_TERMINALS = ((80, 24), (200, 50))


def plain(svg: str) -> str:
    """Return a picture of rich's without the fonts that it names on somebody's server; the viewer's own monospace does."""
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def draw(board: Board) -> str:
    """Return the view of a board as SVG, with a plot below and an edit that is staged."""
    drawn = ""

    async def use() -> None:
        nonlocal drawn
        monitor = Monitor(0.1)
        app = Top(board, monitor, f"/dev/ttyACM0 {board.info['machine']}")
        async with app.run_test(size=_SIZE) as pilot:
            screen = Screen(app, pilot)
            await screen.sees("kitchen")
            await screen.press("g", "right", "right", "g", "left", "left")
            await screen.press(*["plus"] * 6)
            await screen.sees("24.00")
            await asyncio.sleep(_DRAWN)
            await screen.press("s", "down", "plus")
            await screen.sees("21.50»")
            app.said = ""
            await screen.press("up")
            drawn = app.export_screenshot(title="boardmaps top")
        monitor.stop()

    asyncio.run(use())
    return plain(drawn)


def in_tmux(folder: Path, size: tuple[int, int]) -> str:
    """Return as SVG what tmux of that size shows of the board `port` in that folder, with a plot."""
    with Tmux(program("tmux", "tmux"), folder, *size, BOARDMAPS_PORT="port") as terminal:
        terminal.run([*BOARDMAPS, "top"])
        terminal.sees("kitchen", "Quit")
        terminal.press("g", "Right", "Right", "g", "Left", "Left", *"++++++")
        terminal.sees("24.00", "23.85")
        time.sleep(_DRAWN)
        coloured = terminal.coloured()
        terminal.press(*"------")
        terminal.sees("heat     21.00")  # from above it comes all the way
        terminal.press("q")
        terminal.ended()
    console = Console(record=True, width=size[0], file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in Text.from_ansi(coloured).split("\n", allow_blank=True):
        console.print(line, overflow="crop", no_wrap=True, highlight=False)
    return plain(console.export_svg(title=f"boardmaps top in tmux, {size[0]}x{size[1]}"))


def in_browser(folder: Path) -> bytes:
    """Return as PNG what a browser shows of the board `port` in that folder, with a plot and an edit that is staged."""
    port = free_port()

    async def use() -> bytes:
        async with browser(program("chromium", "chromium"), f"http://localhost:{port}", folder) as page:
            await page.sees("kitchen", "Quit")
            await page.type("g++++++")
            await page.sees("24.00", "23.85")
            await asyncio.sleep(_DRAWN)
            await page.type("s+")
            await page.sees("24.50»")
            return await page.picture()

    with engine([*BOARDMAPS, "top", "--port", "port", "--web", "--web-port", str(port)], folder, port):
        return asyncio.run(use())


def main() -> None:
    """Draw them into the folder that is named."""
    into = Path(sys.argv[1])
    with TemporaryDirectory() as name, running(Path(name), PROGRAM) as unix:
        folder = Path(name)
        for columns, lines in _TERMINALS:
            (into / f"top-{columns}x{lines}.svg").write_text(in_tmux(folder, (columns, lines)), "utf-8")
        (into / "top-web.png").write_bytes(in_browser(folder))
        with connect(unix.port, share=False, timeout=60) as board:
            svg = draw(board)
    (into / "top.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    main()

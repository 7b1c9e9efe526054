"""The picture of the view: `python -m bench.view docs/top.svg` runs the firmware of docs/top.md on a board, and draws it."""

import asyncio
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from boardmaps_host import Board, connect
from boardmaps_host.live.monitor import Monitor
from boardmaps_host.top.app import Top
from tests.firmware import running
from tests.top.screen import Screen

_PAGE = Path(__file__).parents[1] / "docs" / "top.md"
_SIZE = (100, 28)


def draw(board: Board) -> str:
    """Return the view of a board as SVG, with a plot below and an edit that is staged."""
    drawn = ""

    async def use() -> None:
        nonlocal drawn
        monitor = Monitor(0.1)
        app = Top(board, monitor, f"/dev/ttyACM0 {board.info['machine']}")
        async with app.run_test(size=_SIZE) as pilot:
            screen = Screen(app, pilot.press, pilot.pause)
            await screen.sees("kitchen")
            await screen.press("g", "right", "right", "g", "left", "left")
            await screen.press(*["plus"] * 6)
            await screen.sees("24.00")
            await asyncio.sleep(2.5)
            await screen.press("s", "down", "plus")
            await screen.sees("21.50»")
            app.said = ""
            await screen.press("up")
            drawn = app.export_screenshot(title="boardmaps top")
        monitor.stop()

    asyncio.run(use())
    # rich names fonts on somebody's server; the viewer's own monospace does
    return re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)


def main() -> None:
    """Draw it into the file that is named."""
    (program,) = re.findall(r"```python\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    with (
        TemporaryDirectory() as folder,
        running(Path(folder), program) as unix,
        connect(unix.port, share=False, timeout=60) as board,
    ):
        svg = draw(board)
    Path(sys.argv[1]).write_text(svg, "utf-8")


if __name__ == "__main__":
    main()

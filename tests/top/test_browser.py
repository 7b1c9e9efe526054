"""`boardmaps top --web` in a real browser, on a real simulated board: what the page shows, and that keys in it reach the board."""

import asyncio
from pathlib import Path

from boardmaps_host import connect
from tests.cli.conftest import BOARDMAPS
from tests.export.engines import engine, free_port, program
from tests.firmware import running
from tests.top.browser import browser
from tests.top.page import PROGRAM
from tests.waits import PATIENCE


def test_the_page_shows_a_board_and_changes_it(tmp_path: Path) -> None:
    chromium = program("chromium", "chromium")
    port = free_port()

    async def use() -> None:
        async with browser(chromium, f"http://localhost:{port}", tmp_path) as page:
            shown = await page.sees("rooms", "temps", "kitchen", "21.00", "20.85", "Quit")
            assert "24.00" not in shown
            await page.type("+" * 6)  # the setpoint's step, under the cursor
            # The firmware has read the new setpoint and follows it, and the page shows that.
            await page.sees("24.00", "23.85")

    with running(tmp_path, PROGRAM) as board:
        command = [*BOARDMAPS, "top", "--port", board.port, "--web", "--web-port", str(port)]
        with engine(command, tmp_path, port):
            asyncio.run(use())
        with connect(board.port, share=False, timeout=PATIENCE) as again:
            assert again.maps.rooms["kitchen"]["setpoint"] == 24.0

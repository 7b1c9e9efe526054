"""The view in a terminal of a test's own, of any size, with keys that the test presses."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from boardmaps_host import Board
from boardmaps_host.live.monitor import Monitor
from boardmaps_host.top.app import Top
from tests.waits import PATIENCE


class Screen:
    """What a test does with the view."""

    def __init__(self, app: Top, pilot: Pilot[int]) -> None:
        self.app = app
        self.resize = pilot.resize_terminal
        self._press = pilot.press
        self._pause = pilot.pause

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, as they are now."""
        strips = self.app.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self._press(*keys)
        await self._pause()

    async def press_at_once(self, *keys: str) -> None:
        """Press keys faster than the view takes them, as they come in one piece over a slow line."""
        for key in keys:
            letter = key if len(key) == 1 else None
            self.app.post_message(events.Key(_character_to_key(key) if letter else key, letter))
        await self._pause()

    async def type(self, text: str) -> None:
        """Type a text, in the place of what is there."""
        await self._press("ctrl+u", *text)
        await self._pause()

    async def sees(self, *texts: str) -> str:
        """Wait until all texts are on the screen; return it."""
        return await self.until(lambda: all(text in self.text for text in texts), repr(texts))

    async def reads(self, sentence: str) -> str:
        """Wait until a sentence is on the screen, in full, on one line or several; return the screen."""
        return await self.until(lambda: sentence in " ".join(self.text.split()), repr(sentence))

    async def until(self, condition: Callable[[], object], what: str = "it") -> str:
        """Wait for something that the view or the board does."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"{what} did not come:\n{self.text}"
            await asyncio.sleep(0.05)
        return self.text


def view(
    board: Board, use: Callable[[Screen], Awaitable[None]], size: tuple[int, int] = (80, 24), every: float = 0.1
) -> Top:
    """Show a board's view to `use`; return it when it has ended."""
    monitor = Monitor(every)
    app = Top(board, monitor, f"{board.link.name} a board")

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            screen = Screen(app, pilot)
            await screen.until(lambda: monitor.rounds, "the first round")
            await pilot.pause()
            await use(screen)

    try:
        asyncio.run(run())
    finally:
        monitor.stop()
    return app

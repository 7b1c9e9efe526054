"""Debian's Chromium without a window, driven by its own debugging protocol: what a page shows, keys, and a picture of it.

The view's page draws its letters on a canvas. So they are read as a person would copy them: selected with the mouse from corner to
corner, Shift held, as the view has the mouse otherwise, and copied.
"""

import asyncio
import base64
import itertools
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.cli.conftest import environment
from tests.waits import PATIENCE, eventually

_SHIFT = 8
_COPY = """(() => {
    const copied = new DataTransfer();
    document.querySelector(".xterm").dispatchEvent(new ClipboardEvent("copy", {clipboardData: copied}));
    return copied.getData("text/plain");
})()"""
_PLACE = """(() => {
    const place = document.querySelector(".xterm-screen").getBoundingClientRect();
    return [place.left, place.top, place.right, place.bottom];
})()"""
# Nothing but what this computer serves; a font of somebody's server is not there, as without a network
_ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"


class Page:
    """A page of a browser."""

    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self._line = line
        self._numbers = itertools.count(1)

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Carry out a method of the protocol; return its result."""
        number = next(self._numbers)
        await self._line.send_json({"id": number, "method": method, "params": parameters})
        while True:
            told = await self._line.receive_json(timeout=PATIENCE)
            if told.get("id") == number:
                assert "error" not in told, f"{method}: {told['error']}"
                result: dict[str, Any] = told["result"]
                return result

    async def value(self, expression: str) -> Any:
        """Return the value of an expression of the page."""
        found = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def text(self) -> str:
        """Return the letters that the view's page shows."""
        if not await self.value('document.body?.classList.contains("-first-byte")'):
            return ""
        left, top, right, bottom = await self.value(_PLACE)
        await self._drag((left + 1, top + 1), (right - 1, bottom - 1))
        return str(await self.value(_COPY))

    async def _drag(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at one place and let it go at another, with Shift."""
        for kind, (x, y) in (("mousePressed", begin), ("mouseMoved", end), ("mouseReleased", end)):
            down = int(kind != "mouseReleased")
            more = {"button": "left", "buttons": down, "clickCount": 1, "modifiers": _SHIFT}
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    async def sees(self, *texts: str) -> str:
        """Wait until all texts are shown; return all that is."""
        return await self.until(lambda shown: all(text in shown for text in texts), repr(texts))

    async def until(self, condition: Callable[[str], object], what: str) -> str:
        """Wait for something that the page shows; return all that it does."""
        end = time.monotonic() + PATIENCE
        while not condition(shown := await self.text()):
            assert time.monotonic() < end, f"{what} did not come:\n{shown}"
            await asyncio.sleep(0.1)
        return shown

    async def type(self, text: str) -> None:
        """Type letters."""
        for letter in text:
            await self.ask("Input.dispatchKeyEvent", type="char", text=letter)

    async def picture(self) -> bytes:
        """Return what is shown as PNG."""
        await self._drag((5, 5), (5, 5))  # nothing is selected
        return base64.b64decode((await self.ask("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def browser(chromium: str, url: str, folder: Path, size: tuple[int, int] = (1000, 600)) -> AsyncIterator[Page]:
    """Show a page in a browser whose files are in `folder`, until the block ends."""
    profile = folder / "chromium"
    told = profile / "DevToolsActivePort"
    command = [chromium, "--headless=new", f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    command += ["--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", _ALONE]
    command += [f"--window-size={size[0]},{size[1]}", "--hide-scrollbars"]
    if os.geteuid() == 0:
        command.append("--no-sandbox")  # it refuses root otherwise; the page is our own
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen([*command, "about:blank"], stdout=log, stderr=log, env=environment(HOME=str(folder)))
        try:
            ready = eventually(lambda: process.poll() is not None or (told.exists() and told.read_text().count("\n")))
            assert ready, (folder / "chromium.log").read_text()
            assert process.poll() is None, (folder / "chromium.log").read_text()
            base = f"http://localhost:{told.read_text().split()[0]}"
            async with aiohttp.ClientSession() as session:
                async with session.get(f"{base}/json/list") as answer:
                    (target,) = [one for one in await answer.json() if one["type"] == "page"]
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as line:
                    page = Page(line)
                    await page.ask(
                        "Emulation.setDeviceMetricsOverride",
                        width=size[0],
                        height=size[1],
                        deviceScaleFactor=1,
                        mobile=False,
                    )
                    await page.ask("Page.navigate", url=url)
                    yield page
                    await page.ask("Browser.close")
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()

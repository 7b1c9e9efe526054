"""The view in a browser, by textual-serve: a process of the view for each page that is opened, on this computer's own address.

A page of somebody else's in the same browser could talk to that address too, and would change the board. So what does not come
from our own page, by its Host and Origin, is refused.
"""

import shlex
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from textual_serve.server import Server

HOST = "localhost"
_INTERRUPTED = 130


class _Serving(Server):
    """textual-serve's server, for our own page alone."""

    def __init__(self, command: str, port: int, title: str) -> None:
        super().__init__(command, host=HOST, port=port, title=title)
        self.ours = f"{HOST}:{port}"
        self.interrupted = False

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._only_ours)
        return app

    @web.middleware
    async def _only_ours(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if request.host != self.ours or (origin is not None and origin != f"http://{self.ours}"):
            raise web.HTTPForbidden(text=f"This page is not the view's own: open http://{self.ours}")
        return await handler(request)

    async def on_startup(self, _: web.Application) -> None:
        """Say where it is."""
        self.console.print(f"the view is at {self.public_url}; Ctrl-C ends it", highlight=False, soft_wrap=True)

    def request_exit(self) -> None:
        """End, at Ctrl-C or SIGTERM."""
        self.interrupted = True
        super().request_exit()

    def initialize_logging(self) -> None:
        """Leave the log to whoever asks for one: each request is no news."""


def serve(command: Sequence[str], port: int, title: str) -> int:
    """Serve the view that `command` starts until Ctrl-C; return the exit status. Raises OSError when the port is taken."""
    server = _Serving(shlex.join(command), port, title)
    server.serve()
    return _INTERRUPTED if server.interrupted else 0

"""One board of a test session: at its REPL, with a server that connect() starts there, or with a firmware of a test's.

Either way a test begins with no map, pin or crash of another test's: at the REPL the pool is reset, a firmware begins anew by a
soft reset. What a real board has kept on its file system is set aside for the session, and put back at its end.
"""

import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from boardmaps.errors import MapError
from boardmaps_host import Board, connect
from boardmaps_host.client.booting import serve_uart
from boardmaps_host.client.errors import FirmwareError, LinkError
from boardmaps_host.client.simulated import STARTED
from boardmaps_host.deploy import deploy
from boardmaps_host.deploy.link import BoardLink

from . import report
from .targets import Target

_LOOK = 0.05  # seconds for the last words of a firmware that has ended
_LINES = 1000  # of what a board prints that are kept

# What tests have kept on the board goes; with ASIDE what was there before them is kept under another name, once.
_CLEAN = """
import os
def go():
    folder = '/boardmaps_kept'
    try:
        import boardmaps
        boardmaps.StaticPool.reset()
        from boardmaps.keep import FOLDER as folder
    except ImportError:
        pass
    if folder is None:
        return
    aside = folder + '_before_tests'
    def there(path):
        try:
            return os.stat(path) and True
        except OSError:
            return False
    if %(aside)r and there(folder) and not there(aside):
        os.rename(folder, aside)
    if there(folder):
        for name in os.listdir(folder):
            os.remove(folder + '/' + name)
        os.rmdir(folder)
    if %(back)r and there(aside):
        os.rename(aside, folder)
go()
"""


@dataclass(frozen=True)
class Firmware:
    """A program for a board, as deploy() takes it."""

    paths: tuple[Path, ...]
    entry: str | None


class Held:
    """A board of the session: where it answers, what runs on it, and the connection to it."""

    def __init__(self, target: Target | None, port: str, repl: str | None, timeout: float) -> None:
        """`port` is the maps', `repl` the REPL's; None: only the pool is cleaned, and no firmware can be put there."""
        self.said: deque[str] = deque(maxlen=_LINES)
        self.board: Board | None = None
        self.port = port
        self._target = target
        self._repl = repl
        self._timeout = timeout
        self._real = target is not None and target.port is not None
        self._deployed: Firmware | None = None  # what main.py on the board is, if a test has put it there
        self._runs = False  # whether that runs now
        self._dirty = False  # whether tests may have kept something on its file system
        self._theirs = False  # whether a program runs that no test has put there
        self._aside = False  # whether what a real board had kept before is set aside

    def bare(self, *, anew: bool = False) -> Board:
        """Return the connection to the board at its REPL, without maps; `anew`: restarted.

        A real board on which a program of its own runs is given as it is.
        """
        if self.board is not None and not self._runs and not anew and self._emptied(self.board):
            self.said.clear()
            return self.board
        self.leave()
        if self._real and not self._aside and self._has_its_own(anew):
            return self._connected(allow_reset=True)
        if self._repl is not None and (self._runs or self._real or self._dirty or anew):
            with BoardLink(self._repl, self._timeout) as link:
                self._clean(link)
                link.soft_reset()
            if self._repl != self.port:
                serve_uart(self._repl, allow_reset=True)
        self._runs = self._dirty = False
        return self._connected(allow_reset=True)

    def running(self, firmware: Firmware) -> Board:
        """Return the connection to the board, on which this program has just begun. It is deployed the first time."""
        if self._repl is None:
            raise LinkError(f"{self.port}: no firmware can be put on this board by a test.")
        self.leave()
        self._runs, self._theirs = (
            True,
            False,
        )  # whatever happens now, it is to be stopped before the REPL is used again
        if self._deployed != firmware:
            self._deployed = None
            patience = max(self._timeout, 10.0)
            app, entry = firmware.paths, firmware.entry
            deploy(self._repl, app=app, entry=entry, board=self.definition, reset=False, timeout=patience)
            self._deployed = firmware
        self._dirty = True
        with BoardLink(self._repl, self._timeout) as link:
            self._clean(link)
            link.restart()
        board = self._connected(allow_reset=False)
        if not board.program_runs:
            self.leave()
            with BoardLink(self._repl, self._timeout) as link:  # once more, to hear why
                link.restart()
                why = link.failure() or "it has returned"
            raise FirmwareError(f"{self.port}: the firmware has ended as soon as it was started: {why}")
        return board

    def leave(self) -> None:
        """End the connection, if there is one."""
        board, self.board = self.board, None
        if board is not None:
            with contextlib.suppress(LinkError):
                board.close()

    def end(self) -> None:
        """End the connection; a real board gets back what was set aside, and starts what it has."""
        self.leave()
        if self._aside and self._repl is not None:
            with BoardLink(self._repl, self._timeout) as link:
                self._clean(link, back=True)
                link.restart()

    def ended(self) -> str:
        """Return why the firmware has ended, when nobody has noticed it; "" while it runs."""
        if self.board is None or not self._runs or not self.board.program_runs:
            return ""
        try:
            self.board.link.pump(_LOOK)
        except FirmwareError as error:
            return str(error)
        except LinkError:
            pass  # the test may have closed it, or the next one will hear it
        return ""

    def sections(self) -> Iterator[tuple[str, str]]:
        """Give (title, text) of what helps to understand a failure: what the board has printed, and its last crash."""
        name = self._target.name if self._target else self.port
        found = report.crashes_of(self.board) if self.board is not None else ""
        if self.said:
            yield f"console of {name}", "".join(self.said)
        if found:
            yield f"postmortem of {name}", found

    @property
    def is_real(self) -> bool:
        """Whether it is no simulated board."""
        return self._real

    def _connected(self, *, allow_reset: bool) -> Board:
        """Connect anew; what the board has printed is of this test alone."""
        self.said.clear()
        hear = self.said.append
        self.board = connect(self.port, timeout=self._timeout, console=hear, allow_reset=allow_reset, share=False)
        return self.board

    def _has_its_own(self, anew: bool) -> bool:
        """Whether a real board runs a program that no test has put there; `anew`: that is started again."""
        self._theirs = self._connected(allow_reset=True).program_runs
        self.leave()
        if self._theirs and anew:
            with BoardLink(self.port, self._timeout) as link:
                link.restart()
        return self._theirs

    def _emptied(self, board: Board) -> bool:
        """Whether the board has no maps now, and nobody listens to it any more."""
        self._dirty |= board.link.pinned
        if board.link.hub.in_use or (self._dirty and self._repl is not None):
            return False
        if self._theirs:
            return True
        try:
            board.pool.reset()
        except (LinkError, MapError):
            return False
        return True

    def _clean(self, link: BoardLink, *, back: bool = False) -> None:
        """Have nothing on the board that a test has kept; what a real one had before is set aside once, and put `back`."""
        link.execute(_CLEAN % {"aside": self._real and not self._aside, "back": back})
        self._aside = self._real and not back

    @property
    def definition(self) -> str | None:
        """The board's definition, as deploy takes it; None where the board itself tells what it is."""
        if self._target is None or self._target.definition is None or self._target.name in STARTED:
            return None
        return self._target.name if self._target.name.endswith(".toml") else self._target.definition.name

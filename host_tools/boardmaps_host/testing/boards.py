"""The boards of a test session, by name: each is started when a test first asks for it, and kept as long as tests on it follow.

An emulated chip takes a processor's time also while nobody asks it anything: one that is kept for nothing slows all other tests.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from boardmaps_host.boards.simulated import simulated
from boardmaps_host.client.booting import boot
from boardmaps_host.client.errors import LinkError
from boardmaps_host.client.simulated import STARTED
from boardmaps_host.deploy import deploy
from boardmaps_sim.base import BoardError

from .held import Held
from .targets import Target, parse


class Boards:
    """The boards of this session, or of this worker of it, by the names that were chosen."""

    def __init__(
        self, given: Callable[[str], AbstractContextManager[str] | None], folder: Path, timeout: float
    ) -> None:
        """`given` may return what runs a board of this name, and gives its port. `folder` is for the boards' files."""
        self._given = given
        self._folder = folder
        self._timeout = timeout
        self._held: dict[str, tuple[Held, ExitStack]] = {}
        self._refused: dict[str, Exception] = {}
        self._count = 0

    def bare(self, name: str) -> Held:
        """Return the session's board of this name, at its REPL and without maps; a simulated one that is gone is replaced.

        Raises what starting it has raised, also the next time.
        """
        held = self.held(name)
        try:
            held.bare()
        except LinkError:
            if held.is_real:
                raise
            self._end(name)
            held = self.held(name)
            held.bare()
        return held

    def held(self, name: str) -> Held:
        """Return the session's board of this name, started. Raises what starting it has raised, also the next time."""
        if name in self._refused:
            raise self._refused[name]
        if name not in self._held:
            with ExitStack() as stack:
                try:
                    held = self._begin(name, stack)
                except Exception as error:
                    self._refused[name] = error
                    raise
                self._held[name] = held, stack.pop_all()
        return self._held[name][0]

    @contextlib.contextmanager
    def fresh(self, name: str) -> Iterator[Held]:
        """Give a board that nobody has used: a simulated one of its own, with empty flash; a real one is restarted."""
        if parse(name).port is not None:
            held = self.held(name)
            held.bare(anew=True)
            yield held
            return
        with ExitStack() as stack:
            held = self._begin(name, stack)
            held.bare()
            yield held

    def keep(self, name: str | None) -> None:
        """End the simulated ones but this: the next test is for another board, or for none. Real ones stay for the session."""
        for other, (held, _) in list(self._held.items()):
            if other != name and not held.is_real:
                self._end(other)

    def close(self) -> None:
        """End all of them."""
        with ExitStack() as stack:
            for name in list(self._held):
                stack.callback(self._end, name)

    def _end(self, name: str) -> None:
        self._held.pop(name)[1].close()

    def _begin(self, name: str, stack: ExitStack) -> Held:
        given = self._given(name)
        target = None if given is not None else parse(name)
        if given is not None:
            held = Held(None, stack.enter_context(given), None, self._timeout)
        elif target is not None and target.port is not None:
            held = Held(target, target.port, target.port, self._timeout)
        else:
            assert target is not None
            held = self._boot(target, stack)
        stack.callback(held.end)
        return held

    def _boot(self, target: Target, stack: ExitStack) -> Held:
        """Start a simulated board, with boardmaps on it."""
        self._count += 1
        port = self._folder / f"{self._count}" / "port"
        port.parent.mkdir()
        if target.name in STARTED:
            board = boot(target.name, port, allow_reset=True)
            stack.callback(board.stop)
            return Held(target, board.maps_port, board.port, self._timeout)
        assert target.definition is not None
        board = simulated(target.definition, port=port)
        try:
            board.start()
        except BoardError as error:
            raise LinkError(str(error)) from error
        stack.callback(board.stop)
        held = Held(target, board.maps_port, board.port, self._timeout)
        deploy(board.port, board=held.definition, reset=False, timeout=max(self._timeout, 10.0))
        return held

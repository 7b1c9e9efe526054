"""A firmware on the twin: its modules imported afresh, and its turns taken in a thread, as a board's main program does."""

import importlib
import inspect
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from boardmaps_host import Board, connect
from boardmaps_host.twin import Registry

_PAUSE = 0.001  # seconds between two turns: other threads get on


class TwinError(Exception):
    """What was to run on the twin is not there, or is no generator function."""


class Turns:
    """The turns of a firmware. `failed` is the traceback of the exception that has ended them, "" while there is none."""

    def __init__(self, turns: Iterator[object]) -> None:
        self.failed = ""
        self._turns = turns
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="firmware on the twin", daemon=True)

    def start(self) -> None:
        """Take the first turn, in which the firmware makes its maps, and the others in a thread."""
        if self._turn():
            self._thread.start()

    def end(self) -> None:
        """Take no more turns. Returns when the one under way has ended."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set() and self._turn():
            time.sleep(_PAUSE)

    def _turn(self) -> bool:
        try:
            next(self._turns)
        except StopIteration:
            return False
        except Exception:
            self.failed = traceback.format_exc()
            return False
        return True


@contextmanager
def on_twin(paths: Sequence[Path], where: str) -> Iterator[tuple[Board, Turns]]:
    """Run the generator function `where`, "module:function" of these files or folders, on a twin of its own.

    Raises TwinError, and whatever the import of the module raises.
    """
    module, _, function = where.partition(":")
    folders = [str(path if path.is_dir() else path.parent) for path in paths]
    with _imported_afresh(folders), Registry(), connect("twin", allow_reset=True) as board:
        try:
            found = getattr(importlib.import_module(module), function, None)
        except ModuleNotFoundError as missing:
            if missing.name != module:
                raise
            raise TwinError(f"twin={where!r}: there is no module {module} in {', '.join(folders)}.") from missing
        if not inspect.isgeneratorfunction(found):
            raise TwinError(
                f"twin={where!r}: {function or 'nothing'} is no generator function of {module}. Name one whose every yield is "
                "where the board's program calls boardmaps.poll(): 'module:function'."
            )
        turns = Turns(found())
        turns.start()
        try:
            yield board, turns
        finally:
            turns.end()


@contextmanager
def _imported_afresh(folders: Sequence[str]) -> Iterator[None]:
    """Have modules of these folders imported again while the block runs: they make their maps when they are imported."""
    before = _modules_of(folders)
    for name in before:
        del sys.modules[name]
    path = sys.path[:]
    sys.path[:0] = folders
    try:
        yield
    finally:
        sys.path[:] = path
        for name in _modules_of(folders):
            del sys.modules[name]
        sys.modules.update(before)


def _modules_of(folders: Sequence[str]) -> dict[str, ModuleType]:
    """Return the modules, by name, that an import from one of these folders has given; tests are left out."""
    roots = [Path(folder).resolve() for folder in folders]
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or name.startswith("test_") or name == "conftest":
            continue
        inside = Path(*name.split("."))
        expected = {root / end for root in roots for end in (inside.with_suffix(".py"), inside / "__init__.py")}
        if Path(file).resolve() in expected:
            found[name] = module
    return found

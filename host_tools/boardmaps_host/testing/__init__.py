"""What tests of a firmware use: the pytest plugin (plugin.py, which pytest finds by itself), and eventually().

targets.py knows what `--board` may name and what a board has; boards.py keeps the boards of a session; on_twin.py runs a
firmware on the twin; hooks.py is what a conftest.py may answer for boards of its own.
"""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["eventually"]

_T = TypeVar("_T")
_AGAIN = 0.02  # seconds


def eventually(condition: Callable[[], _T], seconds: float = 10.0) -> _T:
    """Return condition() as soon as it is true, asking again and again. Raises AssertionError when it is not in `seconds`."""
    __tracebackhide__ = True  # pytest shows the test's own line
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"this did not come in {seconds:g} seconds; it is {found!r}")
        time.sleep(_AGAIN)
    return found

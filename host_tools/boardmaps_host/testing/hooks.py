"""The hook that a conftest.py may answer for boards of its own."""

from contextlib import AbstractContextManager

import pytest


@pytest.hookspec(firstresult=True)
def pytest_boardmaps_board(name: str) -> AbstractContextManager[str] | None:
    """Return what runs the board of this name, at its REPL and with boardmaps on it, and gives the port of its maps.

    None for a board that the plugin is to start itself. What is returned is entered once in a session, and left at its end.
    """

"""Commits on the twin, and tick(), where they are made when another thread than the caller's plays the firmware."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from boardmaps.line.commit import Commits

R = TypeVar("R")

_lock = threading.Lock()
_commits = Commits()
_tickers: list[threading.Thread] = []  # the one that has called tick() last


def _held(function: Callable[..., R], *arguments: object) -> R:
    with _lock:
        return function(*arguments)


def tick() -> None:
    """Say that the host's commits may be made here; those of other threads are made here alone while this thread lives.

    Those that this thread makes itself are made at once.
    """
    _tickers[:] = (threading.current_thread(),)
    _commits.tick()


def commit(request: bytes, map_of: object) -> bytes:
    """Execute COMMIT or COMMITTED."""
    waits = any(one.is_alive() and one is not threading.current_thread() for one in _tickers)
    reply: bytes = _held(_commits.handle, request, map_of, _held if waits else None)
    return reply

"""Waiting for what happens, not for a time: how long a test waits before it says that something never came."""

import time
from collections.abc import Callable

# Seconds. Many times what anything takes on a quiet machine, so that a busy one changes nothing; only a failure takes them.
PATIENCE = 300.0


def eventually(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether the condition becomes true within that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True

"""Looking after processes from outside: which ones there are, and waiting for what they do."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def processes(word: str) -> list[int]:
    """The pids of processes with `word` in their command line, this one apart."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if word.encode() in command and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition becomes true within that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True

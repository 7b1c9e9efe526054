"""Looking after processes from outside: which ones there are."""

import os
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

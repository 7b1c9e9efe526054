"""Runs MicroPython's unix port."""

import os
import subprocess
from pathlib import Path

from boardmaps_sim.find import find_micropython

FIRMWARE = Path(__file__).parents[2] / "firmware"


def run_on_unix(what: list[str], heap: str, path: Path) -> tuple[bool, str]:
    """Run the port with these arguments and boardmaps from `path`; return whether an exception ended it, and what it printed."""
    done = subprocess.run(
        [find_micropython(None), "-X", f"heapsize={heap}", *what],
        env={**os.environ, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    return done.returncode != 0, done.stdout + done.stderr

"""Runs small programs on MicroPython itself, with the firmware's modules on its path: what only the board's own code can show."""

import os
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps_sim.base import BoardError
from boardmaps_sim.find import find_micropython
from tests.require import require_or_skip

FIRMWARE = Path(__file__).parents[2] / "firmware"

Run = Callable[..., str]


@pytest.fixture(scope="session")
def micropython() -> Run:
    """Return a function that runs a program on the unix port and returns what it printed; a traceback fails the test."""
    try:
        program = find_micropython(None)
    except BoardError as missing:
        require_or_skip(False, str(missing))
        raise

    def run(code: str, heap: str = "500K", fails: bool = False) -> str:
        done = subprocess.run(
            [program, "-X", f"heapsize={heap}", "-c", textwrap.dedent(code)],
            env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:.frozen"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, output
        return output

    return run

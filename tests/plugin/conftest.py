"""Suites of a user's, run by a pytest of their own."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.cli.conftest import environment
from tests.waits import PATIENCE

Suite = Callable[..., str]

# A firmware that counts its rounds, and ends when the computer asks it to; the same code takes turns on the twin.
COUNTER = """
from boardmaps import ArrayMap

def turns():
    state = ArrayMap.typed("state", value="rounds:u32+!, stop:bool, step:u8(=1)", max_entries=1)
    rounds, stop, step = state.field("rounds"), state.field("stop"), state.field("step")
    print("counting")
    while True:
        if stop.get(0):
            raise ZeroDivisionError("told to stop")
        rounds.add(0, step.get(0))
        yield
"""
MAIN = """
import time
import boardmaps
from counter import turns

def main():
    for _ in turns():
        boardmaps.poll()
        time.sleep_ms(1)

boardmaps.run(main)
"""


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """suite(text, *words) runs pytest with these words on a file with this text, beside the firmware, and returns what it said."""

    def run(text: str, *words: str, status: int = 0, **more: str) -> str:
        folder = tmp_path_factory.mktemp("suite")
        firmware = folder / "firmware"
        firmware.mkdir()
        (firmware / "counter.py").write_text(COUNTER)
        (firmware / "main.py").write_text(MAIN)
        (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
        (folder / "test_it.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--basetemp", str(folder / "base")]
        mine = ("PYTEST_", "BOARDMAPS_REQUIRE")  # what this run of the tests has been told
        told = {name: value for name, value in environment(**more).items() if name in more or not name.startswith(mine)}
        done = subprocess.run(
            [*command, *words], cwd=folder, env=told, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run

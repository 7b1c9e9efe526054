"""The examples of docs/what-survives.md do what they say, on MicroPython's own littlefs; its story happens on the emulated Pico."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import serial

from tests.board.test_pins import run
from tests.cli.conftest import BOARDMAPS, environment
from tests.sim.stock import stock_pico
from tests.waits import PATIENCE

PAGE = (Path(__file__).parents[2] / "docs" / "what-survives.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
FILES = {block.split("\n")[0].removeprefix("# "): block for block in BLOCKS if block.startswith("# ")}
EXAMPLES = [block for block in BLOCKS if block not in FILES.values()]


def test_the_page_has_examples_and_a_story() -> None:
    assert len(EXAMPLES) == 4
    assert set(FILES) == {"control.py", "desk.py"}


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example(code: str) -> None:
    run(code)


def test_the_story(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    with (
        stock_pico(tmp_path, main=FILES["control.py"].encode()) as board,
        serial.Serial(board.port, timeout=3 * PATIENCE) as port,
    ):
        assert b"5 crashes in a row" in port.read_until(b"crashes in a row")
    board.flash.rename(tmp_path / "flash")
    said = ""
    for line in re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)[1].splitlines():  # type: ignore[index]
        words = line.removeprefix("boardmaps ").split()
        done = subprocess.run(
            [*BOARDMAPS, *words], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment()
        )
        assert done.returncode == 0, done.stderr
        said += done.stdout
    assert "The watchdog has reset the board" in said
    assert "pressure 3, at least 0, 0 a turn" in said
    done = subprocess.run(
        [sys.executable, "desk.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert (done.stdout, done.stderr) == ("it does not end: nobody had set what a turn adds\n", "")

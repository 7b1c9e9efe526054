"""docs/story.md, run from its first line to its last: its files, its commands and what they say, on a board of its own."""

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from boardmaps_host import connect
from boardmaps_host.deploy import deploy
from boardmaps_host.deploy.link import DeployError
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, environment
from tests.waits import PATIENCE

PAGE = Path(__file__).parents[2] / "docs" / "story.md"
_BLOCK = re.compile(
    r"(?:<!-- (?P<what>file|change): (?P<name>\S+) -->\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL
)
_WORDS = {"boardmaps": BOARDMAPS, "pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]}


def test_the_story(tmp_path: Path) -> None:
    said = ""
    with UnixBoard(port=tmp_path / "port", flash=tmp_path / "flash") as board:
        for block in _BLOCK.finditer(PAGE.read_text("utf-8")):
            text = block["text"]
            if block["what"] == "file":
                (tmp_path / block["name"]).write_text(text)
                if block["name"] == "main.py":  # the night
                    _crash(board, [tmp_path / "main.py", tmp_path / "control.py"])
            elif block["what"] == "change":
                file = tmp_path / block["name"]
                old = text.partition(" if ")[0]
                assert file.read_text().count(old) == 1
                file.write_text(file.read_text().replace(old + "\n", text))
            elif block["kind"] == "sh":
                said = "".join(_run(line, tmp_path, board.port) for line in text.splitlines())
            else:
                assert block["kind"] == "text"
                missing = [line for line in text.splitlines() if line not in said]
                assert not missing, said


def _crash(board: UnixBoard, program: list[Path]) -> None:
    """Put the program on the board, and return when it has crashed."""
    with suppress(DeployError):  # it may take longer than deploy looks
        deploy(board.port, app=program)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with connect(board.port) as to:
            if to.crash_on_record:
                return
    pytest.fail("no crash is on record")


def _run(line: str, folder: Path, port: str) -> str:
    word, *rest = line.split()
    done = subprocess.run(
        [*_WORDS[word], *rest],
        cwd=folder,
        env=environment(BOARDMAPS_PORT=port, PYTHONPATH=os.pathsep.join([str(folder), *filter(None, sys.path)])),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr

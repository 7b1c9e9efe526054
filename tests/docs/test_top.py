"""docs/top.md: its firmware runs on a board, and what it has typed is typed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from boardmaps_host.top.app import Top
from boardmaps_host.top.help import KEYS
from tests.cli.conftest import BOARDMAPS, environment
from tests.docs.pages import DOCS
from tests.firmware import running
from tests.top.page import PROGRAM
from tests.top.terminals import Terminal
from tests.waits import PATIENCE

PAGE = (DOCS / "top.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_what_is_typed_on_the_page(tmp_path: Path) -> None:
    assert len(COMMANDS) == 5
    with running(tmp_path, PROGRAM) as board:
        for line in COMMANDS:
            words = [*BOARDMAPS, *line.split()[1:]]
            if "--web" in words:
                continue  # tests/top/test_browser.py has that
            if "plot" in words:
                done = subprocess.run(
                    words,
                    cwd=tmp_path,
                    env=environment(BOARDMAPS_PORT=board.port),
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=PATIENCE,
                )
                assert done.returncode == 0, done.stderr
                continue
            with Terminal(words, BOARDMAPS_PORT=board.port) as terminal:
                for text in ("kitchen", "setpoint °C", "21.00", "runs!+", "•", "time_se"):
                    terminal.sees(text)
                terminal.press("q")
                assert terminal.ends() == 0
        with Terminal([*BOARDMAPS, "top"], columns=100, BOARDMAPS_PORT=board.port) as terminal:
            terminal.sees("kitchen")
            board.stop()
            terminal.sees("the port is gone")  # and the view stays
            terminal.press("q")
            assert terminal.ends() == 0
            assert terminal.is_clean()
    rows = (tmp_path / "kitchen.csv").read_text("utf-8").splitlines()
    assert rows[0] == "place,seconds,value,unit"
    assert any(row.startswith("rooms.kitchen.setpoint,") and row.endswith(",21,°C") for row in rows)
    assert "</svg>" in (tmp_path / "temps.svg").read_text("utf-8")
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("where", ["page", "help"])
def test_every_key_is_explained(where: str) -> None:
    """The keys that the view has stand on the page, and on its own screen of them."""
    keys = {binding.key for binding in Top.BINDINGS}  # type: ignore[union-attr] # all of them are Bindings
    letters = {key for key in keys if len(key) == 1}
    text = PAGE.partition("## Keys")[2].partition("## Edits")[0] if where == "page" else " ".join(k for k, _ in KEYS)
    assert letters <= set(re.findall(r"\b\w\b", text)), "a key that is nowhere explained"
    assert {"enter", "slash", "space", "question_mark"} <= keys

"""docs/testing.md, run from its first line to its last: its files, its commands and what they say; its CI recipe too."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.cli.conftest import BOARDMAPS, environment
from tests.require import require_board
from tests.waits import PATIENCE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text("utf-8")
_BLOCK = re.compile(r"(?:<!-- file: (?P<name>\S+) -->\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
_WORDS = {"boardmaps": BOARDMAPS, "pytest": [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"]}


def test_the_page(tmp_path: Path) -> None:
    said = ""
    page, projects = (
        tmp_path / "page",
        tmp_path / "projects",
    )  # apart: pytest would find the project's tests beside the page's
    page.mkdir()
    projects.mkdir()
    (page / "pytest.ini").write_text("[pytest]\n")
    for block in _BLOCK.finditer(PAGE):
        text = block["text"]
        if block["name"] is not None:
            file = page / block["name"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        if block["kind"] == "sh":
            said = "".join(_run(line, projects if line.startswith("boardmaps") else page) for line in text.splitlines())
        elif block["kind"] == "text":
            assert [line for line in text.splitlines() if line not in said] == [], said
        elif block["kind"] == "yaml":
            _recipe(text)
    assert (projects / "thermostat" / "firmware" / "control.py").exists()


def test_its_power_cuts(tmp_path: Path) -> None:
    require_board("pico")
    files = {block["name"]: block["text"] for block in _BLOCK.finditer(PAGE)}
    (tmp_path / "dose.py").write_text(files["dose.py"])
    (tmp_path / "test_power.py").write_text(files["test_power.py"])
    assert "1 passed" in _run("pytest test_power.py", tmp_path)


def _recipe(text: str) -> None:
    """See that a recipe's steps are what the page has run, but for the installation, which names an extra that there is."""
    installing, testing = re.findall(r"- run: (.*)", text)
    (extra,) = re.findall(r"^pip install 'boardmaps\[(\w+)\]'$", installing)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert any(one.startswith("pytest") for one in extras[extra])
    assert f"```sh\n{testing}\n```" in PAGE


def _run(line: str, folder: Path) -> str:
    word, *rest = shlex.split(line)
    done = subprocess.run(
        [*_WORDS[word], *rest],
        cwd=folder,
        env=environment(PYTHONPATH=os.pathsep.join(filter(None, sys.path)), BOARDMAPS_REQUIRE="0"),  # the page skips
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr

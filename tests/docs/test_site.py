"""The site: it builds without a warning, each link in it leads somewhere, and what is made of the source is whole."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from boardmaps_host.cli.root import boardmaps
from boardmaps_host.kinds import KINDS
from docs import error_page
from tests.docs.pages import ROOT
from tests.waits import PATIENCE


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does: mkdocs itself fails at a link to no page or no heading."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_has_its_pages_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = {path.stem for path in site.glob("*.html")}
    assert {"index", "start", "pico", "command", "api-board", "api-computer", "troubleshooting", "SPEC"} <= pages
    for page in ("index", "api-board"):
        assert 'src="http' not in (site / f"{page}.html").read_text("utf-8")
    assert "lookup_into" in (site / "api-board.html").read_text("utf-8")


def test_the_page_of_the_command_has_every_command(site: Path) -> None:
    page = (site / "command.html").read_text("utf-8")
    for name, command in boardmaps.commands.items():
        assert f">boardmaps {name}<" in page or name == "help" or command.hidden


def test_the_page_of_the_board_has_every_public_name() -> None:
    """Those that firmware/boardmaps/__init__.py loads at their first use; the maps' page has MapDef and the flags."""
    page = (ROOT / "docs" / "api-board.md").read_text("utf-8")
    source = (ROOT / "firmware" / "boardmaps" / "__init__.py").read_text("utf-8").partition("else:\n    _MAPS")[0]
    rows = re.findall(r'\("(boardmaps\.[\w.]+)", "([\w ]+)"\)', source)
    names = [name for _, found in rows for name in found.split()] + [
        kind.class_name for kind in KINDS if kind.on_boards
    ]
    assert len(names) > 25
    assert [name for name in names if not re.search(rf"\b{name}\b", page)] == []


def test_every_error_has_its_entry_and_every_entry_its_error() -> None:
    assert error_page.missing() == []


def test_an_error_without_an_entry_and_an_entry_without_an_error_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    error = error_page.Found("", {"the …  is odd": "here.py", "it is full. Pass another one.": "there.py"})
    monkeypatch.setattr(error_page, "found", lambda: {"NewError": error})
    assert any("no [NewError]" in one for one in error_page.missing())
    monkeypatch.setattr(
        error_page, "advices", lambda: {"NewError": {"each": True, "texts": {"is gone": ""}}, "Old": {}}
    )
    said = "\n".join(error_page.missing())
    assert "[Old], and no source raises it" in said
    assert "'is gone', which is in no text of it" in said
    assert "is odd" in said
    assert "it is full" not in said

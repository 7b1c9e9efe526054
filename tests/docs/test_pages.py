"""The pages that are walked through at a shell, from the first line to the last; and that no page has code that nothing runs."""

from pathlib import Path

import pytest

from boardmaps_sim.unix import UnixBoard
from docs.links import goals
from tests.docs.pages import DOCS, ROOT, blocks, run_session

SESSIONS = ("start.md", "memory.md", "line.md")


def test_on_a_real_pico(tmp_path: Path) -> None:
    """With the unix board in the Pico's place."""
    with UnixBoard(port=tmp_path / "port") as board:
        run_session(DOCS / "pico.md", tmp_path, port=f"/dev/ttyACM0={board.port}")


@pytest.mark.parametrize("page", SESSIONS)
def test_a_page_at_a_shell(page: str, tmp_path: Path) -> None:
    run_session(DOCS / page, tmp_path)


def test_every_page_with_code_is_named_by_a_test_that_runs_it() -> None:
    tests = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    with_code = [page for page in pages if any(b.runs for b in blocks(page) if b.kind in ("python", "sh"))]
    assert len(with_code) >= 7
    assert [page.name for page in with_code if not any(f'"{page.name}"' in text for text in tests)] == []


def test_a_block_that_cannot_be_run_says_why() -> None:
    for page in DOCS.glob("*.md"):
        assert all(len(block.mark.split()) > 3 for block in blocks(page) if not block.runs), page


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "firmware/SPEC.md"])
def test_links_between_files_of_the_tree(name: str) -> None:
    """As somebody follows them in a clone; those of the site are looked at by its strict build."""
    page = ROOT / name
    wrong = [goal for goal in goals(page.read_text("utf-8")) if not (page.parent / goal.partition("#")[0]).exists()]
    assert wrong == []

"""What the tree says of itself is in the tree: documents that are named exist, and a long module says why it is one."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_DOCUMENT = re.compile(r"\b[\w-]+\.md\b")
# Documents of others, what a test or an example writes, and pages of the site that docs/site_hooks.py makes
_FOREIGN = {"notes.md", "command.md", "index.md", "troubleshooting.md"}
_LONG = 300  # lines; a module above says why in its docstring, in a sentence that begins so:
_REASON = "More than 300 lines: "


def tracked(*suffixes: str) -> list[Path]:
    """Return the files that git knows, or will know, with one of these suffixes."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    paths = [ROOT / name for name in listed.stdout.splitlines() if name.endswith(suffixes)]
    return [path for path in paths if path.is_file()]


def named_but_missing(text: str, there: set[str]) -> set[str]:
    """Return the documents that a text names and that are not there."""
    return set(_DOCUMENT.findall(text)) - there - _FOREIGN


def test_every_document_that_is_named_is_in_the_tree() -> None:
    there = {path.name for path in tracked(".md")}
    paths = [
        p
        for p in tracked(".md", ".py", ".pyi", ".c", ".h", ".toml", ".mk", ".cmake", "Makefile")
        if p != Path(__file__)
    ]
    assert len(paths) > 200
    wrong = {p.relative_to(ROOT).as_posix(): found for p in paths if (found := named_but_missing(p.read_text(), there))}
    assert wrong == {}


def test_a_missing_document_is_found() -> None:
    assert named_but_missing("see NOWHERE.md and README.md", {"README.md"}) == {"NOWHERE.md"}


def without_reason(source: str) -> bool:
    """Whether a module is long and does not say why."""
    return source.count("\n") > _LONG and _REASON not in " ".join((ast.get_docstring(ast.parse(source)) or "").split())


def test_a_long_module_says_why() -> None:
    wrong = [p.relative_to(ROOT).as_posix() for p in tracked(".py") if without_reason(p.read_text())]
    assert wrong == []


@pytest.mark.parametrize(
    ("head", "wrong"), [('"""One thing."""', True), ('"""One thing. More than 300 lines: a table."""', False)]
)
def test_a_long_module_is_found(head: str, wrong: bool) -> None:
    assert without_reason(head + "\n" * 301) is wrong

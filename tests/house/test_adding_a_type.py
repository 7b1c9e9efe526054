"""docs/adding-a-map-type.md does what it says: its steps, carried out on a copy of the tree, give a type that works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.require import require_board
from tests.waits import PATIENCE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-map-type.md"
# **`file`**, behind or before a line of it, and the lines that come there; without a place, the file is new
_STEP = re.compile(r"\*\*`([^`]+)`\*\*(?:, (behind|before) `([^`]+)`)?:\n\n```python\n(.*?)```", re.DOTALL)
_MOST = 6  # files that a type without kernels of its own touches


def carry_out(page: str, tree: Path) -> set[str]:
    """Carry out the page's steps in a tree; return the files that they touch."""
    touched = set()
    for file, where, line, text in _STEP.findall(page):
        path = tree / file
        if where:
            lines = path.read_text().split("\n")
            at = lines.index(line) + (where == "behind")
            path.write_text("\n".join([*lines[:at], *text.rstrip("\n").split("\n"), *lines[at:]]))
        else:
            assert not path.exists(), f"{file} is there already"
            path.write_text(text)
        touched.add(file)
    return touched


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git knows, with the page's type in it."""
    copy = tmp_path_factory.mktemp("tree")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in listed.stdout.split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy / name)
    touched = carry_out(PAGE.read_text(), copy)
    assert 0 < len(touched) <= _MOST, touched
    table = re.findall(r"^\| \d \| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert touched == set(table), "the page's table names the files of its steps"
    run(copy, "firmware/make_package.py")
    return copy


def run(tree: Path, *words: str) -> str:
    """Run Python in the tree, with the tree's packages."""
    path = os.pathsep.join(str(tree / folder) for folder in ("firmware", "host_tools", "sim"))
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("target", ["twin", "unix"])
def test_the_new_type_keeps_its_contract(tree: Path, target: str) -> None:
    require_board(target)
    contract = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/contract/test_mailbox.py")
    said = run(tree, *contract, "-k", f"[{target}]")
    assert re.search(r"\b2 passed", said), said


def test_the_house_takes_the_new_type(tree: Path) -> None:
    """The table, the stub, the modules and the lists agree with each other."""
    house = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/house/test_kinds.py")
    assert "passed" in run(tree, *house, "tests/typing/test_stub.py", "-k", "not pico")


def test_the_command_knows_the_new_type(tree: Path) -> None:
    plan = '[{"type": "mailbox", "value": 4, "entries": 3, "name": "m"}]'
    (tree / "plan.json").write_text(plan)
    assert "mailbox" in run(tree, "-m", "boardmaps_host.cli", "plan", "plan.json")

"""The pages' blocks of code, and how a page is run from its first line to its last, as somebody at a shell would.

A mark stands above a block: `<!-- file: NAME -->` (the block is that file), `<!-- not run: WHY -->`, `<!-- computer only -->`
(an example in Python that no board runs). A block of `text` shows what the shell said before it, a part of each line, in any order.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import environment
from tests.require import require_or_skip
from tests.waits import PATIENCE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^>]+) -->\n\n?)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
_PART = "part of the page that ends here:"


@dataclass(frozen=True)
class Block:
    """A block of code: its language, what the mark above it says ("" when there is none), and its text."""

    kind: str
    mark: str
    text: str

    @property
    def file(self) -> str:
        """The file that the block is, or ""."""
        return self.mark.removeprefix("file: ") if self.mark.startswith("file: ") else ""

    @property
    def runs(self) -> bool:
        """Whether the block is not marked as one that cannot be run."""
        return not self.mark.startswith("not run: ")


def blocks(page: Path) -> Iterator[Block]:
    """Give a page's blocks in order."""
    for found in _BLOCK.finditer(page.read_text("utf-8")):
        yield Block(found["kind"], found["mark"] or "", found["text"])


def run_session(page: Path, folder: Path, *, activated: bool = True, **replaced: str) -> str:
    """Run a page's files and shell blocks in a folder, in one shell; fail when a command does, or its texts are not said.

    `activated`: the shell has the command already, as behind the README; else the page says itself where it is. `replaced` are
    words of the page that stand for what the test has: port="/dev/ttyACM0=PATH".
    """
    bin_folder = Path(sys.executable).parent
    require_or_skip(
        (bin_folder / "activate").exists(), "a virtual environment around the tests, for the page's is not made"
    )
    (folder / ".venv").symlink_to(bin_folder.parent)
    script, wanted = ["set -e", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"], []
    if activated:
        script.append(". .venv/bin/activate")
    for number, block in enumerate(block for block in blocks(page) if block.runs):
        if block.file:
            (folder / f"{number}.file").write_text(_replaced(block.text, replaced), "utf-8")
            script.append(f"cp {number}.file {block.file}")
        elif block.kind == "sh":
            script.append(_replaced(block.text, replaced))
        elif block.kind == "text":
            wanted.append(block.text)
            script.append(f"echo; echo '{_PART}'")
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != bin_folder)
    output = folder / "output"  # not a pipe, which what was started in the background would hold open
    with output.open("w") as stream:
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            cwd=folder,
            env=environment(XDG_RUNTIME_DIR=str(folder), PATH=path, PYTEST_ADDOPTS="-p no:cacheprovider -p no:xdist"),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
    said = output.read_text("utf-8")
    assert done.returncode == 0, said
    assert "Traceback" not in said, said
    for text, part in zip(wanted, said.split(_PART), strict=False):
        missing = [line for line in text.splitlines() if line.strip() not in part]
        assert not missing, f"{missing} is not in\n{part}"
    return said


def _replaced(text: str, words: dict[str, str]) -> str:
    for pair in words.values():
        old, _, new = pair.partition("=")
        text = text.replace(old, new)
    return text

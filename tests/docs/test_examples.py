"""The examples of docs/maps.md, docs/typed-maps.md and docs/interrupts.md do what they say.

On the computer, and on MicroPython where they do not say otherwise.
"""

import re
from pathlib import Path

import pytest

from boardmaps_host.twin import registry
from tests.board.conftest import Run
from tests.board.conftest import micropython as micropython  # noqa: PLC0414 - a fixture, for this folder too

PAGES = [Path(__file__).parents[2] / "docs" / name for name in ("maps.md", "typed-maps.md", "interrupts.md")]
_BLOCK = re.compile(r"(?P<mark><!-- (?:computer only|not run: [^>]+) -->\n\n)?```python\n(?P<code>.*?)```", re.DOTALL)


def examples() -> list[tuple[str, str, bool]]:
    """Return (section, code, whether it runs on boards too) of each example."""
    found = []
    for section in [part for page in PAGES for part in page.read_text("utf-8").split("\n## ")[1:]]:
        title = section.split("\n", 1)[0]
        for number, block in enumerate(_BLOCK.finditer(section), 1):
            if "not run: " not in (block["mark"] or ""):
                found.append((f"{title} {number}", block["code"], not block["mark"]))
    return found


EXAMPLES = examples()


def test_every_map_has_an_example() -> None:
    classes = (
        "ArrayMap",
        "HashMap",
        "LruHashMap",
        "PerCpuArray",
        "PerCpuHash",
        "Queue",
        "Stack",
        "RingBuf",
        "TimeSeries",
    )
    code = "".join(code for _, code, _ in EXAMPLES)
    assert [name for name in classes if f"{name}(" not in code and f"{name}." not in code] == []


@pytest.mark.parametrize("code", [pytest.param(code, id=title) for title, code, _ in EXAMPLES])
def test_on_the_computer(code: str) -> None:
    try:
        exec(compile(code, "docs", "exec"), {})
    finally:
        registry.reset()


@pytest.mark.parametrize("code", [pytest.param(code, id=title) for title, code, portable in EXAMPLES if portable])
def test_on_micropython(micropython: Run, code: str) -> None:
    micropython(code)

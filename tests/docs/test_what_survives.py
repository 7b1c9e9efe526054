"""The examples of docs/what-survives.md do what they say, on MicroPython's own littlefs."""

import re
from pathlib import Path

import pytest

from tests.board.test_pins import run

PAGE = (Path(__file__).parents[2] / "docs" / "what-survives.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example(code: str) -> None:
    run(code)

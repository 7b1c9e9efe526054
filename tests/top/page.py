"""The firmware of docs/top.md: what the view is tried and drawn with."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "top.md").read_text("utf-8")
(PROGRAM,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

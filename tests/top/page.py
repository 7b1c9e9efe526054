"""The firmware of docs/top.md: what the view is tried and drawn with."""

import re

from tests.docs.pages import DOCS

(PROGRAM,) = re.findall(r"```python\n(.*?)```", (DOCS / "top.md").read_text("utf-8"), re.DOTALL)

"""The one rule for parts that a machine may lack: skip with the reason, or fail where they are required (in CI)."""

import os

import pytest


def require_or_skip(condition: bool, reason: str) -> None:
    """Go on when `condition` holds; else skip the test, or fail it when BOARDMAPS_REQUIRE=1 is set."""
    if condition:
        return
    if os.environ.get("BOARDMAPS_REQUIRE") == "1":
        pytest.fail(f"required here, and missing: {reason}", pytrace=False)
    pytest.skip(reason)

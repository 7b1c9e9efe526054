"""The one rule for parts that a machine may lack: skip with the reason, or fail where they are required (in CI)."""

import os

import pytest

from boardmaps_sim.base import BoardError
from boardmaps_sim.chips import qemu_port
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.rp2 import BUILT_IN
from boardmaps_sim.find import find_micropython

_IMAGES = {"qemu": qemu_port.IMAGE, "rv32": qemu_port.RV32_IMAGE, "pico": BUILT_IN}


def require_or_skip(condition: bool, reason: str) -> None:
    """Go on when `condition` holds; else skip the test, or fail it when BOARDMAPS_REQUIRE=1 is set."""
    if condition:
        return
    if os.environ.get("BOARDMAPS_REQUIRE") == "1":
        pytest.fail(f"required here, and missing: {reason}", pytrace=False)
    pytest.skip(reason)


def require_board(name: str) -> None:
    """Skip, or fail, when this machine lacks what the simulated board of this name is made of. The twin needs nothing."""
    if name == "unix":
        try:
            find_micropython(None)
        except BoardError as missing:
            require_or_skip(False, str(missing))
    elif name in _IMAGES:
        image = firmware_image(_IMAGES[name])
        require_or_skip(image.exists(), f"{image} is not there: make {name}-deps {name}")

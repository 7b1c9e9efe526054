"""Puts native modules into what is built, those that `make native` has made of these sources: without compilers there are none."""

import json
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NativeModules(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling for the wheel and for the source distribution."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say which folders go where; an editable installation finds them where they are."""
        sys.path[:0] = [str(Path(self.root, "firmware")), str(Path(self.root, "sim"))]
        from boardmaps_sim.chips.native import OUT, made_of  # it imports nothing that is not in this tree

        for stamp in sorted(OUT.glob("*/made_of.json")) if version != "editable" else ():
            arch = stamp.parent.name
            if json.loads(stamp.read_text())["sources"] != made_of():
                self.app.display_warning(f"the native modules for {arch} are older than their source: make native")
                continue
            place = "boardmaps_host/native" if self.target_name == "wheel" else "build/native"
            build_data["force_include"][str(stamp.parent)] = f"{place}/{arch}"

"""What a package has beside its files: native modules, and a page whose links lead somewhere.

The native modules are those that `make native` has made of these sources: without compilers there are none.
"""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).parent
sys.path[:0] = [str(ROOT)]
from docs.links import relink  # noqa: E402 - the checkout is not on the path where a package is built


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


def package_page(address: str) -> str:
    """Return the README as an index of packages shows it: its links lead to the project's address, "" while there is none.

    Without an address links become their words, and pictures go.
    """

    def target(goal: str) -> str | None:
        kind = "raw" if goal.endswith((".svg", ".png")) else "blob"
        return f"{address.rstrip('/')}/{kind}/HEAD/{goal}" if address else None

    return relink((ROOT / "README.md").read_text("utf-8"), target)


class PackagePage(MetadataHookInterface):
    """Called by hatchling for the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the page, and the project's address where it has one: tool.boardmaps.address of pyproject.toml."""
        address = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["boardmaps"]["address"]
        metadata["readme"] = {"content-type": "text/markdown", "text": package_page(address)}
        if address:
            metadata["urls"] = {"Repository": address}

"""The boardmaps_config that is frozen into an emulated board's firmware: what the board's definition says."""

import tomllib
from pathlib import Path


def with_settings(manifest: Path, definition: Path, folder: Path) -> Path:
    """Return a manifest in `folder` that freezes what `manifest` does, and boardmaps_config as a board's TOML file says.

    A boardmaps_config.py among the board's files goes before it.
    """
    board = tomllib.loads(definition.read_text())
    cpus = board["cores"] if board["guard"] == "irq+lock" else 1  # of others MicroPython runs on one
    modules = folder / "settings"
    modules.mkdir(parents=True, exist_ok=True)
    (modules / "boardmaps_config.py").write_text(
        f"POOL_SIZE = {board['pool']}\nGUARD = {board['guard']!r}\nCPUS = {cpus}\n"
    )
    whole = folder / "manifest.py"
    whole.write_text(f"include({str(manifest)!r})\nfreeze({str(modules)!r})\n")
    return whole

"""Native modules for boards of the tests."""

from boardmaps_sim.chips.native import OUT, PARTS
from tests.require import require_or_skip


def native(arch: str) -> dict[str, bytes]:
    """Return the native modules of an architecture, file name to content; skip the test where they are not built."""
    folder = OUT / arch
    require_or_skip(folder.is_dir(), f"{folder} is not there: make native-deps native")
    return {f"{part}.mpy": (folder / f"{part}.mpy").read_bytes() for part in PARTS}

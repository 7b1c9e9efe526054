"""The emulated Pico with stock firmware and the files that deploy sends it, without the minute that a deploy takes."""

from pathlib import Path

from boardmaps_host.deploy.files import Target, modules, payload_for
from boardmaps_sim.chips.littlefs import write_image
from boardmaps_sim.pico import FILES_SIZE, PicoBoard
from tests.board.natives import native

_ARMV6M = 4 << 10 | 3 << 8 | 6  # sys.implementation._mpy of the Pico: architecture, sub-version, version


def stock_pico(
    folder: Path, seed: int | None = None, more: tuple[str, ...] = (), main: bytes | None = None
) -> PicoBoard:
    """Describe a Pico with boardmaps and its native modules in its files, and `more` modules; skip where they are not built.

    `main` is its main.py.
    """
    native("armv6m")
    image = folder / "stock.flash"
    sent = payload_for(Target("micropython", "", "rp2", _ARMV6M)).files
    files = sent | {name: modules()[name].read_bytes() for name in more}
    on_board = {f"lib/boardmaps/{name}": data for name, data in files.items()}
    write_image(image, FILES_SIZE, on_board | ({"main.py": main} if main is not None else {}))
    return PicoBoard(port=folder / "port", flash=image, seed=seed)

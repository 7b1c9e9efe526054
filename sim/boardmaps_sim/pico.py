"""A simulated Raspberry Pi Pico: the real rp2 firmware of MicroPython on an emulated RP2040 (rp2040py)."""

import importlib.util
import os
from dataclasses import asdict
from pathlib import Path

from boardmaps_sim.base import BoardError
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.emulator import fast_emulator
from boardmaps_sim.chips.rp2 import BUILT_IN, STOCK
from boardmaps_sim.chips.uf2 import RP2040_FAMILY, from_uf2
from boardmaps_sim.machine import prepare_flash
from boardmaps_sim.power import PowerCut
from boardmaps_sim.process_board import ProcessBoard

FLASH_START = 0x10000000
FLASH_END = FLASH_START + 2 * 1024 * 1024
FILES_SIZE = 1408 * 1024  # bytes that RPI_PICO builds keep littlefs in, at the end of the flash
FILES_START = FLASH_END - FILES_SIZE


class PicoBoard(ProcessBoard):
    """The Pico. REPL, mpremote and maps share `port`, its USB serial port. `flash` holds files, not the firmware."""

    machine = "boardmaps_sim.pico_machine"

    def __init__(
        self,
        name: str = "pico",
        *,
        image: Path | None = None,
        built_in: bool = False,
        flash: Path | None = None,
        port: Path | None = None,
        seed: int | None = None,
        power_cut: PowerCut | None = None,
    ) -> None:
        """Describe a board.

        `image` is a UF2 file for the Pico, an official one or of your own; by default what `make pico` built: the stock
        firmware, or with `built_in` the one that has boardmaps frozen in and its pool outside the heap. `flash`
        persists; None is a temporary one. `seed` is what random numbers on the board come from, by default another one
        at each start.

        At `power_cut` the board ends, as if stopped, with its flash as the cut leaves it; another board with that `flash` is its
        next start. When the power goes while the board boots, start() returns all the same.
        """
        super().__init__(name, flash, port)
        self._seed = seed
        self._image = image
        self._built_in = built_in
        self._power_cut = power_cut

    @property
    def flash_operations(self) -> int | None:
        """How many operations its flash had done since the power came (power.PowerCut counts them); None before stop()."""
        return self._told.get("flash_operations")

    def _packages(self) -> list[str]:
        compiled = fast_emulator()
        return [str(compiled)] if compiled else []

    def _settings(self) -> dict[str, object]:
        image = self._image or firmware_image(BUILT_IN if self._built_in else STOCK)
        if not image.exists():
            raise BoardError(f"{image} is not there. Build it: make pico-deps pico, or pass a UF2 file for the Pico.")
        read_firmware(image)
        if self._power_cut and self._flash_is_temporary:
            raise BoardError(
                "a temporary flash ends with the board, and nothing is seen of what a power cut left. Pass a flash."
            )
        if importlib.util.find_spec("rp2040py") is None:
            raise BoardError("the emulator rp2040py is not installed. Run: pip install 'boardmaps[sim]'")
        prepare_flash(self.flash, FILES_SIZE, temporary=self._flash_is_temporary, erased=b"\xff")
        seed = self._seed if self._seed is not None else int.from_bytes(os.urandom(8), "little")
        cut = self._power_cut and asdict(self._power_cut)
        return {"image": str(image.absolute()), "seed": seed, "power_cut": cut}


def read_firmware(image: Path) -> list[tuple[int, bytes]]:
    """The (address, bytes) blocks of a MicroPython UF2 for the Pico. Raises BoardError saying why it is none."""
    try:
        blocks = from_uf2(image.read_bytes(), RP2040_FAMILY)
    except OSError as error:
        raise BoardError(f"{image} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        blocks, reason = [], str(error)
    else:
        outside = [address for address, data in blocks if not FLASH_START <= address <= FLASH_END - len(data)]
        reason = f"it writes to 0x{outside[0]:08x}, outside the Pico's flash" if outside else ""
        if b"MicroPython" not in b"".join(data for _, data in blocks):
            reason = reason or "there is no MicroPython in it"
    if reason:
        raise BoardError(
            f"{image} cannot run on the Pico: {reason}. "
            "Build one that can: make pico, or download MicroPython's for RPI_PICO."
        )
    return blocks

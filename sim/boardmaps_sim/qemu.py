"""A simulated board with a Cortex-M3: MicroPython's qemu port on QEMU's MPS2-AN385, with boardmaps frozen in."""

import os
import shutil
from pathlib import Path

from boardmaps_sim.base import BoardError
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.qemu_port import IMAGE
from boardmaps_sim.machine import prepare_flash
from boardmaps_sim.process_board import ProcessBoard

PSRAM = 16 * 1024 * 1024  # the board keeps its files in the first megabyte; a sparse file
_EM_ARM = 40


class QemuBoard(ProcessBoard):
    """The QEMU board. `port` (UART0) is the REPL's and mpremote's, `maps_port` (UART1, named <port>.maps) the maps'."""

    machine = "boardmaps_sim.qemu_machine"

    def __init__(
        self,
        name: str = "qemu",
        *,
        image: Path | None = None,
        flash: Path | None = None,
        port: Path | None = None,
        icount: int | None = None,
        seed: int | None = None,
        program: Path | None = None,
    ) -> None:
        """Describe a board.

        `image` is the ELF file, by default what `make qemu` built. `flash` persists; None is a temporary one. With
        `icount` an instruction takes 2**icount ns, whatever the computer does meanwhile: tick counts (time.ticks_cpu(),
        25 MHz) repeat exactly; without it the board is fast. `seed` is what random numbers on the board start from: by
        default another one at each start, or 1 with icount. `program` is a file that the board has in its memory and runs
        at power-up instead of boot.py, main.py and the REPL; see run_exact() in boardmaps_sim.qemu_exact.
        """
        super().__init__(name, flash, port)
        self.maps_port = f"{self.port}.maps"
        self._image = image
        self._icount = icount
        self._program = program
        self._seed = seed if seed is not None or icount is None else 1

    def _settings(self) -> dict[str, object]:
        image = self._image or firmware_image(IMAGE)
        if not image.exists():
            raise BoardError(f"{image} is not there. Build it: make qemu-deps qemu")
        try:
            reason = why_not(image.read_bytes())
        except OSError as error:
            raise BoardError(f"{image} cannot be read: {error.strerror}.") from error
        if reason:
            raise BoardError(f"{image} cannot run on the qemu board: {reason}. Build one that can: make qemu")
        qemu = shutil.which("qemu-system-arm")
        if qemu is None:
            raise BoardError("qemu-system-arm is not on PATH. Install it: apt-get install qemu-system-arm")
        prepare_flash(self.flash, PSRAM, temporary=self._flash_is_temporary, erased=b"\0")
        seed = self._seed if self._seed is not None else int.from_bytes(os.urandom(8), "little")
        command = [qemu, "-display", "none", "-monitor", "none", "-nodefaults"]
        command += ["-machine", "mps2-an385,memory-backend=psram"]
        command += ["-object", f"memory-backend-file,id=psram,size={PSRAM},share=on,mem-path={self.flash.absolute()}"]
        command += ["-device", f"loader,addr=0x20000000,data={seed & (1 << 64) - 1:#x},data-len=8"]
        if self._program is not None:
            size = self._program.stat().st_size
            command += ["-device", f"loader,addr=0x20000008,data={size:#x},data-len=4"]
            command += ["-device", f"loader,addr=0x20001000,file={self._program.absolute()},force-raw=on"]
        command += ["-kernel", str(image.absolute())]
        if self._icount is not None:
            command += ["-icount", f"shift={self._icount}"]
        return {"maps_port": self.maps_port, "command": command}


def why_not(elf: bytes) -> str | None:
    """Why these bytes are no MicroPython for this machine, or None when they are."""
    if elf[:4] != b"\x7fELF":
        return "it is not an ELF file"
    if elf[4] != 1 or int.from_bytes(elf[18:20], "little") != _EM_ARM:
        return "it is for another processor than a 32-bit Arm"
    if b"MicroPython" not in elf:
        return "there is no MicroPython in it"
    if b"mps2-an385" not in elf:
        return "it is MicroPython for another machine than mps2-an385"
    return None

"""Programs on a RISC-V board: QEMU's virt machine (RV32IMAC), MicroPython's qemu port with boardmaps frozen in.

Its one UART is the REPL's, so it serves no maps: it is there to show that they are the same on another processor, and where RAM
begins at 0x80000000.
"""

import os
import shutil
import subprocess
from pathlib import Path
from threading import Timer

from boardmaps_sim.base import BoardError
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.qemu_port import RV32_IMAGE
from boardmaps_sim.qemu_machine import die_with_parent

GIVEN_AT = 0x87000000  # where in RAM `given` lies: MicroPython uses the first megabytes
_RAW_REPL = "raw REPL; CTRL-B to exit\n>OK"


def run_program(program: str, *, seconds: float = 1800, given: Path | None = None) -> tuple[str, str]:
    """Run a program on a freshly powered board; return what it printed, and the traceback that ended it, if one did.

    `given` is a file that the board has in its memory, at GIVEN_AT.

    Raises BoardError when a part is missing, and when the board crashes or takes longer than that.
    """
    image = firmware_image(RV32_IMAGE)
    if not image.exists():
        raise BoardError(f"{image} is not there. Build it: make rv32-deps rv32")
    qemu = shutil.which("qemu-system-riscv32")
    if qemu is None:
        raise BoardError("qemu-system-riscv32 is not on PATH. Install it: apt-get install qemu-system-riscv32")
    command = [qemu, "-machine", "virt", "-bios", "none", "-display", "none", "-monitor", "none", "-serial", "stdio"]
    command += ["-semihosting", "-kernel", str(image)]  # by semihosting the port ends QEMU after a crash
    if given:
        command += ["-device", f"loader,addr={GIVEN_AT:#x},file={given},force-raw=on"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - it takes no lock
    ) as board:
        assert board.stdin is not None
        assert board.stdout is not None
        limit = Timer(seconds, board.kill)
        limit.start()
        said = b""
        try:
            board.stdin.write(b"\x01" + program.encode() + b"\x04")
            board.stdin.flush()
            while said.count(b"\x04") < 2 and (more := os.read(board.stdout.fileno(), 4096)):
                said += more
        finally:
            limit.cancel()
            board.kill()
    _, _, answer = said.decode(errors="replace").replace("\r\n", "\n").partition(_RAW_REPL)
    if answer.count("\x04") < 2:
        raise BoardError(f"the board crashed, or the program did not end within {seconds:.0f} s. It said:\n{answer}")
    output, error, _ = answer.split("\x04", 2)
    return output, error

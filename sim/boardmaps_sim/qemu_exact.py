"""Runs a program on the QEMU board so that it takes the very same instructions every time, for figures that repeat exactly.

Whatever is typed at a running board arrives at another instant each time. So the board has the program in its memory at
power-up and its clock is bound to instructions: until the program has ended nothing comes from outside.
"""

import tempfile
import time
from pathlib import Path

import serial

from boardmaps_sim.base import BoardError
from boardmaps_sim.qemu import QemuBoard

ICOUNT = 5  # 32 ns an instruction: 1.25 instructions in a tick of 40 ns, about what a Cortex-M3 at 25 MHz does


def run_exact(program: str, *, image: Path | None = None, seconds: float = 1800) -> str:
    """What the program prints when a freshly powered board runs it. Raises BoardError when it fails or takes too long."""
    with tempfile.TemporaryDirectory(prefix="boardmaps-") as folder:
        source = Path(folder, "program.py")
        source.write_text(program)
        board = QemuBoard("exact", image=image, port=Path(folder, "port"), icount=ICOUNT, program=source)
        with board, serial.Serial(board.port, timeout=1) as console:
            said = _listen(console, time.monotonic() + seconds)
    output, failed, _ = said.decode().replace("\r\n", "\n").partition("\x05")
    if failed:
        raise BoardError(f"the program failed: {output}")
    if not output.endswith("\x04"):
        raise BoardError(f"the program did not end within {seconds:.0f} s")
    return output.removesuffix("\x04")


def _listen(console: serial.Serial, end: float) -> bytes:
    """What the board says from one 0x01 to the next 0x04 or 0x05; the board says it again and again."""
    said = b""
    while time.monotonic() < end:
        said += console.read(console.in_waiting or 1)
        _, begun, text = said.partition(b"\x01")
        for last in (b"\x04", b"\x05"):
            if begun and last in text:
                return text[: text.index(last) + 1]
    return said

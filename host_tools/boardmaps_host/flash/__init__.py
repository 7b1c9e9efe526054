"""Write MicroPython itself onto a board, where a well-kept tool does it; say the exact steps where none does.

UF2 files are copied onto the drive that the chip's loader shows; esptool and dfu-util are run as the board's definition says.
Nothing is downloaded, and nothing is written that is not MicroPython for the board's chip.
"""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..boards import BoardDefinition
from ..share.release import released
from .image import FlashError, chip_of, identify

__all__ = ["FlashError", "FlashReport", "flash", "steps_for"]

_INFO = "INFO_UF2.TXT"  # every UF2 loader's drive has it
# How a definition's `flash` is called on a shell, and how it gets there. Mainline bossac does not know all of the boards
# that need it (Arduino's own does), so that it is for the user to run.
_TOOLS = {
    "esptool": ("esptool", "pip install esptool"),
    "dfu": ("dfu-util", "apt-get install dfu-util, or from https://dfu-util.sourceforge.net"),
}


@dataclass(frozen=True, slots=True)
class FlashReport:
    """What was done. `written` says whether the board has the image now; if not, `steps` are what is left to do by hand.

    `firmware` is what the image says of itself, `destination` the drive or the port, `steps` what is to be done by hand.
    """

    board: str
    image: str | None
    firmware: str | None
    written: bool
    destination: str | None
    steps: tuple[str, ...]


def flash(
    board: BoardDefinition,
    image: Path | None = None,
    *,
    port: str | None = None,
    drive: Path | None = None,
    erase: bool = False,
    say: Callable[[str], None] = lambda _text: None,
) -> FlashReport:
    """Check `image` and write it to the board; without one, or without a tool that does it, tell the steps.

    `port` is the serial port, for esptool; `drive` the folder of a UF2 loader's drive, searched for by default. `erase`
    empties the whole flash first, files included, where that is a step of its own. `say` is told what happens, and what is
    to be done by hand before it. Raises FlashError.
    """
    origin = board.micropython
    if image is None:
        return FlashReport(board.name, None, None, False, None, steps_for(board, port=port))
    if not board.is_hardware:
        raise FlashError(f"{board.name} is simulated, so there is nothing to flash. Run: {'; '.join(origin.steps)}")
    firmware = identify(image, board)
    say(firmware)
    if origin.flash == "uf2":
        destination = str(_copy(image, _find_drive(board, drive)))
        return FlashReport(board.name, str(image), firmware, True, destination, ())
    if origin.flash not in _TOOLS:
        return FlashReport(board.name, str(image), firmware, False, None, steps_for(board, image, port))
    with released(port) if port is not None else contextlib.nullcontext():
        left = _run_tool(board, image, port, erase, say)
    return FlashReport(board.name, str(image), firmware, True, port, tuple(left))


def steps_for(board: BoardDefinition, image: Path | None = None, port: str | None = None) -> tuple[str, ...]:
    """Return the definition's steps, with the names of the file and the port in their places where they are known."""
    return tuple(_fill(step, shlex.quote(str(image)) if image else None, port) for step in board.micropython.steps)


def _fill(text: str, image: str | None, port: str | None) -> str:
    if image is not None:
        text = re.sub(r"\bFIRMWARE\.\w+|\bthe \.uf2 file\b", lambda _: image, text)
    return text if port is None else re.sub(r"\bPORT\b", lambda _: port, text)


def _run_tool(
    board: BoardDefinition, image: Path, port: str | None, erase: bool, say: Callable[[str], None]
) -> list[str]:
    """Run the steps that are the tool's commands; return those by hand that come after them."""
    tool, how = _TOOLS[board.micropython.flash]
    program = shutil.which(tool)
    if program is None:
        all_steps = "; ".join(steps_for(board, image, port))
        raise FlashError(f"{tool} is not installed. Get it ({how}) and run this again; it will do: {all_steps}")
    old = tool == "esptool" and _esptool_before_5(program)
    by_hand: list[str] = []
    for step in board.micropython.steps:
        words = shlex.split(step) if step.startswith(f"{tool} ") else []
        if not words:
            by_hand.append(step)
        elif erase or "erase-flash" not in words:
            if port is None and "PORT" in words:
                raise FlashError(f"{tool} needs the board's port: pass --port. `mpremote connect list` shows them.")
            for text in by_hand:
                say(f"by hand, before: {text}")
            _run([program, *(_fill(_spelled(word, old), str(image), port) for word in words[1:])], by_hand)
            by_hand = []
    return by_hand


def _run(command: list[str], before: list[str]) -> None:
    """Run a tool; what it prints goes to stderr, for stdout is the caller's."""
    try:
        status = subprocess.run(command, stdout=sys.stderr.fileno(), check=False).returncode
    except OSError as error:
        raise FlashError(f"{command[0]} cannot be run: {error.strerror}.") from error
    if status:
        hint = f" Was this done? {' '.join(before)}" if before else " Is the board in its loader, on this port?"
        raise FlashError(f"`{shlex.join(command)}` ended with status {status}; its reason is above.{hint}")


def _esptool_before_5(program: str) -> bool:
    """Whether this esptool spells its commands with underscores only: 4 does, 5 prefers hyphens."""
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v?(\d+)\.\d+", said)
    return version is not None and int(version[1]) < 5


def _spelled(word: str, old: bool) -> str:
    return word.replace("-", "_") if old and word in ("erase-flash", "write-flash") else word


def _find_drive(board: BoardDefinition, drive: Path | None) -> Path:
    """Return the drive of the board's loader: `drive` when it is one, else the only one that is mounted."""
    wanted = chip_of(board).drive
    if drive is not None:
        found = _board_id(drive)
        if found is None:
            raise FlashError(f"{drive} is not the drive of a UF2 loader: it has no {_INFO}. {_how(board)}")
        if not found.startswith(wanted):
            raise FlashError(f"{drive} belongs to a {found}, and the loader of {board.title} says {wanted}.")
        return drive
    drives = {mount: found for mount in _mounts() if (found := _board_id(mount))}
    fitting = [mount for mount, found in drives.items() if found.startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise FlashError(f"several drives say {wanted}: {', '.join(map(str, fitting))}. Choose one with --drive.")
    others = f" (there is {', '.join(f'{found} at {mount}' for mount, found in drives.items())})" if drives else ""
    raise FlashError(f"no drive that says {wanted} is mounted{others}. {_how(board)} Or name its folder with --drive.")


def _how(board: BoardDefinition) -> str:
    return f"{board.micropython.steps[0]} With MicroPython on it: mpremote connect PORT bootloader."


def _board_id(drive: Path) -> str | None:
    """What the loader behind a drive says it is, such as RPI-RP2; None when it is no such drive."""
    try:
        info = (drive / _INFO).read_text("ascii", "replace")
    except OSError:
        return None
    found = re.search(r"^Board-ID:\s*(\S+)", info, re.MULTILINE)
    return found[1] if found else None


def _mounts() -> Iterator[Path]:
    """Where drives are mounted on this computer."""
    if sys.platform == "win32":
        yield from (Path(f"{letter}:\\") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ")
    elif sys.platform == "darwin":
        yield from Path("/Volumes").iterdir()
    else:
        for line in Path("/proc/mounts").read_text().splitlines():
            folder = line.split()[1]  # a space in it is written \040
            yield Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), folder))


def _copy(image: Path, drive: Path) -> Path:
    """Copy the file and wait until it has left the computer. The loader restarts the board with the last block of it."""
    data = image.read_bytes()
    written = 0
    try:
        with (drive / image.name).open("wb") as file:
            written = file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # A drive that goes away when it has everything was not broken: the board has restarted.
        if written < len(data) or _board_id(drive) is not None:
            raise FlashError(f"{drive}: the image was not written: {error.strerror}. Run this again.") from error
    return drive

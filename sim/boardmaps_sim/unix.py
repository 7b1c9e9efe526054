"""A simulated board that runs MicroPython's unix port, with a board's heap, flash, boot.py, main.py and serial port."""

import json
import os
import re
import select
import subprocess
import sys
from pathlib import Path

from boardmaps_sim.base import BoardError, SimulatedBoard
from boardmaps_sim.find import find_micropython
from boardmaps_sim.private import runtime_folder
from boardmaps_sim.unix_flash import BLOCK
from boardmaps_sim.unix_machine import Settings

_PACKAGES = str(Path(__file__).parents[1])
_BOOT_TIMEOUT = 20.0  # seconds; booting takes a tenth of one


def default_port(name: str) -> Path:
    """Where the board `name` has its port unless told otherwise: below $XDG_RUNTIME_DIR, or /tmp/boardmaps-<uid>.

    Raises BoardError when that folder is there and is not this user's alone.
    """
    return runtime_folder() / name


class UnixBoard(SimulatedBoard):
    """The unix board, in a process of its own that ends with the one that started it. Linux only.

    `port` is a link with a stable name; `device` is the /dev/pts/N behind it while the board runs. Maps are served on
    the same port. `flash` is the image file of the board's littlefs.
    """

    def __init__(
        self,
        name: str = "unix",
        *,
        heap: str = "226wK",
        flash: Path | None = None,
        flash_size: int = 1024 * 1024,
        port: Path | None = None,
        micropython: str | None = None,
    ) -> None:
        """Describe a board.

        `heap` is as for MicroPython's -X heapsize=, in bytes or with K or M. A word there has 64 bits, so the same objects
        take twice the room of a 32-bit board: with a w before K or M it is a 32-bit board's heap, a Pico's unless it is
        given. `flash` persists; None is a temporary one. `flash_size`
        in bytes counts when the image is made; one that exists keeps its size. `micropython` names the program, see
        find_micropython().
        """
        self.name = name
        link = port or default_port(name)
        self.port = self.maps_port = str(link)
        self.flash = flash or link.with_name(f"{link.name}.flash")
        self.device = ""
        self._heap = heap
        self._flash_size = flash_size
        self._flash_is_temporary = flash is None
        self._micropython = micropython
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Boot the board; return when its flash is there and the port answers. Raises BoardError."""
        if self.running:
            raise BoardError(f"the board {self.name!r} is running already. Call stop() first.")
        self.stop()
        if not sys.platform.startswith("linux"):
            raise BoardError(
                "the unix board needs Linux: its PTY, /proc and epoll. Use the target twin or a real board."
            )
        if not re.fullmatch(r"\d+[wW]?[kKmM]?", self._heap):
            raise BoardError(f"heap {self._heap!r} is not a size. Pass bytes, or a number with K or M: '226K'.")
        micropython = find_micropython(self._micropython)
        if self._flash_size < 2 * BLOCK or self._flash_size % BLOCK:
            raise BoardError(f"flash_size {self._flash_size} is not a multiple of {BLOCK} bytes, at least two blocks.")
        settings = Settings(
            micropython,
            self._heap,
            str(self.flash.absolute()),
            self._flash_size,
            self._flash_is_temporary,
            str(Path(self.port).absolute()),
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "boardmaps_sim.unix_machine", settings.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C at the terminal is the caller's to handle
            env={**os.environ, "PYTHONPATH": os.pathsep.join([_PACKAGES, os.environ.get("PYTHONPATH", "")])},
        )
        try:
            self.device = self._await_boot(self._process)
        except BaseException:
            self.stop()
            raise

    def _await_boot(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        answered, _, _ = select.select([process.stdout], [], [], _BOOT_TIMEOUT)
        line = process.stdout.readline() if answered else ""
        if not line:
            raise BoardError(
                f"the board {self.name!r} did not boot within {_BOOT_TIMEOUT:.0f} s; see its messages above."
            )
        report: dict[str, str] = json.loads(line)
        if "error" in report:
            raise BoardError(report["error"])
        return report["device"]

    def stop(self) -> None:
        """End the board and remove its port and a temporary flash; safe to call twice."""
        process, self._process, self.device = self._process, None, ""
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    @property
    def running(self) -> bool:
        """Whether the board is powered."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> int:
        """Block until the board ends by itself, or is ended from elsewhere; return its exit status."""
        if self._process is None:
            raise BoardError(f"the board {self.name!r} is not running. Call start() first.")
        return self._process.wait()

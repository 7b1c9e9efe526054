"""A simulated board in a process of its own, which ends with the process that started it."""

import json
import os
import select
import subprocess
import sys
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from boardmaps_sim.base import BoardError, SimulatedBoard
from boardmaps_sim.unix import default_port

_BOOT_TIMEOUT = 30.0  # seconds; booting takes about one
_PACKAGES = str(Path(__file__).parents[1])


class ProcessBoard(SimulatedBoard):
    """What boards share that `python -m MACHINE SETTINGS` runs; boardmaps_sim.machine is that process's part."""

    machine: ClassVar[str]  # the module that runs the board

    def __init__(self, name: str, flash: Path | None, port: Path | None) -> None:
        """`flash` persists; None is a temporary one beside the port. `port` is the link that clients open."""
        self.name = name
        link = port or default_port(name)
        self.port = self.maps_port = str(link)
        self.flash = flash or link.with_name(f"{link.name}.flash")
        self._flash_is_temporary = flash is None
        self._process: subprocess.Popen[str] | None = None
        self._told: dict[str, Any] = {}  # by the process when it ended, of its own accord or by stop()

    def _packages(self) -> list[str]:
        """Folders of Python packages that go before what is installed."""
        return []

    @abstractmethod
    def _settings(self) -> dict[str, object]:
        """What the machine is made of, checked and ready for JSON; prepares the flash image. Raises BoardError."""

    def start(self) -> None:
        """Boot the board; return when its port answers. Raises BoardError with what is missing and how to get it."""
        if self.running:
            raise BoardError(f"the board {self.name!r} is running already. Call stop() first.")
        self.stop()
        self._told = {}
        if not sys.platform.startswith("linux"):
            raise BoardError("simulated boards need Linux: its PTYs and epoll. Use the target twin or a real board.")
        settings = {"port": self.port, "flash": str(self.flash.absolute()), "temporary": self._flash_is_temporary}
        settings.update(self._settings())
        packages = [_PACKAGES, *self._packages(), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.machine, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C at the terminal is the caller's to handle
            env={**os.environ, "PYTHONPATH": os.pathsep.join(packages)},
        )
        try:
            self._await_boot(self._process)
        except BaseException:
            self.stop()
            raise

    def _await_boot(self, process: subprocess.Popen[str]) -> None:
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

    def stop(self) -> None:
        """End the board and remove its ports and a temporary flash; safe to call twice."""
        process, self._process = self._process, None
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
        for line in process.stdout:
            self._told |= json.loads(line)
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

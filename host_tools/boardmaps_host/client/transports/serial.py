"""A serial port, opened as the only one who has it."""

import contextlib
import errno
import os
import select
import time
from pathlib import Path
from typing import Any

import serial
import serial.tools.list_ports

from boardmaps_host.client import simulated
from boardmaps_host.client.errors import PortBusy, PortGone, PortMissing

_SHORTCUTS = {"a": "/dev/ttyACM", "u": "/dev/ttyUSB", "c": "COM"}  # mpremote's
_TRIES = 20  # how often a port is tried that is in use by nobody whom we can name
_AGAIN = 0.02  # seconds between two tries
PAUSE = 0.02  # seconds; how long pyserial waits for a byte where we cannot wait for its descriptor
_STALL = 5000  # milliseconds without a byte taken


def port_path(target: str) -> str:
    """Return the port that `target` names: mpremote's a0, u0, c0 and auto are resolved, anything else is itself.

    "auto" is the only board that is there: raises PortMissing when there is none, or more than one.
    """
    if len(target) > 1 and target[0] in _SHORTCUTS and target[1:].isdigit():
        return _SHORTCUTS[target[0]] + target[1:]
    if target == "auto":
        ports = known_ports()
        if len(ports) > 1:
            raise PortMissing(f"auto: several boards are there: {', '.join(ports)}. Name the one that you mean.")
        if not ports:
            running = simulated.names()
            also = f" Simulated boards that run: {', '.join(running)}." if running else ""
            raise PortMissing(f"auto: no USB port with a board is there. Is it plugged in? Else name its port.{also}")
        return ports[0]
    return target


def boards_there() -> str:
    """Return the ports that look like boards, and the simulated boards that run, for a sentence."""
    return ", ".join([*known_ports(), *simulated.names()]) or "none"


def known_ports() -> list[str]:
    """Return the serial ports of this computer that look like boards (USB ones)."""
    return sorted(p.device for p in serial.tools.list_ports.comports() if p.vid is not None)


class SerialTransport:
    """A port, opened exclusively. DTR and RTS are both set, as every terminal does: it resets no board, ESP ones included."""

    def __init__(self, target: str) -> None:
        self.name = port_path(target)
        self._open()

    def _open(self) -> None:
        self._fd = -1  # of a port that is read and written without pyserial's detours
        self._port: Any = self._opened()  # each of pyserial's classes, and what only some of their stubs know
        if not self._direct():
            return
        self._fd = self._port.fileno()
        self._readable = select.poll()
        self._readable.register(self._fd, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(self._fd, select.POLLOUT)

    def _opened(self) -> serial.SerialBase:
        """Return pyserial's port. Raises PortMissing or PortBusy."""
        pause = 0 if self._direct() else PAUSE
        tries = _TRIES
        while True:
            tries -= 1
            try:
                # pyserial is asked whether there is such a port: no file of Windows is called COM10
                return serial.Serial(self.name, baudrate=115200, timeout=pause, write_timeout=5, exclusive=True)
            except (ValueError, serial.SerialException) as e:
                holders = holders_of(self.name)
                refused = _port_refused(self.name, e, holders)
                if not tries or holders or not isinstance(refused, PortBusy):
                    raise refused from e
            time.sleep(_AGAIN)  # whoever had it has closed it by now

    def _direct(self) -> bool:
        """Whether the port has a descriptor of the system's that can be read, written and polled."""
        return os.name == "posix"

    def fileno(self) -> int:
        """Return the descriptor that tells when there is something to read; -1 where none does."""
        return self._fd

    def reopen(self) -> None:
        """Open the port again, under its name: what is behind it may be another device by now."""
        self.close()
        self._open()

    def read(self, timeout: float) -> bytes:
        """Return what has arrived, waiting up to `timeout` seconds for the first byte."""
        try:
            if self._fd >= 0:
                if not self._readable.poll(timeout * 1000):
                    return b""
                data = os.read(self._fd, 8192)
                if not data:
                    raise PortGone(f"{self.name}: the port is gone. Was the board unplugged?")
                return data
            # The port's own timeout stays: over RFC 2217 to change it is a negotiation of a twentieth of a second.
            end = time.monotonic() + timeout
            while not (waiting := self._port.in_waiting) and time.monotonic() < end:
                if data := self._port.read(1):
                    return bytes(data + self._port.read(self._port.in_waiting))
            return bytes(self._port.read(waiting))
        except (OSError, TypeError) as e:  # pyserial gives TypeError for a port that was closed meanwhile
            raise PortGone(f"{self.name}: the port is gone ({e}). Was the board unplugged?") from e

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises PortGone also when the other end takes nothing for 5 seconds."""
        try:
            if self._fd < 0:
                self._port.write(data)
                return
            while data:
                try:
                    data = data[os.write(self._fd, data) :]
                except BlockingIOError:
                    if not self._writable.poll(_STALL):
                        raise PortGone(f"{self.name}: the board takes nothing. Press its reset button?") from None
        except (OSError, TypeError) as e:
            raise PortGone(f"{self.name}: writing failed ({e}). Was the board unplugged?") from e

    def close(self) -> None:
        """Close the port; safe to call twice."""
        self._fd = -1
        with contextlib.suppress(OSError):  # nothing is there to be closed any more
            self._port.close()


def _port_refused(name: str, error: Exception, holders: list[tuple[int, str]]) -> PortBusy | PortMissing:
    """Return what to tell of a port that is not there, or cannot be opened."""
    if getattr(error, "errno", None) == errno.ENOENT or "FileNotFoundError" in str(error) or not name:
        return PortMissing(
            f"{name or repr(name)}: there is no such port. Ports with a board: {boards_there()}. Is it plugged in?"
        )
    if (os.name == "posix" and not Path(name).is_char_device()) or "Inappropriate ioctl" in str(error):
        what = "a directory" if Path(name).is_dir() else "something else"
        return PortMissing(f"{name}: it is no serial port but {what}. Give a port such as /dev/ttyACM0, a0, or a URL.")
    if getattr(error, "errno", None) == errno.EACCES and os.name == "posix":
        return PortMissing(f"{name}: you may not open it. On most systems it takes: sudo usermod -aG dialout $USER")
    if holders:
        pid, program = holders[0]
        return PortBusy(f"{name} is in use by pid {pid} ({program}). Close it, or pass another --port.")
    if any(word in str(error).lower() for word in ("exclusively lock", "busy", "denied")):  # the last is Windows's
        return PortBusy(f"{name} is in use by another program. Close it, or pass another --port.")
    return PortMissing(f"{name}: {error}. Is it plugged in?")


def holders_of(path: str) -> list[tuple[int, str]]:
    """Return (pid, program) of the processes of this computer that have `path` open; empty where /proc does not tell."""
    port = Path(path)
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        if int(proc.name) == os.getpid():
            continue
        try:
            # The same file, not the same name: a container's /dev/pts/1 is another one than the computer's.
            if any(fd.exists() and fd.samefile(port) for fd in (proc / "fd").iterdir()):
                found.append((int(proc.name), (proc / "comm").read_text().strip()))
        except OSError:  # it ended, or is not ours to look at
            continue
    return found

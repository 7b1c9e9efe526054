"""One life of MicroPython's unix port, from power on to the next reset, and what can be done to it from outside."""

import ctypes
import os
import signal
import subprocess
import sys
import termios
import time
import tty
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_START = Path(__file__).parent / "unix_board" / "start.py"
_LAUNCH = Path(__file__).with_name("unix_launch.py")
_READ, _FUTEX = "0", "202"  # the system calls' numbers on x86_64, the only machine for which there is a wheel
_PR_SET_PDEATHSIG = 1
_IMPATIENT = 0.05  # seconds


def _program(micropython: str) -> tuple[list[str], bool]:
    """Return how to run it, and whether through unix_launch.py: that takes the wheel of this very environment."""
    if Path(micropython) == Path(sys.executable).with_name("micropython") and find_spec("micropython_run"):
        return [sys.executable, str(_LAUNCH)], True
    return [micropython], False


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Interpreter:
    """A running interpreter. Poll `output`, `status` and `ended`, and `input` for writing; none of them ever blocks.

    Its stdin is a raw PTY: the board's code can then read without blocking (termios, VMIN=0). Its stdout is a pipe,
    which is faster.
    """

    def __init__(self, micropython: str, heap: str, flash: str, *, run_main: bool) -> None:
        """Switch it on. `heap` as for -X heapsize=; the image file `flash` becomes its /."""
        self.input, self._input_end = os.openpty()
        tty.setraw(self._input_end)
        self.output, output_end = os.pipe()
        self.status, status_end = os.pipe()
        for fd in (self.input, self.output, self.status):
            os.set_blocking(fd, False)
        program, self._launched = _program(micropython)
        program += ["-X", f"heapsize={heap}", "-i", str(_START), flash, str(status_end), str(int(run_main))]
        self._process = subprocess.Popen(
            program,
            stdin=self._input_end,
            stdout=output_end,
            stderr=output_end,
            pass_fds=[status_end],
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 (this process has one thread)
            env={**os.environ, "MICROPYPATH": "", "MICROPYINSPECT": ""},
        )
        os.close(output_end)
        os.close(status_end)
        self._interrupted_at = -_IMPATIENT
        self.ended = os.pidfd_open(self._process.pid)
        self._proc_status = os.open(f"/proc/{self._process.pid}/status", os.O_RDONLY)

    def write(self, data: bytes | bytearray) -> int:
        """Put bytes into stdin; return how many found room."""
        try:
            count = os.write(self.input, data) if data else 0
        except BlockingIOError:
            return 0
        if count:
            self._interrupted_at = -_IMPATIENT
        return count

    def read_output(self) -> bytes:
        """What was printed, at most 64 KiB; b"" when there is nothing."""
        return _read(self.output)

    def read_status(self) -> bytes:
        """What start.py told; b"" when there is nothing."""
        return _read(self.status)

    def interrupt(self, *, clear: bool = True) -> bool:
        """Raise KeyboardInterrupt in the running program, and `clear` what it has not read, as a board does on Ctrl-C.

        False, with nothing done, when Ctrl-C is data: at the REPL's prompt, and after micropython.kbd_intr(-1).
        The port catches SIGINT exactly while Ctrl-C interrupts, and would die of one at any other time; so it is held
        still between the look and the signal. A second one may come while the program acts on the first, so a
        Ctrl-C right after another, with no input between them, is taken for the same.
        """
        if not self._catches_sigint():
            return False
        now = time.monotonic()
        if now - self._interrupted_at < _IMPATIENT:
            return True
        self._interrupted_at = now
        pid = self._hold_still()
        caught = self._catches_sigint()
        if caught:
            if clear:
                termios.tcflush(self._input_end, termios.TCIFLUSH)
            # A board interrupts its main thread, whatever others do. A process would let any thread take the signal.
            ctypes.CDLL(None).tgkill(pid, pid, self._ctrl_c(pid))
        os.kill(pid, signal.SIGCONT)
        return caught

    def _ctrl_c(self, pid: int) -> signal.Signals:
        """Which signal the main thread takes for Ctrl-C, where it stands now; see unix_launch.py."""
        if not self._launched:
            return signal.SIGINT
        return signal.SIGUSR1 if self._stands_in(pid) == _FUTEX else signal.SIGUSR2

    def nudge(self) -> None:
        """Let a read that the main thread waits in begin anew: it may have begun just after a Ctrl-C, and not have seen it."""
        if not self._launched or self._process.poll() is not None:
            return
        pid = self._hold_still()
        if self._stands_in(pid) == _READ:
            ctypes.CDLL(None).tgkill(pid, pid, signal.SIGURG)
        os.kill(pid, signal.SIGCONT)

    def _hold_still(self) -> int:
        """Stop the process; return its pid."""
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return pid

    @staticmethod
    def _stands_in(pid: int) -> str:
        """Return the number of the system call that the main thread is in; "" where not even a parent may look so closely."""
        with suppress(OSError):
            return Path(f"/proc/{pid}/syscall").read_text().split()[0]
        return ""

    def _catches_sigint(self) -> bool:
        try:
            lines = os.pread(self._proc_status, 4096, 0)
        except ProcessLookupError:
            return False
        _, found, rest = lines.partition(b"SigCgt:\t")
        return bool(found) and bool(int(rest[:16], 16) & 1 << signal.SIGINT - 1)

    def end(self) -> int:
        """Cut the power, unless it has ended by itself; return its exit status, negative for a signal."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        status = self._process.wait()
        for fd in (self.input, self._input_end, self.output, self.status, self.ended, self._proc_status):
            os.close(fd)
        return status


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""

"""One life of MicroPython's unix port, from power on to the next reset, and what can be done to it from outside."""

import ctypes
import os
import signal
import subprocess
import termios
import time
import tty
from pathlib import Path

_START = Path(__file__).parent / "unix_board" / "start.py"
_PR_SET_PDEATHSIG = 1
_IMPATIENT = 0.05  # seconds


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
        program = [micropython, "-X", f"heapsize={heap}", "-i", str(_START), flash, str(status_end), str(int(run_main))]
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

    def interrupt(self) -> bool:
        """Raise KeyboardInterrupt in the running program, and clear what it has not read, as a board does on Ctrl-C.

        False, with nothing done, when Ctrl-C is data: at the REPL's prompt, and after micropython.kbd_intr(-1).
        The port catches SIGINT exactly while Ctrl-C interrupts, and would die of one at any other time; so it is held
        still between the look and the signal. It would also die of a second SIGINT while it acts on the first, so a
        Ctrl-C right after another, with no input between them, is taken for the same.
        """
        if not self._catches_sigint():
            return False
        now = time.monotonic()
        if now - self._interrupted_at < _IMPATIENT:
            return True
        self._interrupted_at = now
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        caught = self._catches_sigint()
        if caught:
            termios.tcflush(self._input_end, termios.TCIFLUSH)
            os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGCONT)
        return caught

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

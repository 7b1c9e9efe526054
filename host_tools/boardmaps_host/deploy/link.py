"""A board's raw REPL through mpremote, with time limits everywhere and errors that say what to do.

More than 300 lines: each thing that a board is told or asked, and what each of its failures means.
"""

import ast
import contextlib
import errno
import io
import os
import posixpath
import re
import stat
import struct
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from ..client.errors import LinkError, PortMissing
from ..client.transports import open_port
from ..client.transports.serial import port_path
from ..terminal import harmless
from .files import Target

_ANSWER = (
    10.0  # seconds for a board to enter its raw REPL or to soft-reset, unless told otherwise; boot.py runs in that time
)
_QUIET = 0.3  # seconds after Ctrl-C: a program that looks at the line ten times a second has seen it, and the pause
_TRIES = 20  # of Ctrl-C, at most: a board whose other core prints is never quiet, and answers all the same
_STALL = 60.0  # seconds of silence in the middle of something: the emulated Pico writes a large module for tens of them

_FIRST = 1.0  # seconds that a program is heard after its start: one that fails has mostly done so
# How a program's exception looks when it has ended the program: MicroPython's banner comes next.
_FAILED = re.compile(rb"Traceback \(most recent call last\):\r?\n(?:  .*\n)+[^\r\n]+(?=\r?\nMicroPython )")

_PROBE = r"""
import sys
i = sys.implementation
version = '.'.join([str(n) for n in i[1][:3]])
machine_code, in_c, kernels, short_floats = True, (), None, False
try:
    exec('@micropython.viper\ndef f():\n pass')
except SyntaxError:
    machine_code = False
try:
    import _boardmaps
    in_c = tuple(dir(_boardmaps))
except ImportError:
    pass
try:
    import boardmaps_config
    kernels = getattr(boardmaps_config, 'KERNELS', None)
except Exception:
    pass
try:
    short_floats = bool(id(float('1.5')) & 3)
except NameError:
    pass
print((i[0], version, getattr(i, '_machine', sys.platform), getattr(i, '_mpy', 0), getattr(i, '_build', ''),
    machine_code, in_c, kernels and str(kernels), short_floats))
"""


# One program for all files, because each that is sent costs a slow board tenths of a second. hashlib.sha256 is there on
# every port that has files.
_HASHES = """
import hashlib
def digest(path, buf=memoryview(bytearray(512))):
    h = hashlib.sha256()
    try:
        with open(path, 'rb') as f:
            while True:
                n = f.readinto(buf)
                if not n:
                    return ''.join(['%%02x' %% b for b in h.digest()])
                h.update(buf[:n])
    except OSError:
        return ''
print({path: digest(path) for path in %r})
"""


class DeployError(Exception):
    """A deploy that did not happen, or not wholly; the text says what, why, and what to do."""

    def __str__(self) -> str:
        return harmless(super().__str__())


class BoardLink:
    """A board in its raw REPL, freshly soft-reset: boot.py has run, main.py has not, nothing else is on the heap.

    A context manager. Leaving it puts the board's friendly REPL back.
    """

    def __init__(self, port: str, timeout: float = _ANSWER) -> None:
        self.port = port_path(port)
        self._timeout = timeout
        self._silence = max(timeout, _STALL)
        self._transport: Any = None

    def open(self) -> None:
        """Open the port; nothing is sent to the board. Entering the context opens it otherwise."""
        self._transport = self._open()

    def __enter__(self) -> Self:
        if self._transport is None:
            self.open()
        try:
            self._interrupt()
            self.soft_reset()
        except BaseException:
            self._transport.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # the port may be what failed
            self._transport.exit_raw_repl()
        with contextlib.suppress(OSError):
            self._transport.close()

    def _interrupt(self) -> None:
        """Send Ctrl-C and pause, until the board is quiet or shows its prompt.

        The pause, as a program that serves maps takes Ctrl-C for itself only when nothing follows for 0.1 s. Until, as a
        main.py that ends in SystemExit is started again and again, and Ctrl-C is lost where no program runs.
        """
        serial = self._transport.serial
        with self._translated():
            for _ in range(_TRIES):
                serial.write(b"\r\x03")
                time.sleep(_QUIET)
                said = serial.read(serial.in_waiting)
                if not said or said.endswith(b">>> "):
                    break

    def soft_reset(self) -> None:
        """Interrupt what runs, and start the interpreter afresh in the raw REPL, without main.py."""
        # saves start-up time: mpremote is loaded when a board is deployed to
        from mpremote.transport import TransportError

        said = io.StringIO()
        try:
            self._transport.serial.timeout = 0.2  # mpremote looks at its own time limit only between reads
            with contextlib.redirect_stdout(said):  # mpremote prints what it got before it raises
                self._transport.enter_raw_repl(soft_reset=True, timeout_overall=self._timeout)
        except (TransportError, OSError) as error:
            raise DeployError(
                f"{self.port} did not answer as a MicroPython board within {self._timeout:g} s ({error}; it sent "
                f"{_heard(said.getvalue())}). Reset the board and try again; if there is no MicroPython "
                f"on it yet, `boardmaps boards NAME` says how it gets there. A boot.py that takes longer: --timeout SECONDS."
            ) from error
        self._transport.serial.timeout = self._silence

    def probe(self) -> Target:
        """Return what the board says of itself. Raises DeployError when it is not MicroPython."""
        target = Target(*ast.literal_eval(self.execute(_PROBE)))
        if target.implementation != "micropython":
            raise DeployError(
                f"{self.port} runs {target.implementation} {target.version}; boardmaps needs MicroPython. "
                f"`boardmaps boards` lists boards and where their MicroPython comes from."
            )
        return target

    def execute(self, code: str) -> str:
        """Run `code` on the board and return what it printed. Raises BoardRaised when it raised there."""
        with self._translated():
            return str(self._transport.exec(code).decode())

    def listing(self, folder: str) -> list[str] | None:
        """Return the paths of the files in `folder` and below it, None when there is no such folder."""
        with self._translated():
            try:
                entries = self._transport.fs_listdir(folder)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise
                return None
        paths: list[str] = []
        for entry in entries:
            path = posixpath.join(folder, entry.name)
            paths += (self.listing(path) or []) if stat.S_ISDIR(entry.st_mode) else [path]
        return paths

    def sha256(self, paths: Iterable[str]) -> dict[str, bytes | None]:
        """Return the hash of each file, computed on the board, None for a file that is not there."""
        printed = self.execute(_HASHES % list(paths))
        return {path: bytes.fromhex(digest) or None for path, digest in ast.literal_eval(printed).items()}

    def read(self, path: str) -> bytes:
        """Return the bytes of a file."""
        with self._translated():
            return bytes(self._transport.fs_readfile(path))

    def mkdir(self, folder: str) -> None:
        """Make a folder. Raises DeployError, `flash is full` among others."""
        with self._translated():
            self._transport.fs_mkdir(folder)

    def write(self, path: str, content: bytes) -> None:
        """Write a file. Raises DeployError, `flash is full` among others."""
        with self._translated():
            self._transport.fs_writefile(path, content, chunk_size=512)

    def restart(self) -> None:
        """Leave the raw REPL and soft-reset, so that boot.py and main.py run; return when the board has begun to."""
        with self._translated():
            self._transport.exit_raw_repl()
            self._transport.read_until(1, b">>> ", timeout=self._timeout)
            self._transport.serial.write(b"\x04")
            self._transport.serial.timeout = 0.2
            said = self._transport.read_until(1, b"soft reboot\r\n", timeout_overall=self._timeout)
        if not said.endswith(b"soft reboot\r\n"):
            raise DeployError(
                f"{self.port}: all files are in place, but the board did not soft-reset. Press its RESET."
            )

    def failure(self) -> str:
        """Hear a program that has just been started; return the traceback that ended it, "" while it runs or ended well."""
        serial, said, end = self._transport.serial, b"", time.monotonic() + _FIRST
        with contextlib.suppress(OSError):  # the port is gone: the program sleeps, or resets the board
            while not said.endswith(b"\r\n>>> ") and time.monotonic() < end:
                said += serial.read(serial.in_waiting or 1)
        found = _FAILED.search(said)
        return found[0].decode(errors="replace").replace("\r\n", "\n") if found else ""

    def _open(self) -> Any:
        # saves start-up time: mpremote is loaded when a board is deployed to
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport

        silence = self._silence

        class RawRepl(SerialTransport):  # type: ignore[misc]
            def follow(self, timeout: float, data_consumer: Any = None) -> Any:
                """Wait longer than mpremote's 10 s for code that prints nothing: flash is slow, and may be busy tidying up."""
                return super().follow(max(timeout, silence), data_consumer)

        port = self.port
        try:
            # mpremote waits for a PTY's bytes and asks every 10 ms for others', but knows one only by its own name
            device = os.path.realpath(port) if os.path.islink(port) else port
            transport = RawRepl(device, baudrate=115200)
        except (TransportError, OSError, ValueError) as error:
            raise DeployError(_why_not_open(port, error)) from error
        transport.serial.write_timeout = silence
        return transport

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what mpremote, pyserial and the board raise into our errors."""
        # saves start-up time: mpremote is loaded when a board is deployed to
        from mpremote.transport import TransportError, TransportExecError
        from serial import SerialException

        try:
            yield
        except TransportExecError as error:
            raise BoardRaised(error.error_output) from error
        except (TransportError, SerialException, struct.error) as error:  # struct: a header cut short by silence
            raise DeployError(
                f"the line to {self.port} broke ({error}). Nothing that was half-written is in use: run deploy again."
            ) from error
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise DeployError(full_sentence(self.port, "the file system said so while writing")) from error
            raise DeployError(
                f"{self.port}: the board's file system refused {error.filename or error}: {error.strerror or error}."
            ) from error


def _heard(printed: str) -> str:
    """Return the end of what mpremote printed of a line's bytes, a bytes literal; `nothing` when there were none."""
    text = printed.strip()
    return "nothing" if text in ("", "b''") else text[-80:]


def _why_not_open(port: str, error: Exception) -> str:
    """mpremote says no more than `failed to access`: open the port as the client does, which tells why not."""
    if os.path.exists(port) and not os.access(port, os.R_OK | os.W_OK):
        return f"{port} may not be opened by this user. On Linux: sudo usermod -aG dialout $USER, then log in again."
    try:
        open_port(port).close()
    except PortMissing as reason:
        return f"{reason} Simulated boards: unix, pico, qemu (boardmaps sim)."
    except LinkError as reason:
        return str(reason)
    return f"{port} could not be opened ({error}), but now it can: run deploy again."


class BoardRaised(DeployError):
    """Code that deploy ran on the board raised there; `last_line` is the exception's own line of the traceback."""

    def __init__(self, traceback: str) -> None:
        self.traceback = traceback.strip()
        self.last_line = self.traceback.splitlines()[-1] if self.traceback else "an exception without a text"
        super().__init__(f"the board raised {self.last_line}")


def full_sentence(port: str, why: str) -> str:
    """Return what to say of a full flash; the old version is still there and in use when deploy says it."""
    return (
        f"{port}: the board's flash is full ({why}); what was there before is unchanged. Make room: remove a file of yours with "
        f"`mpremote connect {port} fs rm :FILE`, or the old boardmaps with `… fs rm -r :/lib/boardmaps`; then run deploy again."
    )

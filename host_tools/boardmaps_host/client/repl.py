"""The REPL at the other end of a port: is one there, and start the map server in it. Nothing here resets a board."""

import re
import time

from boardmaps_host.client.errors import LinkError, NoAnswer, NotDeployed
from boardmaps_host.client.transports.base import Transport

_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D = b"\x01", b"\x02", b"\x03", b"\x04"
_FRAME_END = b"\0"
_HELLO_MOST = 240  # bytes: three HELLOs
_RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"


class Repl:
    """A MicroPython REPL on `line`. Every method gives up after its timeout, in seconds."""

    def __init__(self, line: Transport) -> None:
        self._line = line
        self._rest = b""  # what came behind the last thing that was waited for

    def _until(self, ending: bytes, timeout: float, unless: bytes | None = None) -> bytes | None:
        """Return all up to and with `ending`, or None when it does not come in time, or `unless` comes first."""
        end = time.monotonic() + timeout
        while True:
            got, found, rest = self._rest.partition(ending)
            if found:
                self._rest = rest
                return got + found
            left = end - time.monotonic()
            if left <= 0 or (unless is not None and unless in self._rest):
                return None
            self._rest += self._line.read(left)

    def taken(self) -> bytes:
        """Return what came behind the last thing that was waited for, and forget it."""
        rest, self._rest = self._rest, b""
        return rest

    def at_prompt(self, timeout: float = 2.0) -> bool:
        """Whether a REPL waits for input. Asks with backspaces and Ctrl-B, which stop no program that may be running.

        The backspaces take back what the REPL has echoed of a HELLO: only on an empty line does Ctrl-B give a fresh prompt.
        An emulated board on a busy computer takes its time; the end of a frame is no REPL's, and says so at once.
        """
        self._line.write(b"\b" * _HELLO_MOST + _CTRL_B)
        return self._until(b">>> ", timeout, unless=_FRAME_END) is not None

    def start(self, code: str, timeout: float = 5.0) -> None:
        """Run `code` in the raw REPL and return while it runs. at_prompt() must have been true."""
        self._line.write(_CTRL_C)  # clears a half-typed line; nothing is running that it could stop
        self._until(b">>> ", timeout)
        self._line.write(_CTRL_A)
        if self._until(_RAW_PROMPT, timeout) is None:
            raise NoAnswer(f"{self._line.name}: the REPL is there but does not enter raw mode. Press its reset button?")
        self._line.write(code.encode() + _CTRL_D)
        if self._until(b"OK", timeout) is None:
            raise NoAnswer(f"{self._line.name}: the raw REPL did not take our program.")

    def failed(self, timeout: float) -> str | None:
        """Wait `timeout` for the program of start() to end; return what it wrote to stderr, None while it runs on."""
        got = self._until(_CTRL_D + b">", timeout)
        return None if got is None else got.split(_CTRL_D)[1].decode("utf-8", "replace").strip()

    def finish(self, timeout: float = 2.0, seen: bytes = b"") -> str:
        """Wait for the program of start() to end and go back to the friendly REPL; return what it wrote to stderr.

        `seen` is what the board has sent already.
        """
        self._rest = seen
        got = self._until(_CTRL_D + b">", timeout)
        self._rest = b""
        self._line.write(_CTRL_B)
        self._until(b">>> ", timeout)
        parts = (got or b"").split(_CTRL_D)
        return parts[1].decode("utf-8", "replace").strip() if len(parts) > 1 else ""


def server_failed(name: str, traceback: str) -> LinkError:
    """Return the error for a server that did not start, from what the board printed."""
    last = traceback.splitlines()[-1] if traceback else "it said nothing"
    if "ImportError: no module named 'boardmaps." in last or "has no attribute 'serve'" in last:
        return NotDeployed(
            f"{name}: boardmaps is half deployed on this board: a deploy was cut off. Run it again: boardmaps deploy --port {name}"
        )
    if "ImportError: no module named 'boardmaps" in last:
        return NotDeployed(
            f"{name}: a MicroPython board without boardmaps. Put it there: boardmaps deploy --port {name}"
        )
    if todo := smaller_pool(name, last):
        return LinkError(f"{name}: the board has too little memory for the pool and the map server ({last}). {todo}")
    return LinkError(f"{name}: the map server did not start on the board: {last}")


def smaller_pool(name: str, raised: str) -> str:
    """Return what to do when `raised`, the last line of a traceback, says that the board's memory is full; "" else."""
    if not raised.startswith("MemoryError"):
        return ""
    fitting = re.search(r"POOL_SIZE = (\d+)", raised)
    size = fitting[1] if fitting else "BYTES"
    return f"`boardmaps deploy --port {name} --pool {size}` makes it smaller; in a boardmaps_config.py of yours, POOL_SIZE does."

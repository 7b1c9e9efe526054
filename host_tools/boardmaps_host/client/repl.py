"""The REPL at the other end of a port: is one there, and start the map server in it. Nothing here resets a board.

What is at the other end may be a program: one that prints whatever it likes, also prompts and banners, or that waits in input(),
which shows what is typed as a REPL does. So nothing that comes unasked is believed, and nothing is sent that ends a program or
its input() before a REPL has shown itself:

1. It shows our HELLO, which nobody can know before (opening.py): something reads lines there.
2. Tab makes it show its prompt again, `>>> `. An input() shows none then, whatever the program asked with.
3. Ctrl-B, which would end an input() with an empty line, makes it say its banner, and its prompt is the last that comes.

What is typed is taken back in the same breath, so that a line that somebody else ends has nothing of it.
Ctrl-C is never sent, but to a paste mode. A request under way when a program ends can begin one, as one for map 2 that has nothing
but its number does in the raw REPL: Ctrl-B, then Ctrl-E. It says so behind the last frame, and then shows our HELLO byte by byte,
with its zeros, which no prompt and no input() does.
"""

import re
import time

from boardmaps_host.client.errors import LinkError, NoAnswer, NotDeployed
from boardmaps_host.client.transports.base import Transport

_CTRL_A, _CTRL_B, _CTRL_D = b"\x01", b"\x02", b"\x04"
_END_KEY = b"\x1b[F"
_LONGEST = 240  # characters of a half-typed line that are taken back
_ASKED = b"import m"  # the modules that begin so are several on every port: Tab lists them and shows the line again
_TURN = 0.05  # seconds of a read
_QUIET = 0.1  # seconds of silence behind a prompt
_RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
_TAKEN_BACK = rb"(?:\x08|\x1b\[K|\x1b\[\d+D)*\Z"  # what it shows of backspaces
_AGAIN = re.compile(rb"\n>>> " + _ASKED + _TAKEN_BACK)
_BANNER = re.compile(rb"MicroPython [^\r\n]+\r?\n(?:[^\r\n]+\r?\n)*>>> \Z")  # others' banners have this too


class Repl:
    """A MicroPython REPL on `line`. Every method gives up after its timeout, in seconds."""

    def __init__(self, line: Transport) -> None:
        self._line = line
        self._rest = b""  # what came behind the last thing that was waited for

    def _until(self, ending: bytes, timeout: float) -> bytes | None:
        """Return all up to and with `ending`, or None when it does not come in time."""
        end = time.monotonic() + timeout
        while True:
            got, found, rest = self._rest.partition(ending)
            if found:
                self._rest = rest
                return got + found
            left = end - time.monotonic()
            if left <= 0:
                return None
            self._rest += self._line.read(left)

    def _ends(self, ending: "re.Pattern[bytes]", timeout: float, quiet: float = 0.0) -> bool:
        """Whether `ending` comes within `timeout` and is the last that comes, with `quiet` seconds of silence behind it."""
        end = time.monotonic() + timeout
        seen = b""
        while (now := time.monotonic()) < end:
            there = ending.search(seen) is not None
            data = self._line.read(quiet if there else min(_TURN, end - now))
            if there and not data:
                return True
            seen = (seen + data)[-4096:]
        return False

    def taken(self) -> bytes:
        """Return what came behind the last thing that was waited for, and forget it."""
        rest, self._rest = self._rest, b""
        return rest

    def leave_raw(self) -> None:
        """Have a raw REPL, which shows nothing of what is typed, give way to the friendly one.

        To all else this does nothing: Ctrl-B stops no program and ends no line that has something in it.
        """
        self._line.write(b"\0x" + _CTRL_B + _END_KEY + b"\b\0")

    def at_prompt(self, timeout: float = 2.0) -> bool:
        """Whether what shows what is typed is a friendly REPL; a line that was half typed is taken back.

        `timeout` is for each of two answers: an emulated board on a busy computer takes its time.
        """
        self._line.write(b"\0" + _END_KEY + b"\b" * _LONGEST + _ASKED + b"\t" + b"\b" * 2 * len(_ASKED))
        if not self._ends(_AGAIN, timeout):
            return False
        self._line.write(_CTRL_B)
        return self._ends(_BANNER, timeout, _QUIET)

    def start(self, code: str, timeout: float = 5.0) -> None:
        """Run `code` in the raw REPL and return while it runs. at_prompt() must have been true."""
        self._rest = b""
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
        self.leave_raw()
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

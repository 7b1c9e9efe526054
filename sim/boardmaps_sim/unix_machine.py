"""The unix board's hardware, a process of its own: power, reset, the serial port and its wire to the interpreter.

`python -m boardmaps_sim.unix_machine SETTINGS` boots the board, reports one line of JSON on stdout and runs until its
stdin is closed, so a board never outlives whoever started it, however that one ended.

More than 300 lines: a board's whole life, from power to reset, is one state machine.
"""

import json
import re
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from boardmaps_sim.base import BoardError
from boardmaps_sim.pty_port import PtyPort
from boardmaps_sim.unix_flash import claim_flash
from boardmaps_sim.unix_interpreter import Interpreter

_CTRL_A, _CTRL_C = b"\x01", b"\x03"
_STALL = 0.5  # seconds; a client that reads nothing for so long loses output, as over a board's USB
_NUDGE = (
    0.02  # seconds after a Ctrl-C when a read that may have missed it is begun anew; then after twice that, and so on
)
_NUDGES = 10
_CRASH_LOOP = 5.0  # seconds; a board that crashes again within this after a crash starts without main.py
_PORT_EVENTS = select.EPOLLIN | select.EPOLLET
_NOTHING = select.EPOLLET  # an EPOLLHUP, which is always told, is then told once
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
_FRIENDLY_BANNER = re.compile(rb"MicroPython [^\n]*\n[^\n]*\n>>> \r\n(?=raw REPL; CTRL-B)")
# The last output of a raw REPL on an empty Ctrl-D, and of one whose program ends in SystemExit.
_LEFT_IN_RAW_REPL = (b"OK\r\n", b"\x04\x04")


@dataclass(frozen=True)
class Settings:
    """What a board is made of; travels to its process as JSON."""

    micropython: str
    heap: str
    flash: str
    flash_size: int
    flash_is_temporary: bool
    link: str

    def to_json(self) -> str:
        """The settings as one command line argument."""
        return json.dumps(asdict(self))


class Machine:
    """A board with power. Bytes pass unaltered both ways; 0x03 interrupts as it does on a board."""

    def __init__(self, settings: Settings, port: PtyPort, booted: Callable[[], None]) -> None:
        """Nothing runs before run(); `booted` is called when the flash is there for the first time."""
        self._settings = settings
        self._port = port
        self._booted: Callable[[], None] | None = booted
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._to_board = bytearray()
        self._to_client = bytearray()
        self._stalled = False
        self._crashed_at = -_CRASH_LOOP
        self._nudges: list[float] = []  # when they are due, the next one last

    def run(self, off: int) -> None:
        """Boot and run until the descriptor `off` is closed at its other end. Raises BoardError when booting fails."""
        self._running = True
        self._listen(off, select.EPOLLIN, self._switched_off)
        self._listen(self._port.fileno(), _PORT_EVENTS, self._from_client)
        self._power_on(raw=False, run_main=True)
        try:
            while self._running:
                now = time.monotonic()
                waits = [_STALL] if self._to_client else []
                waits += [max(self._nudges[-1] - now, 0)] if self._nudges else []
                events = self._epoll.poll(min(waits) if waits else None)
                if self._nudges and time.monotonic() >= self._nudges[-1]:
                    self._nudges.pop()
                    self._interpreter.nudge()
                elif not events:
                    self._client_stalls()
                for fd, event in events:
                    if fd in self._handlers:
                        self._handlers[fd](event)
        finally:
            self._interpreter.end()
            self._epoll.close()

    def _listen(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, events)

    def _switched_off(self, _event: int) -> None:
        self._running = False

    def _power_on(self, *, raw: bool, run_main: bool) -> None:
        """A fresh interpreter. Input waits until it has its flash; `raw` puts it into the raw REPL after boot.py."""
        self._listening = False
        self._raw = raw
        self._held_back: bytearray | None = None
        self._tail = b""
        self._reset_wanted = b""
        self._ctrl_c_at_boot = False
        self._nudges = []
        board = self._settings
        self._interpreter = Interpreter(board.micropython, board.heap, board.flash, run_main=run_main)
        self._listen(self._interpreter.input, _NOTHING, self._board_has_room)
        self._listen(self._interpreter.output, _NOTHING if self._to_client else select.EPOLLIN, self._from_board)
        self._listen(self._interpreter.status, select.EPOLLIN, self._from_status)
        self._listen(self._interpreter.ended, select.EPOLLIN, self._ended)

    def _power_off(self) -> int:
        old = self._interpreter
        for fd in (old.input, old.output, old.status, old.ended):
            del self._handlers[fd]
            self._epoll.unregister(fd)
        return old.end()

    # From the client to the board.

    def _from_client(self, event: int) -> None:
        if event & select.EPOLLOUT:
            self._client_has_room()
        # The port is edge-triggered: read until it is empty, or come back when the board has room.
        while not self._to_board and (data := self._port.read()):
            self._deliver(data)
        if event & select.EPOLLHUP:
            old = self._port.fileno()
            if self._port.client_left():
                del self._handlers[old]
                self._listen(self._port.fileno(), _PORT_EVENTS, self._from_client)

    def _deliver(self, data: bytes) -> None:
        if self._listening and _CTRL_C in data and self._interrupt(clear=True):
            self._to_board.clear()
            self._ctrl_c_at_boot = False
            data = data[data.rindex(_CTRL_C) + 1 :]
        if self._listening and not self._to_board:
            data = data[self._interpreter.write(data) :]
        if data:
            self._to_board += data
            if not self._listening and _CTRL_C in data:
                self._ctrl_c_at_boot = True
            if self._listening:
                self._epoll.modify(self._interpreter.input, select.EPOLLOUT)

    def _from_terminal(self, byte: bytes) -> None:
        """A byte of the board's second terminal: a Ctrl-C there leaves alone what this port has sent."""
        if byte != _CTRL_C or not self._interrupt(clear=False):
            self._deliver(byte)

    def _interrupt(self, *, clear: bool) -> bool:
        """Interrupt the program; False when Ctrl-C is data."""
        interrupted = self._interpreter.interrupt(clear=clear)
        if interrupted:
            now = time.monotonic()
            self._nudges = [now + _NUDGE * 2**n for n in reversed(range(_NUDGES))]
        return interrupted

    def _board_has_room(self, _event: int) -> None:
        del self._to_board[: self._interpreter.write(self._to_board)]
        if not self._to_board:
            self._epoll.modify(self._interpreter.input, _NOTHING)
            self._from_client(0)

    # From the board to the client.

    def _from_board(self, _event: int) -> None:
        if self._raw or not self._listening:
            self._from_status(0)  # what it tells precedes what is printed after it
        data = self._interpreter.read_output()
        if self._held_back is not None:
            self._held_back += data
            if _RAW_BANNER not in self._held_back:
                return
            data = _FRIENDLY_BANNER.sub(b"", self._held_back, count=1)
            self._held_back = None
        self._tail = (self._tail + data)[-4096:]
        if not self._listening and b">>> " in self._tail:
            raise BoardError(self._boot_failure())
        self._print(data)

    def _print(self, data: bytes) -> None:
        if self._to_client:
            self._to_client += data
            return
        count = self._port.write(data)
        if count:
            self._stalled = False
        if count < len(data) and not self._stalled:
            self._to_client += data[count:]
            self._epoll.modify(self._port.fileno(), _PORT_EVENTS | select.EPOLLOUT)
            self._epoll.modify(self._interpreter.output, _NOTHING)

    def _client_has_room(self) -> None:
        del self._to_client[: self._port.write(self._to_client)]
        if not self._to_client:
            self._resume_output()

    def _client_stalls(self) -> None:
        self._to_client.clear()
        self._stalled = True
        self._resume_output()

    def _resume_output(self) -> None:
        self._epoll.modify(self._port.fileno(), _PORT_EVENTS)
        self._epoll.modify(self._interpreter.output, select.EPOLLIN)

    # Resets.

    def _from_status(self, _event: int) -> None:
        told = iter(self._interpreter.read_status())
        for byte in told:
            match chr(byte):
                case "B":
                    self._listening = True
                    if self._booted:
                        self._booted()
                        self._booted = None
                    held, self._to_board = bytes(self._to_board), bytearray()
                    self._deliver(held)
                    self._from_client(0)
                case "E" if self._raw:
                    self._raw = False
                    self._held_back = bytearray()
                    self._interpreter.write(_CTRL_A)
                case "S" | "R":
                    self._reset_wanted = bytes((byte,))
                    self._ended(0)
                    return
                case "T":
                    self._from_terminal(bytes((next(told),)))
                case "F":
                    raise BoardError(self._boot_failure())

    def _ended(self, _event: int) -> None:
        while data := self._interpreter.read_output():
            self._tail = (self._tail + data)[-4096:]
            self._print(data)
        left_in_raw_repl = self._tail.endswith(_LEFT_IN_RAW_REPL) and not self._reset_wanted
        if not self._listening:
            raise BoardError(self._boot_failure())
        status = self._power_off()
        if self._reset_wanted == b"R":
            self._to_board.clear()
            self._power_on(raw=False, run_main=True)
        elif self._reset_wanted or status >= 0:
            self._print(b"MPY: soft reboot\r\n")
            # A board's Ctrl-C waits for the first program; one that ended sooner than it came is not started again.
            self._power_on(raw=left_in_raw_repl, run_main=not left_in_raw_repl and not self._ctrl_c_at_boot)
        else:
            self._crashed(-status)

    def _crashed(self, number: int) -> None:
        now = time.monotonic()
        again, self._crashed_at = now - self._crashed_at < _CRASH_LOOP, now
        outcome = "crashed again; started without main.py" if again else "crashed; restarted"
        self._print(f"\r\nMPY: {outcome} ({signal.Signals(number).name})\r\n".encode())
        self._power_on(raw=False, run_main=not again)

    def _boot_failure(self) -> str:
        said = self._tail.decode(errors="replace").strip() or "nothing"
        return (
            f"MicroPython did not get as far as boot.py. It was {self._settings.micropython} with a heap of "
            f"{self._settings.heap} and the flash image {self._settings.flash}; it said:\n{said}\n"
            "Pass a larger heap, another flash image, or name another unix port in $MICROPYTHON."
        )


def main(settings: Settings) -> int:
    """Run a board until stdin is closed or a signal asks for the end; leave nothing behind but a flash to keep."""

    def end(*_: object) -> None:
        for number in _ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        sys.exit(0)

    for number in _ENDING_SIGNALS:
        signal.signal(number, end)
    reported = False

    def report(**what: str | int) -> None:
        nonlocal reported
        if not reported:
            reported = True
            with suppress(BrokenPipeError):
                print(json.dumps(what), flush=True)

    flash = Path(settings.flash)
    try:
        port = PtyPort(Path(settings.link))
        try:
            claim_flash(flash, settings.flash_size, temporary=settings.flash_is_temporary)
            Machine(settings, port, lambda: report(device=port.device)).run(sys.stdin.fileno())
        finally:
            port.close()
            if settings.flash_is_temporary:
                flash.unlink(missing_ok=True)
    except BoardError as error:
        if reported:
            print(error, file=sys.stderr)
        report(error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Settings(**json.loads(sys.argv[1]))))

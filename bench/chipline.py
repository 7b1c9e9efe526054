"""One lookup at a time over the chips' own lines, against echoes of the same frames in the same run. `python -m bench.chipline`.

Times are the board's own. On the emulated Pico that is emulated time, whatever else this machine does: the rates of a real Pico
at this computer. QEMU's clock is this computer's (bound to instructions it would run away from the bytes of the UART, which come
in real time), so there the best of many turns counts, and only the ratio says something.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mpremote.transport_serial import SerialTransport as Repl

from bench.report import Row, publish
from boardmaps.frame import REQUEST, Decoder, encode
from boardmaps_host import connect
from boardmaps_host.client.transport import SerialTransport
from boardmaps_sim.base import BoardError
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.process_board import ProcessBoard
from boardmaps_sim.qemu import QemuBoard

_KEY = b"key00001"
_LOOKUP = (REQUEST, 77, 0x1234, 5, b"\x04\x01\x00" + _KEY)
_FEW, _MANY = 20, 120  # the difference of two runs: what begins and ends them does not count
_PROGRAM = """
import boardmaps, time
from boardmaps.frame import Decoder, encode
{line}
m = boardmaps.HashMap(8, 8, 64, 0, "bench")
m.update({key!r}, {key!r})
buf = memoryview(bytearray(511))

def serve(_):
    boardmaps.Server(line=line, idle=60).serve()

def echo(size):
    line.open()
    while size:
        if line.wait(1000):
            n = line.readinto(buf)
            size -= n
            line.write(buf[:n])
    line.close()

def echo_frames(size):
    decoder = Decoder(600)
    line.open()
    while size:
        if line.wait(1000):
            n = line.readinto(buf)
            size -= n
            out = b"".join([encode(*frame) for frame in decoder.feed(bytes(buf[:n]))])
            if out:
                line.write(out)
    line.close()

def took(what, size):
    begun = time.ticks_us()
    what(size)
    return time.ticks_diff(time.ticks_us(), begun)
"""
_LINES = {
    "UART1": "from cmsdk_uart import UART\nline = boardmaps.UartLine(UART(), credit=2048)",
    "USB CDC": "from boardmaps.server import StdioLine\nline = StdioLine()\nline.steady = True",
}


def repl(board: ProcessBoard, code: str, follow: bool = True) -> str:
    """Run code in the board's raw REPL; return what it prints, or at once unless told to `follow`."""
    there = Repl(board.port, wait=0)
    try:
        there.enter_raw_repl(soft_reset=False)
        if not follow:
            there.exec_raw_no_follow(code)
            return ""
        output, error = there.exec_raw(code, timeout=60)
    finally:
        there.close()
    if error:
        raise BoardError(error.decode())
    return str(output.decode())


def real(port: str, count: int) -> None:
    """Look up as a program does."""
    with connect(port, timeout=30) as board:
        m = board.map("bench")
        for _ in range(count):
            if m.lookup(_KEY) != _KEY:
                raise BoardError("the map lost its entry")


def echoed(port: str, count: int, frames: bool) -> None:
    """Send a lookup's frame and take the same bytes back; with `frames` it is made and checked each time, here as there."""
    line = SerialTransport(port)
    frame = encode(*_LOOKUP)
    try:
        for _ in range(count):
            line.write(encode(*_LOOKUP) if frames else frame)
            decoder, missing = Decoder(600), len(frame)
            while missing:
                data = line.read(30)
                if not data:
                    raise BoardError("the echo is silent")
                missing -= len(data)
                if frames:
                    decoder.feed(data)
    finally:
        line.close()


_KINDS: list[tuple[str, Callable[[str, int], None]]] = [
    ("serve", real),
    ("echo_frames", partial(echoed, frames=True)),
    ("echo", partial(echoed, frames=False)),
]


def measure(board: ProcessBoard, what: str, host: Callable[[str, int], None]) -> float:
    """Return operations a second of the board's time."""
    size = len(encode(*_LOOKUP))
    spent = []
    for count in (_FEW, _MANY):
        repl(board, f"spent = 0; spent = took({what}, {count * size})", follow=False)
        host(board.maps_port, count)
        time.sleep(1)  # the program must have ended before it is interrupted for the next one
        spent.append(int(repl(board, "print(spent)")))
        if not spent[-1]:
            raise BoardError(f"{what} did not end on the board")
    return (_MANY - _FEW) * 1e6 / (spent[1] - spent[0])


def on(board: ProcessBoard, name: str, line: str, turns: int) -> list[Row]:
    """Measure on one board, all three in turns; the best of each counts."""
    best = [0.0] * len(_KINDS)
    with board:
        repl(board, _PROGRAM.format(line=_LINES[line], key=_KEY))
        for _ in range(turns):
            best = [max(before, measure(board, *kind)) for before, kind in zip(best, _KINDS, strict=True)]
    lookups, frames, plain = best
    what = f"lookup over {line}, {name}"
    return [
        Row.held(what, lookups, "/s", f"echo of frames {frames:,.0f}/s", lookups / frames, ">= 0.7"),
        Row.held(what, lookups, "/s", f"echo of bytes {plain:,.0f}/s", lookups / plain, ">= 0.7"),
    ]


def main() -> int:
    """Measure and publish; 1 when there is no board."""
    try:
        with TemporaryDirectory() as folder:
            rows = on(QemuBoard(port=Path(folder, "qemu")), "Cortex-M3", "UART1", 10)
            rows += on(PicoBoard(port=Path(folder, "pico"), built_in=True, seed=1), "Pico", "USB CDC", 1)
    except BoardError as error:
        print(error, file=sys.stderr)
        return 1
    publish("chipline", "One lookup at a time over the chips' lines (operations in a second of the board's time)", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

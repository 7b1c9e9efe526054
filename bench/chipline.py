"""One lookup at a time over the chips' own lines, against echoes of the same frames in the same run. `python -m bench.chipline`.

The emulated Pico runs stock firmware with what deploy sends it, the native modules among that. Its time is its own, whatever else
this machine does: the rates of a real Pico at this computer. The echoes on a board are loops in Python. QEMU's time is this
computer's (bound to instructions it would run away from the bytes of the UART, which come in real time): there the quickest quarter
of the operations counts, and only the ratio says something.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from mpremote.transport_serial import SerialTransport as Repl

from bench.report import Row, publish
from boardmaps.line.frame import REQUEST, Decoder, encode
from boardmaps_host import connect
from boardmaps_host.client.transports.serial import SerialTransport
from boardmaps_sim.base import BoardError
from boardmaps_sim.process_board import ProcessBoard
from boardmaps_sim.qemu import QemuBoard
from tests.sim.stock import stock_pico

_KEY = b"key00001"
_LOOKUP = (REQUEST, 77, 0x1234, 5, b"\x04\x01\x00" + _KEY)
_PROGRAM = """
import boardmaps, time
from boardmaps.kernels import plain_frame
from boardmaps.line.frame import Decoder, encode
{line}
m = boardmaps.HashMap(8, 8, 64, 0, "bench")
m.update({key!r}, {key!r})
buf = memoryview(bytearray(511))

class Codec:
    decode = staticmethod(plain_frame.decode)

def serve(_):
    boardmaps.Server(line=line, idle=60).serve()

def begin():
    line.open()
    while line.wait(100):  # the host may have taken leave twice
        line.readinto(buf)

def echo(size):
    begin()
    while size:
        if line.wait(1000):
            n = line.readinto(buf)
            size -= n
            line.write(buf[:n])
    line.close()

def echo_python(size):  # as echo_frames, of which a board with kernels in C has made and checked the frames in C
    echo_frames(size, Decoder(600, codec=Codec), plain_frame.encode)

def echo_frames(size, decoder=Decoder(600), encode=encode):
    begin()
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
    "USB CDC": "from boardmaps.serving.server import StdioLine\nline = StdioLine()\nline.steady = True",
}

_PEERS = {
    "echo_frames": "echo of frames",
    "echo_python": "echo of frames, all in Python",
    "echo": "echo of bytes",
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


def real(port: str, count: int) -> list[float]:
    """Look up as a program does; return the seconds that each took here."""
    took = []
    with connect(port, timeout=30, share=False) as board:
        m = board.map("bench")
        for _ in range(count):
            begun = time.perf_counter()
            if m.lookup(_KEY) != _KEY:
                raise BoardError("the map lost its entry")
            took.append(time.perf_counter() - begun)
    return took


def echoed(port: str, count: int, frames: bool) -> list[float]:
    """Send a lookup's frame and take the same bytes back; with `frames` it is made and checked each time, here as there."""
    line = SerialTransport(port)
    frame = encode(*_LOOKUP)
    took = []
    try:
        for _ in range(count):
            begun = time.perf_counter()
            line.write(encode(*_LOOKUP) if frames else frame)
            decoder, missing = Decoder(600), len(frame)
            while missing > 0:  # behind the last one the REPL may say that the program has ended
                data = line.read(30)
                if not data:
                    raise BoardError("the echo is silent")
                missing -= len(data)
                if frames:
                    decoder.feed(data)
            took.append(time.perf_counter() - begun)
    finally:
        line.close()
    return took


_KINDS: dict[str, Callable[[str, int], list[float]]] = {
    "serve": real,
    "echo_frames": partial(echoed, frames=True),
    "echo_python": partial(echoed, frames=True),
    "echo": partial(echoed, frames=False),
}


def measure(board: ProcessBoard, what: str, count: int) -> tuple[int, list[float]]:
    """Return the board's microseconds for so many operations, with what begins and ends them, and our seconds for each."""
    repl(board, f"spent = 0; spent = took({what}, {count * len(encode(*_LOOKUP))})", follow=False)
    time.sleep(1)  # it must have begun, too
    took = _KINDS[what](board.maps_port, count)
    time.sleep(1)  # the program must have ended before it is interrupted for the next one
    spent = int(repl(board, "print(spent)"))
    if not spent:
        raise BoardError(f"{what} did not end on the board")
    return spent, took


def in_emulated_time(board: ProcessBoard, what: str) -> float:
    """Return operations a second of 2,000 behind 200; what begins and ends a run is in the short one too."""
    few, many = (measure(board, what, count)[0] for count in (200, 2200))
    return 2000 * 1e6 / (many - few)


def in_our_time(board: ProcessBoard, what: str) -> float:
    """Return operations a second, of those during which this machine did little else."""
    return 1 / quantiles(measure(board, what, 1000)[1], n=4)[0]


def on(board: ProcessBoard, line: str, rate: Callable[[ProcessBoard, str], float]) -> dict[str, float]:
    """Return operations a second on one board, of each kind."""
    with board:
        repl(board, _PROGRAM.format(line=_LINES[line], key=_KEY))
        return {what: rate(board, what) for what in _KINDS}


def row(what: str, found: dict[str, float], peer: str, reach: str = "") -> Row:
    """Say how look-ups do against an echo."""
    lookups, rate = found["serve"], found[peer]
    made = Row.held(what, lookups, "/s", f"{_PEERS[peer]} {rate:,.0f}/s", lookups / rate, reach or ">= 0")
    if not reach:
        made.reach, made.met = "", None
    return made


def main() -> int:
    """Measure and publish; 1 when there is no board."""
    try:
        with TemporaryDirectory() as folder:
            what = "lookup over UART1, Cortex-M3"
            found = on(QemuBoard(port=Path(folder, "qemu")), "UART1", in_our_time)
            rows = [row(what, found, "echo_frames", ">= 0.7"), row(what, found, "echo", ">= 0.9")]
            what = "lookup over USB CDC, stock Pico"
            found = on(stock_pico(Path(folder), seed=1, more=("kernels/plain_frame.py",)), "USB CDC", in_emulated_time)
            rows.append(Row.held(what, found["serve"], "/s", "a second", found["serve"], ">= 1200"))
            rows += [
                row(what, found, "echo_python", ">= 1.3"),
                row(what, found, "echo_frames"),
                row(what, found, "echo"),
            ]
    except BoardError as error:
        print(error, file=sys.stderr)
        return 1
    publish("chipline", "One lookup at a time over the chips' lines", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

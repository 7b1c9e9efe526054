"""The line: what it costs beside the bare bytes, and against what people use today. `python -m bench.line`, Linux."""

import os
import select
import subprocess
import sys
import termios
import time
import tty
from statistics import quantiles

from bench.report import Row, publish
from boardmaps import HashMap
from boardmaps.dispatch import Dispatcher
from boardmaps.frame import REQUEST, encode
from boardmaps_host import Board, connect
from boardmaps_host.cloud import registry
from boardmaps_host.deploy import deploy
from boardmaps_sim.faulty import Faults
from boardmaps_sim.relay import FaultyBoard
from boardmaps_sim.unix import UnixBoard, default_port
from tests.link.simulation import World

_KEYS = [b"key%05d" % i for i in range(16)]
_ECHO = """
from boardmaps.server import StdioLine
line = StdioLine()
line.open()
buf = memoryview(bytearray(511))
while True:
    if line.wait(1000):
        n = line.readinto(buf)
        if n and buf[0] == 0:
            break
        line.write(buf[:n])
line.close()
"""


class Bare:
    """The same frames over the same port, with nothing but reads and writes."""

    def __init__(self, port: str) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd, termios.TCSANOW)
        self._poll = select.poll()
        self._poll.register(self.fd, select.POLLIN)

    def until(self, ending: bytes) -> bytes:
        got = b""
        while not got.endswith(ending):
            if not self._poll.poll(5000):
                raise TimeoutError(f"the echo said {got!r}")
            got += os.read(self.fd, 4096)
        return got

    def start_echo(self) -> None:
        os.write(self.fd, b"\x03\x01")
        self.until(b"raw REPL; CTRL-B to exit\r\n>")
        os.write(self.fd, _ECHO.encode() + b"\x04")
        self.until(b"OK")
        time.sleep(0.3)

    def rate(self, frame: bytes, n: int, window: int) -> float:
        start = time.perf_counter()
        sent = back = 0
        while back < n * len(frame):
            while sent < n and sent * len(frame) < back + window * len(frame):
                os.write(self.fd, frame)
                sent += 1
            if not self._poll.poll(5000):
                raise TimeoutError("the echo is silent")
            back += len(os.read(self.fd, 4096))
        return n / (time.perf_counter() - start)

    def stop(self) -> None:
        os.write(self.fd, b"\0")
        self.until(b"\x04\x04>")
        os.write(self.fd, b"\x02")
        self.until(b">>> ")
        os.close(self.fd)


def lookups(board: Board, n: int, window: int) -> float:
    """Return lookups a second of real map entries: one at a time through the map, or several in flight."""
    m = board.map("bench")
    start = time.perf_counter()
    if window == 1:
        for i in range(n):
            m.lookup(_KEYS[i & 15])
    else:
        head = bytes((4, m.id & 0xFF, m.id >> 8))
        board.link.requests([head + _KEYS[i & 15] for i in range(n)], changes=False)
    return n / (time.perf_counter() - start)


def against_echo(board: UnixBoard) -> list[Row]:
    """Real lookups and a bare echo of the same frames, in turns, on the same port; the best of each."""
    frame = encode(REQUEST, 77, 0x1234, 5, b"\x04\x01\x00" + _KEYS[0])
    echo = {1: 0.0, 4: 0.0}
    real = {1: 0.0, 4: 0.0}
    for _ in range(3):
        bare = Bare(board.port)
        bare.start_echo()
        for window in (1, 4):
            echo[window] = max(echo[window], bare.rate(frame, 3000, window))
        bare.stop()
        with connect(board.port) as connected:
            for window in (1, 4):
                real[window] = max(real[window], lookups(connected, 3000, window))
    return [
        Row.held("lookup, one at a time", real[1], "/s", f"bare echo {echo[1]:,.0f}/s", real[1] / echo[1], ">= 0.7"),
        Row.held("lookup, four in flight", real[4], "/s", f"bare echo {echo[4]:,.0f}/s", real[4] / echo[4], ">= 0.6"),
    ]


def against_others(board: UnixBoard) -> list[Row]:
    """One `mpremote resume exec` a lookup, and belay if it is installed and takes the board."""
    with connect(board.port) as connected:
        ours = lookups(connected, 3000, 1)
    code = "import boardmaps.pool as p; print(p.by_id(1).lookup(b'key00001'))"
    start = time.perf_counter()
    for _ in range(5):
        command = [sys.executable, "-m", "mpremote", "connect", board.port, "resume", "exec", code]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
    theirs = 5 / (time.perf_counter() - start)
    return [
        Row.held("lookup", ours, "/s", f"mpremote resume exec {theirs:.1f}/s", ours / theirs, ">= 500"),
        _belay(board, ours),
    ]


def _belay(board: UnixBoard, ours: float) -> Row:
    try:
        import belay
    except ImportError:
        return Row("lookup against belay", ours, "/s", "belay is not installed: pip install belay")
    try:
        device = belay.Device(board.port, startup="")
        device("from boardmaps.pool import by_id")
        device("m = by_id(1)")
        start = time.perf_counter()
        for _ in range(200):
            device("m.lookup(b'key00001')")
        theirs = 200 / (time.perf_counter() - start)
        device.close()
    except Exception as e:
        return Row("lookup against belay", ours, "/s", f"belay does not take the unix board: {type(e).__name__}")
    return Row.held("lookup", ours, "/s", f"belay {theirs:,.0f}/s", ours / theirs, ">= 10")


def recovery(board: UnixBoard) -> list[Row]:
    """How much longer an operation takes when its frame, or the reply, is lost: real time, a PTY."""
    took = []
    with FaultyBoard(board, Faults()) as faulty, connect(faulty.port) as connected:
        m = connected.map("bench")
        for direction in (0, 1):
            for _ in range(100):
                for _ in range(20):
                    m.lookup(_KEYS[0])
                faulty.lines[direction].lose_next = 1
                start = time.perf_counter()
                m.lookup(_KEYS[0])
                took.append(time.perf_counter() - start)
    p99 = quantiles(took, n=100)[98] * 1000
    return [Row.held(f"one lost frame, 99th percentile of {len(took)}, ms", p99, "ms", "", p99, "<= 100")]


def at_115200() -> list[Row]:
    """Both real sessions over a line of that speed, under a clock of its own: what the wire allows, exactly."""

    def world() -> World:
        return World(1, Faults(baud=115200), handle=lambda payload, limit: b"\0" + payload[1:limit])

    rows = []
    payload = bytes(i % 255 + 1 for i in range(480))
    wire = len(encode(REQUEST, 77, 0x1234, 5, payload))
    rows.append(Row.held("payload share of a full frame", 480, "bytes", f"of {wire}", 480 / wire * 100, ">= 95"))
    small = len(encode(REQUEST, 77, 0x1234, 5, bytes(16)))
    rows.append(Row.held("overhead of a frame", small - 16, "bytes", "", small - 16, "<= 11"))
    for name, window, limit, reach in (("one at a time", 1, 213, ">= 190"), ("pipelined", 4, 426, ">= 400")):
        w = world()
        with w.link() as link:
            start = w.now
            payloads = [bytes((4, *range(1, 16)))] * 400
            if window == 1:
                for p in payloads:
                    link.request(p, changes=False)
            else:
                link.requests(payloads, changes=False)
            rate = 400 / (w.now - start)
        rows.append(Row.held(f"115,200 baud, 16 bytes each way, {name}", rate, "/s", f"wire {limit}/s", rate, reach))
    rows.append(_dump())
    return rows


def _dump() -> Row:
    """A whole map of u32 keys and values in batches, by the board's own dispatcher."""
    from boardmaps_host.client.info import listing
    from boardmaps_host.client.maps import RemoteMap

    table = HashMap(4, 4, 1000, 0, "dump")
    for i in range(1000):
        table.update(i.to_bytes(4, "little"), b"abcd")
    w = World(1, Faults(baud=115200), handle=Dispatcher(registry).handle)
    with w.link() as link:
        m = RemoteMap(link, next(i for i in listing(link) if i.name == "dump"))
        start = w.now
        entries = len(dict(m.items()))
        rate = entries / (w.now - start)
    return Row.held("115,200 baud, entries of 8 bytes, batched", rate, "/s", "wire 1440/s", rate, ">= 1000")


def main() -> None:
    rows = at_115200()
    name = f"bench-line-{os.getpid()}"
    with UnixBoard(name, port=default_port(name)) as board:
        deploy(board.port, reset=False)
        with connect(board.port, allow_reset=True) as connected:
            m = connected.create_map(HashMap, key_size=8, value_size=8, max_entries=64, name="bench")
            for key in _KEYS:
                m.update(key, key)
        rows += against_echo(board)
        rows += against_others(board)
        rows += recovery(board)
    publish("line", "The line", rows)


if __name__ == "__main__":
    main()

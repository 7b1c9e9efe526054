"""The line: what it costs beside the bare bytes, and against what people use today. `python -m bench.line`, Linux."""

import os
import select
import subprocess
import sys
import termios
import time
import tty
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from statistics import quantiles

from bench.report import Row, publish
from bench.snapshot import snapshot
from boardmaps import HashMap
from boardmaps.line.dispatch import Dispatcher
from boardmaps.line.frame import REQUEST, Decoder, encode
from boardmaps_host import Board, connect
from boardmaps_host.client.info import listing
from boardmaps_host.client.maps.base import RemoteMap
from boardmaps_host.deploy import deploy
from boardmaps_host.twin import registry
from boardmaps_sim.faulty import Faults
from boardmaps_sim.relay import FaultyBoard
from boardmaps_sim.unix import UnixBoard, default_port
from tests.link.simulation import World

_KEYS = [b"key%05d" % i for i in range(16)]
_TURNS = 6
_BURSTS = 10  # in a turn, the best of which counts: short ones, in some of which nothing else runs on this machine
_BURST = 200  # operations
_ECHO = """
from boardmaps.line.frame import Decoder, encode
from boardmaps.serving.server import StdioLine
line = StdioLine()
line.steady = True
line.open()
buf = memoryview(bytearray(511))
decoder = Decoder(600)
print("READY", end="")
while True:
    if line.wait(1000):
        n = line.readinto(buf)
        if n and buf[0] == 0:
            break
        line.write(ECHO)
line.close()
"""
_BARE = "buf[:n]"
_DECODED = "b''.join([encode(*frame) for frame in decoder.feed(bytes(buf[:n]))])"


def best(rate: Callable[[], float]) -> float:
    """Return the best of several rates."""
    return max(rate() for _ in range(_BURSTS))


class Echo:
    """The same frames over the same port without sessions and maps: bare bytes, or decoded and encoded at both ends."""

    def __init__(self, port: str, decoded: bool) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd, termios.TCSANOW)
        self._decoder = Decoder(600) if decoded else None
        self._poll = select.poll()
        self._poll.register(self.fd, select.POLLIN)
        os.write(self.fd, b"\x03\x01")
        self._until(b"raw REPL; CTRL-B to exit\r\n>")
        os.write(self.fd, _ECHO.replace("ECHO", _DECODED if decoded else _BARE).encode() + b"\x04")
        self._until(b"READY")

    def _until(self, ending: bytes) -> bytes:
        got = b""
        while not got.endswith(ending):
            if not self._poll.poll(5000):
                raise TimeoutError(f"the echo said {got!r}")
            got += os.read(self.fd, 4096)
        return got

    def rate(self, n: int, window: int) -> float:
        """Return echoes a second of a lookup's frame."""
        parts = (REQUEST, 77, 0x1234, 5, b"\x04\x01\x00" + _KEYS[0])
        frame = encode(*parts)
        start = time.perf_counter()
        sent = back = 0
        while back < n * len(frame):
            while sent < n and sent * len(frame) < back + window * len(frame):
                os.write(self.fd, encode(*parts) if self._decoder else frame)
                sent += 1
            if not self._poll.poll(5000):
                raise TimeoutError("the echo is silent")
            data = os.read(self.fd, 4096)
            if self._decoder:
                self._decoder.feed(data)
            back += len(data)
        return n / (time.perf_counter() - start)

    def stop(self) -> None:
        """Give the REPL back."""
        os.write(self.fd, b"\0")
        self._until(b"\x04\x04>")
        os.write(self.fd, b"\x02")
        self._until(b">>> ")
        os.close(self.fd)


def fill(board: UnixBoard) -> None:
    """Make the map that is looked into."""
    with connect(board.port, allow_reset=True, share=False) as connected:
        connected.pool.reset()
        m = connected.create_map(HashMap, key_size=8, value_size=8, max_entries=64, name="bench")
        for key in _KEYS:
            m.update(key, key)


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
    """Real lookups and echoes of the same frames, in turns, on the same port; the best of each."""
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    for _ in range(_TURNS):
        for name in ("decoded", "bare"):
            echo = Echo(board.port, name == "decoded")
            for window in (1, 4):
                rates[name, window].append(best(partial(echo.rate, _BURST, window)))
            echo.stop()
        with connect(board.port, share=False) as connected:
            for window in (1, 4):
                rates["real", window].append(best(partial(lookups, connected, _BURST, window)))
    rows = []
    for what, window, frames, plain in (
        ("one at a time", 1, ">= 0.7", ">= 0.85"),
        ("four in flight", 4, ">= 0.6", ">= 0.75"),
    ):
        real = max(rates["real", window])
        for name, kind, reach in (("decoded", "echo of frames", frames), ("bare", "echo of bytes", plain)):
            peer = max(rates[name, window])
            rows.append(Row.held(f"lookup, {what}", real, "/s", f"{kind} {peer:,.0f}/s", real / peer, reach))
    return rows


def against_mpremote(board: UnixBoard) -> Row:
    """One `mpremote resume exec` a lookup."""
    code = f"import boardmaps; print(boardmaps.open_map('bench').lookup({_KEYS[1]!r}))"
    command = [sys.executable, "-m", "mpremote", "connect", board.port, "resume", "exec", code]
    ours = theirs = 0.0
    for _ in range(5):
        with connect(board.port, share=False) as connected:
            ours = max(ours, best(partial(lookups, connected, _BURST, 1)))
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        theirs = max(theirs, 1 / (time.perf_counter() - start))
    return Row.held("lookup", ours, "/s", f"mpremote resume exec {theirs:.1f}/s", ours / theirs, ">= 500")


def against_belay(board: UnixBoard) -> Row:
    """The same lookup through belay. It resets the board when it connects, so the map is made anew each time."""
    # a peer that need not be installed for the other rows
    import belay

    def through(device: belay.Device) -> float:
        start = time.perf_counter()
        for _ in range(_BURST):
            if device(f"m.lookup({_KEYS[1]!r})") != _KEYS[1]:
                raise ValueError("belay found another value")
        return _BURST / (time.perf_counter() - start)

    ours = theirs = 0.0
    for _ in range(3):
        with belay.Device(
            board.port, startup=""
        ) as device:  # its own imports want pins, of which the unix port has none
            device("from boardmaps import HashMap")
            device("m = HashMap(8, 8, 64, 0, 'bench')")
            device(f"m.update({_KEYS[1]!r}, {_KEYS[1]!r})")
            theirs = max(theirs, best(partial(through, device)))
        fill(board)
        with connect(board.port, share=False) as connected:
            ours = max(ours, best(partial(lookups, connected, _BURST, 1)))
    return Row.held("lookup", ours, "/s", f"belay {theirs:,.0f}/s", ours / theirs, ">= 10")


def recovery(board: UnixBoard) -> list[Row]:
    """How much longer an operation takes when its frame, or the reply, is lost: real time, a PTY."""
    took = []
    with FaultyBoard(board, Faults()) as faulty, connect(faulty.port, share=False) as connected:
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
    rows.append(snapshot())
    return rows


def _dump() -> Row:
    """A whole map of u32 keys and values in batches, by the board's own dispatcher."""
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
        fill(board)
        rows += against_echo(board)
        rows.append(against_mpremote(board))
        rows.append(against_belay(board))
        rows += recovery(board)  # last: the board ends with its faulty line
    publish("line", "The line", rows)


if __name__ == "__main__":
    main()

"""What sharing a board costs: through the hub against alone, and how quickly a program attaches. `python -m bench.sharing`, Linux.

With the word `pico` it is measured on the emulated Pico too, as `make bench` does.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from bench.report import Row, publish
from boardmaps import HashMap
from boardmaps_host import Board, connect
from boardmaps_host.deploy import deploy
from boardmaps_host.share import meeting
from boardmaps_sim.base import SimulatedBoard
from boardmaps_sim.faulty import Faults
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.relay import FaultyBoard
from boardmaps_sim.unix import UnixBoard, default_port

_KEY = b"key00000"
_TURNS = 4  # the best of which counts
_TOGETHER = 4
_BURST = 200  # look-ups: short ones, in some of which nothing else runs on this machine
_PROGRAM = """
import sys, time
from boardmaps_host import connect
with connect(sys.argv[1], share=True, timeout=60) as board:
    m = board.map("bench")
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.monotonic()
    for _ in range(int(sys.argv[2])):
        m.lookup(b"key00000")
    print(begun, time.monotonic(), flush=True)
"""

_BAUD = 115_200
_TYPED = """
import boardmaps, time
for i in range(16):
    value = "temp:i16/100(5..35=21) C, mode:u8{off,heat,cool}, runs%d:u32!+" % i
    boardmaps.HashMap.typed("rooms%d" % i, key="room:8s", value=value, max_entries=16)
while True:
    boardmaps.poll()
    time.sleep_ms(1)
"""


def fill(port: str) -> None:
    """Make the map that is looked into."""
    with connect(port, allow_reset=True, share=False, timeout=60) as board:
        board.pool.reset()
        board.create_map(HashMap, key_size=8, value_size=8, max_entries=64, name="bench").update(_KEY, _KEY)


def rate(board: Board, count: int) -> float:
    """Return look-ups a second, one at a time."""
    m = board.map("bench")
    start = time.perf_counter()
    for _ in range(count):
        m.lookup(_KEY)
    return count / (time.perf_counter() - start)


def one(port: str, count: int) -> tuple[float, float]:
    """Return look-ups a second alone and through the hub, in turns."""
    alone = shared = 0.0
    for _ in range(_TURNS):
        with connect(port, share=False, timeout=60) as board:
            alone = max(alone, rate(board, count))
        with connect(port, share=True, timeout=60) as board:
            shared = max(shared, rate(board, count))
    return alone, shared


def together(port: str, count: int) -> float:
    """Return the look-ups a second of several programs together, each `count` of them."""
    found = 0.0
    for _ in range(_TURNS):
        programs = [
            subprocess.Popen([sys.executable, "-c", _PROGRAM, port, str(count)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True) for _ in range(_TOGETHER)
        ]  # fmt: skip
        for program in programs:
            assert program.stdout is not None
            program.stdout.readline()
        for program in programs:  # all of them before the first is waited for
            assert program.stdin is not None
            program.stdin.write("go\n")
            program.stdin.flush()
        took = [program.communicate()[0].split() for program in programs]
        begun, ended = min(float(t[0]) for t in took), max(float(t[1]) for t in took)
        found = max(found, _TOGETHER * count / (ended - begun))
    return found


def attaching(port: str) -> list[Row]:
    """Time a second program's connect(), a whole process that does that, and the end of the hub."""
    rows = []
    with connect(port, share=True, timeout=60):
        bare = min(_took([sys.executable, "-c", "pass"]) for _ in range(4 * _TURNS))
        code = f"from boardmaps_host import connect\nconnect({port!r}, share=True)"
        process = min(_took([sys.executable, "-c", code]) for _ in range(2 * _TURNS))
        second = 1e9
        for _ in range(4 * _TURNS):
            begun = time.perf_counter()
            board = connect(port, share=True, timeout=60)
            second = min(second, time.perf_counter() - begun)
            board.close()
        (hub,) = meeting.hubs()
    left = time.monotonic()
    while os.path.exists(f"/proc/{hub['pid']}"):
        time.sleep(0.01)
    gone = time.monotonic() - left
    against = f"python -c pass {bare * 1e3:.0f} ms"
    rows.append(Row.held("second program attached: connect()", second * 1e3, "ms", against, second / bare, "<= 3"))
    rows.append(Row("the whole of a process that attaches and ends", process * 1e3, "ms", against, process / bare))
    rows.append(Row.held("hub gone after the last has left", gone, "s", "", gone, "<= 3"))
    return rows


def _took(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - begun


def attaching_to_schemas() -> list[Row]:
    """Time connect() and the list of 16 typed maps on a serial line, with schemas that nobody has read, and with known ones."""
    with TemporaryDirectory() as folder, mock.patch.dict(os.environ, BOARDMAPS_CACHE=folder):
        (program := Path(folder, "typed.py")).write_text(_TYPED)
        with UnixBoard(port=Path(folder, "port")) as inner, FaultyBoard(inner, Faults(baud=_BAUD)) as board:
            deploy(inner.port, app=program)
            new, *known = [_attach(str(board.port)) for _ in range(1 + 2 * _TURNS)]
    best = min(known)
    name = f"attached to 16 typed maps at {_BAUD:,} baud"
    return [
        Row.held(f"{name}, known schemas", best * 1e3, "ms", "", best, "<= 0.2"),
        Row(f"{name}, new ones", new * 1e3, "ms"),
    ]


def _attach(port: str) -> float:
    begun = time.perf_counter()
    with connect(port, share=False, timeout=60) as board:
        assert all(info.schema for info in board.maps())
        return time.perf_counter() - begun


def on_unix() -> list[Row]:
    """Measure on the unix board."""
    name = f"bench-sharing-{os.getpid()}"
    with UnixBoard(name, port=default_port(name)) as board:
        deploy(board.port, reset=False)
        fill(board.port)
        alone, shared = one(board.port, _BURST)
        four = together(board.port, 2 * _BURST)
        return [
            Row("look-up through the hub, unix", shared, "/s", f"alone {alone:,.0f}/s", shared / alone),
            Row.held(
                "four programs together, unix", four, "/s", f"one of them {shared:,.0f}/s", four / shared, ">= 1.2"
            ),
            Row("the same against one that owns the port", four, "/s", f"alone {alone:,.0f}/s", four / alone),
            *attaching(board.port),
            *attaching_to_schemas(),
        ]


def on_pico() -> list[Row]:
    """Measure on the emulated Pico."""
    name = f"bench-sharing-pico-{os.getpid()}"
    board: SimulatedBoard
    with PicoBoard(name, port=Path(default_port(name)), built_in=True) as board:
        fill(board.port)
        alone, shared = one(board.port, _BURST // 2)
    against = f"alone {alone:,.0f}/s"
    return [Row.held("look-up through the hub, emulated Pico", shared, "/s", against, shared / alone, ">= 0.8")]


def main() -> None:
    """Measure and publish."""
    rows = on_unix()
    if "pico" in sys.argv[1:]:
        rows += on_pico()
    publish("sharing", "One board, many programs", rows)


if __name__ == "__main__":
    main()

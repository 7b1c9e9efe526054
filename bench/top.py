"""What `boardmaps top` costs the computer, and how soon an edit is on the board. `python -m bench.top [pico]`, Linux.

The view runs as it does for a person, on a terminal of 80 x 24 characters, through the hub. With the word `pico` an edit is
timed on the emulated Pico, by the board's own clock: from when the board was asked what time it is, just before the key, to the
turn of its program that sees the new value.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, publish
from boardmaps_host import Board, connect
from boardmaps_host.deploy import deploy
from boardmaps_host.live.monitor import Monitor
from boardmaps_host.share import meeting
from boardmaps_host.top.app import Top
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.unix import UnixBoard, default_port
from tests.cli.conftest import BOARDMAPS
from tests.top.screen import Screen
from tests.top.terminals import Terminal

_SECONDS = 10.0
_ENTRIES = """
import boardmaps, time
from boardmaps import HashMap
rooms = HashMap.typed("rooms", key="n:u16", value="temp:i16/100 °C, mode:u8{off,heat}, runs:u32!+", max_entries=256)
value = bytearray(rooms.definition.value_size)
keys = [n.to_bytes(2, "little") for n in range(200)]
step = 0
while True:
    step += 1
    for key in keys:
        value[0:2] = (step % 3000).to_bytes(2, "little")
        value[3:7] = step.to_bytes(4, "little")
        rooms.update(key, value)
    until = time.ticks_add(time.ticks_ms(), 100)
    while time.ticks_diff(until, time.ticks_ms()) > 0:
        boardmaps.poll()
        time.sleep_ms(1)
"""
_FIELDS = """
import boardmaps, time
from boardmaps import ArrayMap
value = "wanted:u16, " + ", ".join(["f%d:u16" % n for n in range(19)])
tuned = ArrayMap.typed("tuned", value=value, max_entries=1)
times = ArrayMap.typed("times", value="now:u32, seen:u32", max_entries=1)
wanted = tuned.field("wanted").raw
others = [tuned.field("f%d" % n).raw for n in range(19)]
now, seen = times.field("now").raw, times.field("seen").raw
before = step = 0
due = time.ticks_ms()
while True:
    boardmaps.poll()
    now.set(0, time.ticks_us() & 0x3FFFFFFF)
    if wanted.get(0) != before:
        before = wanted.get(0)
        seen.set(0, time.ticks_us() & 0x3FFFFFFF)
    if time.ticks_diff(time.ticks_ms(), due) >= 0:
        due = time.ticks_add(due, 200)
        step = (step + 1) & 0xFFFF
        for field in others:
            field.set(0, step)
"""


def _cpu(pid: int) -> float:
    """Return the seconds that a process has worked."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def share_of_a_core(folder: Path) -> list[Row]:
    """Run the view beside a firmware that changes 200 typed entries ten times a second."""
    name = f"bench-top-{os.getpid()}"
    program = folder / "program.py"
    program.write_text(_ENTRIES)
    with UnixBoard(name, port=default_port(name)) as unix:
        deploy(unix.port, app=program)
        with Terminal([*BOARDMAPS, "top", "--port", unix.port], BOARDMAPS_SHARE="1") as terminal:
            terminal.sees("•")
            (hub,) = [one["pid"] for one in meeting.hubs() if one["port"] == unix.port]
            end = time.monotonic() + 2
            while time.monotonic() < end:  # what the start leaves to do
                terminal.sees("Quit")
            began, of_view, of_hub = time.monotonic(), _cpu(terminal.process.pid), _cpu(hub)
            while time.monotonic() - began < _SECONDS:
                terminal.take()
            spent = time.monotonic() - began
            view = (_cpu(terminal.process.pid) - of_view) / spent
            of_hub = (_cpu(hub) - of_hub) / spent
            terminal.press("q")
            terminal.ends()
    what = "top, 200 typed entries that change ten times a second, unix"
    return [
        Row.held(f"{what}: share of a core", view, "", f"over {spent:.0f} s", view, "<= 0.15"),
        Row("the hub beside it", of_hub, "", f"over {spent:.0f} s", of_hub),
    ]


async def _asked(screen: Screen, monitor: Monitor, field: str) -> int:
    """Return one of the times that the board tells, in its microseconds."""
    came: list[int] = []
    monitor.do(lambda board: board.maps.times[0][field], lambda found: came.append(int(str(found))))
    await screen.until(lambda: came)
    return came[0]


def until_the_board_has_it(board: Board) -> float:
    """Edit a field in the view; return the board's milliseconds from before the key to the turn that sees it."""
    took: list[float] = []

    async def use() -> None:
        monitor = Monitor(0.2)
        app = Top(board, monitor, "bench")
        async with app.run_test(size=(80, 24)) as pilot:
            screen = Screen(app, pilot)
            await screen.sees("wanted")
            for number in range(1, 6):
                await screen.press("enter")
                await screen.type(str(number))
                began = await _asked(screen, monitor, "now")
                await screen.press("enter")
                await screen.sees(f"wrote tuned 0 wanted={number}")
                await asyncio.sleep(0.3)  # for the board's next turn
                took.append(((await _asked(screen, monitor, "seen") - began) & 0x3FFFFFFF) / 1000)
        monitor.stop()

    asyncio.run(use())
    return sorted(took)[len(took) // 2]


def on_pico(folder: Path) -> list[Row]:
    """Time edits on the emulated Pico."""
    program = folder / "program.py"
    program.write_text(_FIELDS)
    with PicoBoard(port=folder / "pico", built_in=True) as pico:
        deploy(pico.port, app=program)
        with connect(pico.port, share=False, timeout=60) as board:
            took = until_the_board_has_it(board)
    what = "top, 20 fields at 5 Hz, emulated Pico: an edit until the board has it"
    return [Row.held(what, took, "ms of the board's", "the middle of five", took, "<= 100")]


def main() -> None:
    """Measure and publish."""
    with TemporaryDirectory() as folder:
        rows = share_of_a_core(Path(folder))
        if "pico" in sys.argv[1:]:
            rows += on_pico(Path(folder))
    publish("top", "The live view", rows)


if __name__ == "__main__":
    main()

"""Pins: how long the program stands still for a map of 4 KB, by call and by a server's turns, on boards with littlefs."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.on_board import said
from bench.report import Row, publish
from boardmaps_host.deploy import deploy
from boardmaps_sim.base import BoardError, SimulatedBoard
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.unix import UnixBoard

PROGRAM = """
import time, boardmaps
from boardmaps import keep
m = boardmaps.ArrayMap(4, 1000, name="bench")
assert m.size == 4096
ticks = lambda since: time.ticks_diff(time.ticks_us(), since)
calls, turns = [], []
for n in range({times}):
    m.add(0, 1)
    start = time.ticks_us()
    boardmaps.pin(m)
    calls.append(ticks(start))
start = time.ticks_us()
boardmaps.pin(m)
same = ticks(start)
boardmaps.pin(m, 0)
for n in range({times}):
    m.add(0, 1)
    written = boardmaps.pin_stats()[0]
    longest = 0
    while boardmaps.pin_stats()[0] == written:
        start = time.ticks_us()
        keep.take_turns()
        longest = max(longest, ticks(start))
    turns.append(longest)
print(max(calls), max(turns), same)
"""


def measured(board: SimulatedBoard, times: int) -> tuple[int, int, int]:
    """Return microseconds: the longest of some pins by call, the longest stop by turns, a pin of what has not changed."""
    deploy(board.port, reset=False)
    output = said(board, PROGRAM.format(times=times), soft_reset=True)
    call, turn, same = map(int, output.split())
    return call, turn, same


def main() -> int:
    """Measure and publish; 1 when there is no board."""
    found = []
    try:
        with TemporaryDirectory() as folder:
            with UnixBoard(port=Path(folder) / "unix") as unix:
                found.append(("unix board", measured(unix, 50)))
            with PicoBoard(port=Path(folder) / "pico", built_in=False) as pico:
                found.append(("emulated stock Pico", measured(pico, 5)))
    except BoardError as error:
        print(error, file=sys.stderr)
        return 1
    rows = []
    for name, (call, turn, same) in found:
        rows.append(Row(f"{name}: pin of 4 KB by call, the program stands still", call, "us"))
        rows.append(Row(f"{name}: the same by turns, longest stop", turn, "us", "by call", turn / call))
        rows.append(Row(f"{name}: pin of what has not changed", same, "us"))
    publish("pins", "pins (an emulated flash erases and writes in no time; a real one takes some 50 ms a block)", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

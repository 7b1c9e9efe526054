"""How long a command takes as a whole, against Python that does nothing, in the same run: `python -m bench.starting`.

As for a user: with the bytecode of the modules kept from one run to the next, whatever this shell says of that.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Row, publish
from boardmaps_host import connect
from tests.firmware import running

_TURNS = 25  # in turn, so that each finds the machine as the others do; the best of which counts
_BOARDMAPS = str(Path(sys.executable).with_name("boardmaps"))
_PASS = [sys.executable, "-c", "pass"]
_HELP = [_BOARDMAPS, "--help"]
_KEPT = {"PYTHONDONTWRITEBYTECODE": ""}

# A board at its REPL would have its server started by each command.
_PROGRAM = """
import boardmaps, time
rooms = boardmaps.HashMap.typed("rooms", key="room:8s", value="temp:i16/100 °C", max_entries=8)
rooms.update(b"kitchen\\0", bytes(2))
while True:
    boardmaps.poll()
    time.sleep_ms(1)
"""


def _best(commands: list[list[str]], **more: str) -> list[float]:
    """Return the seconds of the fastest run of each command, from its start until it has ended."""
    found = [float("inf")] * len(commands)
    for _ in range(_TURNS):
        for at, command in enumerate(commands):
            begun = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=os.environ | _KEPT | more)
            found[at] = min(found[at], time.perf_counter() - begun)
    return found


def _row(what: str, took: float, nothing: float, reach: str) -> Row:
    return Row.held(what, took * 1e3, "ms", f"python -c pass {nothing * 1e3:.1f} ms", took / nothing, reach)


def main() -> None:
    """Measure and publish."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), _PROGRAM) as unix:
        lookup = [_BOARDMAPS, "map", "lookup", "rooms", "kitchen", "--port", unix.port]
        nothing, helped, alone = _best([_PASS, _HELP, lookup], BOARDMAPS_SHARE="0")
        rows = [
            _row("boardmaps --help", helped, nothing, "<= 8"),
            _row("boardmaps map lookup on a simulated board", alone, nothing, "<= 18"),
        ]
        with connect(unix.port, share=True, timeout=60):  # the hub runs until this ends
            nothing, shared = _best([_PASS, lookup], BOARDMAPS_SHARE="1")
        rows.append(_row("the same through a hub that runs", shared, nothing, "<= 10"))
    publish("starting", "Whole commands against Python that does nothing", rows)


if __name__ == "__main__":
    main()

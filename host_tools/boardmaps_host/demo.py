"""The main job once, in front of your eyes: a simulated board counts packets in its maps, and this computer steps in."""

import os
import re
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from boardmaps_host.client import Board, NoAnswer, RemoteMap, connect
from boardmaps_host.deploy import deploy
from boardmaps_host.project import example
from boardmaps_host.terminal import harmless
from boardmaps_sim.unix import UnixBoard, default_port

CONFIG = struct.Struct("<III")  # as in the example: enabled, threshold, timeout_ms
STATS = struct.Struct("<QQQ")  # packets, bytes, errors
COUNTERS = ("steps", "packets", "rejected")


@dataclass
class Snapshot:
    """The three maps at one moment."""

    counters: tuple[int, ...]
    config: tuple[int, int, int]
    stats: list[tuple[int, int, int]]


@dataclass
class Maps:
    """The example's maps, as this computer sees them."""

    counters: RemoteMap
    config: RemoteMap
    stats: RemoteMap

    @classmethod
    def of(cls, board: Board) -> "Maps":
        """Find them on a board."""
        return cls(board.map("counters"), board.map("config"), board.map("stats"))

    def read(self) -> Snapshot:
        """Read all three."""
        config: tuple[int, int, int] = CONFIG.unpack(self.config.lookup(0) or b"")
        return Snapshot(
            tuple(int.from_bytes(value, "little") for _, value in self.counters.items()),
            config,
            [STATS.unpack(value) for _, value in self.stats.items()],
        )


@dataclass(frozen=True)
class Step:
    """One thing that the computer does while the board goes on."""

    at: float  # share of the demo's time
    says: str
    config: tuple[int, int, int] | None


STEPS = (
    Step(0.0, "watching: nothing is stopped", None),
    Step(0.3, "wrote config: threshold 1000 -> 300, so most packets are rejected now", (1, 300, 50)),
    Step(0.6, "wrote config: timeout_ms 50 -> 5, so the board runs ten times faster", (1, 300, 5)),
    Step(0.85, "wrote config: enabled 1 -> 0, so the counters stand still", (0, 300, 5)),
)


def run(
    seconds: float = 10.0,
    console: Console | None = None,
    svg: Path | None = None,
    then: Callable[[str], None] | None = None,
) -> None:
    """Boot a board, put boardmaps and the example on it, watch and steer it for `seconds`. Raises what these raise.

    `svg` names a file for a picture of the live view as it is shortly before the end. `then` gets the board's port at the end, and
    the board goes on until it returns.
    """
    out = console or Console(highlight=False)
    name = f"demo-{os.getpid()}"
    with UnixBoard(name, port=default_port(name)) as simulated:
        _say(out, f"booted MicroPython (unix port) on {simulated.port}")
        report = deploy(simulated.port, app=example("packets.py"))
        _say(
            out,
            f"deployed boardmaps {report.version} as {report.form} and packets.py as main.py, {report.bytes_written:,} bytes",
        )
        printed: list[str] = []
        with _attached(simulated.port, printed) as board:
            _say(out, f"attached to the running program ({board.info['machine']}, boot {board.info['boot']})")
            last = _watch(out, Maps.of(board), seconds, printed)
            if svg is not None:
                _save(svg, last)
            changes = sum(step.config is not None for step in STEPS)
            _say(
                out,
                f"left it running: {changes} changes of its configuration, 0 restarts, {board.link.resent} frames sent again",
            )
        if then is not None:
            then(simulated.port)


@contextmanager
def _attached(port: str, printed: list[str]) -> Iterator[Board]:
    """Connect as soon as main.py answers; booting takes it a moment."""
    deadline = time.monotonic() + 10
    while True:
        try:
            board = connect(port, share=False, console=lambda text: printed.extend(text.split("\n")))
            break
        except NoAnswer:
            if time.monotonic() > deadline:
                raise
    with board:
        yield board


def _watch(out: Console, maps: Maps, seconds: float, printed: list[str]) -> Panel:
    begun = time.monotonic()
    done = 0
    says = ""
    live = Live(console=out, refresh_per_second=12, transient=False) if out.is_terminal else None
    if live:
        live.start()
    try:
        before, since, next_line = maps.read(), time.monotonic(), 0.0
        rate = 0.0
        shown = picture(before, rate, says, printed)
        while (spent := time.monotonic() - begun) < seconds:
            if done < len(STEPS) and spent >= STEPS[done].at * seconds:
                step = STEPS[done]
                done += 1
                if step.config is not None:
                    maps.config.update(0, CONFIG.pack(*step.config))
                says = step.says
                if not live:
                    _say(out, says)
            snapshot = maps.read()
            now = time.monotonic()
            if now - since >= 0.5:
                rate = (snapshot.counters[0] - before.counters[0]) / (now - since)
                before, since = snapshot, now
            if spent < STEPS[-1].at * seconds:
                shown = picture(snapshot, rate, says, printed)
            if live:
                live.update(picture(snapshot, rate, says, printed))
            elif spent >= next_line:
                next_line += seconds / 10
                out.print(_line(spent, snapshot, rate), soft_wrap=True)
            time.sleep(0.05)
        return shown
    finally:
        if live:
            live.stop()


def _save(svg: Path, shown: Panel) -> None:
    with open(os.devnull, "w") as nowhere:
        recorder = Console(record=True, width=112, file=nowhere, force_terminal=True)
        recorder.print(shown)
        drawn = recorder.export_svg(title="boardmaps demo")
    # rich names fonts on somebody's server; the viewer's own monospace does
    svg.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL))


def _line(spent: float, snapshot: Snapshot, rate: float) -> str:
    counters = "  ".join(f"{name} {value:6d}" for name, value in zip(COUNTERS, snapshot.counters, strict=True))
    return f"{spent:5.1f} s  {counters}  ({rate:5.1f} steps/s)  config {snapshot.config}"


def picture(snapshot: Snapshot, rate: float, says: str, printed: list[str]) -> Panel:
    """Return the live view: the three maps side by side, what was done last, what the board printed last."""
    counters = Table(title="counters  (array, 8 bytes)", title_justify="left", expand=True)
    counters.add_column("name")
    counters.add_column("value", justify="right")
    for name, value in zip(COUNTERS, snapshot.counters, strict=True):
        counters.add_row(name, f"{value:,}")
    config = Table(title="config  (array, 12 bytes)", title_justify="left", expand=True)
    config.add_column("field")
    config.add_column("value", justify="right", style="bold yellow")
    for name, value in zip(("enabled", "threshold", "timeout_ms"), snapshot.config, strict=True):
        config.add_row(name, str(value))
    stats = Table(title="stats  (array, 24 bytes)", title_justify="left", expand=True)
    stats.add_column("if")
    for name in ("packets", "bytes", "errors"):
        stats.add_column(name, justify="right")
    for index, row in enumerate(snapshot.stats):
        stats.add_row(str(index), *(f"{value:,}" for value in row))
    grid = Table.grid(expand=True, padding=(0, 2))
    for ratio in (3, 3, 5):
        grid.add_column(ratio=ratio)
    grid.add_row(counters, config, stats)
    board_says = [harmless(line.strip()) for line in printed if line.strip()]
    return Panel(
        Group(
            grid,
            Text.assemble(("computer  ", "bold cyan"), says),
            Text.assemble(
                ("board     ", "bold green"), board_says[-1] if board_says else f"running, {rate:.0f} steps a second"
            ),
        ),
        title="a running board, seen from the computer",
        border_style="cyan",
    )


def _say(out: Console, text: str) -> None:
    out.print(Text.assemble(("demo  ", "bold magenta"), harmless(text)), soft_wrap=True)


if __name__ == "__main__":
    run(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)

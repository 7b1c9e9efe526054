"""The demo as a newcomer runs it, without a terminal: it ends by itself, and its own lines show that the board obeyed."""

import re
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import BOARDMAPS
from tests.top.terminals import Terminal


def test_the_demo_shows_a_running_board_that_obeys(tmp_path: Path) -> None:
    svg = tmp_path / "live.svg"
    command = [sys.executable, "-m", "boardmaps_host.cli", "demo", "--seconds", "5", "--svg", str(svg)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    rows = [
        (float(seconds), int(steps), int(packets), int(rejected))
        for seconds, steps, packets, rejected in re.findall(
            r"([\d.]+) s  steps +(\d+)  packets +(\d+)  rejected +(\d+)", done.stdout
        )
    ]
    assert len(rows) >= 8

    def gained(column: int, begin: float, end: float) -> float:
        """Return by how much a counter grew between two moments."""
        inside = [row for row in rows if begin <= row[0] <= end]
        return inside[-1][column] - inside[0][column]

    packets, rejected = 2, 3
    assert gained(packets, 0.0, 1.4) > gained(rejected, 0.0, 1.4)  # the threshold lets most pass
    assert gained(rejected, 1.6, 2.9) > gained(packets, 1.6, 2.9)  # after the first change most are rejected
    assert gained(1, 3.1, 4.2) > 2 * gained(1, 0.0, 1.4)  # after the second the board is faster
    assert "0 restarts" in done.stdout
    assert "threshold" in svg.read_text()
    assert "http" not in re.sub(r"http://www.w3.org/\S+|https://www.textualize.io", "", svg.read_text())


def test_on_a_terminal_it_ends_with_the_view() -> None:
    with Terminal([*BOARDMAPS, "demo", "--seconds", "1"], columns=120) as terminal:
        terminal.sees("left it running")
        terminal.sees("threshold bytes")
        terminal.press("\x1b[B")  # one down
        terminal.sees("0..1500 step 100")
        terminal.press("q")
        assert terminal.ends() == 0
        assert terminal.is_clean()

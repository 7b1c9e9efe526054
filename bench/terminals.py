"""Two terminals on one board: run real commands on a simulated board and write what they show into docs/sharing.md.

    python -m bench.terminals

The page's block between the two comments is replaced. `N $` is what is typed in terminal N, `N |` what is printed there.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from boardmaps_host.deploy import deploy
from boardmaps_host.share import meeting
from boardmaps_sim.unix import UnixBoard, default_port

PAGE = Path(__file__).parents[1] / "docs" / "sharing.md"
BEGIN, END = "<!-- made by: python -m bench.terminals -->", "<!-- end -->"
_PATIENCE = 120.0  # seconds
_PROGRAM = """
import boardmaps
from boardmaps import HashMap
HashMap.typed(name="rooms", key="room:8s", value="temp:i16/100(5..35~0.5) °C", max_entries=16)
while True:
    boardmaps.poll()
"""
_WATCH = "boardmaps map watch rooms"


class Terminals:
    """What two terminals show, in the order in which it came."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._came = threading.Condition()

    def show(self, line: str) -> None:
        """Note a line."""
        with self._came:
            self.lines.append(line.rstrip())
            self._came.notify_all()

    def wait(self, count: int, begin: str) -> None:
        """Wait until so many lines begin with `begin`."""
        with self._came:
            if not self._came.wait_for(lambda: sum(x.startswith(begin) for x in self.lines) >= count, _PATIENCE):
                raise TimeoutError(f"{begin!r} did not come {count} times: {self.lines}")


def _command(words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("boardmaps")), *words.split()[1:]]


def _run(terminals: Terminals, words: str) -> None:
    terminals.show(f"2 $ {words}")
    done = subprocess.run(_command(words), capture_output=True, text=True, check=False, timeout=_PATIENCE)
    for line in (done.stdout + done.stderr).splitlines():
        terminals.show(f"2 | {line}")


def transcript() -> list[str]:
    """Run the commands on a board of their own; return what the terminals show."""
    terminals = Terminals()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(XDG_RUNTIME_DIR=folder, BOARDMAPS_PORT="unix", BOARDMAPS_SHARE="1")
        program = Path(folder, "program.py")
        program.write_text(_PROGRAM)
        with UnixBoard("unix", port=default_port("unix")) as board:
            deploy(board.port, app=program)
            watching = subprocess.Popen(_command(_WATCH), stdout=subprocess.PIPE, text=True)
            terminals.show(f"1 $ {_WATCH}")

            def read() -> None:
                assert watching.stdout is not None
                for line in watching.stdout:
                    terminals.show(f"1 | {line}")

            reader = threading.Thread(target=read)
            reader.start()
            try:
                _until(lambda: any(p["subscriptions"] for hub in meeting.hubs() for p in hub["programs"]))
                for count, value in enumerate((21.5, 22), 1):
                    _run(terminals, f"boardmaps map update rooms kitchen temp={value}")
                    terminals.wait(count, "1 |")
                _run(terminals, "boardmaps hub")
                _run(terminals, "boardmaps hub --journal")
                _run(terminals, "boardmaps map lookup rooms kitchen")
            finally:
                watching.terminate()
                watching.wait()
                reader.join()
                if watching.stdout is not None:
                    watching.stdout.close()
            _until(lambda: not meeting.hubs())
    return [line.replace(folder, "$XDG_RUNTIME_DIR") for line in terminals.lines]


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("what the transcript waits for did not come")
        time.sleep(0.05)


def main() -> None:
    """Write the transcript into the page."""
    lines = "\n".join(transcript())
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n```\n{lines}\n```\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()

"""How long somebody waits for the first green tests: `python -m bench.project`.

From `pip install` of the wheel, with the extra `test`, into an empty environment, over `boardmaps new`, to the thermostat's tests,
which run on the twin and on a simulated board. pip gets what it needs from where it usually does, and from its own cache.
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, publish

ROOT = Path(__file__).resolve().parents[1]
_REACH = "<= 60"  # seconds


def main() -> int:
    """Print the table; return 1 when the reach was missed."""
    pip = ["-m", "pip", "-q", "--disable-pip-version-check"]
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, *pip, "wheel", "--no-deps", "-w", str(folder), str(ROOT)], check=True)
        (wheel,) = folder.glob("boardmaps-*.whl")
        subprocess.run([sys.executable, "-m", "venv", str(folder / "empty")], check=True)
        python = str(folder / "empty" / "bin" / "python")
        boardmaps = str(folder / "empty" / "bin" / "boardmaps")
        together = 0.0
        for what, command, where in (
            ("pip install the wheel", [python, *pip, "install", f"{wheel}[test]"], folder),
            ("boardmaps new", [boardmaps, "new", "thermostat"], folder),
            ("pytest", [python, "-m", "pytest", "-q"], folder / "thermostat"),
        ):
            begun = time.monotonic()
            subprocess.run(command, cwd=where, check=True)
            rows.append(Row(what, time.monotonic() - begun, "s"))
            together += time.monotonic() - begun
    rows.append(
        Row.held("from the wheel to green tests on twin and simulated board", together, "s", "", together, _REACH)
    )
    publish("project", "First tests of a new project", rows)
    return int(rows[-1].met is False)


if __name__ == "__main__":
    sys.exit(main())

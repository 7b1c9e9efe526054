"""What the README's first screens show does what they say: on a simulated board, with the real commands."""

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_host import connect
from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from tests.waits import PATIENCE

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
BOARD, COMPUTER, TEST = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
USE = re.search(r"## Use it\n\n```sh\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def unix(tmp_path: Path) -> Iterator[UnixBoard]:
    with UnixBoard(port=tmp_path / "port") as board:
        yield board


def test_the_board_serves_what_the_computer_reads_and_changes(unix: UnixBoard, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(BOARD)
    deploy(unix.port, app=program)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(COMPUTER.replace("/dev/ttyACM0", unix.port), "README.md", "exec"), {})
    assert printed.getvalue() == "b'\\x15\\x00\\x00\\x00'\n"
    with connect(unix.port) as board:
        assert board.map("temps").lookup(b"kitchen\0") == b"\x16\0\0\0"


@pytest.mark.parametrize("target", ["simulated", "on the desk"])
def test_the_test_of_ones_own_firmware(unix: UnixBoard, tmp_path: Path, target: str) -> None:
    (tmp_path / "main.py").write_text(BOARD)
    (tmp_path / "test_firmware.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_firmware.py"]
    if target == "on the desk":
        command.append(f"--board={unix.port}")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=900, check=False)
    assert b"1 passed" in done.stdout, done.stdout.decode()


def test_the_commands_of_use_it(tmp_path: Path) -> None:
    """As somebody types them into a shell in the clone, with nothing of ours on its PATH before."""
    assert USE is not None
    bin_folder = Path(sys.executable).parent
    (tmp_path / ".venv").symlink_to(bin_folder.parent)
    if not (bin_folder / "activate").exists():
        pytest.skip("the tests run outside of a virtual environment, and the README's is not made")
    script = f"set -e\n{USE[1]}\nkill %1\nwait"
    path = os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if Path(folder) != bin_folder)
    more = {"XDG_RUNTIME_DIR": str(tmp_path), "PATH": path}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | more,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "42\n" in done.stdout, done.stdout + done.stderr
    lines = [line.split("  ") for line in done.stdout.splitlines()]
    assert ["6b 69 74 63 68 65 6e 00", "'kitchen'", "15 00 00 00", "21"] in lines

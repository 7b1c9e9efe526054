"""What the README's first screens show does what they say: on a simulated board, with the real commands."""

import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

import hatch_build
from boardmaps import InvalidValue
from boardmaps_host import connect
from boardmaps_sim.unix import UnixBoard
from docs.links import goals
from tests.docs.pages import ROOT, blocks, run_session
from tests.firmware import running
from tests.waits import eventually

README = ROOT / "README.md"  # "README.md" is looked for by test_pages.py
BOARD, COMPUTER, TEST = [block.text for block in blocks(README) if block.kind == "python"]
COMMANDS, USE = [block.text for block in blocks(README) if block.kind == "sh"]


def test_the_computer_reads_and_changes_what_the_board_serves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, BOARD) as unix:
        exec(compile(COMPUTER.replace("/dev/ttyACM0", unix.port), "README.md", "exec"), {})
        assert capsys.readouterr().out == "target 21.0 °C\n"
        with connect(unix.port) as board:
            kitchen = board.maps.rooms["kitchen"]
            assert kitchen.target == 24.5
            assert eventually(lambda: board.maps.rooms["kitchen"].temp > kitchen.temp), "the program goes on"
            with pytest.raises(InvalidValue):
                kitchen.target = 40


@pytest.mark.parametrize("target", ["simulated", "on the desk"])
def test_the_test_of_ones_own_firmware(tmp_path: Path, target: str) -> None:
    (tmp_path / "main.py").write_text(BOARD)
    (tmp_path / "test_firmware.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_firmware.py"]
    with UnixBoard(port=tmp_path / "port") if target == "on the desk" else nullcontext() as unix:
        command += [f"--board={unix.port}"] if unix else []
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=900, check=False)
    assert b"1 passed" in done.stdout, done.stdout.decode()


def test_the_commands_of_try_it(tmp_path: Path) -> None:
    """As somebody types them into a shell in the clone, with nothing of ours on its PATH before."""
    page = tmp_path / "notes.md"
    page.write_text(f"<!-- file: main.py -->\n\n```python\n{BOARD}```\n\n```sh\n{USE}kill %1\nwait\n```\n")
    said = run_session(page, tmp_path, activated=False)
    assert "\nkitchen      19.50 " in said


def test_the_two_commands_are_targets_of_make() -> None:
    """What shows the main job, and what runs the tests, in CI too."""
    assert [line.split("#")[0].strip() for line in COMMANDS.splitlines()] == ["make demo", "make test"]
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()
    assert {"demo", "test"} <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_a_package_page_has_no_link_that_leads_nowhere() -> None:
    plain = hatch_build.package_page("")
    assert goals(plain) == []
    assert "![" not in plain
    assert "[the maps]" not in plain
    assert "the maps" in plain
    linked = hatch_build.package_page("https://example.org/boardmaps")
    assert goals(linked) == []
    assert "[the maps](https://example.org/boardmaps/blob/HEAD/docs/maps.md)" in linked
    assert "](https://example.org/boardmaps/raw/HEAD/docs/speed.svg)" in linked

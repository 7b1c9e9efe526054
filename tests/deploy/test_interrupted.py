"""Ctrl-C at any moment of a deploy: one sentence says how the board is left, and it is so. And boards that start slowly."""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from boardmaps_host import connect
from boardmaps_host.client import VersionMismatch
from boardmaps_host.deploy import DeployError, deploy
from boardmaps_host.deploy import files as deploy_files
from boardmaps_host.deploy.link import BoardLink
from boardmaps_host.deploy.switch import finish
from boardmaps_sim.unix import UnixBoard
from tests.deploy.conftest import Ask
from tests.deploy.test_cut_off import package, state_of, use
from tests.waits import PATIENCE

MOMENTS = (
    "_open",
    "_interrupt",
    "soft_reset",
    "probe",
    "execute",
    "sha256",
    "listing",
    "read",
    "mkdir",
    "write",
    "restart",
)


class Interrupting:
    """Presses Ctrl-C when the n-th thing is asked of the board."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.left = at
        self.done: list[str] = []
        for name in MOMENTS:
            monkeypatch.setattr(BoardLink, name, self._counted(name, getattr(BoardLink, name)))

    def _counted(self, name: str, method: Any) -> Any:
        def counted(link: BoardLink, *arguments: Any) -> Any:
            self.done.append(name)
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            return method(link, *arguments)

        return counted


def test_at_every_moment(board: UnixBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, package("old", "py", tmp_path))
    deploy(board.port, reset=False)
    told: list[str] = []
    for at in range(1, 200):
        with BoardLink(board.port) as link:  # whatever was interrupted, one version is there, whole
            finish(link, "/")
            there = link.execute("import boardmaps\nprint(boardmaps.__version__)").strip()
        target = "new" if there == "old" else "old"
        old = state_of(board.port)
        use(monkeypatch, package(target, "py", tmp_path))
        with monkeypatch.context() as pressing:
            keys = Interrupting(pressing, at)
            try:
                deploy(board.port)
            except KeyboardInterrupt as stopped:
                told.append(str(stopped))
            else:
                break
        if "what the board had before is unchanged" in told[-1] or "the board was not disturbed" in told[-1]:
            assert state_of(board.port) == old, keys.done
    else:
        pytest.fail("a deploy never ends")
    assert len(told) > 25
    assert all(text.startswith("stopped: ") and text.endswith(".") for text in told), told
    assert told[0] == "stopped: the board was not disturbed."
    assert "may have been interrupted" in told[1]
    assert "all files are in place" in told[-1]


def test_while_the_modules_are_imported() -> None:
    """At each import in turn: no traceback, whatever was being loaded."""
    code = """
import sys
from boardmaps_host.cli import main
left = int(sys.argv.pop(1))
def pressed(event, arguments):
    global left
    if event == "import":
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
sys.addaudithook(pressed)
main(["deploy", "--port", "/dev/null/none"])
"""
    for at in (1, 2, 5, 20, 60, 120, 200, 300):
        done = subprocess.run(
            [sys.executable, "-c", code, str(at)], capture_output=True, text=True, timeout=900, check=False
        )
        assert (done.returncode, done.stdout) in ((130, ""), (1, "")), done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") <= 1


def test_a_board_whose_boot_takes_long(board: UnixBoard, ask: Ask) -> None:
    """8 seconds: with the time for it deploy waits, without it says which option gives it."""
    ask("f = open('/boot.py', 'w')\nf.write('import time\\ntime.sleep(8)\\n')\nf.close()")
    with pytest.raises(DeployError, match=r"within 1 s .*A boot\.py that takes longer: --timeout SECONDS"):
        deploy(board.port, timeout=1)
    assert deploy(board.port, timeout=PATIENCE, reset=False).written


def test_a_board_of_another_protocol_gets_the_new_version(
    board: UnixBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its program runs and serves; nothing of the line is needed to deploy."""
    app = tmp_path / "main.py"
    app.write_text(
        "import boardmaps, time\nm = boardmaps.ArrayMap(4, 1, 0, 'm')\nwhile True:\n    boardmaps.poll()\n    time.sleep_ms(2)\n"
    )
    sources = deploy_files.modules()
    session = tmp_path / "session.py"
    text = sources["line/session.py"].read_text()
    session.write_text(re.sub(r"(?m)^_ACCEPTED = .*", "_ACCEPTED = (0, 0)", text))
    assert session.read_text() != text
    with monkeypatch.context() as old:
        old.setattr(deploy_files, "modules", lambda: sources | {"line/session.py": session})
        deploy(board.port, app=app)
    with pytest.raises(VersionMismatch, match="boardmaps deploy --port"):
        connect_when_up(board.port)
    report = deploy(board.port, app=app)
    assert report.written == ("/lib/boardmaps/line/session.mpy",)
    with connect_when_up(board.port) as connected:
        assert connected.map("m").lookup(0) == bytes(4)


def connect_when_up(port: str) -> Any:
    """Connect as soon as main.py serves."""
    time.sleep(1)
    return connect(port)

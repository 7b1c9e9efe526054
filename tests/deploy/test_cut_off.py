"""The power goes at every file operation of a deploy: the board then starts with the old version or with the new one, whole."""

import ast
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial

from boardmaps_host import connect
from boardmaps_host.client import NotDeployed
from boardmaps_host.deploy import DeployError, deploy, switch
from boardmaps_host.deploy.files import Payload, compile_module, find_mpy_cross
from boardmaps_host.deploy.link import BoardLink
from boardmaps_sim.unix import UnixBoard

FLASH = 256 * 1024
MAIN = "import boardmaps\nf = open('/ran', 'w')\nf.write('%s ' + boardmaps.__version__)\nf.close()\n"
STATE = """
import hashlib, os
found = {}
def walk(folder):
    for entry in os.ilistdir(folder or '/'):
        path = folder + '/' + entry[0]
        if entry[1] == 0x4000:
            walk(path)
        elif not path.endswith(('.new', '.switch')):
            with open(path, 'rb') as f:
                found[path] = bytes(f.read()) if path == '/ran' else hashlib.sha256(f.read()).digest()[:6]
walk('')
print(found)
"""


def package(version: str, form: str, folder: Path) -> Payload:
    """A package as boardmaps is one, smaller: it fails to import when its modules are of two versions."""
    parts = [*("a", "b", "line/c"), f"only_{version}"]
    sources = {f"{part}.py": f"VERSION = {version!r}\n" for part in parts} | {"line/__init__.py": f"V = {version!r}\n"}
    names = ", ".join(f"'{part.replace('/', '.')}'" for part in parts)
    sources["__init__.py"] = (
        f"__version__ = {version!r}\nfor n in ({names}):\n    m = __import__('boardmaps.' + n, None, None, ('VERSION',))\n"
        f"    if m.VERSION != __version__: raise ImportError('mixed: ' + n)\n"
    )
    if form == "py":
        return Payload({name: text.encode() for name, text in sources.items()}, form, "none")
    compiler = find_mpy_cross()
    assert compiler is not None
    files = {}
    for name, text in sources.items():
        (folder / "module.py").write_text(text)
        files[name.replace(".py", ".mpy")] = compile_module(compiler, folder / "module.py", name, "x64")
    return Payload(files, form, "none")


def state_of(port: str) -> dict[str, bytes]:
    """Return the board's files, path to digest."""
    with BoardLink(port) as link:
        found: dict[str, bytes] = ast.literal_eval(link.execute(STATE))
    return found


def wait_for_prompt(board: UnixBoard) -> None:
    """Return when main.py has ended, after however many restarts."""
    end = time.monotonic() + 60
    with serial.Serial(board.port, timeout=0.3) as port:
        while time.monotonic() < end:
            port.write(b"\r")
            if port.read_until(b">>> ").endswith(b">>> "):
                return
    raise AssertionError("no prompt came")


class Recorder:
    """Keeps the flash as it is after each operation of a deploy that changed it."""

    def __init__(self, board: UnixBoard, monkeypatch: pytest.MonkeyPatch) -> None:
        self._board = board
        self.images: list[bytes] = [board.flash.read_bytes()]
        for name in ("execute", "write", "mkdir"):
            monkeypatch.setattr(BoardLink, name, self._recording(getattr(BoardLink, name)))
        monkeypatch.setattr(switch, "finish", self._finish)

    def _recording(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(link: BoardLink, *arguments: Any) -> Any:
            try:
                return method(link, *arguments)
            finally:
                self.look()

        return recorded

    def look(self) -> None:
        image = self._board.flash.read_bytes()
        if image != self.images[-1]:
            self.images.append(image)

    def _finish(self, link: BoardLink, _root: str) -> bool:
        """Do the steps of the program one at a time."""
        program = link.read("/main.py").decode()
        head, steps, tail = program.partition("condition in ")[0], steps_of(program), program.rpartition("]:")[2]
        for step in steps:
            link.execute((head + f"condition in {[step]!r}:" + tail).removesuffix("raise SystemExit\n"))
        return True


def steps_of(program: str) -> list[Any]:
    (line,) = (line for line in program.splitlines() if line.startswith("for source,"))
    found: list[Any] = ast.literal_eval(line.partition(" in ")[2].rstrip(":"))
    return found


@pytest.fixture
def small(tmp_path: Path) -> Iterator[UnixBoard]:
    with UnixBoard(port=tmp_path / "port", flash=tmp_path / "flash", flash_size=FLASH) as board:
        yield board


def use(monkeypatch: pytest.MonkeyPatch, payload: Payload) -> None:
    monkeypatch.setattr("boardmaps_host.deploy.payload_for", lambda _target: payload)


@pytest.mark.parametrize(("form", "main"), [("mpy", "new"), ("py", "stays"), ("py", "none")])
def test_the_power_goes_at_every_file_operation(
    small: UnixBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, main: str
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    use(monkeypatch, package("old", "py", tmp_path))
    (app / "main.py").write_text(MAIN % "old")
    (app / "helper.py").write_text("x = 'old'\n")
    deploy(small.port, app=None if main == "none" else app, reset=False)
    old = state_of(small.port)
    use(monkeypatch, package("new", form, tmp_path))
    (app / "main.py").write_text(MAIN % "new")
    (app / "helper.py").write_text("x = 'new'\n")
    with monkeypatch.context() as recording:
        record = Recorder(small, recording)
        deploy(small.port, app=app if main == "new" else None, reset=False, pool=4096)
    new = state_of(small.port)
    assert old != new
    assert len(record.images) > 12
    seen = set()
    for number, image in enumerate(record.images):
        flash = tmp_path / f"cut{number}"
        flash.write_bytes(image)
        with UnixBoard(port=tmp_path / "other", flash=flash, flash_size=FLASH) as board:
            wait_for_prompt(board)
            found = state_of(board.port)
            ran = found.pop("/ran", b"")
            assert found in (old, new), f"after operation {number} of {len(record.images)}"
            version = "old" if found == old else "new"
            assert ran.decode() == ("" if main == "none" else f"{version if main == 'new' else 'old'} {version}")
            seen.add(version)
        flash.unlink()
    assert seen == {"old", "new"}


def test_a_deploy_finishes_what_another_has_left_half_done(
    small: UnixBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board has not been started since; whoever connects meanwhile is told what is the matter."""
    (tmp_path / "main.py").write_text(MAIN % "mine")
    use(monkeypatch, package("old", "py", tmp_path))
    deploy(small.port, app=tmp_path / "main.py", reset=False)

    def half(link: BoardLink, _root: str) -> bool:
        program = link.read("/main.py").decode()
        steps = steps_of(program)
        link.execute(program.replace(repr(steps), repr(steps[: len(steps) // 2])).removesuffix("raise SystemExit\n"))
        raise DeployError("cut off")

    use(monkeypatch, package("new", "py", tmp_path))
    with monkeypatch.context() as cut:
        cut.setattr(switch, "finish", half)
        with pytest.raises(DeployError, match="cut off"):
            deploy(small.port, reset=False)
    with pytest.raises(NotDeployed, match=r"half deployed on this board: .* Run it again: boardmaps deploy"):
        connect(small.port)
    assert deploy(small.port).version == "new"
    wait_for_prompt(small)
    found = state_of(small.port)
    assert found["/ran"] == b"mine new"
    with BoardLink(small.port) as link:
        assert link.read("/main.py").decode() == MAIN % "mine"
        assert (
            link.execute("import os\nprint([n for n in os.listdir('/') if '.new' in n or '.switch' in n])").strip()
            == "[]"
        )


def test_a_single_file_is_one_rename(small: UnixBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program takes main.py's place for it."""
    use(monkeypatch, package("old", "py", tmp_path))
    deploy(small.port, reset=False)
    written: list[str] = []
    write = BoardLink.write

    def noted(self: BoardLink, path: str, content: bytes) -> None:
        written.append(path)
        write(self, path, content)

    monkeypatch.setattr(BoardLink, "write", noted)
    (tmp_path / "main.py").write_text("x = 1\n")
    assert deploy(small.port, app=tmp_path / "main.py", reset=False).written == ("/main.py",)
    assert written == ["/main.py.new"]

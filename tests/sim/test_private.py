"""Folders and files that simulated boards make are this user's alone; what another user has put in their place is not trusted."""

import ast
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import boardmaps_host
import boardmaps_sim
from boardmaps_host import connect
from boardmaps_host.client import LinkError
from boardmaps_host.deploy import DeployError, deploy
from boardmaps_sim import machine, private, unix_flash
from boardmaps_sim.base import BoardError
from boardmaps_sim.private import check_private, open_private, runtime_folder
from boardmaps_sim.pty_port import PtyPort
from boardmaps_sim.unix import UnixBoard, default_port


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of simulated boards' ports, not there yet."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "boardmaps"


def a_link(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)


def open_to_others(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def readable_by_others(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o750)


def a_file(folder: Path) -> None:
    folder.write_text("")


def another_users(folder: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)


@pytest.mark.parametrize("planted", [a_link, open_to_others, readable_by_others, a_file, another_users])
def test_a_folder_that_is_not_ours_alone_is_refused_by_all(runtime: Path, planted: Callable[[Path], None]) -> None:
    planted(runtime)
    for attempt in (
        runtime_folder,
        lambda: default_port("unix"),
        lambda: PtyPort(runtime / "unix"),
        lambda: unix_flash.claim_flash(runtime / "unix.flash", 8192, temporary=True),
        lambda: machine.prepare_flash(runtime / "pico.flash", 8192, temporary=True, erased=b"\xff"),
    ):
        with pytest.raises(BoardError, match=r"cannot be trusted\. Remove it, or set XDG_RUNTIME_DIR"):
            attempt()
    with pytest.raises(LinkError, match="cannot be trusted"):
        connect("unix")
    with pytest.raises(DeployError, match="cannot be trusted"):
        deploy("unix")
    assert not runtime.is_dir() or list(runtime.iterdir()) == []


@pytest.mark.parametrize("ending", ["lock", "flash"])
def test_no_link_is_followed(runtime: Path, ending: str) -> None:
    """The file behind it keeps its bytes, and no board runs on it."""
    runtime.mkdir(mode=0o700)
    mine = runtime.with_name("mine")
    mine.write_text("my own")
    (runtime / f"unix.{ending}").symlink_to(mine)
    if ending == "lock":
        with pytest.raises(BoardError, match="is a link, which is not followed"):
            UnixBoard().start()
    else:
        with UnixBoard():
            assert not (runtime / "unix.flash").is_symlink()
        machine.prepare_flash(runtime / "unix.flash", 8192, temporary=True, erased=b"\xff")
    assert mine.read_text() == "my own"


def test_a_file_with_a_second_name_is_not_ours_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("my own")
    os.link(tmp_path / "mine", tmp_path / "lock")
    with pytest.raises(BoardError, match="not a file of this user's alone"):
        open_private(tmp_path / "lock")


def test_a_fresh_folder_and_its_files_are_closed_to_others(runtime: Path) -> None:
    with UnixBoard() as board:
        check_private(runtime)
        for file in runtime.iterdir():
            assert file.is_symlink() or file.stat().st_mode & 0o077 == 0, file
        assert board.running


def test_a_runtime_folder_of_somebody_elses_does_not_count(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under sudo, which may keep the variable."""
    monkeypatch.setattr(private, "_owner", lambda _path: os.getuid() + 1)
    assert private.runtime_folder() == Path(f"/tmp/boardmaps-{os.getuid()}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert private.runtime_folder() == Path(f"/tmp/boardmaps-{os.getuid()}")


def test_only_one_module_names_a_place_in_tmp() -> None:
    """Everything else asks it, or tempfile."""
    found = []
    for package in (boardmaps_host, boardmaps_sim):
        for module in Path(str(package.__file__)).parent.rglob("*.py"):
            tree = ast.parse(module.read_text("utf-8"))
            docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                text = node.value if isinstance(node, ast.Constant) and id(node) not in docstrings else ""
                if isinstance(text, str) and (text.startswith("/tmp") or text == "XDG_RUNTIME_DIR"):
                    found.append(module.name)
    assert set(found) == {"private.py"}

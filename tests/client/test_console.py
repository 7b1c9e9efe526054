"""What the firmware prints comes out as its console, whole and in order; its end is told with its traceback."""

import signal
import subprocess
import sys
import time

import pytest

from boardmaps_host import connect
from boardmaps_host.client import FirmwareError
from boardmaps_host.client.console import Console
from boardmaps_sim.unix import UnixBoard
from tests.client.conftest import Mpremote
from tests.waits import PATIENCE

PRINTING = """
import boardmaps, time
boardmaps.StaticPool.reset()
m = boardmaps.ArrayMap(4, 2, 0, "m")
n = 0
while True:
    boardmaps.poll()
    time.sleep_ms(1)
    n += 1
    m.update(1, n.to_bytes(4, "little"))
    %s
"""


# n counts from when the computer says so: it may take long to connect, on a loaded machine.
TOLD = "n *= m.lookup(0) != bytes(4)\n    if n == 300: "


def test_lines_come_whole_and_in_order(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", PRINTING % "print('line', n, '\\u20ac' * (n % 40))")
    printed: list[str] = []
    with connect(unix.port, console=printed.append) as board:
        m = board.map("m")
        for _ in range(300):
            assert m.lookup(0) == bytes(4)
        board.listen(0.3)
    assert all(text.endswith("\n") for text in printed)
    numbers = [int(text.split()[1]) for text in printed[1:]]
    assert len(numbers) > 100
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert all(text == f"line {n} {'€' * (n % 40)}\n" for n, text in zip(numbers, printed[1:], strict=True))
    mpremote("exec", "pass")


def test_output_without_a_frame_behind_it_is_shown(unix: UnixBoard, mpremote: Mpremote) -> None:
    """A prompt without a newline, and a line long before the next request."""
    mpremote("exec", "--no-follow", PRINTING % (TOLD + "print('name? ', end='')"))
    printed: list[str] = []
    with connect(unix.port, console=printed.append) as board:
        board.map("m").update(0, b"ask!")
        end = time.monotonic() + PATIENCE
        while not printed and time.monotonic() < end:
            board.listen(0.1)
        assert printed == ["name? "]
        assert board.map("m").lookup(0) == b"ask!"
    mpremote("exec", "pass")


def test_a_firmware_that_fails_is_shown_at_once(unix: UnixBoard, mpremote: Mpremote) -> None:
    """Long before the timeout; no frames are typed into the REPL, and the next call starts anew."""
    mpremote("exec", "--no-follow", PRINTING % "if m.lookup(0) != bytes(4): print('oh'); 1 // 0")
    printed: list[str] = []
    with connect(unix.port, timeout=PATIENCE, console=printed.append) as board:
        boot = board.info["boot"]
        m = board.map("m")
        m.update(0, b"fail")
        started = time.monotonic()
        with pytest.raises(FirmwareError, match="ZeroDivisionError") as error:
            [m.lookup(0) for _ in range(10_000)]
        assert time.monotonic() - started < PATIENCE / 2
        assert error.value.traceback.startswith("Traceback (most recent call last):\n  File")
        assert error.value.traceback.endswith("ZeroDivisionError: divide by zero")
        assert printed[0] == "oh\n"
        assert "".join(printed[1:]).strip() == error.value.traceback
        assert m.lookup(0) == b"fail", "the next call finds a REPL and starts the server in it"
        assert board.info["boot"] == boot, "nothing was reset"
    assert mpremote("resume", "exec", "print(n > 0)").strip() == "True"


def test_what_the_requests_have_in_them(unix: UnixBoard, mpremote: Mpremote) -> None:
    """The one that is under way when the program ends is typed into its REPL, which may answer it with a zero."""
    # Its number is 1, which a REPL takes for Ctrl-A; with the key raw paste mode is asked for, in a form that no board knows.
    # The queue's is Ctrl-B, and what follows it Ctrl-E, which begins a paste.
    made = "h = boardmaps.HashMap(6, 2, 4, 0, 'h')\nq = boardmaps.Queue(4, 2, 0, 'q')\nq.push(b'1234')\nm = "
    printing = PRINTING.replace("m = ", made, 1)
    for name in ("h", "q") * 4:
        mpremote("exec", "--no-follow", printing % "if m.lookup(0) != bytes(4): 1 // 0")
        with connect(unix.port, timeout=PATIENCE) as board:
            asked = board.map(name)
            key = b"\x04\x01\x05\x06\x01\x20" if name == "h" else b""
            board.map("m").update(0, b"fail")
            with pytest.raises(FirmwareError, match="ZeroDivisionError"):
                [asked.lookup(key) for _ in range(10_000)]


@pytest.mark.parametrize("acked", [0, 1, 2, 3, 13])
def test_a_look_up_that_is_under_way_resets_no_board(unix: UnixBoard, mpremote: Mpremote, acked: int) -> None:
    """A look-up is 4, Ctrl-D, which resets a REPL whose line is empty; and the number before it would be what empties it."""
    made = "h = boardmaps.HashMap(4, 4, 2, 0, 'h')\nm = "
    mpremote("exec", "--no-follow", PRINTING.replace("m = ", made, 1) % "if m.lookup(0) != bytes(4): 1 // 0")
    board = connect(unix.port, timeout=PATIENCE)
    while board.link.connection.session._seq < 0x2000:  # its high byte is none of these either
        board.close()
        board = connect(unix.port, timeout=PATIENCE)
    with board:
        boot = board.info["boot"]
        m, h = board.map("m"), board.map("h")
        while (board.link.connection.session._seq + 1) & 0xFF != acked:
            h.lookup(b"abcd")
        m.update(0, b"fail")
        with pytest.raises(FirmwareError, match="ZeroDivisionError"):
            [h.lookup(b"abcd") for _ in range(10_000)]
        assert m.lookup(0) == b"fail"
        assert board.info["boot"] == boot


def test_a_program_that_runs_again_without_a_reset(unix: UnixBoard, mpremote: Mpremote) -> None:
    """The first one has ended within a session, and with it the line's right to Ctrl-C."""
    mpremote("exec", "--no-follow", PRINTING % "if m.lookup(0) != bytes(4): 1 // 0")
    with connect(unix.port, timeout=PATIENCE) as board:
        m = board.map("m")
        m.update(0, b"fail")
        with pytest.raises(FirmwareError):
            [m.lookup(0) for _ in range(10_000)]
    mpremote("resume", "exec", "--no-follow", PRINTING % "pass")
    with connect(unix.port) as board:
        for value in (b"\3\3\3\3", b"\r\3\3\r"):
            board.map("m").update(0, value)
            assert board.map("m").lookup(0) == value
        assert board.program_runs
    mpremote("exec", "pass")


def test_a_firmware_that_fails_while_we_listen(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", PRINTING % (TOLD + "raise ValueError('done')"))
    with connect(unix.port) as board:
        board.map("m").update(0, b"fail")
        with pytest.raises(FirmwareError, match="ValueError: done"):
            board.listen(30)
        with board.map("m").watch(0) as changes:
            assert changes.get(1) is not None
    assert mpremote("resume", "exec", "print(8)").strip() == "8"


def test_a_firmware_that_ends_without_a_word(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", PRINTING % (TOLD + "break"))
    with connect(unix.port) as board:
        board.map("m").update(0, b"stop")
        with pytest.raises(FirmwareError, match="no traceback"):
            board.listen(30)
    assert mpremote("resume", "exec", "print(9)").strip() == "9"


def test_ctrl_c_stops_the_host_and_not_the_firmware(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", PRINTING % "pass")
    code = f"""
from boardmaps_host import connect
with connect({unix.port!r}) as board:
    m = board.map("m")
    print("ready", flush=True)
    while True:
        m.lookup(0)
"""
    host = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert host.stdout is not None
        assert host.stdout.readline() == "ready\n"
        time.sleep(0.2)
        host.send_signal(signal.SIGINT)
        _, said = host.communicate(timeout=PATIENCE)
    finally:
        host.kill()
        host.wait()
        for stream in (host.stdout, host.stderr):
            assert stream is not None
            stream.close()
    assert said.rstrip().endswith("KeyboardInterrupt")
    with connect(unix.port) as board:
        m = board.map("m")
        first = m.lookup(1)
        time.sleep(0.1)
        assert m.lookup(1) != first, "the firmware was stopped"
    mpremote("exec", "pass")


def test_a_call_that_ctrl_c_ended_harms_no_later_one(unix: UnixBoard, mpremote: Mpremote) -> None:
    with connect(unix.port, allow_reset=True) as board:
        board.pool.reset()
        m = board.create_map("ArrayMap", value_size=4, max_entries=4)
        read = board.link.connection.line.read
        for i in range(20):
            m.update(0, i.to_bytes(4, "little"))

            def interrupted(timeout: float) -> bytes:
                board.link.connection.line.read = read  # type: ignore[method-assign]
                raise KeyboardInterrupt

            board.link.connection.line.read = interrupted  # type: ignore[method-assign]
            with pytest.raises(KeyboardInterrupt):
                m.lookup(1)
            assert m.lookup(0) == i.to_bytes(4, "little")


def test_a_prompt_that_a_program_prints_ends_nothing(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", PRINTING % "n % 20 or print('\\n>>> ', end='')")
    with connect(unix.port) as board:
        m = board.map("m")
        for _ in range(400):
            m.lookup(0)
    mpremote("exec", "pass")


def test_console_cuts_no_character_and_keeps_line_ends() -> None:
    shown: list[str] = []
    console = Console(shown.append)
    data = "a\r\nzwölf €\nrest".encode()
    for i in range(len(data)):
        console.feed(data[i : i + 1])
    assert shown == ["a\n", "zwölf €\n"]
    console.flush()
    console.flush()
    assert shown == ["a\n", "zwölf €\n", "rest"]


_RAISED = b'Traceback (most recent call last):\r\n  File "x", line 1\r\nKeyError: 1\r\n'


@pytest.mark.parametrize(
    ("said", "repl"),
    [
        (b"oh\r\n\x04" + _RAISED, b"\x04>raw REPL; CTRL-B to exit\r\n>R"),
        (b"oh\r\n" + _RAISED + b"MicroPython v1\r\nType", b"\r\n>>> ab\r\n>>> "),
    ],
    ids=["raw", "friendly"],
)
def test_what_a_repl_makes_of_requests_is_no_output(said: bytes, repl: bytes) -> None:
    """However it comes: with zeros in it, at once or later; and where a frame follows, a program has printed all of it."""
    everything = said + repl

    def printed(data: bytes) -> str:
        return data.replace(b"\x04", b"").replace(b"\r\n", b"\n").decode()

    prompt = range(everything.index(repl) + 1, everything.index(repl) + 6)
    for cut in sorted({*range(len(everything) + 1)} - {*prompt}):
        for ends in (True, False):  # whether a zero ends what comes second
            shown: list[str] = []
            console = Console(shown.append)
            console.feed(everything[:cut])
            if ends:
                console.feed(everything[cut:])
            assert "KeyError: 1" in console.ended(b"" if ends else everything[cut:])
            assert "".join(shown).rstrip("\r") == printed(said)
    shown = []
    console = Console(shown.append)
    console.feed(everything)
    console.framed()
    console.flush()
    assert "".join(shown) == printed(everything)


@pytest.mark.parametrize(
    ("seen", "held", "report"),  # None: nothing looks like an end
    [
        (b"", b"hello", None),
        (b"", b">>> ", None),  # a program may print that in the middle of a line
        (b"x\r\n", b">>> ", ""),
        (b"", b"\x04\x04>", ""),
        (b"", b'\x04Traceback (most recent call last):\r\n  File "x", line 1\r\nOSError: 5\r\n\x04>', "OSError: 5"),
        (b"", b'Traceback (most recent call last):\r\n  File "x"\r\nKeyError: 1\r\nMicroPython\r\n>>> ', "KeyError: 1"),
        (b"", b'a\n>>> b\nTraceback (most recent call last):\r\n  File "x"\r\nKeyError: 2\r\n>>> ', "KeyError: 2"),
    ],
)
def test_what_the_end_of_a_program_looks_like(seen: bytes, held: bytes, report: str | None) -> None:
    console = Console(None)
    console.feed(seen)
    assert console.prompted(held) is (report is not None)
    ended = console.ended(held)
    assert ended.endswith(report or "")
    assert bool(ended) is bool(report)

"""Nothing that a program prints or asks for ends a session, is taken for a REPL, or has anything typed into it or stopped."""

import itertools
import random
import threading
import time
from collections.abc import Iterator

import pytest
import serial

from boardmaps.line.frame import EVENT, HELLO, LOST, NAK, REPLY, REPLY_FLAG, encode
from boardmaps.line.pieces import pieces
from boardmaps_host import connect
from boardmaps_host.client import NoAnswer
from boardmaps_sim.base import SimulatedBoard
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.unix import UnixBoard
from tests.client.conftest import Mpremote, start
from tests.require import require_board
from tests.waits import PATIENCE

_HELP = b'Type "help()" for more information.\r\n'


def banners() -> Iterator[bytes]:
    """What the REPLs of MicroPython 1.20 to 1.28 say when they begin."""
    boards = (
        b"Raspberry Pi Pico with rp2040",
        b"linux [GCC 12.2.0] version",
        b"ESP32 module with ESP32",
        b"PYBv1.1 with STM32F405RG",
    )
    for minor, board in zip(range(20, 29), itertools.cycle(boards)):
        yield b"MPY: soft reboot\r\nMicroPython v1.%d.0 on 2025-09-11; %s\r\n%s>>> " % (minor, board, _HELP)
    yield (
        b"\r\nMicroPython v1.28.0-preview.49.g9458e3a23f on 2026-07-05; linux [GCC 14.2.1] version\n" + _HELP + b">>> "
    )
    yield b"raw REPL; CTRL-B to exit\r\n>"
    yield b"paste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== "


def prompts() -> Iterator[bytes]:
    """Prompts, ends of programs and what terminals are told."""
    yield from (b"\n>>> ", b"\r\n>>> ", b"\n... ", b">>> sent\n", b"\n>>> import m", b"\n=== ", b"OK", b"OK\x04\x04>")
    yield from (b"\x04\x04>", b"R\x01\x80\x00\x01", b"\x04Traceback (most recent call last):\r\nValueError: x\r\n\x04>")
    yield from (b'Traceback (most recent call last):\r\n  File "main.py", line 3\r\nKeyError: 1\r\n>>> ',)
    yield from (b"\x1b[K", b"\x1b[6n", b"\x1b[2J\x1b]0;title\x07", b"\b\x1b[K", b"boardmaps v=2 mtu=4096")
    yield from (bytes((i,)) for i in range(32))


def frames() -> Iterator[bytes]:
    """Frames of a board, of our session or of another, whole and in halves."""
    rng = random.Random(5)
    hello = b"boardmaps v=2 fw=1.0 boot=00000000 mtu=480 win=4 credit=511 next=7 idle=10 profile=embedded machine=x"
    for session in [0x20, 0x7E, *rng.sample(range(0x20, 0x100), 4)]:
        seq = rng.randrange(0x10000)
        yield encode(HELLO, session, seq, 0x20, b"boardmaps v=2 mtu=4096")
        yield encode(HELLO | REPLY_FLAG, session, seq, 0, hello)
        yield encode(REPLY, session, seq, seq & 0xFF, b"\0abcd")
        yield encode(NAK, session, seq, 0)
        yield encode(LOST, session, seq, 0, b"00000000 7")
        yield encode(EVENT, session, 1, 0, b"\1\1\0\0")
        yield from pieces(encode, REPLY, session, seq, 0, bytes(130))


def all_prints() -> list[bytes]:
    """Everything above, each also without its second half and without its first."""
    whole = [*banners(), *prompts(), *frames()]
    halves = [part for text in whole if len(text) > 3 for part in (text[: len(text) // 2], text[len(text) // 2 :])]
    return whole + halves


def some_prints() -> list[bytes]:
    """Some of them, for emulated boards: the REPLs' own words first."""
    rng = random.Random(1)
    return [*banners(), *rng.sample([*prompts()], 10), *rng.sample([*frames()], 10)]


STDIO = "import sys\nout, poll = sys.stdout.buffer.write, boardmaps.poll"
UART = """
from cmsdk_uart import UART
uart = UART()
out, poll = uart.write, boardmaps.Server(line=boardmaps.UartLine(uart, credit=2048)).poll
"""

# Prints, counts what is printed and what stops it, until the host says "stop". Its last gap is the milliseconds between two polls.
PROGRAM = """
import boardmaps, time
boardmaps.StaticPool.reset()
m = boardmaps.ArrayMap(4, 3, 0, "m")
%s
what = %r
n = stopped = 0
polled = shown = time.ticks_ms()
while m.lookup(2) != b"stop":
    try:
        time.sleep_ms(1)
        now = time.ticks_ms()
        if time.ticks_diff(now, shown) >= 10:
            shown = now
            out(what[n %% len(what)])
            n += 1
            m.update(0, n.to_bytes(4, "little"))
        if time.ticks_diff(now, polled) >= (%s):
            polled = now
            poll()
    except KeyboardInterrupt:
        stopped += 1
        m.update(1, stopped.to_bytes(4, "little"))
"""


def number(value: bytes | None) -> int:
    assert value is not None
    return int.from_bytes(value, "little")


def outlives(port: str, prints: int) -> None:
    """Have a session with a PROGRAM that runs, until it has printed so much."""
    with connect(port, timeout=PATIENCE, console=lambda _: None) as board:
        m = board.map("m")
        session, boot = board.link.connection.session.session, board.info["boot"]
        most = number(m.lookup(0)) + prints
        end = time.monotonic() + PATIENCE
        while number(m.lookup(0)) <= most and time.monotonic() < end:
            board.listen(0.05)
        assert number(m.lookup(0)) > most
        assert board.link.connection.session.session == session
        assert board.info["boot"] == boot
        assert number(m.lookup(1)) == 0, "it was interrupted"
        m.update(2, b"stop")


@pytest.mark.parametrize("every", [1, 90, 700])
def test_a_session_outlives_all_that_its_program_prints(unix: UnixBoard, mpremote: Mpremote, every: int) -> None:
    what = some_prints() if every == 700 else all_prints()
    mpremote("exec", "--no-follow", PROGRAM % (STDIO, what, every))
    outlives(unix.port, len(what))
    stop(unix)


def stop(board: SimulatedBoard) -> None:
    """Stop the program, whatever it prints, and go back to the friendly REPL."""
    with serial.Serial(board.port, timeout=PATIENCE) as port:
        port.write(b"\x03\x02print(6 * 'stop')\r")
        for text in (6 * b"stop", b">>> "):
            assert port.read_until(text).endswith(text)


# Prints, and keeps what it is sent when it reads at all.
READER = """
import sys, select, time
what = %r
got = b""
stopped = n = 0
p = select.poll()
p.register(sys.stdin, select.POLLIN)
shown = time.ticks_ms()
try:
    while True:
        time.sleep_ms(1)
        if time.ticks_diff(time.ticks_ms(), shown) >= 10:
            shown = time.ticks_ms()
            sys.stdout.buffer.write(what[n %% len(what)])
            n += 1
        while %r and p.poll(0):
            got += sys.stdin.buffer.read(1)
except KeyboardInterrupt:
    stopped += 1
"""


def is_left_alone(board: SimulatedBoard, reads: bool) -> None:
    """Try to connect to a READER that runs, and see what it got of that."""
    with pytest.raises(NoAnswer, match="must call"):
        connect(board.port, timeout=2)
    stop(board)
    with serial.Serial(board.port, timeout=PATIENCE) as port:
        port.write(b"print([stopped], list(got))\r")
        port.read_until(b"\n")
        stopped, got = eval(port.read_until(b"\n").replace(b"] [", b"], ["))
    assert stopped == [1], "by this test"
    assert not {1, 3, 4, 5, 9, 10, 13} & set(got), "Ctrl-A, C, D, E, Tab or the end of a line was typed"
    assert bool(got) is reads


@pytest.mark.parametrize("reads", [True, False], ids=["reads", "never reads"])
def test_a_program_that_never_polls_is_left_alone(unix: UnixBoard, mpremote: Mpremote, reads: bool) -> None:
    mpremote("exec", "--no-follow", READER % (all_prints(), reads))
    is_left_alone(unix, reads)


INPUT = "said = [input(%r)]\nsaid.append(input())\nprint(said)"


def gets_nothing_typed(port: str) -> None:
    """Try to connect to an INPUT that runs, then answer it."""
    with pytest.raises(NoAnswer, match="waits for input"):
        connect(port, timeout=1.5)
    with serial.Serial(port, timeout=PATIENCE) as line:
        line.write(b"Bob\r")
        line.read_until(b"Bob\r\n")
        line.write(b"x\r")
        assert b"['Bob', 'x']" in line.read_until(b"\x04>")
        line.write(b"\x02")


@pytest.mark.parametrize("asked", ["name? ", ">>> ", "\nMicroPython v1.26.0 on 2025-09-11; x\n>>> "])
def test_nothing_is_typed_into_a_program_that_waits_for_input(unix: UnixBoard, mpremote: Mpremote, asked: str) -> None:
    mpremote("exec", "--no-follow", INPUT % asked)
    gets_nothing_typed(unix.port)


@pytest.fixture(scope="module", params=["pico", "qemu"])
def chip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedBoard]:
    """An emulated board at its REPL."""
    require_board(request.param)
    port = tmp_path_factory.mktemp("chip") / "port"
    with PicoBoard(port=port, built_in=True) if request.param == "pico" else QemuBoard(port=port) as board:
        yield board


def test_a_session_with_a_chip_outlives_what_its_program_prints(chip: SimulatedBoard) -> None:
    """The program polls often at first, then seldom."""
    what = some_prints()
    serve = STDIO if chip.maps_port == chip.port else UART
    start(chip.port, PROGRAM % (serve, what, f"20 if n < {len(what)} else 200"), soft_reset=True)
    outlives(chip.maps_port, 2 * len(what))
    stop(chip)


def test_a_chip_s_program_that_never_polls_is_left_alone(chip: SimulatedBoard) -> None:
    start(chip.port, READER % (some_prints(), True), soft_reset=True)
    is_left_alone(chip, True)


def test_nothing_is_typed_into_a_chip_s_program_that_waits_for_input(chip: SimulatedBoard) -> None:
    start(chip.port, INPUT % "\r\n>>> ", soft_reset=True)
    gets_nothing_typed(chip.port)


def test_input_in_the_middle_of_a_session(unix: UnixBoard, mpremote: Mpremote) -> None:
    """The host only listens: what keeps the session alive is taken back from input(), and the session goes on."""
    program = """
import boardmaps, time
boardmaps.StaticPool.reset()
m = boardmaps.ArrayMap(4, 1, 0, "m")
while m.lookup(0) == bytes(4):
    boardmaps.poll()
began = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), began) < 300:
    boardmaps.poll()
said = input("name? ")
while m.lookup(0) != b"stop":
    boardmaps.poll()
"""
    mpremote("exec", "--no-follow", program)
    with connect(unix.port, timeout=PATIENCE) as board:
        session = board.link.connection.session.session
        m = board.map("m")
        m.update(0, b"go!!")
        typist = threading.Timer(4.5, board.link.connection.line.write, (b"Bob\r",))
        typist.start()
        board.listen(6)
        typist.join()
        assert m.lookup(0) == b"go!!"
        assert board.link.connection.session.session == session
        m.update(0, b"stop")
    assert mpremote("resume", "exec", "print(repr(said))").strip() == "'Bob'"


def test_a_loop_that_polls_every_three_seconds_is_attached_to(unix: UnixBoard, mpremote: Mpremote) -> None:
    program = "import boardmaps, time\nwhile True:\n    time.sleep(3)\n    boardmaps.poll()"
    mpremote("exec", "--no-follow", program)
    with connect(unix.port, timeout=PATIENCE) as board:
        assert board.pool.total_size() == 65536
    time.sleep(3.5)  # until it has read BYE
    stop(unix)

"""The unix board's serial line: every byte, Ctrl-C, Ctrl-D, and clients that come, go and misbehave.

More than 300 lines: each byte that a REPL treats in its own way.
"""

import fcntl
import os
import select
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import serial

from boardmaps_sim.unix import UnixBoard
from tests.sim.conftest import PROMPT, Console, Mpremote
from tests.sim.programs import SECOND_TERMINAL
from tests.waits import PATIENCE, eventually

RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
ALL_BYTES = bytes(range(256))
# Echoes blocks of 256 bytes with Ctrl-C as data, until a block of zeros.
ECHO = b"""\
import sys, micropython
micropython.kbd_intr(-1)
block = bytearray(256)
print("ready")
while sys.stdin.buffer.readinto(block) and any(block):
    sys.stdout.buffer.write(block)
micropython.kbd_intr(3)
print("left")
"""
# What a server does on this board: VMIN and VTIME 0, then readinto() takes what is there.
PARTIAL = b"""\
import select, sys, termios
old, new = termios.tcgetattr(0), termios.tcgetattr(0)
new[6][5] = new[6][6] = 0
termios.tcsetattr(0, termios.TCSANOW, new)
block = bytearray(64)
poll = select.poll()
poll.register(sys.stdin, select.POLLIN)
print("ready")
poll.poll()
print(str(block[: sys.stdin.buffer.readinto(block)], "utf8"))
print(sys.stdin.buffer.readinto(block))
termios.tcsetattr(0, termios.TCSANOW, old)
"""


# A thread that takes every interrupt that reaches it, beside a main program that is nearly always within the allocator or the lock.
THREADS = b"""\
import _thread, time
lock = _thread.allocate_lock()
on, taken = True, 0
def beside():
    global taken
    while on:
        try:
            with lock:
                bytes(10)
            time.sleep_ms(1)
        except KeyboardInterrupt:
            taken += 1
def work():
    print("on")
    while True:
        with lock:
            [bytes(20) for _ in range(9)]
_thread.start_new_thread(beside, ())
"""


def install_main(mpremote: Mpremote, board: UnixBoard, text: str, name: str = "main.py") -> None:
    """Put a program on the board."""
    source = board.flash.with_name(name)
    source.write_text(text)
    mpremote("fs", "cp", str(source), f":{name}")


@contextmanager
def raw_repl(console: Console) -> Iterator[None]:
    console.prompt()
    console.write(b"\x01")
    console.expect(RAW_PROMPT)
    yield
    console.write(b"\x02")
    console.expect(PROMPT)


def test_all_bytes_pass_both_ways_and_ctrl_c_is_data_after_kbd_intr(console: Console) -> None:
    with raw_repl(console):
        console.write(ECHO + b"\x04")
        console.expect(b"ready\n")
        for shift in range(8):
            block = ALL_BYTES[shift * 32 :] + ALL_BYTES[: shift * 32]
            console.write(block)
            assert console.read(256) == block
        console.write(b"\x03" * 256)
        assert console.read(256) == b"\x03" * 256
        console.write(bytes(256))
        console.expect(b"left\n\x04\x04>")


def test_all_bytes_are_printed_unaltered(console: Console) -> None:
    with raw_repl(console):
        console.write(b"import sys; sys.stdout.buffer.write(bytes(range(256)) * 300)\x04")
        console.expect(b"OK")
        assert console.read(256 * 300) == ALL_BYTES * 300


def test_nothing_is_echoed(console: Console) -> None:
    console.prompt()
    console.write(b"import sys; x = sys.stdin.buffer.read(3)\r")
    console.expect(b"read(3)\r\n")
    console.write(b"abc")
    console.expect(PROMPT)
    assert console.run(b"x") == b"b'abc'\n"


def test_available_bytes_can_be_read_without_blocking(console: Console) -> None:
    with raw_repl(console):
        console.write(PARTIAL + b"\x04")
        console.expect(b"ready\n")
        console.write(b"12345")
        assert console.expect(b"\x04\x04>") == b"12345\n0\n\x04\x04>"


# The second three are not there yet when Ctrl-C comes, and MicroPython does not look for one before.
WAITS = [b"exec('while 1: pass')", b"time.sleep(60)", b"input()"]


@pytest.mark.parametrize("wait", [*WAITS, *(b"sum(range(200000)); " + wait for wait in WAITS)])
def test_ctrl_c_interrupts_typed_code_again_and_again(console: Console, wait: bytes) -> None:
    console.prompt()
    console.run(b"import time")
    for _ in range(5):
        console.write(b"print('on'); " + wait + b"\r")
        console.expect(b"on\n")
        console.write(b"\x03")
        console.expect(b"KeyboardInterrupt: \n" + PROMPT)
    assert console.run(b"1 + 1") == b"2\n"


def test_ctrl_c_at_the_prompt_cancels_the_line(console: Console) -> None:
    console.prompt()
    console.write(b"never_run()\x03")
    console.expect(b"never_run()\r\n" + PROMPT)


def test_impatient_ctrl_cs_do_no_harm(console: Console) -> None:
    console.prompt()
    console.run(b"kept = 1")
    for _ in range(50):
        console.write(b"print('on'); exec('while 1: pass')\r")
        console.expect(b"on\n")
        console.write(b"\x03\x03")
        console.write(b"\x03")
        console.expect(b"KeyboardInterrupt: \n")
        console.prompt()
    assert console.run(b"kept") == b"1\n"


def test_ctrl_c_reaches_the_main_thread_whatever_others_do_and_leaves_no_lock_taken(console: Console) -> None:
    with raw_repl(console):
        console.write(THREADS + b"\x04")
        console.expect(b"\x04\x04>")
        for _ in range(30):
            console.write(b"work()\x04")
            console.expect(b"on\n")
            console.write(b"\x03")
            console.expect(b"KeyboardInterrupt: \n\x04>")
        console.write(b"on = False; time.sleep_ms(50); print(taken, lock.acquire(0))\x04")
        console.expect(b"OK0 True\n\x04\x04>")


def test_a_second_terminal_can_send_input_and_ctrl_c(mpremote: Mpremote) -> None:
    assert mpremote("exec", SECOND_TERMINAL) == "b'two'\ninterrupted\ngoes on\n"


def test_ctrl_c_clears_what_the_program_has_not_read(console: Console) -> None:
    console.prompt()
    console.write(b"print('on'); exec('while 1: pass')\r")
    console.expect(b"on\n")
    console.write(b"\x04\x01\x04 garbage")
    console.write(b"\x03")
    console.expect(b"KeyboardInterrupt: \n" + PROMPT)
    assert console.run(b"1 + 1") == b"2\n"


def test_ctrl_d_at_the_prompt_runs_boot_and_main_afresh(board: UnixBoard, mpremote: Mpremote) -> None:
    install_main(mpremote, board, "print('boot ran')\n", "boot.py")
    install_main(mpremote, board, "print('main ran')\nleft = 7\n")
    with Console(board.port) as console:
        console.prompt()
        console.run(b"kept = 1")
        console.write(b"\x04")
        answer = console.expect(PROMPT)
        assert answer.startswith(b"\r\nMPY: soft reboot\r\nboot ran\nmain ran\nMicroPython ")
        assert console.run(b"'kept' in globals(), left") == b"(False, 7)\n"


def test_ctrl_d_in_the_raw_repl_runs_boot_only_and_stays_there(board: UnixBoard, mpremote: Mpremote) -> None:
    install_main(mpremote, board, "print('boot ran')\n", "boot.py")
    install_main(mpremote, board, "print('main ran')\n")
    with Console(board.port) as console, raw_repl(console):
        for _ in range(2):
            console.write(b"\x04")
            assert console.expect(RAW_PROMPT) == b"OK\r\nMPY: soft reboot\r\nboot ran\n" + RAW_PROMPT


@pytest.mark.parametrize(
    "leave", [b"import sys; sys.exit()", b"raise SystemExit", b"import machine; machine.soft_reset()"]
)
def test_system_exit_is_a_soft_reset(console: Console, leave: bytes) -> None:
    console.prompt()
    console.write(leave + b"\r")
    assert console.expect(PROMPT).startswith(leave + b"\r\nMPY: soft reboot\r\nMicroPython ")
    with raw_repl(console):
        console.write(leave + b"\x04")
        assert console.expect(RAW_PROMPT) == b"OK\x04\x04MPY: soft reboot\r\n" + RAW_PROMPT


def test_main_that_exits_is_a_soft_reset(board: UnixBoard, mpremote: Mpremote) -> None:
    install_main(
        mpremote, board, "import os, sys\nif 'once' not in os.listdir():\n open('once', 'w').close()\n sys.exit()\n"
    )
    with Console(board.port) as console:
        console.prompt()
        console.write(b"\x04")
        assert console.expect(PROMPT).count(b"MPY: soft reboot\r\n") == 2


def test_ctrl_c_ends_the_resets_of_a_main_that_always_exits(board: UnixBoard, mpremote: Mpremote) -> None:
    install_main(mpremote, board, "raise SystemExit\n")
    with Console(board.port) as console:
        console.prompt()
        console.write(b"\x04" + b"\x03" * 3)
        for _ in range(20):  # between two starts one is lost now and then, as it is on a board
            console.write(b"\x03")
            time.sleep(0.05)
        console.prompt()


def test_the_traceback_of_main_is_a_boards(board: UnixBoard, mpremote: Mpremote) -> None:
    install_main(mpremote, board, "def f():\n 1/0\nf()\n")
    with Console(board.port) as console:
        console.prompt()
        console.write(b"\x04")
        console.expect(b"soft reboot\r\n")
        assert console.expect(b"divide by zero\n") == (
            b"Traceback (most recent call last):\n"
            b'  File "main.py", line 3, in <module>\n'
            b'  File "main.py", line 2, in f\n'
            b"ZeroDivisionError: divide by zero\n"
        )


def test_a_crash_restarts_the_board_and_says_so(board: UnixBoard, mpremote: Mpremote) -> None:
    install_main(
        mpremote, board, "@micropython.viper\ndef peek(address: int) -> int:\n    return ptr8(address)[0]\npeek(8)\n"
    )
    with Console(board.port) as console:
        console.prompt()
        console.write(b"\x04")
        console.expect(b"MPY: crashed; restarted (SIGSEGV)\r\n")
        console.expect(b"MPY: crashed again; started without main.py (SIGSEGV)\r\n")
        console.expect(PROMPT)
        assert console.run(b"1 + 1") == b"2\n"


# Its last act is a file whose name is in no source.
CHATTER = "for count in range(20000): print('nobody reads this')\nopen('/' + 20 * 'd', 'w').close()\n"


def done(board: UnixBoard) -> bool:
    """Wait until CHATTER has ended."""
    return eventually(lambda: 20 * b"d" in board.flash.read_bytes())


def test_printing_without_a_client_does_not_block(board: UnixBoard, mpremote: Mpremote) -> None:
    install_main(mpremote, board, CHATTER)
    mpremote("reset")
    assert done(board)


def test_a_client_that_does_not_read_stalls_the_board_only_for_a_while(board: UnixBoard, mpremote: Mpremote) -> None:
    install_main(mpremote, board, CHATTER)
    deaf = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(deaf, b"\r\x02\x04")
        assert done(board)
    finally:
        os.close(deaf)


def test_the_next_client_gets_nothing_that_was_meant_for_the_last(board: UnixBoard) -> None:
    with Console(board.port) as console:
        console.prompt()
        console.write(b"print('stale' * 2000)\r")
        time.sleep(0.2)
    time.sleep(0.1)
    fresh = os.open(board.port, os.O_RDWR | os.O_NOCTTY)  # pyserial would flush it away
    try:
        os.write(fresh, b"1 + 1\r")
        answer = b""
        while not answer.endswith(PROMPT) and select.select([fresh], [], [], PATIENCE)[0]:
            answer += os.read(fresh, 65536)
        assert answer == b"1 + 1\r\n2\n" + PROMPT
    finally:
        os.close(fresh)


def test_terminal_settings_and_exclusive_mode_do_not_outlive_a_client(board: UnixBoard) -> None:
    for _ in range(3):
        client = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
        try:
            fcntl.ioctl(client, termios.TIOCEXCL)
            settings = termios.tcgetattr(client)
            assert not settings[3] & (termios.ECHO | termios.ICANON)
            settings[3] |= termios.ECHO | termios.ICANON
            termios.tcsetattr(client, termios.TCSANOW, settings)
            os.write(client, b"\r")
            time.sleep(0.1)
        finally:
            os.close(client)
        time.sleep(0.1)


def test_clients_come_and_go(board: UnixBoard) -> None:
    for number in range(200):
        with serial.Serial(board.port, timeout=PATIENCE) as client:
            client.write(b"%d + 1\r" % number)
            assert client.read_until(b"\n%d\n" % (number + 1)).endswith(b"\n%d\n" % (number + 1))

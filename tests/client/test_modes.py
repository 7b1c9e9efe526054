"""The server in a loop, in serve(), as a task of asyncio, in a thread: hosts come and go, the REPL is there afterwards.

The cycles of connecting and leaving: 1,000 with BOARDMAPS_SOAK=1, 50 without.
"""

import os
import threading
import time
from collections.abc import Callable

import pytest
import serial

from boardmaps import OutOfMemory
from boardmaps_host import connect
from boardmaps_sim.unix import UnixBoard
from tests.client.conftest import Mpremote
from tests.waits import PATIENCE

CYCLES = 1000 if os.environ.get("BOARDMAPS_SOAK") == "1" else 50

START = """
import boardmaps, time
boardmaps.StaticPool.reset()
kept = 41
m = boardmaps.ArrayMap(8, 4, 0, "m")
one = bytes((1,)) + bytes(7)
def step():
    n = int.from_bytes(m.lookup(0), "little") + 1
    m.update(0, n.to_bytes(8, "little"))
"""

MODES = {
    "poll": """
while True:
    boardmaps.poll()
    step()
    time.sleep_ms(1)
""",
    "serve_async": """
import asyncio
async def firmware():
    while True:
        step()
        await asyncio.sleep_ms(1)
async def main():
    task = asyncio.create_task(boardmaps.serve_async())
    await firmware()
asyncio.run(main())
""",
    "serve_thread": """
import _thread
lock = _thread.allocate_lock()
server = boardmaps.serve_thread(guard=lock)
try:
    while True:
        with lock:
            step()
        time.sleep_ms(1)
finally:
    server.stop()
""",
}


def count(m: object) -> int:
    return int.from_bytes(m.lookup(0), "little")  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", MODES)
def test_firmware_runs_on_while_hosts_come_and_go(unix: UnixBoard, mpremote: Mpremote, mode: str) -> None:
    mpremote("exec", "--no-follow", START + MODES[mode])
    boots, last = set(), -1
    for _ in range(5):
        with connect(unix.port) as board:
            boots.add(board.info["boot"])
            m = board.map("m")
            first = count(m)
            m.update(1, b"from us!")
            assert m.lookup(1) == b"from us!"
            time.sleep(0.1)
            assert count(m) > first > last, "the firmware stood still"
            last = first
    assert len(boots) == 1
    assert int(mpremote("resume", "exec", "print(kept, m.lookup(1) == b'from us!')").split()[0]) == 41


@pytest.mark.parametrize("mode", MODES)
def test_events_are_pushed_in_every_mode(unix: UnixBoard, mpremote: Mpremote, mode: str) -> None:
    mpremote("exec", "--no-follow", START + MODES[mode])
    with connect(unix.port) as board, board.map("m").watch(0, every=0.02) as changes:
        numbers = [int.from_bytes(c.value or b"", "little") for c in (changes.get(PATIENCE) for _ in range(10)) if c]
        assert numbers == sorted(set(numbers))
        assert len(numbers) == 10
    mpremote("resume", "exec", "pass")


@pytest.mark.parametrize("mode", MODES)
def test_the_idle_watchdog_gives_ctrl_c_back(unix: UnixBoard, mpremote: Mpremote, mode: str) -> None:
    """A host that vanished: after `idle` seconds a single Ctrl-C reaches the program as on any board."""
    code = MODES[mode].replace("boardmaps.poll()", "server.poll()").replace("serve_async()", "serve_async(idle=1)")
    code = code.replace("serve_thread(guard", "serve_thread(idle=1, guard")
    mpremote("exec", "--no-follow", START + "server = boardmaps.Server(idle=1)\n" + code)
    board = connect(unix.port)
    assert board.info["idle"] == "1"
    board.link.connection.line.close()  # no leave is taken
    time.sleep(2)
    with serial.Serial(unix.port, timeout=PATIENCE) as port:
        port.write(b"\x03")
        assert b"KeyboardInterrupt" in port.read_until(b"\x04>")
    assert mpremote("resume", "exec", "print(kept)").strip() == "41"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("typed", [b"\x03", b"\r\x03\r\x01"], ids=["terminal", "mpremote"])
def test_ctrl_c_ends_the_program_while_a_session_is_open(
    unix: UnixBoard, mpremote: Mpremote, mode: str, typed: bytes
) -> None:
    """A host that vanished, before its `idle` seconds are over: the first Ctrl-C counts, and the REPL gets what follows it."""
    mpremote("exec", "--no-follow", START + MODES[mode])
    board = connect(unix.port)
    assert count(board.map("m")) > 0
    board.link.connection.line.close()  # no leave is taken
    time.sleep(0.2)
    with serial.Serial(unix.port, timeout=PATIENCE) as port:
        port.write(typed)
        end = b"raw REPL; CTRL-B to exit\r\n>" if len(typed) > 1 else b"\x04>"
        said = port.read_until(end)
        assert b"KeyboardInterrupt" in said
        assert said.endswith(end)
    assert mpremote("resume", "exec", "print(kept)").strip() == "41"


@pytest.mark.parametrize("mode", MODES)
def test_only_the_host_interrupts_with_a_key(unix: UnixBoard, mpremote: Mpremote, mode: str) -> None:
    """Ctrl-C on the line of a locked server is nothing, in a session and after it; the host's interrupt() reaches the program."""
    key = b"sixteen bytes are good"
    code = START + MODES[mode].replace("serve_thread(", f"serve_thread(key={key!r}, ")
    code = code.replace("boardmaps.poll()", "server.poll()").replace("serve_async(", f"serve_async(key={key!r}, ")
    if "server.poll()" in code:
        code = code.replace("while", f"server = boardmaps.Server(key={key!r})\nwhile", 1)
    mpremote("exec", "--no-follow", code)
    time.sleep(0.2)
    for _ in range(2):
        with connect(unix.port, key=key) as board:
            before = count(board.map("m"))
            board.link.connection.line.write(b"\r\x03\x03\r\x01\0")
            time.sleep(0.2)
            assert count(board.map("m")) > before
        with serial.Serial(unix.port, timeout=0.3) as port:
            port.write(b"\x03\x03")
            assert b">" not in port.read(100)
    with connect(unix.port, key=key) as board:
        board.interrupt()
    assert mpremote("resume", "exec", "print(kept)").strip() == "41"


def test_what_is_typed_beside_a_serving_thread_does_not_keep_a_host_out(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", START + MODES["serve_thread"])
    with serial.Serial(unix.port, timeout=PATIENCE) as port:
        port.write(b"hello?\r")
    with connect(unix.port) as board:
        assert count(board.map("m")) > 0
    mpremote("resume", "exec", "pass")


def cycles(unix: UnixBoard, leave: Callable[[int], None]) -> set[str]:
    boots = set()
    for i in range(CYCLES):
        with connect(unix.port) as board:
            boots.add(board.info["boot"])
            assert board.pool.total_size() == 65536
        leave(i)
    return boots


def test_connecting_and_leaving_leaves_the_repl_each_time(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "kept = 0")

    def at_the_repl(i: int) -> None:
        with serial.Serial(unix.port, timeout=PATIENCE) as port:
            port.write(b"kept += 1; print('kept', kept)\r")
            assert b"\nkept %d\n>>> " % (i + 1) in port.read_until(b"\n>>> ")

    assert len(cycles(unix, at_the_repl)) == 1


def test_connecting_to_a_firmware_and_leaving_stops_nothing(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", START + MODES["poll"])
    assert len(cycles(unix, lambda _: None)) == 1
    assert mpremote("resume", "exec", "print(kept)").strip() == "41"


def test_threads_of_the_host_share_a_board_in_a_second_thread(unix: UnixBoard, mpremote: Mpremote) -> None:
    """Adding from both sides under the lock loses no count, while prints and changes come."""
    mpremote("exec", "--no-follow", START + MODES["serve_thread"])
    with connect(unix.port) as board:
        board.create_map("HashMap", key_size=2, value_size=2, max_entries=64, name="h")
        failed: list[BaseException] = []

        def drive(n: int) -> None:
            try:
                h = board.map("h")
                for i in range(100):
                    key = bytes((n, i % 16))
                    h.update(key, bytes((i, n)))
                    assert h.lookup(key) == bytes((i, n))
            except BaseException as e:
                failed.append(e)

        threads = [threading.Thread(target=drive, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        board.listen(0.5)
        for thread in threads:
            thread.join()
        assert failed == []
        assert len(board.map("h")) == 64
    mpremote("resume", "exec", "pass")


@pytest.mark.parametrize("key", [None, b"sixteen bytes are good"])
def test_a_firmware_that_seldom_polls_takes_each_request_whole(
    unix: UnixBoard, mpremote: Mpremote, key: bytes | None
) -> None:
    """Twice a second: a poll for each request, also where a session that nobody ended keeps Ctrl-C for a byte of the line."""
    loop = (
        f"server = boardmaps.Server(key={key!r})\nwhile True:\n    step()\n    server.poll()\n    time.sleep_ms(500)\n"
    )
    mpremote("exec", "--no-follow", START + loop)
    with connect(unix.port, key=key) as board:
        board.link.connection.line.close()  # no leave is taken
    with connect(unix.port, key=key) as board:
        m = board.map("m")
        first = count(m)
        for _ in range(3):
            m.lookup(1)
        assert count(m) - first <= 2 * 4, "requests took more polls than two each"
        if key is not None:  # Ctrl-C, and so mpremote, has no say then
            board.interrupt()
    assert mpremote("resume", "exec", "print(kept)").strip() == "41"


FULL_HEAP = """
hog = []
def fill():
    try:
        while True:
            hog.append(bytearray(256))
    except MemoryError:
        for _ in range(6):
            hog.pop()
while True:
    boardmaps.poll()
    if not hog and m.lookup(1) == b"fill it!":
        fill()
"""


def test_a_full_heap_refuses_what_needs_it_and_says_so(unix: UnixBoard, mpremote: Mpremote) -> None:
    """Room enough for an answer, not for the events that a board loads with the first subscription."""
    mpremote("exec", "--no-follow", START + FULL_HEAP)
    with connect(unix.port, timeout=PATIENCE) as board:
        m = board.map("m")
        m.update(1, b"fill it!")
        time.sleep(0.2)
        with pytest.raises(OutOfMemory, match=r"heap of the board is exhausted|the board has no memory for it"):
            m.watch(0)
        assert m.lookup(1) == b"fill it!"
    mpremote("resume", "exec", "hog.clear()")

"""Connecting and leaving: nothing is reset, the REPL is as it was found, and what is in the way is named.

More than 300 lines: each way to find a board, or not to find it.
"""

import os
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from boardmaps import ArrayMap, HashMap, KeyNotFound, NotPermitted, OutOfMemory
from boardmaps.line.frame import HELLO, REPLY_FLAG, Decoder, encode
from boardmaps.line.session import pack_hello
from boardmaps_host import connect
from boardmaps_host.client import (
    LinkError,
    LinkTimeout,
    NoAnswer,
    NotDeployed,
    OutcomeUnknown,
    PortBusy,
    PortGone,
    PortMissing,
    VersionMismatch,
    opening,
)
from boardmaps_host.client.link import Link
from boardmaps_host.client.simulated import running
from boardmaps_host.client.states import Step
from boardmaps_host.client.transports.serial import SerialTransport
from boardmaps_host.deploy import DeployError, deploy
from boardmaps_sim.unix import UnixBoard, default_port
from tests.client.conftest import Mpremote
from tests.waits import PATIENCE


def test_connecting_resets_nothing_and_leaves_the_repl(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("resume", "exec", "kept = 41")
    boots = set()
    for _ in range(5):
        with connect(unix.port) as board:
            boots.add(board.info["boot"])
            assert board.pool.total_size() == 65536
        assert mpremote("resume", "exec", "kept += 1; print('kept', kept)").startswith("kept 4")
    assert len(boots) == 1
    assert mpremote("resume", "exec", "print(kept)").strip() == "46"


def test_closing_does_not_wait_long_for_a_board_that_was_slow_and_has_gone(
    unix: UnixBoard, mpremote: Mpremote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of its answers arrives any more, and by what was measured till now one takes a quarter of an hour."""
    mpremote("resume", "exec", "--no-follow", "import boardmaps\nwhile True: boardmaps.poll()")
    board = connect(unix.port)
    board.link.connection.session._trip.overdue = 900.0
    began = now = time.monotonic()

    def nothing(_line: SerialTransport, timeout: float) -> bytes:
        nonlocal now
        now += timeout
        return b""

    with monkeypatch.context() as patch:
        patch.setattr(SerialTransport, "read", nothing)
        patch.setattr(opening, "time", SimpleNamespace(monotonic=lambda: now))
        board.close()
    assert 0.5 < now - began < 10
    mpremote("exec", "pass")


def test_a_board_without_memory_for_the_server_says_how_to_take_a_smaller_pool(tmp_path: Path) -> None:
    with ExitStack() as boards:
        for words in range(69_000, 80_000, 400):  # the least heap that holds the pool
            small = boards.enter_context(UnixBoard(port=tmp_path / f"small{words}", heap=f"{words}w"))
            with suppress(DeployError):
                deploy(small.port, reset=False)
                break
        with pytest.raises(LinkError) as caught:
            connect(small.port)
        deploy(small.port, pool=16384, reset=False)
        with connect(small.port) as board:
            assert board.pool.total_size() == 16384
    said = str(caught.value)
    assert "the board has too little memory for the pool and the map server (MemoryError: " in said
    assert f"`boardmaps deploy --port {small.port} --pool BYTES` makes it smaller" in said


def test_maps_outlive_the_connection(unix: UnixBoard) -> None:
    with connect(unix.port, allow_reset=True) as board:
        board.pool.reset()
        board.create_map(HashMap, key_size=8, value_size=4, max_entries=4, name="temps").update(b"kitchen\0", b"abcd")
    with connect(unix.port) as board:
        assert board.map("temps").lookup(b"kitchen\0") == b"abcd"


def test_reset_of_the_pool_needs_permission(unix: UnixBoard) -> None:
    with connect(unix.port) as board, pytest.raises(NotPermitted, match="allow_reset"):
        board.pool.reset()


def test_the_pool_over_the_line(unix: UnixBoard) -> None:
    with connect(unix.port, allow_reset=True) as board:
        board.pool.reset()
        assert (board.pool.used(), board.pool.allocation_count()) == (0, 0)
        board.create_map(ArrayMap, value_size=8, max_entries=100, name="hits")
        assert board.pool.remaining() == 65536 - 96 - 800 == 65536 - board.maps()[0].slice_bytes
        with pytest.raises(OutOfMemory, match="'big'"):
            board.create_map(HashMap, key_size=16, value_size=64, max_entries=1000, name="big")
        assert board.pool.used() == 896


def test_a_running_program_goes_on_and_its_prints_are_shown(unix: UnixBoard, mpremote: Mpremote) -> None:
    program = """
import boardmaps
m = boardmaps.ArrayMap(4, 1, 0, "ticker")
n = 0
while True:
    n += 1
    m.update(0, n.to_bytes(4, "little"))
    if n % 50 == 0:
        print("tick", n)
    boardmaps.poll()
    import time
    time.sleep_ms(1)
"""
    mpremote("resume", "exec", "--no-follow", program)
    printed: list[str] = []
    with connect(unix.port, console=printed.append) as board:
        ticker = board.map("ticker")
        first = int.from_bytes(ticker.lookup(0) or b"", "little")
        time.sleep(0.3)
        assert int.from_bytes(ticker.lookup(0) or b"", "little") > first
    assert "tick" in "".join(printed)
    with connect(unix.port) as board:  # it still runs, and answers again
        assert int.from_bytes(board.map("ticker").lookup(0) or b"", "little") > first
    assert mpremote("exec", "print('stopped')").strip() == "stopped"  # and mpremote can stop it


def test_a_program_that_does_not_serve_is_not_stopped(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("resume", "exec", "--no-follow", "import time\nn = 0\nwhile True:\n    n += 1\n    time.sleep_ms(1)")
    with pytest.raises(NoAnswer, match=r"in 2\.\d s .*boardmaps\.poll\(\)"):
        connect(unix.port, timeout=2)
    with serial.Serial(unix.port, timeout=PATIENCE) as port:
        port.write(b"\x03")
        assert b"KeyboardInterrupt" in port.read_until(b"\x04>")  # it was started in the raw REPL
        port.write(b"\x02")
        port.read_until(b">>> ")
        port.write(b"n > 1000\r")
        assert b"True" in port.read_until(b">>> ")


def test_a_board_without_boardmaps() -> None:
    name = f"bare-{os.getpid()}"
    with UnixBoard(name, port=default_port(name)) as bare, pytest.raises(NotDeployed, match="boardmaps deploy --port"):
        connect(bare.port)


def test_a_missing_port() -> None:
    with pytest.raises(PortMissing, match="no such port"):
        connect("/dev/ttyNOWHERE")
    with pytest.raises(PortMissing, match="/dev/ttyACM77"):
        connect("a77")
    with pytest.raises(PortMissing, match="unheard"):
        connect("unheard://of")


def test_a_busy_port_names_who_has_it(unix: UnixBoard) -> None:
    with connect(unix.port):
        code = f"from boardmaps_host import connect\nconnect({unix.port!r})"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert "PortBusy" in done.stderr
        assert f"pid {os.getpid()}" in done.stderr
    with serial.Serial(unix.port, exclusive=True), pytest.raises(PortBusy, match="in use"):
        connect(unix.port)


TURNS = """
import collections, sys, time
from boardmaps_host import connect
from boardmaps_host.client import PortBusy
seen = collections.Counter()
while seen["served"] < 20:
    try:
        with connect(sys.argv[1]) as board:
            board.pool.total_size()
        seen["served"] += 1
    except PortBusy as e:
        assert "in use by pid" in str(e), e
        seen["busy"] += 1
    time.sleep(0.01)
print(seen["busy"])
"""


def test_two_processes_use_a_board_in_turn(unix: UnixBoard) -> None:
    """Each is served, or told who has the port: never that nothing answers."""
    command = [sys.executable, "-c", TURNS, unix.port]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [process.communicate(timeout=PATIENCE) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert sum(int(said) for said, _ in ends) > 0, "they never met"


def test_what_runs_is_known(unix: UnixBoard, mpremote: Mpremote) -> None:
    with connect(unix.port) as board:
        assert not board.program_runs
    mpremote("resume", "exec", "--no-follow", "import boardmaps\nwhile True: boardmaps.poll()")
    with connect(unix.port) as board:
        assert board.program_runs
    mpremote("exec", "pass")


def test_a_file_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    with pytest.raises(LinkError, match="file"):
        connect(str(tmp_path / "file"))


class Peer:
    """A line with somebody else's board at its other end."""

    name = "peer"

    def __init__(self, answer: "list[bytes]") -> None:
        self.answer = answer
        self.decoder = Decoder(5000)
        self.said = b""
        self.closed = False

    def read(self, timeout: float) -> bytes:
        data, self.said = self.said, b""
        if not data:
            time.sleep(min(timeout, 0.01))
        return data

    def write(self, data: bytes) -> None:
        for frame in self.decoder.feed(data):
            assert not isinstance(frame, bytes)
            kind, session, seq, _, _ = frame
            if kind == HELLO:
                for payload in self.answer:
                    self.said += encode(HELLO | REPLY_FLAG, session, seq, 0, payload)

    def close(self) -> None:
        self.closed = True


def test_a_board_of_another_version() -> None:
    with pytest.raises(VersionMismatch, match=r"protocol 2-3 \(boardmaps 9.1\), this computer speaks 2"):
        Link(Peer([pack_hello({"v": "2-3", "fw": "9.1"})]))


def test_a_board_of_version_one() -> None:
    """The bytes with which boardmaps 0.1.0 refuses a host of version 2."""
    old = b"boardmaps v=1-1 fw=0.1.0 boot=00c0ffee profile=embedded machine=old idle=10"
    with pytest.raises(VersionMismatch) as caught:
        Link(Peer([old]))
    assert str(caught.value) == (
        "peer: the board speaks protocol 1-1 (boardmaps 0.1.0), this computer speaks 2. "
        "Bring both to one version: boardmaps deploy --port peer"
    )


@pytest.mark.parametrize(
    "wrong",
    ["mtu=0", "mtu=many", "win=0", "win=1e3", "credit=-1", "next=65536", "next=", "boot=", "mtu=\u0663\u0663\u0663"],
)
def test_terms_that_cannot_be(wrong: str) -> None:
    terms = {"v": "2", "boot": "x", "mtu": "480", "win": "4", "credit": "511", "next": "1", "idle": "9"}
    name, _, value = wrong.partition("=")
    with pytest.raises(LinkError, match=r"terms cannot be: (mtu|win|credit|next|no boot id)"):
        Link(Peer([pack_hello({**terms, name: value})]))
    del terms[name]
    with pytest.raises(LinkError, match="terms cannot be"):
        Link(Peer([pack_hello(terms)]))


def test_a_board_that_falls_silent() -> None:
    link = Link(
        Peer([pack_hello({"v": 2, "boot": "x", "mtu": 480, "win": 4, "credit": 511, "next": 1, "idle": 99})]),
        timeout=0.3,
    )
    with pytest.raises(LinkTimeout, match="Nothing was changed"):
        link.request(b"\x0b", changes=False)
    with pytest.raises((OutcomeUnknown, NoAnswer)):
        link.request(b"\x0b", changes=True)


def test_a_board_that_prints_without_end_and_never_answers() -> None:
    class Flood(Peer):
        def read(self, timeout: float) -> bytes:
            return super().read(timeout * 0) or b"and again\r\n" * 100

    link = Link(
        Flood([pack_hello({"v": 2, "boot": "x", "mtu": 480, "win": 4, "credit": 511, "next": 1, "idle": "never"})]),
        timeout=0.3,
    )
    with pytest.raises(LinkTimeout, match="Nothing was changed"):
        link.request(b"\x0b", changes=False)


def test_somebody_elses_bytes() -> None:
    peer = Peer([b"\xff\xfe", b"boardmaps v", b""])
    peer.said = bytes(range(256)) * 40
    with pytest.raises(NoAnswer):
        Link(peer, timeout=0.5)


def test_garbage_on_the_line_harms_no_session(unix: UnixBoard) -> None:
    with connect(unix.port, allow_reset=True) as board:
        board.pool.reset()
        m = board.create_map(HashMap, key_size=1, value_size=1, max_entries=4)
        m.update(b"a", b"1")
        for garbage in (b"\0" * 50, bytes(range(256)) * 3, encode(9, 1, 1, 1, b"not for you"), b"\xff" * 2000):
            board.link.connection.line.write(garbage + b"\0")
            assert m.lookup(b"a") == b"1"
        with pytest.raises(KeyNotFound):
            m.delete(b"b")
        assert dict(m.items()) == {b"a": b"1"}


def test_the_session_survives_a_long_pause(unix: UnixBoard, mpremote: Mpremote) -> None:
    """After `idle` seconds the board takes its REPL back; the next call starts the server again without a word."""
    with connect(unix.port) as board:
        boot = board.info["boot"]
        board.link._opening.serve = "import boardmaps\nboardmaps.serve(idle=1)"
        board.link._opening.leave()
        board.link._opening._repl = None
        board.link.connection.forget(Step.GAVE_UP)
        board.link._opening.open()
        assert board.info["idle"] == "1"
        time.sleep(1.5)
        assert board.pool.total_size() == 65536
        assert board.info["boot"] == boot
    assert mpremote("resume", "exec", "print(7)").strip() == "7"


def test_leaving_after_a_long_pause_stops_no_program(unix: UnixBoard, mpremote: Mpremote) -> None:
    """The board has ended the session and Ctrl-C stops its program again: a BYE with a 3 in it must not be said then."""
    program = """
import boardmaps, time
server = boardmaps.Server(idle=1)
n = 0
while True:
    server.poll()
    time.sleep_ms(1)
    n += 1
    if n % 50 == 0:
        print("tick", n)
"""
    mpremote("exec", "--no-follow", program)
    board = connect(unix.port)
    time.sleep(1.5)
    board.link.connection.session._seq = 0x0303
    board.close()
    with serial.Serial(unix.port, timeout=PATIENCE) as port:
        port.read_until(b"tick")
        assert port.read_until(b"tick").endswith(b"tick")
    assert mpremote("resume", "exec", "print(n > 50)").strip() == "True"


def test_ctrl_c_gives_the_repl_back_when_the_host_died(unix: UnixBoard, mpremote: Mpremote) -> None:
    """A host that vanished took no leave; Ctrl-C belongs to its session still, and yet reaches the board."""
    board = connect(unix.port)
    board.link.connection.line.close()
    with serial.Serial(unix.port, timeout=PATIENCE) as port:
        port.write(b"\r\x03")
        assert b"KeyboardInterrupt" in port.read_until(b"\x04>")
    assert mpremote("exec", "print(8)").strip() == "8"


def test_a_simulated_board_that_was_killed_is_seen(tmp_path: Path) -> None:
    """Watching says that the port is gone, not that a change was in flight; and its link leads nowhere, whoever has the PTY."""
    killed = UnixBoard(port=tmp_path / "killed")
    killed.start()
    try:
        deploy(killed.port, reset=False)
        board = connect(killed.port, timeout=0.3)
        m = board.create_map(ArrayMap, value_size=4, max_entries=1, name="m")
        changes = m.watch(0)
        assert changes.get(2) is not None
        assert killed._process is not None
        killed._process.kill()
        killed._process.wait()
        with pytest.raises(PortGone) as caught:
            changes.get(20)
        began = time.monotonic()
        changes.close()
        assert time.monotonic() - began < 0.2, "nobody is there to be told"
        assert "flight" not in str(caught.value)
        assert caught.value.may_have_happened is False
        board.close()
        link = Path(killed.port)
        assert link.is_symlink(), "it was killed before it could remove its link"
        ours, theirs = os.openpty()
        link.unlink()
        link.symlink_to(os.ttyname(theirs))  # as happens when the next PTY gets the number
        with pytest.raises(PortMissing, match="has ended"):
            connect(killed.port)
        os.close(ours)
        os.close(theirs)
        with UnixBoard(port=tmp_path / "killed") as again:
            SerialTransport(again.port).close()
    finally:
        killed.stop()


def test_a_killed_board_is_not_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "mine"
    monkeypatch.setattr("boardmaps_sim.unix.default_port", lambda _: link)
    link.symlink_to("/dev/null")
    (link.with_name("mine.lock")).write_text("1\n")
    assert running("mine") is None
    link.unlink()
    with UnixBoard(port=link):
        assert running("mine") == str(link)

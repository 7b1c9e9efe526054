"""Sharing on every sort of line, and what a hub does about time: a locked board, a TCP socket, silence, slow readers."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps.abi import EVENT_ENTRY, EVENT_RECORD
from boardmaps_host import connect
from boardmaps_host.client import LinkError, LinkTimeout, RemoteRingBuf
from boardmaps_host.client.lock import WrongKey
from boardmaps_host.deploy import deploy
from boardmaps_host.share import meeting
from boardmaps_host.share.feeds import Reader
from boardmaps_host.share.programs import Program
from boardmaps_sim.unix import UnixBoard
from tests.firmware import running
from tests.link.test_ports import behind_a_socket
from tests.share.conftest import Connect
from tests.waits import PATIENCE, eventually

KEY = b"sixteen bytes are good"
_LOCKED = f"""
import boardmaps
from boardmaps import ArrayMap
hits = ArrayMap.with_entries(value_size=8, max_entries=8, name="hits")
server = boardmaps.Server(key={KEY!r})
while True:
    server.poll(5)
"""


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board with a locked line."""
    with running(tmp_path_factory.mktemp("locked"), _LOCKED) as board:
        yield board


def test_on_a_locked_line_each_program_proves_the_key(locked: UnixBoard) -> None:
    with connect(locked.port, share=True, key=KEY, timeout=30) as one:
        assert one.map("hits").add(0, 1) == 1
        with connect(locked.port, share=True, key=KEY, timeout=30) as two:
            assert two.map("hits").add(0, 1) == 2
        with pytest.raises(WrongKey, match="the board has another key"):
            connect(locked.port, share=True, key=b"another key of enough bytes")
        with pytest.raises(LinkError, match=r"line is locked. Give its key"):
            connect(locked.port, share=True)
        assert one.map("hits").add(0, 1) == 3


def test_the_first_program_needs_the_right_key_too(locked: UnixBoard) -> None:
    with pytest.raises(WrongKey, match="the board has another key"):
        connect(locked.port, share=True, key=b"another key of enough bytes")
    with pytest.raises(LinkError, match=r"line is locked. Give its key"):
        connect(locked.port, share=True)
    with connect(locked.port, share=True, key=KEY, timeout=30) as one:
        assert one.map("hits").lookup(7) == bytes(8)


def test_a_socket_is_shared(unix: UnixBoard) -> None:
    with behind_a_socket(unix.port) as number:
        url = f"socket://127.0.0.1:{number}"
        with connect(url, share=True, timeout=30) as one, connect(url, share=True, timeout=30) as two:
            one.map("hits").clear()
            assert one.map("hits").add(0, 1) == 1
            assert two.map("hits").add(0, 1) == 2
            (hub,) = meeting.hubs()
            assert hub["port"] == url


def test_the_port_is_let_go_while_nobody_says_anything(attach: Connect, unix: UnixBoard) -> None:
    board = attach()
    board.map("hits").clear()

    def free() -> bool:
        try:
            connect(unix.port, share=False).close()
        except LinkError:
            return False
        return True

    assert eventually(free), "the board's idle is 3 seconds"
    assert board.map("hits").add(0, 1) == 1


def test_a_program_has_its_own_timeout(unix: UnixBoard, attach: Connect) -> None:
    patient = attach()
    patient.map("hits").clear()
    with connect(unix.port, share=True, timeout=0.5) as hasty:
        hits = hasty.map("hits")
        assert unix._process is not None
        pid = unix._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(LinkTimeout, match=r"no answer for 0.5 s.*Nothing was changed"):
                hits.lookup(0)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert patient.map("hits").add(0, 1) == 1


_LISTENER = """
import os, signal, sys
from boardmaps_host import connect
with connect(sys.argv[1], share=True, timeout=60) as board:
    records = board.map("log").records()
    print("listens", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    seen = lost = 0
    for record in records:
        seen, lost = seen + 1, lost + record.lost
        if record.data == b"end":
            break
    print(seen, lost, record.number, flush=True)
"""


def test_a_slow_reader_holds_up_nobody_and_is_told_what_it_missed(attach: Connect, unix: UnixBoard) -> None:
    board = attach()
    log = board.map("log")
    assert isinstance(log, RemoteRingBuf)
    log.clear()
    records = log.records()
    log.output(b"begin")
    begin = records.get(PATIENCE)
    assert begin is not None
    slow = subprocess.Popen([sys.executable, "-c", _LISTENER, unix.port], stdout=subprocess.PIPE, text=True)
    assert slow.stdout is not None
    try:
        assert slow.stdout.readline() == "listens\n"
        assert eventually(lambda: Path(f"/proc/{slow.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        for n in range(200):
            assert log.output(b"%d" % n)
            record = records.get(PATIENCE)
            assert record is not None
            assert (record.data, record.lost) == (b"%d" % n, 0)
        slow.send_signal(signal.SIGCONT)
        while slow.poll() is None:  # it may have been silent for so long that it has to subscribe again
            log.output(b"end")
            time.sleep(0.05)
        seen, lost, last = map(int, slow.stdout.readline().split())
        assert seen + lost == last - begin.number
    finally:
        slow.kill()
        slow.wait()
        slow.stdout.close()


def test_what_a_reader_does_not_take_is_bounded_and_counted() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        program = Program(ours, 1)
        reader = Reader(program, records=True)
        for number in range(6000):
            reader.told(EVENT_RECORD, number.to_bytes(4, "little"))
        assert program.missed == 6000 - 4096
        first = reader.next(0)
        assert first == (EVENT_RECORD, (6000 - 4096).to_bytes(4, "little"))
        for _ in range(20):
            reader.told(EVENT_RECORD, bytes(100_000))
        held = 0
        while (item := reader.next(0)) is not None:
            held += len(item[1])
        assert held <= 1 << 20


def test_of_a_watch_a_reader_that_is_late_gets_the_last_of_each_slot() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = Reader(Program(ours, 1), records=False)
        for value in range(5000):
            reader.told(EVENT_ENTRY, b"\1\0" + value.to_bytes(4, "little"))
            reader.told(EVENT_ENTRY, b"\2\0" + value.to_bytes(4, "little"))
        assert [reader.next(0), reader.next(0), reader.next(0)] == [
            (EVENT_ENTRY, b"\1\0" + (4999).to_bytes(4, "little")),
            (EVENT_ENTRY, b"\2\0" + (4999).to_bytes(4, "little")),
            None,
        ]


def test_the_port_s_end_is_told_in_one_sentence(tmp_path: Path) -> None:
    with UnixBoard(port=tmp_path / "port") as board:
        deploy(board.port, reset=False)
        one = connect(board.port, share=True, timeout=2)
        two = connect(board.port, share=True, timeout=2)
    began = time.monotonic()
    for program in (one, two):
        with pytest.raises(LinkError, match=r"gone|has ended|no such port"):
            program.maps()
        program.close()
    assert time.monotonic() - began < PATIENCE

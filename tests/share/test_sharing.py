"""Several programs on one board: each has what it would have alone."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from boardmaps.errors import InvalidKeySize, KeyExists
from boardmaps_host import connect
from boardmaps_host.client import Board, FirmwareError, OutcomeUnknown, PortBusy, RemoteNumbers, RemoteRingBuf
from boardmaps_host.client.errors import LinkError
from boardmaps_host.deploy import deploy
from boardmaps_host.share import meeting
from boardmaps_host.share.journal import read
from boardmaps_sim.unix import UnixBoard
from tests.share.conftest import Connect, alive, clean
from tests.waits import PATIENCE, eventually


def ring(board: Board) -> RemoteRingBuf:
    """Return the board's ring."""
    found = board.map("log")
    assert isinstance(found, RemoteRingBuf)
    return found


def numbers(board: Board) -> RemoteNumbers:
    """Return the board's array of numbers."""
    found = board.map("hits")
    assert isinstance(found, RemoteNumbers)
    return found


def hub_of(unix: UnixBoard) -> dict[str, object]:
    (hub,) = meeting.hubs()
    assert hub["port"] == os.path.abspath(unix.port)
    return hub


def test_two_programs_change_the_same_maps(attach: Connect) -> None:
    one, two = attach(), attach()
    clean(one)
    assert one.map("hits").add(0, 5) == 5
    assert two.map("hits").add(0, 7) == 12
    one.map("temps").update(b"kitchen\0", b"\1\2\3\4")
    assert two.map("temps").lookup(b"kitchen\0") == b"\1\2\3\4"
    with pytest.raises(KeyExists):
        two.map("temps").update(b"kitchen\0", b"\0\0\0\0", 1)
    with pytest.raises(InvalidKeySize):
        two.map("temps").lookup(b"short")
    assert one.info["machine"] == two.info["machine"]
    assert one.link.boot != two.link.boot  # but the board's own boot id is one
    assert one.info["boot"] == two.info["boot"] == one.link.boot[:8]
    assert one.program_runs
    assert two.program_runs


def test_what_no_frame_holds_goes_through(attach: Connect) -> None:
    one, two = attach(), attach()
    clean(one)
    value = bytes(range(250)) * 8
    one.map("big").update(1, value)
    two.map("hits").add(1, 1)
    assert two.map("big").lookup(1) == value
    assert one.map("big").lookup(1) == value
    assert two.map("hits").batch_lookup()[1] == [i.to_bytes(4, "little") for i in range(8)]
    assert two.pool.remaining() == one.pool.remaining()


def test_a_long_reply_is_whole_though_others_ask_meanwhile(attach: Connect) -> None:
    """The board keeps a long reply only until the next request: of whomever."""
    one, two = attach(), attach()
    clean(one)
    value = os.urandom(2000)
    one.map("big").update(0, value)
    stop = threading.Event()
    hits = two.map("hits")

    def add() -> None:
        while not stop.is_set():
            hits.add(2, 1)

    thread = threading.Thread(target=add)
    thread.start()
    big = one.map("big")
    found = {big.lookup(0) for _ in range(20)}
    stop.set()
    thread.join()
    assert found == {value}


def test_a_ring_s_records_go_to_every_reader(attach: Connect) -> None:
    one, two = attach(), attach()
    clean(one)
    first, second = ring(one).records(), ring(two).records()
    for n in range(40):
        ring(two).output(b"record %d" % n)
    told = [[reader.get(PATIENCE) for _ in range(40)] for reader in (first, second)]
    assert [record.data for record in told[0] if record] == [b"record %d" % n for n in range(40)]
    assert told[0] == told[1]
    first.close()
    ring(one).output(b"behind")
    behind = second.get(PATIENCE)
    assert behind is not None
    assert (behind.data, behind.lost, second.lost) == (b"behind", 0, 0)


def test_a_change_of_one_program_is_told_to_the_others(attach: Connect) -> None:
    one, two, three = attach(), attach(), attach()
    clean(one)
    one.map("temps").update(b"there\0\0\0", b"\1\0\0\0")
    watches = [board.map("temps").watch(every=0.001) for board in (two, three)]
    for watch in watches:
        assert watch.get(PATIENCE) is not None, "what is there comes first, for each of them"
    one.map("temps").update(b"new\0\0\0\0\0", b"\2\0\0\0")
    for watch in watches:
        change = watch.get(PATIENCE)
        assert change is not None
        assert (change.key, change.value) == (b"new\0\0\0\0\0", b"\2\0\0\0")


def test_what_the_board_prints_goes_to_every_console(attach: Connect) -> None:
    said: list[list[str]] = [[], []]
    one, two = attach(console=said[0].append), attach(console=said[1].append)
    one.map("said").update(0, b"\1\0\0\0")
    for board, lines in ((one, said[0]), (two, said[1])):
        while "the firmware speaks\n" not in lines:  # the whole run's limit ends a wait without end
            board.listen(0.05)


def test_the_port_is_free_when_the_last_has_left_and_the_hub_ends(attach: Connect, unix: UnixBoard) -> None:
    one, two = attach(), attach()
    one.map("hits").add(0, 1)
    hub = hub_of(unix)
    one.close()
    with pytest.raises(PortBusy, match=f"through its hub .pid {hub['pid']}.. Leave out share=False"):
        connect(unix.port, share=False)
    two.close()
    left = time.monotonic()
    with connect(unix.port, share=False) as alone:
        alone.map("hits").add(0, 1)
    assert eventually(lambda: not alive(int(str(hub["pid"]))))
    assert time.monotonic() - left < 60


_ADDER = """
import sys
from boardmaps_host import connect
with connect(sys.argv[1], share=True, timeout=60) as board:
    hits = board.map("hits")
    for n in range(int(sys.argv[2])):
        hits.add(int(sys.argv[3]), 1)
        print(n + 1, flush=True)
"""


def test_a_killed_program_disturbs_nobody_and_its_addition_is_there_once_or_not(
    attach: Connect, unix: UnixBoard
) -> None:
    board = attach()
    clean(board)
    adder = subprocess.Popen(
        [sys.executable, "-c", _ADDER, unix.port, "1000000", "3"], stdout=subprocess.PIPE, text=True
    )
    assert adder.stdout is not None
    for _ in range(20):
        last = int(adder.stdout.readline())
    hits = board.map("hits")
    for _ in range(20):
        hits.add(4, 1)
    adder.kill()
    last = max([last, *(int(line) for line in adder.stdout.read().split())])
    adder.wait()
    adder.stdout.close()
    for _ in range(20):
        hits.add(4, 1)
    counted = [int.from_bytes(hits.lookup(i) or b"", "little") for i in (3, 4)]
    assert counted[1] == 40
    assert counted[0] - last in (0, 1)


def test_a_hub_that_is_killed_is_followed_by_another(attach: Connect, unix: UnixBoard) -> None:
    one, two = attach(), attach()
    clean(one)
    hits, watch = one.map("hits"), two.map("temps").watch(every=0.001)
    hits.add(0, 1)
    old = int(str(hub_of(unix)["pid"]))
    os.kill(old, signal.SIGKILL)
    assert eventually(lambda: not alive(old))
    assert hits.lookup(0) == (1).to_bytes(8, "little")
    assert hits.add(0, 1) == 2
    assert int(str(hub_of(unix)["pid"])) != old
    one.map("temps").update(b"later\0\0\0", b"\3\0\0\0")
    assert eventually(lambda: (change := watch.get(1)) is not None and change.key == b"later\0\0\0")


def test_what_was_in_flight_in_a_killed_hub_is_outcome_unknown(attach: Connect, unix: UnixBoard) -> None:
    board = attach()
    clean(board)
    hits = board.map("hits")
    hub = int(str(hub_of(unix)["pid"]))
    os.kill(hub, signal.SIGSTOP)  # it takes the request, and never answers
    killer = threading.Timer(0.3, os.kill, (hub, signal.SIGKILL))
    killer.start()
    with pytest.raises(OutcomeUnknown, match="ended the session with a change in flight"):
        hits.add(5, 1)
    killer.join()
    assert hits.lookup(5) == bytes(8)


def test_the_journal_says_who_changed_what(attach: Connect, unix: UnixBoard) -> None:
    board = attach()
    clean(board)
    temps, hits = board.map("temps"), numbers(board)
    temps.update(b"hall\0\0\0\0", b"\1\0\0\0")
    temps.update(b"hall\0\0\0\0", b"\2\0\0\0")
    temps.delete(b"hall\0\0\0\0")
    hits.add(0, 300)
    hits.add(0, -1)
    hits.fetch_or(0, 0x0F)
    hits.compare_and_swap(0, (303).to_bytes(8, "little"), bytes(8))
    board.close()
    wanted = [
        ("update", "temps", None, "01000000"),
        ("update", "temps", "01000000", "02000000"),
        ("delete", "temps", "02000000", None),
        ("add", "hits", "0000000000000000", "2c01000000000000"),
        ("add", "hits", "2c01000000000000", "2b01000000000000"),
        ("fetch_or", "hits", "2b01000000000000", "2f01000000000000"),
        ("compare_and_swap", "hits", "2f01000000000000", "0000000000000000"),
    ]
    path = meeting.Place(os.path.abspath(unix.port)).journal
    assert eventually(lambda: [entry["operation"] for entry in read(path)][-1:] == ["compare_and_swap"])
    entries = [entry for entry in read(path) if entry["operation"] != "clear"][-7:]
    assert [(e["operation"], e["map"], e["before"], e["after"]) for e in entries] == wanted
    assert {e["pid"] for e in entries} == {os.getpid()}


def test_the_end_of_the_firmware_is_told_to_every_program(attach: Connect, unix: UnixBoard) -> None:
    one, two = attach(), attach()
    said = one.map("said")
    two.map("hits").lookup(0)
    said.update(0, b"\2\0\0\0")
    with pytest.raises(FirmwareError, match="ValueError: told to"):
        one.listen(PATIENCE)
    with pytest.raises(FirmwareError, match="ValueError: told to"):
        two.map("hits").lookup(0)
    for board in (one, two):
        board.close()
    deploy(unix.port)  # the board is at its REPL: start the program again


def test_a_socket_of_another_user_is_not_trusted(attach: Connect, unix: UnixBoard) -> None:
    if os.getuid():
        pytest.skip("only root can give a socket to another user")
    attach()
    path = meeting.Place(os.path.abspath(unix.port)).socket
    os.chown(path, 12345, -1)
    try:
        with pytest.raises(LinkError, match="another user's, and is not trusted"):
            attach()
    finally:
        os.chown(path, os.getuid(), -1)


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"[1]\n",
        b'{"want": "board", "v": 1, "timeout": "soon"}\n',
        b"\0" * 100_000,
        b'{"v": 1}\n',
    ],
)
def test_who_says_nonsense_to_a_hub_is_closed_and_disturbs_nobody(
    attach: Connect, unix: UnixBoard, words: bytes
) -> None:
    board = attach()
    with meeting.call(meeting.Place(os.path.abspath(unix.port))) as line:
        line.settimeout(PATIENCE)
        line.sendall(words)
        with contextlib.suppress(ConnectionError):
            while line.recv(4096):
                pass
    assert len(board.maps()) == 5


def test_a_hub_of_another_version_is_refused(attach: Connect, unix: UnixBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    attach()
    monkeypatch.setattr(meeting, "PROTOCOL", 2)
    with pytest.raises(LinkError, match=r"speaks version 1, this program 2. End the programs that use it"):
        attach()

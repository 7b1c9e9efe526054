"""A line without a cable: a board on the network, alone and through its hub, only with the key."""

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from boardmaps_host import connect
from boardmaps_host.client import LinkError, NoAnswer
from boardmaps_host.client.errors import PortMissing
from boardmaps_host.client.lock import WrongKey
from boardmaps_host.client.transports.tcp import TcpTransport
from tests.board.on_unix import FIRMWARE, run_on_unix
from tests.client.locked import KEY
from tests.firmware import running
from tests.waits import PATIENCE, eventually

PROGRAM = f"""
import boardmaps
from boardmaps import ArrayMap, RingBuf
hits = ArrayMap.with_entries(value_size=8, max_entries=4, name="hits")
big = ArrayMap.with_entries(value_size=3000, max_entries=1, name="big")
log = RingBuf(1024, name="log")
server = boardmaps.Server(line=boardmaps.TcpLine(PORT, "127.0.0.1"), key={KEY!r}, idle=3)
while True:
    if server.poll(20) and hits.add(3, 1) % 8 == 0:
        log.output(hits.lookup(3))
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a board listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running(tmp_path_factory.mktemp("network"), PROGRAM.replace("PORT", str(port))):
        assert eventually(lambda: _listens(port))
        yield f"tcp://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(autouse=True)
def _boards_are_known_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_maps_events_and_long_values(address: str) -> None:
    for _ in range(2):
        with connect(address, key=KEY, share=False, timeout=PATIENCE) as board:
            hits, big = board.map("hits"), board.map("big")
            before = int.from_bytes(hits.lookup(0) or b"", "little")
            assert [hits.add(0, 1) for _ in range(20)] == list(range(before + 1, before + 21))
            content = random.Random(1).randbytes(3000)
            big.update(0, content)
            assert big.lookup(0) == content
            assert board.map("log").records().get(PATIENCE) is not None  # type: ignore[attr-defined]


def test_a_key_is_required_on_both_sides(address: str) -> None:
    for share in (False, True):
        with pytest.raises(LinkError, match="reached with its key alone"):
            connect(address, share=share)
    with pytest.raises(WrongKey):
        connect(address, key=b"another of sixteen bytes", share=False, timeout=PATIENCE)
    program = """
import boardmaps
line = boardmaps.TcpLine(0, "127.0.0.1")
try:
    boardmaps.serve(line=line)
except ValueError as e:
    print(e)
line.end()
"""
    failed, said = run_on_unix(["-c", program], "500K", FIRMWARE)
    assert (failed, "give a key of 16 bytes or more" in said) == (False, True), said


def test_the_connection_goes_and_comes_back_and_each_addition_counts_once(address: str) -> None:
    with connect(address, key=KEY, share=False, timeout=PATIENCE) as board:
        hits = board.map("hits")
        before = int.from_bytes(hits.lookup(1) or b"", "little")
        for i in range(30):
            if i % 10 == 5:
                line = board.link.connection.line
                assert isinstance(line, TcpTransport)
                line._socket.shutdown(socket.SHUT_RDWR)
            assert hits.add(1, 1) == before + i + 1


def test_programs_share_a_board_on_the_network(address: str) -> None:
    with ExitStack() as stack:
        programs = [stack.enter_context(connect(address, key=KEY, share=True, timeout=PATIENCE)) for _ in range(2)]
        before = int.from_bytes(programs[0].map("hits").lookup(2) or b"", "little")
        for i in range(10):
            assert programs[i % 2].map("hits").add(2, 1) == before + i + 1
        with pytest.raises(LinkError):
            connect(address, key=b"another of sixteen bytes", share=True)


def test_one_host_at_a_time_and_the_next_when_it_leaves(address: str) -> None:
    with connect(address, key=KEY, share=False, timeout=PATIENCE) as board:
        with pytest.raises(NoAnswer):
            connect(address, key=KEY, share=False, timeout=0.5)
        board.map("hits").lookup(0)
    connect(address, key=KEY, share=False, timeout=PATIENCE).close()


def test_strangers_are_not_answered_and_do_no_harm(address: str) -> None:
    port = int(address.rpartition(":")[2])
    for said in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x03\x03\r\x03", random.Random(2).randbytes(3000)):
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.sendall(said)
            stranger.settimeout(0.2)
            with pytest.raises((TimeoutError, ConnectionError)):
                assert not stranger.recv(100)
    with connect(address, key=KEY, share=False, timeout=PATIENCE) as board:
        assert board.map("hits").lookup(0) is not None


@pytest.mark.parametrize(
    "target", ["tcp://", "tcp://127.0.0.1", "tcp://:7", "tcp://127.0.0.1:x", "tcp://127.0.0.1:7/x"]
)
def test_what_is_no_address(target: str) -> None:
    with pytest.raises(PortMissing, match=r"Give tcp://HOST:PORT"):
        connect(target, key=KEY, share=False)


def test_where_nobody_listens() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(PortMissing, match=r"refused\. Is the board on the network"):
            connect(f"tcp://127.0.0.1:{silent.getsockname()[1]}", key=KEY, share=False)

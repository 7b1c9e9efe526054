"""What carries the line: every byte and length through a real board, pyserial's URLs, a port that goes and comes back."""

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
import serial
import serial.rfc2217
import serial.tools.list_ports

from boardmaps import HashMap
from boardmaps_host import Board, connect
from boardmaps_host.client import PortMissing
from boardmaps_host.client.events import Change
from boardmaps_host.client.transports.serial import SerialTransport, port_path
from boardmaps_host.deploy import deploy
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.qemu_port import IMAGE
from boardmaps_sim.chips.rp2 import BUILT_IN
from boardmaps_sim.unix import UnixBoard, default_port
from tests.require import require_or_skip
from tests.waits import PATIENCE

TARGETS = {"unix": None, "pico": BUILT_IN, "qemu": IMAGE}  # and the image that each of them runs


@pytest.fixture(scope="module", params=TARGETS)
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    image = TARGETS[request.param]
    require_or_skip(
        not image or firmware_image(image).exists(), f"no {image}. Build it: make pico-deps pico qemu-deps qemu"
    )
    with connect(request.param, timeout=PATIENCE) as connected:
        yield connected


@pytest.mark.timeout(1800)  # the emulated Pico takes a minute or two, and more on a busy machine
def test_every_length_passes(board: Board) -> None:
    for length in range(1, 521):
        payload = bytes((i * 7 + length) & 0xFF for i in range(length))
        assert board.link.request(b"\0" + payload, changes=False) == b"\0" + payload, length


@pytest.mark.timeout(1800)
def test_every_byte_value_passes_in_every_company(board: Board) -> None:
    for value in range(256):
        for payload in (bytes((value,)), bytes((value,)) * 64, bytes((0, value)) * 100, bytes((value, 3, 4, 13))):
            assert board.link.request(b"\0" + payload, changes=False) == b"\0" + payload, value


@pytest.fixture(scope="module")
def unix() -> Iterator[UnixBoard]:
    name = f"ports-{os.getpid()}"
    with UnixBoard(name, port=default_port(name)) as running:
        deploy(running.port, reset=False)
        yield running


@contextmanager
def behind_a_socket(port: str) -> Iterator[int]:
    """Carry a TCP connection to a serial port, as ser2net does; yield the TCP port."""
    line = SerialTransport(port)
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with peer:
            peer.settimeout(0.002)
            while not over.is_set():
                try:
                    data = peer.recv(4096)
                    if not data:
                        return
                    line.write(data)
                except TimeoutError:
                    pass
                if data := line.read(0):
                    peer.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join()
        listener.close()
        line.close()


class Lines(serial.Serial):
    """A PTY with the modem lines of a serial port."""

    cts = dsr = cd = dtr = rts = True
    ri = False


@contextmanager
def behind_rfc2217(port: str) -> Iterator[int]:
    """Carry a serial port over RFC 2217 with pyserial's server part; yield the TCP port."""
    line = Lines(port, timeout=0.002)
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        class Connection:
            write = staticmethod(peer.sendall)

        manager = serial.rfc2217.PortManager(line, Connection)  # type: ignore[arg-type]
        with peer:
            peer.settimeout(0.002)
            while not over.is_set():
                try:
                    data = peer.recv(4096)
                    if not data:
                        return
                    line.write(b"".join(manager.filter(data)))
                except TimeoutError:
                    pass
                if data := line.read(line.in_waiting or 1):
                    peer.sendall(b"".join(manager.escape(data)))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join()
        listener.close()
        line.close()


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # of pyserial's own threads
def test_rfc2217(unix: UnixBoard) -> None:
    with behind_rfc2217(unix.port) as number, connect(f"rfc2217://127.0.0.1:{number}", allow_reset=True) as board:
        assert board.info["profile"] == "embedded"
        m = board.create_map(HashMap, key_size=4, value_size=4, max_entries=300, name="far")
        m.batch_update([i.to_bytes(4, "little") for i in range(300)], [bytes((i & 0xFF,)) * 4 for i in range(300)])
        assert m.lookup(b"\xff\0\0\0") == b"\xff" * 4  # to telnet 255 begins a command
        assert len(dict(m.items())) == 300
        assert board.link.request(b"\0" + bytes(range(256)), changes=False) == b"\0" + bytes(range(256))


@pytest.mark.parametrize("url", ["socket://127.0.0.1:{}", "spy://{}"])
def test_urls_of_pyserial(unix: UnixBoard, url: str) -> None:
    if url.startswith("spy"):
        with connect(url.format(unix.port)) as board:
            assert board.link.request(b"\0spied", changes=False) == b"\0spied"
        return
    with behind_a_socket(unix.port) as number, connect(url.format(number)) as board:
        assert board.info["profile"] == "embedded"
        assert board.link.request(b"\0" + bytes(range(256)), changes=False) == b"\0" + bytes(range(256))


def test_shortcuts_are_those_of_mpremote() -> None:
    assert [port_path(p) for p in ("a0", "u12", "c3", "/dev/ttyS1", "aloha")] == [
        "/dev/ttyACM0",
        "/dev/ttyUSB12",
        "COM3",
        "/dev/ttyS1",
        "aloha",
    ]


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (["/dev/ttyACM0"], None),
        (["/dev/ttyACM0", "/dev/ttyUSB3"], "several boards are there: /dev/ttyACM0, /dev/ttyUSB3. Name"),
        ([], "no USB port"),
    ],
)
def test_auto_is_the_only_board_and_never_one_of_several(
    there: list[str], says: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [SimpleNamespace(device=name, vid=0x2E8A) for name in there] + [
        SimpleNamespace(device="/dev/ttyS0", vid=None)
    ]
    monkeypatch.setattr(serial.tools.list_ports, "comports", lambda: reversed(ports))
    if says is None:
        assert port_path("auto") == there[0]
        return
    with pytest.raises(PortMissing, match=says):
        connect("auto")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("", "there is no such port"),
        ("{folder}", "no serial port but a directory"),
        ("/dev/null", "no serial port but something else"),
        ("unheard://of", "protocol 'unheard' not known.*Give socket://HOST:PORT"),
        ("socket://", "lacks a host or a port. Give socket://HOST:PORT"),
        ("socket://127.0.0.1:99999", "lacks a host or a port"),
        ("rfc2217://127.0.0.1", "Give rfc2217://HOST:PORT"),
        ("socket://127.0.0.1:{closed}", "refused.*Does something serve"),
        ("rfc2217://127.0.0.1:{closed}", "refused.*Does something serve"),
        ("spy://{folder}/none", "No such file"),
    ],
)
def test_what_is_no_port_is_told_in_one_sentence(target: str, says: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    target = target.format(folder=tmp_path, closed=closed)
    with pytest.raises(PortMissing, match=says) as caught:
        connect(target)
    assert target in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")
def test_what_answers_no_rfc2217_is_no_port_either() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"rfc2217://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(PortMissing, match="does not seem to support RFC2217"):
            connect(url)


def test_a_port_that_one_may_not_open_says_so(tmp_path: Path) -> None:
    denied = serial.SerialException(errno.EACCES, "could not open port")
    with mock.patch("serial.Serial", side_effect=denied), pytest.raises(PortMissing, match="dialout"):
        connect("/dev/tty")


def test_the_session_goes_on_when_the_port_was_closed_and_comes_back(unix: UnixBoard, tmp_path: Path) -> None:
    link_name = tmp_path / "board"
    link_name.symlink_to(unix.port)
    with connect(str(link_name), timeout=PATIENCE) as board:
        boot = board.info["boot"]
        session = board.link.connection.session.session
        link_name.unlink()
        dead = os.open("/dev/null", os.O_RDWR)
        os.dup2(dead, board.link.connection.line._fd)  # type: ignore[attr-defined] # it reads as the end, as a pulled cable's does
        os.close(dead)
        threading.Timer(0.3, link_name.symlink_to, [unix.port]).start()
        start = time.monotonic()
        assert board.link.request(b"\0back", changes=False) == b"\0back"
        assert time.monotonic() - start < PATIENCE / 2
        assert board.info["boot"] == boot
        assert board.link.connection.session.session == session


def test_a_port_that_was_cut_comes_back_while_one_only_listens(unix: UnixBoard, tmp_path: Path) -> None:
    link_name = tmp_path / "board"
    link_name.symlink_to(unix.port)
    with connect(str(link_name), timeout=5, allow_reset=True) as board:
        board.pool.reset()
        m = board.create_map(HashMap, key_size=1, value_size=1, max_entries=4)
        told: list[Change] = []
        m.watch(every=0, callback=told.append)
        link_name.unlink()
        dead = os.open("/dev/null", os.O_RDWR)
        os.dup2(dead, board.link.connection.line._fd)  # type: ignore[attr-defined] # it reads as the end
        os.close(dead)
        end = time.monotonic() + PATIENCE
        board.listen(0.2)
        assert board.link.gone
        threading.Timer(0.3, link_name.symlink_to, [unix.port]).start()
        while board.link.gone and time.monotonic() < end:
            board.listen(0.1)
        m.update(b"k", b"v")
        while not told and time.monotonic() < end:
            board.listen(0.1)
        assert told == [Change(b"k", b"v")]

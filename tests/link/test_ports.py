"""What carries the line: every byte and length through a real board, pyserial's URLs, a port that goes and comes back."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from boardmaps_host import Board, connect
from boardmaps_host.client.transport import SerialTransport, port_path
from boardmaps_host.deploy import deploy
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.qemu_port import IMAGE
from boardmaps_sim.chips.rp2 import BUILT_IN
from boardmaps_sim.unix import UnixBoard, default_port
from tests.require import require_or_skip

TARGETS = {"unix": None, "pico": BUILT_IN, "qemu": IMAGE}  # and the image that each of them runs


@pytest.fixture(scope="module", params=TARGETS)
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    image = TARGETS[request.param]
    require_or_skip(
        not image or firmware_image(image).exists(), f"no {image}. Build it: make pico-deps pico qemu-deps qemu"
    )
    with connect(request.param, timeout=30) as connected:
        yield connected


@pytest.mark.timeout(900)  # the emulated Pico takes a minute or two, and more on a busy machine
def test_every_length_passes(board: Board) -> None:
    for length in range(1, 521):
        payload = bytes((i * 7 + length) & 0xFF for i in range(length))
        assert board.link.request(b"\0" + payload, changes=False) == b"\0" + payload, length


@pytest.mark.timeout(900)
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


def test_the_session_goes_on_when_the_port_was_closed_and_comes_back(unix: UnixBoard, tmp_path: Path) -> None:
    link_name = tmp_path / "board"
    link_name.symlink_to(unix.port)
    with connect(str(link_name), timeout=5) as board:
        boot = board.info["boot"]
        session = board.link._session.session
        link_name.unlink()
        dead = os.open("/dev/null", os.O_RDWR)
        os.dup2(dead, board.link.line._fd)  # type: ignore[attr-defined] # it reads as the end, as a pulled cable's does
        os.close(dead)
        threading.Timer(0.3, link_name.symlink_to, [unix.port]).start()
        start = time.monotonic()
        assert board.link.request(b"\0back", changes=False) == b"\0back"
        assert time.monotonic() - start < 4
        assert board.info["boot"] == boot
        assert board.link._session.session == session

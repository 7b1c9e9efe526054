"""The example application on every simulated board: it goes on while the computer looks, and obeys its configuration.

On the unix board and the Pico it is main.py and shares the REPL's line, as it says of itself. The QEMU board has a UART for the
maps alone, so that there a main.py of six lines drives the same Packets and serves that line.
"""

import shutil
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boardmaps_host import Board, connect
from boardmaps_host.client import NoAnswer
from boardmaps_host.deploy import deploy
from boardmaps_host.project import example
from boardmaps_sim.base import SimulatedBoard
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.qemu_port import IMAGE
from boardmaps_sim.chips.rp2 import BUILT_IN
from boardmaps_sim.pico import PicoBoard
from boardmaps_sim.qemu import QemuBoard
from boardmaps_sim.unix import UnixBoard
from tests.require import require_or_skip
from tests.waits import PATIENCE

CONFIG = struct.Struct("<III")  # enabled, threshold in bytes, pause between two steps in ms
STATS = struct.Struct("<QQQ")  # packets, bytes, errors
SMALLEST, LARGEST = 64, 1499  # bytes that the example's packets have
INTERFACES = 4

SERVE_UART_1 = """\
import boardmaps, cmsdk_uart, packets, time
server = boardmaps.Server(line=boardmaps.UartLine(cmsdk_uart.UART()))
app = packets.Packets()
while True:
    until = time.ticks_add(time.ticks_ms(), app.step())
    while time.ticks_diff(until, time.ticks_ms()) > 0:
        server.poll(1)
"""


def on_unix(folder: Path) -> SimulatedBoard:
    return UnixBoard(port=folder / "port")


def on_pico(folder: Path) -> SimulatedBoard:
    require_or_skip(
        firmware_image(BUILT_IN).exists(), "no built-in firmware for the Pico. Build it: make pico-deps pico"
    )
    return PicoBoard(port=folder / "port", built_in=True)


def on_qemu(folder: Path) -> SimulatedBoard:
    require_or_skip(firmware_image(IMAGE).exists(), "no firmware for QEMU. Build it: make qemu-deps qemu")
    require_or_skip(shutil.which("qemu-system-arm") is not None, "no qemu-system-arm. Run: make qemu-deps")
    return QemuBoard(port=folder / "port")


def install(board: SimulatedBoard, folder: Path) -> None:
    """Put the example on the board and restart it; its main.py runs then."""
    if board.maps_port == board.port:
        deploy(board.port, app=example("packets.py"))
        return
    (folder / "main.py").write_text(SERVE_UART_1)
    deploy(board.port, app=example("packets.py"), app_path="packets.py", reset=False)
    deploy(board.port, app=folder / "main.py")


@pytest.fixture(scope="module", params=[on_unix, on_pico, on_qemu], ids=["unix", "pico", "qemu"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The line of a board's maps on which the example runs, booted once for the tests of this module."""
    make: Callable[[Path], SimulatedBoard] = request.param
    folder = tmp_path_factory.mktemp("example")
    with make(folder) as board:
        install(board, folder)
        attach(board.maps_port).close()  # it takes a moment to boot; from here on it must answer at once
        yield board.maps_port


def attach(port: str) -> Board:
    """Connect as soon as main.py answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return connect(port)
        except NoAnswer:
            if time.monotonic() > deadline:
                raise


@pytest.fixture
def board(port: str) -> Iterator[Board]:
    """A connection to the running example, which works as it was written: on, threshold 1000, 10 ms."""
    with connect(port) as connected:
        configure(connected, 1, 1000, 10)
        yield connected


def configure(board: Board, enabled: int, threshold: int, pause: int) -> None:
    board.map("config").update(0, CONFIG.pack(enabled, threshold, pause))


def counters(board: Board) -> tuple[int, int, int]:
    """steps, packets, rejected as they are together: one request brings all three, and the board answers between steps."""
    steps, packets, rejected = (int.from_bytes(value, "little") for _, value in board.map("counters").items())
    return steps, packets, rejected


def after(board: Board, steps: int) -> tuple[int, int, int]:
    """The counters when so many more steps were made."""
    begun, deadline = counters(board)[0], time.monotonic() + PATIENCE
    while (now := counters(board))[0] < begun + steps:
        assert time.monotonic() < deadline, f"{now[0] - begun} of {steps} steps"
    return now


def test_it_goes_on_while_the_computer_looks(board: Board) -> None:
    assert [(m.name, m.max_entries) for m in board.maps()] == [("counters", 3), ("config", 1), ("stats", INTERFACES)]
    after(board, 5)
    for _ in range(8):
        steps, packets, rejected = counters(board)
        assert packets + rejected == steps * INTERFACES, "looking came between the halves of a step"


def test_leaving_and_coming_back_finds_the_same_run(port: str) -> None:
    with connect(port) as board:
        boot, ids, (steps, *_) = board.info["boot"], [m.id for m in board.maps()], counters(board)
    with connect(port) as board:
        assert (board.info["boot"], [m.id for m in board.maps()]) == (boot, ids)
        assert after(board, 1)[0] > steps


@pytest.mark.parametrize(("threshold", "accepts"), [(SMALLEST - 1, False), (LARGEST, True)])
def test_it_obeys_the_threshold(board: Board, threshold: int, accepts: bool) -> None:
    configure(board, 1, threshold, 10)
    begun = counters(board)  # every step from here on read the new configuration
    ended = after(board, 5)
    steps, packets, rejected = (now - before for now, before in zip(ended, begun, strict=True))
    assert (packets, rejected) == ((steps * INTERFACES, 0) if accepts else (0, steps * INTERFACES))


def test_off_is_off_and_everything_adds_up(board: Board) -> None:
    after(board, 5)
    configure(board, 0, 1000, 10)
    still = counters(board)
    stats = [STATS.unpack(value) for _, value in board.map("stats").items()]
    time.sleep(0.3)
    assert counters(board) == still
    steps, packets, rejected = still
    assert [ok + errors for ok, _, errors in stats] == [steps] * INTERFACES
    assert (sum(ok for ok, _, _ in stats), sum(errors for _, _, errors in stats)) == (packets, rejected)
    assert all(SMALLEST * ok <= size <= LARGEST * ok for ok, size, _ in stats)
    configure(board, 1, 1000, 10)
    assert after(board, 2)[0] > steps


def test_it_obeys_the_pause(board: Board) -> None:
    def steps_in_a_second() -> int:
        begun = counters(board)[0]
        time.sleep(1)
        return counters(board)[0] - begun

    fast = steps_in_a_second()
    configure(board, 1, 1000, 250)
    after(board, 1)  # the pause that was running may have been the short one
    slow = steps_in_a_second()
    assert slow <= 6
    assert fast > 2 * slow

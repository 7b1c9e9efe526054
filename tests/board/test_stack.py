"""What a host asks for fits on the small stack of an RP2040 (8 KB), from within a program's own functions too."""

from pathlib import Path

from boardmaps import ArrayMap, HashMap, PerCpuArray, Queue, RingBuf, TimeSeries
from boardmaps_host import connect
from boardmaps_sim.pico import PicoBoard
from tests.client.conftest import start
from tests.require import require_board
from tests.waits import PATIENCE

DEEP = 6  # functions of the program's, one in the other
PROGRAM = """
import boardmaps
def run(deep):
    if deep > 1:
        run(deep - 1)
    while True:
        boardmaps.poll()
run(DEEP)
"""


def test_a_program_in_whose_functions_the_deepest_request_comes(tmp_path: Path) -> None:
    """That is a typed map with defaults, whose class and schema nobody has loaded yet."""
    require_board("pico")
    with PicoBoard(port=tmp_path / "port", built_in=True) as pico:
        start(str(pico.port), PROGRAM.replace("DEEP", str(DEEP)), soft_reset=False)
        with connect(pico.port, timeout=PATIENCE) as board:
            for kind in (PerCpuArray, ArrayMap):
                board.create_map(kind, name=kind.__name__, value="set:i16/100(5..35=21), on:bool(=true)", max_entries=2)
            board.create_map(HashMap, name="h", key="room:4s", value="set:i16/100(5..35=21)", max_entries=2)
            board.create_map(Queue, name="q", value="job:u16", max_entries=3)
            board.create_map(RingBuf, name="log", value="code:u8, text:12s", max_entries=64)
            board.create_map(TimeSeries, name="temps", value="temp:i16/100(5..35=21)", max_entries=4)
            assert len(board.maps()) == 6
            assert board.map("ArrayMap").lookup(0) == b"\x34\x08\1"

"""No trace of a board, however it ends: inherit it, and give the module a `board` fixture with its port in tmp_path."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from boardmaps_sim.base import BoardError, SimulatedBoard
from tests.sim.processes import processes
from tests.waits import PATIENCE, eventually

# A process that runs a board in the foreground: module, class, port.
HOST = """\
import importlib, sys
from pathlib import Path
module, name, port = sys.argv[1:]
with getattr(importlib.import_module(module), name)(port=Path(port)) as board:
    print(board.port, flush=True)
    board.wait()
"""


class LifecycleSuite:
    """Starting, stopping and being killed."""

    def test_stop_leaves_the_flash_only_and_may_be_called_twice(self, board: SimulatedBoard, tmp_path: Path) -> None:
        assert board.running
        with pytest.raises(BoardError, match="running already"):
            board.start()
        board.stop()
        board.stop()
        assert not board.running
        assert list(tmp_path.iterdir()) == [board.flash]
        assert processes(str(tmp_path)) == []

    def test_one_name_one_board(self, board: SimulatedBoard, tmp_path: Path) -> None:
        with pytest.raises(BoardError, match="a simulated board is running at"):
            type(board)(port=Path(board.port), flash=tmp_path / "other.img").start()  # type: ignore[call-arg]
        assert board.running

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
    def test_no_trace_however_its_process_ends(
        self, board: SimulatedBoard, tmp_path: Path, number: signal.Signals
    ) -> None:
        folder = tmp_path / "other"
        kind = type(board)
        with subprocess.Popen(
            [sys.executable, "-c", HOST, kind.__module__, kind.__name__, str(folder / "port")],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as host:
            assert host.stdout is not None
            assert host.stdout.readline().strip() == str(folder / "port").encode()
            assert len(processes(str(folder))) >= 2
            host.send_signal(number)
            host.wait(PATIENCE)
        assert eventually(lambda: not processes(str(folder))), processes(str(folder))
        assert eventually(lambda: not list(folder.iterdir())), list(folder.iterdir())

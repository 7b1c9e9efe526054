"""A board that runs a program of a test's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard


@contextmanager
def running(folder: Path, program: str) -> Iterator[UnixBoard]:
    """Run a unix board, all of whose files are in `folder`, with boardmaps and this program on it."""
    file = folder / "program.py"
    file.write_text(program)
    with UnixBoard(port=folder / "port") as board:
        deploy(board.port, app=file)
        yield board

"""`boardmaps sim`: a simulated board in the foreground."""

import os
import signal
from types import FrameType
from typing import NoReturn

import rich_click as click

from . import options, output


@click.command("sim")
@click.option(
    "--board",
    default="unix",
    show_default=True,
    metavar="NAME",
    help="unix, pico, qemu, or any other of `boardmaps boards`, for which the unix port stands in.",
)
@click.option(
    "--heap",
    type=click.IntRange(min=65_536),
    metavar="BYTES",
    help="MicroPython's heap; the board's by default. Bytes of a 32-bit board: the unix port gets twice as many.",
)
@click.option(
    "--flash",
    type=click.Path(dir_okay=False),
    metavar="PATH",
    help="The flash image, made if needed and kept; a temporary one by default.",
)
@click.option(
    "--image",
    type=click.Path(exists=True),
    metavar="FILE",
    help="MicroPython for pico (.uf2) or qemu (.elf); what `make pico qemu` built by default.",
)
@options.as_json
def command(board: str, heap: int | None, flash: str | None, image: str | None, as_json: bool) -> int:
    """Boot a simulated board and keep it running until Ctrl-C.

    Ctrl-C is how it is meant to end, so the status is 0 then. Its port goes with it, and all else but --flash PATH.

    JSON: one line when the board is up, {"board", "port", "maps_port", "flash", "pid"}.
    """
    from boardmaps_host.boards import find
    from boardmaps_host.boards_sim import simulated

    simulator = simulated(find(board), heap=heap, flash=flash, image=image)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    try:
        with simulator as running:
            if as_json:
                shown = {"board": board, "port": running.port, "maps_port": running.maps_port}
                output.as_json(shown | {"flash": str(running.flash), "pid": os.getpid()})
            else:
                _tell(board, running.port, running.maps_port, flash)
            status = running.wait()
    except KeyboardInterrupt:
        return 0
    raise click.ClickException(f"the simulated board {board} ended by itself, with status {status}.")


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """A kill ends the board as Ctrl-C does, so that nothing of it stays behind."""
    raise KeyboardInterrupt


def _tell(board: str, port: str, maps_port: str, flash: str | None) -> None:
    print(f"{board} is running on {port}")
    print(f"its flash is {flash}" if flash else "its flash is temporary; --flash PATH keeps one")
    print(f"  its REPL   mpremote connect {port} repl")
    print(f"  deploy     boardmaps deploy --port {port}")
    print(f"  its maps   boardmaps map show --port {maps_port}")
    print("Ctrl-C ends it.", flush=True)

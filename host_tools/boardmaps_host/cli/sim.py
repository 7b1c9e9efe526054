"""`boardmaps sim`: a simulated board in the foreground."""

import os
import random
import signal
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from . import options, output
from .drawing import click


def _chance(name: str, what: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    return click.option(name, type=options.Real(0, 1), default=0, metavar="CHANCE", help=f"The chance {what}: 1e-3.")


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
    type=click.IntRange(65_536, 1 << 30),
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
@click.option(
    "--baud", type=click.IntRange(300, 1 << 31), help="The line's speed in bits a second; no limit by default."
)
@click.option("--latency", type=options.Real(0, 10), default=0, metavar="SECONDS", help="How long a byte is under way.")
@_chance("--loss", "that a chunk of up to 64 bytes is lost")
@_chance("--corrupt", "that a byte is damaged")
@_chance("--duplicate", "that a chunk comes twice")
@click.option(
    "--cut", type=click.IntRange(1, 1 << 40), metavar="BYTES", help="The line goes dead, each way, after so many bytes."
)
@click.option(
    "--seed",
    type=click.IntRange(0, (1 << 63) - 1),
    help="What the faults are drawn from; shown when it is chosen for you.",
)
@click.option(
    "--path", "only_path", is_flag=True, help="Print where such a board has its port, for mpremote, and start none."
)
@options.as_json
def command(
    board: str,
    heap: int | None,
    flash: str | None,
    image: str | None,
    baud: int | None,
    latency: float,
    loss: float,
    corrupt: float,
    duplicate: float,
    cut: int | None,
    seed: int | None,
    only_path: bool,
    as_json: bool,
) -> int:
    """Boot a simulated board and keep it running until Ctrl-C.

    Ctrl-C is how it is meant to end, so the status is 0 then. Its port goes with it, and all else but --flash PATH.

    With --baud, --latency, --loss, --corrupt, --duplicate or --cut its port is a faulty line: the same seed does the same.

    JSON: one line when the board is up, {"board", "port", "maps_port", "flash", "pid"}, and "seed" of a faulty line; with
    --path {"path"}.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.boards import find
    from boardmaps_host.boards.simulated import simulated
    from boardmaps_sim.faulty import Faults
    from boardmaps_sim.relay import FaultyBoard
    from boardmaps_sim.unix import default_port

    if only_path:
        path = str(default_port(board))
        if as_json:
            output.as_json({"path": path})
        else:
            output.say(path)
        return 0
    simulator = simulated(find(board), heap=heap, flash=flash, image=image)
    faults = Faults(baud=baud or 0, latency=latency, loss=loss, corrupt=corrupt, duplicate=duplicate, cut_at=cut)
    if faults.any:
        seed = random.randrange(1_000_000) if seed is None else seed
        simulator = FaultyBoard(simulator, faults, seed)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    try:
        with simulator as running:
            if as_json:
                shown = {"board": board, "port": running.port, "maps_port": running.maps_port}
                line = {"seed": seed} if faults.any else {}
                output.as_json(shown | {"flash": str(running.flash), "pid": os.getpid()} | line)
            else:
                _tell(board, running.port, running.maps_port, flash)
                if faults.any:
                    output.say(f"Its line is faulty by --seed {seed}.", flush=True)
            status = running.wait()
    except KeyboardInterrupt:
        return 0
    raise click.ClickException(f"the simulated board {board} ended by itself, with status {status}.")


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """A kill ends the board as Ctrl-C does, so that nothing of it stays behind."""
    raise KeyboardInterrupt


def _tell(board: str, port: str, maps_port: str, flash: str | None) -> None:
    # saves start-up time: needed by this command alone
    from boardmaps_host.boards import SIMULATORS

    output.say(f"{board} is running on {port}")
    output.say(f"its flash is {flash}" if flash else "its flash is temporary; --flash PATH keeps one")
    output.say(f"  its REPL   mpremote connect {port} repl")
    output.say(f"  deploy     boardmaps deploy --port {port}{'' if board in SIMULATORS else f' --board {board}'}")
    output.say(f"  its maps   boardmaps map show --port {maps_port}")
    output.say("Ctrl-C ends it.", flush=True)

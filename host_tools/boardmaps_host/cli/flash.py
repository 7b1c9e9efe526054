"""`boardmaps flash`: put MicroPython itself on a board."""

from dataclasses import asdict
from pathlib import Path

from . import options, output
from .drawing import click


@click.command("flash")
@click.option(
    "--board", "-b", "name", required=True, metavar="NAME", help="The board: a NAME of `boardmaps boards`, or a .toml."
)
@click.option(
    "--image", "-i", type=click.Path(path_type=Path), metavar="FILE", help="MicroPython for it; see --board alone."
)
@click.option("--port", "-P", metavar="PORT", help="The board's serial port, for esptool; mpremote's a0 and u0 too.")
@click.option(
    "--drive", type=click.Path(path_type=Path), metavar="FOLDER", help="The loader's UF2 drive, when not found."
)
@click.option(
    "--erase", is_flag=True, help="Empty the whole flash first, files included (esptool): once, for a new board."
)
@options.as_json
def command(name: str, image: Path | None, port: str | None, drive: Path | None, erase: bool, as_json: bool) -> None:
    """Write MicroPython onto a board: copy the UF2 file, or run esptool or dfu-util; else tell the exact steps.

    Without --image it tells where the board's MicroPython comes from and how it is written. Nothing is downloaded. A file
    that is no MicroPython, is damaged or is for another chip is refused before anything is written.

    JSON: {"board", "image", "firmware", "written", "destination", "steps", "from"}; with "written": false the board is as
    it was, and "steps" are for you to do.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.boards import find
    from boardmaps_host.client.transports.serial import port_path
    from boardmaps_host.flash import flash

    def say(text: str) -> None:
        if as_json:
            output.note(text)
        else:
            output.say(text, flush=True)

    board = find(name)
    report = flash(board, image, port=port and port_path(port), drive=drive, erase=erase, say=say)
    if as_json:
        output.as_json(asdict(report) | {"from": board.micropython.source})
        return
    if report.written:
        output.say(f"written to {report.destination}" if report.destination else "written")
    else:
        output.say(f"MicroPython for {board.title}: {board.micropython.source}")
    for number, step in enumerate(report.steps, 1):
        output.say(f"  {number}. {step}")
    if report.written:
        output.say("Next: boardmaps deploy --port PORT")

"""`boardmaps pool`: how the board's pool is used, and its bytes as a file."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from . import options, output

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

_OUTPUT = Path("-")


@click.command("pool")
@click.option(
    "--save",
    "-s",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the bytes of all maps to FILE, as firmware/SPEC.md draws them; - is the output, with nothing else in it.",
)
@options.target
def command(save: Path | None, target: options.Target, as_json: bool) -> None:
    """Show how much of the board's pool is taken, by which map, and how full each of them was at most (peak).

    JSON: {"bytes_total", "bytes_used", "bytes_remaining", "allocations",
    "maps": [{"id", "name", "bytes", "max_entries", "peak"}, ...]}. A ring buffer's max_entries and peak are bytes.
    """
    if save == _OUTPUT and as_json:
        raise click.UsageError("--save - and --json would both write to the output: name a file.")
    with target.connect() as board:
        if save is not None:
            _save(board, save, quiet=as_json)
        if save == _OUTPUT:
            return
        total, used, allocations = board.pool.stats()
        maps = board.maps()
    remaining = total - used
    if as_json:
        output.as_json(
            {
                "bytes_total": total,
                "bytes_used": used,
                "bytes_remaining": remaining,
                "allocations": allocations,
                "maps": [
                    {"id": i.id, "name": i.name, "bytes": i.slice_bytes, "max_entries": i.max_entries, "peak": i.peak}
                    for i in maps
                ],
            }
        )
        return
    output.say(f"{used} of {total} bytes used, {remaining} remain; {allocations} allocation{'s' * (allocations != 1)}")
    if maps:
        output.table(
            ("id#", "name", "type", "bytes#", "of pool#", "peak#", "of entries#"),
            (
                (
                    *(i.id, i.name, i.type_name, i.slice_bytes, f"{i.slice_bytes / total:.1%}" if total else "-"),
                    *(i.peak, i.max_entries),
                )
                for i in maps
            ),
        )


def _save(board: "Board", file: Path, *, quiet: bool) -> None:
    what = f"{board.link.name} to {file}"
    with output.progress(what, quiet=quiet) as shown:
        image = board.pool.read(shown and partial(shown, what))
    if file == _OUTPUT:
        output.data(image)
        return
    try:
        file.write_bytes(image)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error
    if not quiet:
        output.say(f"saved {len(image)} bytes of {board.link.name} to {file}")

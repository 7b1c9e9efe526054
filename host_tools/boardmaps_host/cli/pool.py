"""`boardmaps pool`: how the board's pool is used, its bytes as a file, and its maps from these bytes alone."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from . import options, output
from .drawing import click
from .forms import Words

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

_OUTPUT = Path("-")


@click.command("pool")
@click.argument("words", nargs=-1, metavar="[read [FILE] [MAP]]")
@click.option(
    "--save",
    "-s",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the bytes of all maps to FILE, as firmware/SPEC.md draws them; - is the output, with nothing else in it.",
)
@options.maybe_target
def command(words: tuple[str, ...], save: Path | None, target: options.Target | None, as_json: bool) -> int:
    """Show how much of the board's pool is taken, by which map, and how full each of them was at most (peak).

    `pool read` reads the board's pool and shows every map from these bytes alone, `pool read FILE` those that --save has
    written; `decode` does the same for any file, and its help has the JSON.

    JSON: {"bytes_total", "bytes_used", "bytes_remaining", "allocations",
    "maps": [{"id", "name", "bytes", "max_entries", "peak"}, ...]}. A ring buffer's max_entries and peak are bytes.
    """
    if save == _OUTPUT and as_json:
        raise click.UsageError("--save - and --json would both write to the output: name a file.")
    if words:
        return _read(words, save, target, as_json)
    if target is None:
        raise click.UsageError("name the board with --port, or a file: boardmaps pool read FILE.")
    with target.connect() as board:
        if save is not None:
            _save(board, save, quiet=as_json)
        if save == _OUTPUT:
            return 0
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
        return 0
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
    return 0


def _read(words: tuple[str, ...], save: Path | None, target: options.Target | None, as_json: bool) -> int:
    # saves start-up time: needed by this form of the command alone
    from boardmaps_host.state.images import of_pool, open_image

    from .decode import show

    taken = Words(words)
    taken.literal("read")
    if save is not None:
        raise click.UsageError("--save is for `boardmaps pool`, without `read`.")
    if taken and Path(name := taken.next("the file")).is_file():
        return show(open_image(name), taken, as_json)
    if target is None:
        what = f"there is no file {name!r}" if len(words) > 1 else "`pool read` needs a file, or a board: --port"
        raise click.UsageError(f"{what}.")
    with target.connect() as board:
        image = board.pool.read()
    return show(of_pool(image), Words(words[1:]), as_json)


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

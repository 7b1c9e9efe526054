"""`boardmaps snapshot`, `diff` and `restore`: a board's maps as a file, what has changed since, and back."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import options, output
from .drawing import click

if TYPE_CHECKING:
    from boardmaps_host.state.diff import Difference
    from boardmaps_host.state.snapshot import Snapshot

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_maps = click.argument("maps", nargs=-1, metavar="[MAP...]")


@click.command("snapshot")
@_file
@_maps
@options.target
def snapshot(file: Path, maps: tuple[str, ...], target: options.Target, as_json: bool) -> None:
    """Write the maps of a board to FILE, all or those named, while its program runs on.

    Each map is of one moment; one that changed each time it was read is named. What a write-only map holds is not in it.

    JSON: {"file", "bytes", "maps": [{"name", "type", "bytes", "changed", "hidden"}], "left_out": {name: reason}}.
    """
    with target.connect() as board, output.progress(board.link.name, quiet=as_json) as shown:
        taken = board.snapshot(*maps, progress=shown and partial(shown, board.link.name))
    size = _save(taken, file)
    if as_json:
        rows = [
            {
                "name": kept.name,
                "type": kept.slice.kind.word,
                "bytes": len(kept.slice.data),
                "changed": kept.changed,
                "hidden": kept.slice.hidden,
            }
            for kept in taken.maps
        ]
        output.as_json({"file": str(file), "bytes": size, "maps": rows, "left_out": taken.left_out})
        return
    output.say(f"saved {len(taken)} map{'s' * (len(taken) != 1)}, {size} bytes, to {file}")
    for name in taken.changed:
        output.note(f"boardmaps: the map {name!r} changed while it was read: its bytes are of no one moment.")
    for kept in taken.maps:
        if kept.slice.hidden:
            output.note(
                f"boardmaps: the map {kept.name!r} is write-only for the computer: what it holds is not in the file."
            )
    for why in taken.left_out.values():
        output.note(f"boardmaps: left out: {why}.")


def _save(taken: "Snapshot", file: Path) -> int:
    try:
        taken.save(file)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error
    return file.stat().st_size


def _load(file: Path) -> "Snapshot":
    from boardmaps_host.state.snapshot import Snapshot  # saves start-up time: needed by these commands alone

    try:
        return Snapshot.load(file)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error


@click.command("diff")
@_file
@click.argument("other", required=False, type=click.Path(dir_okay=False, path_type=Path), metavar="[FILE]")
@options.maybe_target
def diff(file: Path, other: Path | None, target: options.Target | None, as_json: bool) -> int:
    """Show what has changed from one snapshot to another, or from a snapshot to what the board's maps hold now.

    With a schema by the names of fields, of a value that has changed those that have.

    The status is 1 when anything has. JSON: a list of {"map", "what", "key", "before", "after", "text"}: what is new, gone,
    changed, definition or unreadable; a key is a list of bytes or text such as "number 7" of a record, null for a whole map.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.state.diff import diff as differences

    from .differing import Rows

    before = _load(file)
    if other is not None:
        after = _load(other)
    elif target is None:
        raise click.UsageError("name a second snapshot, or the board with --port.")
    else:
        with target.connect() as board:
            after = board.snapshot()
    found = list(differences(before, after))
    if as_json:
        output.as_json([_json(one) for one in found])
    else:
        output.table(("map", "what", "key", "before", "after"), map(Rows([*before, *after]), found)) if found else None
        for name in sorted({*before.changed, *after.changed}):
            output.note(f"boardmaps: the map {name!r} changed while it was read: its bytes are of no one moment.")
    return int(bool(found))


def _json(one: "Difference") -> dict[str, Any]:
    return {
        "map": one.map,
        "what": one.what,
        "key": output.hex_bytes(one.key) if isinstance(one.key, bytes) else one.key,
        "before": None if one.before is None else output.hex_bytes(one.before),
        "after": None if one.after is None else output.hex_bytes(one.after),
        "text": one.text,
    }


@click.command("restore")
@_file
@_maps
@click.option(
    "--override", is_flag=True, help="Also maps that the computer may not write, where the board's server allows it."
)
@options.target
def restore(file: Path, maps: tuple[str, ...], override: bool, target: options.Target, as_json: bool) -> None:
    """Have the board's maps hold what those of the snapshot FILE do, all or those named; maps that are not there are made.

    All definitions and rights are looked at before anything changes. Where the board's file system has room the bytes are collected
    there and put into the maps in one step, else map by map; a map that did not become whole cannot be used.

    JSON: {"maps": [names], "made": [names], "left_out": [names], "staged": true}.
    """
    wanted = _load(file)
    if maps:
        wanted = wanted.only(*maps)
    with target.connect(allow_restore=override) as board:
        done = board.restore(wanted, override=override)
    if as_json:
        output.as_json({"maps": done.maps, "made": done.made, "left_out": done.left_out, "staged": done.staged})
        return
    how = "in one step" if done.staged else "map by map"
    output.say(f"restored {len(done.maps)} map{'s' * (len(done.maps) != 1)} {how}: {', '.join(done.maps) or 'none'}")
    if done.made:
        output.say(f"made: {', '.join(done.made)}")
    for name in done.left_out:
        output.note(
            f"boardmaps: left out: {name!r} is write-only for the computer, and what it held is not in the file."
        )

"""`boardmaps record` and `boardmaps replay`: what a firmware does to its maps as a file, and the same again on any target."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import options, output
from .drawing import click
from .entries import kind_of

if TYPE_CHECKING:
    from boardmaps_host import Board

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_seconds = click.option(
    "--for",
    "seconds",
    type=options.Real(0, options.SECONDS_MAX),
    metavar="SECONDS",
    help="End after so long; else at Ctrl-C.",
)
_every = click.option(
    "--every",
    type=options.Real(0, 65),
    default=0.05,
    show_default=True,
    metavar="SECONDS",
    help="How often the board looks for changes.",
)


@click.command("record")
@_file
@click.argument("maps", nargs=-1, metavar="[MAP...]")
@_seconds
@_every
@options.target
def record(
    file: Path,
    maps: tuple[str, ...],
    seconds: float | None,
    every: float,
    target: options.Target,
    as_json: bool,
) -> None:
    """Record to FILE what the firmware does to its maps: first what they hold, then every change, record and sample.

    Of the maps named, or of all; but a ring has to be named, for its records are taken out of it by that. A board tells of eight
    maps at once. FILE is added to. What a program of yours does with the maps is recorded by `board.record(FILE)`.

    JSON: {"file", "maps": [names], "events"}.
    """
    events = 0

    def count(_: object) -> None:
        nonlocal events
        events += 1

    with target.connect() as board:
        chosen = [board.map(name) for name in maps] or [board.map(info.id) for info in board.maps()]
        try:
            with board.record(file):
                told = [(m.name, one) for m in chosen if (one := _begin(m, bool(maps), every, count)) is not None]
                try:
                    with suppress(KeyboardInterrupt):
                        _listen(board, seconds)
                finally:
                    for _, one in told:
                        one.close()
                        one.call_back()
        except OSError as error:
            raise click.FileError(str(file), error.strerror) from error
    names = [name for name, _ in told]
    if as_json:
        output.as_json({"file": str(file), "maps": names, "events": events})
    else:
        output.say(f"recorded {events} event{'s' * (events != 1)} of {', '.join(names) or 'no map'} to {file}")


def _begin(m: Any, named: bool, every: float, count: Any) -> Any:
    """Have a map's events told; None for one that tells none, or whose records would be taken unasked."""
    kind = kind_of(m)
    if kind.has("read"):
        return m.records(count) if named else None
    if kind.has("stats"):
        return m.records(count)
    if kind.per_cpu or not kind.has("next_key"):
        return None
    return m.watch(every=every, callback=count)


def _listen(board: "Board", seconds: float | None) -> None:
    while seconds is None:
        board.listen(60)
    board.listen(seconds)


@click.command("replay")
@_file
@click.option(
    "--without-state", is_flag=True, help="Begin with what the target's maps hold, not with what the recording has."
)
@click.option(
    "--without-events", is_flag=True, help="Leave out what the firmware did: the target's own does the same again."
)
@options.target
def replay(file: Path, without_state: bool, without_events: bool, target: options.Target, as_json: bool) -> int:
    """Do again on a target what FILE has, and name the first difference; the status is 1 when there is one.

    JSON: {"operations", "events", "lost", "difference"}: what was done, how many events and bytes the recording lacks, and a text,
    or null.
    """
    with target.connect() as board:
        try:
            done = board.replay(file, restore=not without_state, events=not without_events)
        except OSError as error:
            raise click.FileError(str(file), error.strerror) from error
    if as_json:
        output.as_json(vars(done))
    else:
        output.say(f"{done.operations} operations and {done.events} events were done again")
        if done.lost:
            output.note(f"boardmaps: {done.lost} events are not in the recording: the board had to drop them.")
        if done.difference:
            output.say(f"the first difference: {done.difference}")
    return int(done.difference is not None)

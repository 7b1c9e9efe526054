"""`boardmaps export`: what boards' typed maps hold, for programs that watch fleets: files here, Prometheus and MQTT beside it."""

from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import export_mqtt, export_prometheus, fleet, options, output
from .drawing import click

if TYPE_CHECKING:
    from boardmaps_host.export.files import Output

_HELP = """Give what the typed maps of one board or of many hold to files, to Prometheus, or to an MQTT broker, until Ctrl-C.

Any number of them, and of other commands, use a board at the same time.

""" + fleet.boards_help  # fmt: skip


@click.group("export", context_settings={"help_option_names": ["-h", "--help"]}, help=_HELP)
@options.json_flags
def group() -> None:
    """Give boards' values away."""


_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="-")
_seconds = click.option(
    "--for",
    "seconds",
    type=options.Real(0, options.SECONDS_MAX),
    metavar="SECONDS",
    help="End after so long; else at Ctrl-C.",
)
_once = click.option("--once", is_flag=True, help="Read each board once; the status is 1 when one could not be.")
_changed = click.option("--changed", is_flag=True, help="Only what is not as it was in the reading before.")


def _file_command(name: str, text: str) -> Callable[[Callable[..., "Output"]], click.Command]:
    """Make a command that writes into a file, with what opens that."""
    said = f"""{text}

FILE is added to; without one, or as -, rows go to stdout. A row that a crash has cut short is removed first. Time is this
computer's, in seconds; board_time is the board's, where values carry one: of a series come the samples that have not been read yet.

JSON, at the end: {{"file", "rows", "readings"}}; not where rows go to stdout."""

    def made(open_: Callable[..., "Output"]) -> click.Command:
        @click.command(name, help=said)
        @_file
        @fleet.every
        @_seconds
        @_once
        @_changed
        @fleet.boards
        def command(file: Path, as_json: bool, **rest: Any) -> int:
            path = None if str(file) == "-" else file
            with closing(open_(path)) as into:
                done = _run(into, **rest)
            if as_json and path is not None:
                output.as_json({"file": str(path), "rows": done["rows"], "readings": done["readings"]})
            elif path is not None:
                output.say(f"wrote {done['rows']} row{'s' * (done['rows'] != 1)} to {path}")
            return int(done["failed"] > 0)

        return command

    return made


def _run(
    into: "Output",
    *,
    boards: fleet.Boards,
    maps: tuple[str, ...],
    every: float,
    seconds: float | None,
    once: bool,
    changed: bool,
    timeout: float,
) -> dict[str, int]:
    # saves start-up time: needed by this command alone
    from boardmaps_host.export.files import Changed
    from boardmaps_host.export.poller import Fleet

    told = fleet.Told(boards, maps)
    only = Changed() if changed else None
    done = {"rows": 0, "readings": 0, "failed": 0}
    if seconds is None and not once:
        output.attached()
    with suppress(KeyboardInterrupt), Fleet(boards, None if once else every, maps) as watched:
        for reading in watched.once(timeout) if once else watched.readings(seconds):
            told(reading)
            done["failed"] += once and not reading.health.up
            done["readings"] += reading.health.up
            done["rows"] += into.take(only(reading) if only else reading)
    return done


@_file_command(
    "csv", "Add rows of CSV: time,board,map,key,field,value,board_time, a row a value, numbers in the field's unit."
)
def csv(path: Path | None) -> "Output":
    from boardmaps_host.export.files import csv_file  # saves start-up time: needed by this command alone

    return csv_file(path, _say, output.note)


@_file_command(
    "jsonl",
    'Add lines of JSON, an object an entry: {"time", "board", "map", "key", "values": {FIELD: VALUE}, "board_time"}.',
)
def jsonl(path: Path | None) -> "Output":
    from boardmaps_host.export.files import json_lines  # saves start-up time: needed by this command alone

    return json_lines(path, _say, output.note)


@_file_command(
    "sqlite",
    "Add rows to the table boardmaps of a SQLite file: time, board, map, key, field, value, board_time, a row a value.",
)
def sqlite(path: Path | None) -> "Output":
    from boardmaps_host.export.files import Sqlite  # saves start-up time: needed by this command alone

    if path is None:
        raise click.UsageError("a database is a file: name it.")
    return Sqlite(path)


def _say(line: str) -> None:
    output.say(line, flush=True)


for _command in (csv, jsonl, sqlite, export_prometheus.command, export_mqtt.command):
    group.add_command(_command)

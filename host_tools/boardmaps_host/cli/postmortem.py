"""`boardmaps postmortem`: why a board's program ended, and what its maps held then."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import options, output
from .drawing import click

if TYPE_CHECKING:
    from boardmaps_host.client.crashes import Crash, Report

_RECORDS = 10  # of each ring that are shown before a crash


@click.command("postmortem")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False))
@click.option("--maps", "-m", "all_maps", is_flag=True, help="Show all that the maps held at each crash.")
@click.option(
    "--save",
    "-s",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the maps as they were at the newest crash to FILE, a snapshot that a twin or a board can be filled with.",
)
@click.option(
    "--acknowledge",
    is_flag=True,
    help="Have the board forget the crashes, once they are shown, and load its pins again.",
)
@options.maybe_target
def command(
    file: str | None,
    all_maps: bool,
    save: Path | None,
    acknowledge: bool,
    target: options.Target | None,
    as_json: bool,
) -> None:
    """Show the crashes that a board has on record (boardmaps.run), the last records before each, and its maps as they were.

    FILE is the littlefs image of a board's flash, also of one that does not start, or the image of its pool; without it the board
    is asked. The first and the last crash stay until they are acknowledged.

    JSON: {"ledger": {"boots", "crashes", "waiting", "fast", "silent", "causes": {...}} or null, "crashes": [{"which", "number",
    "boot", "uptime", "cause", "text", "records": {RING: [{"number", "data"}, ...]}, "maps": as `decode` has them, or null}],
    "notes": [...]}; uptime is seconds, null when nobody could tell.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host import postmortem
    from boardmaps_host.client.crashes import acknowledge as acknowledge_on

    if file is not None:
        if acknowledge:
            raise click.UsageError("--acknowledge is for a board, not for a file.")
        report = postmortem.of_file(file)
        show(report, all_maps, as_json)
        _save(report, save)
        return
    if target is None:
        raise click.UsageError("name the board with --port, or a file: boardmaps postmortem FILE.")
    with target.connect(crashes=False) as board:
        report = postmortem.of_board(board)
        show(report, all_maps, as_json)
        _save(report, save)
        if acknowledge:
            gone = acknowledge_on(board)
            if not as_json:
                output.say(f"acknowledged {gone} crash{'es' * (gone != 1)}")


def _save(report: "Report", file: Path | None) -> None:
    """Write the maps of the newest crash that has some."""
    if file is None:
        return
    # saves start-up time: needed by this option alone
    from boardmaps_host.postmortem import snapshot

    crashes = [crash for crash in report.crashes if crash.maps]
    if not crashes:
        raise click.ClickException("no crash is on record with the maps as they were: there is nothing to save.")
    newest = max(crashes, key=lambda crash: crash.number)
    try:
        snapshot(newest).save(file)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error
    output.note(f"boardmaps: the maps as they were at crash {newest.number} are in {file}.")


def show(report: "Report", all_maps: bool, as_json: bool) -> None:
    if as_json:
        ledger = report.ledger
        output.as_json(
            {
                "ledger": None if ledger is None else vars(ledger),
                "crashes": [_json(crash) for crash in report.crashes],
                "notes": report.notes,
            }
        )
        return
    if report.ledger is not None:
        led = report.ledger
        causes = ", ".join(f"{word} {count}" for word, count in led.causes.items() if count)
        output.say(f"boots: {led.boots} ({causes or 'none'}); crashes: {led.crashes}, not acknowledged: {led.waiting}")
        if led.silent:
            output.say(f"{led.silent} times the program ended, and neither it nor the board tells how")
    if not report.crashes:
        kept = report.ledger is not None
        output.say(
            "no crash is on record" + ("" if kept else ": the program does not use boardmaps.run, or has not run")
        )
    for crash in report.crashes:
        _print(crash, all_maps)
    for note in report.notes:
        output.note(f"boardmaps: {note}.")


def _print(crash: "Crash", all_maps: bool) -> None:
    from .decode import show_map  # saves start-up time: needed by this command alone

    when = "" if crash.uptime is None else f", after {crash.uptime:.1f} s"
    output.say()
    output.say(f"crash {crash.number} ({crash.which}): {crash.cause}, boot {crash.boot}{when}")
    output.say(crash.text.rstrip("\n"))
    if crash.maps is None:
        output.say("the maps as they were then are not kept")
        return
    for found in crash.maps:
        one = found.slice
        if all_maps:
            show_map(found)
        elif one.kind.has("read") and not one.wrong and not one.hidden:
            rows = [(n, data.hex(" "), output.readable(data)) for n, data in list(one.records())[-_RECORDS:]]
            output.say()
            output.say(f"the last records in {one.name!r}:")
            output.table(("number#", "data", "as"), rows)
    if not all_maps:
        names = ", ".join(found.slice.name or "(no name)" for found in crash.maps)
        output.say(f"maps as they were: {names or 'none'}; --maps shows them")


def _json(crash: "Crash") -> dict[str, Any]:
    from .decode import map_json  # saves start-up time: needed by this command alone

    found = [] if crash.maps is None else crash.maps
    rings = [f.slice for f in found if f.slice.kind.has("read") and not f.slice.wrong and not f.slice.hidden]
    return {
        "which": crash.which,
        "number": crash.number,
        "boot": crash.boot,
        "uptime": crash.uptime,
        "cause": crash.cause,
        "text": crash.text,
        "records": {
            ring.name: [{"number": n, "data": output.hex_bytes(data)} for n, data in ring.records()] for ring in rings
        },
        "maps": None if crash.maps is None else [map_json(one) for one in found],
    }

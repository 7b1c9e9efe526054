"""`boardmaps hub` and `boardmaps release`: who shares a board, who changed what, and having its port for another program."""

import time
from typing import Any

from . import options, output
from .drawing import click


@click.command("hub")
@click.option(
    "--port",
    "-P",
    envvar="BOARDMAPS_PORT",
    show_envvar=True,
    metavar="PORT",
    help="The board; without it, all that are shared.",
)
@click.option("--journal", is_flag=True, help="Show who changed what, when, from what to what: the oldest first.")
@options.as_json
def command(port: str | None, journal: bool, as_json: bool) -> None:
    """Show which boards are shared, and who is attached to each.

    The first program that opens a port starts its hub, and the hub ends when nobody is left; `missed` counts what a program did
    not take in time.

    JSON: a list of {"port", "pid", "since", "machine", "released", "programs"}, programs a list of {"pid", "program",
    "since", "requests", "subscriptions", "missed"}. --journal: a document a change, {"time", "pid", "program", "operation",
    "map", "key", "before", "after"}, bytes in hex and null where there is none; it needs --port.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.client.simulated import running
    from boardmaps_host.share.journal import read
    from boardmaps_host.share.meeting import Place, hubs, port_name, shared_port

    only = shared_port(port_name(running(port) or port)) if port else None
    if journal:
        if only is None:
            raise click.UsageError("--journal is of one port: name it with --port.")
        for entry in read(Place(only).journal):
            if as_json:
                output.as_json(entry)
            else:
                output.say(_change(entry))
        return
    found = [hub for hub in hubs() if only is None or hub["port"] == only]
    if as_json:
        output.as_json([{name: value for name, value in hub.items() if name not in ("v", "fw")} for hub in found])
        return
    if not found:
        output.say(f"nobody shares {only}" if only else "no board is shared")
    for hub in found:
        away = f", given away to {hub['released']}" if hub["released"] else ""
        output.say(
            f"{hub['port']}: hub {hub['pid']}, since {_clock(hub['since'])}, {hub['machine'] or 'port closed'}{away}"
        )
        output.table(
            ("pid#", "program", "since", "requests#", "subscriptions#", "missed#"),
            [
                (p["pid"], p["program"], _clock(p["since"]), p["requests"], p["subscriptions"], p["missed"])
                for p in hub["programs"]
            ],
        )


@click.command("release")
@click.argument("port", envvar="BOARDMAPS_PORT", metavar="PORT")
@click.argument("words", nargs=-1, metavar="[COMMAND...]", type=click.UNPROCESSED)
@click.option(
    "--for",
    "seconds",
    type=options.Real(0, options.SECONDS_MAX),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Without COMMAND: how long the port is kept free for somebody to take it.",
)
@options.as_json
def release(port: str, words: tuple[str, ...], seconds: float, as_json: bool) -> int:
    """Have PORT for another program, such as mpremote: those that share the board wait, and go on when it is back.

    With COMMAND (after --), for the time that runs, and its status is this command's: `boardmaps release a0 -- mpremote connect a0
    fs ls`. Without, until another program has had the port, or for SECONDS if none takes it. A port that nobody shares is
    free already.

    JSON: {"released": whether it was shared}.
    """
    # saves start-up time: needed by this command alone
    import subprocess

    from boardmaps_host.client.simulated import running
    from boardmaps_host.share.release import release as give
    from boardmaps_host.share.release import released

    target = running(port) or port
    if not words:
        shared = give(target, seconds)
        if as_json:
            output.as_json({"released": shared})
        else:
            output.say(f"{port}: {'released' if shared else 'free already, nobody shares it'}")
        return 0
    with released(target) as shared:
        if as_json:
            output.as_json({"released": shared})
        try:
            return subprocess.run(words, check=False).returncode
        except OSError as e:
            raise click.UsageError(f"{words[0]} cannot be run: {e.strerror}. Give a command behind --.") from None


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def _change(entry: dict[str, Any]) -> str:
    fraction = f"{entry['time'] % 1:.3f}"[1:]
    words = [
        f"{_clock(entry['time'])}{fraction}",
        f"{entry['program']} ({entry['pid']})",
        entry["operation"],
        entry["map"],
    ]
    if entry["key"] is not None:
        words.append(f"key {_value(entry['key'])}")
    if entry["before"] is not None or entry["after"] is not None:
        words.append(f"{_value(entry['before'])} -> {_value(entry['after'])}")
    return "  ".join(words)


def _value(text: str | None) -> str:
    if text is None:
        return "nothing"
    data = bytes.fromhex(text)
    said = output.readable(data)
    return f"{data.hex(' ')} [{said}]" if said else data.hex(" ")

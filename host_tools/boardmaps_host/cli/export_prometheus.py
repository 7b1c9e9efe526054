"""`boardmaps export prometheus`: boards for Prometheus, and a dashboard of Grafana's for them."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from . import fleet, output
from .drawing import click

if TYPE_CHECKING:
    from boardmaps_host.export.poller import Fleet


@click.command("prometheus")
@click.option(
    "--listen",
    default="127.0.0.1:9273",
    show_default=True,
    metavar="HOST:PORT",
    help="Where Prometheus finds the metrics; port 0 is a free one. Whoever reaches it reads them.",
)
@click.option(
    "--dashboard",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a dashboard of Grafana's for these boards' maps to FILE (- for stdout), and end.",
)
@fleet.boards
def command(
    boards: fleet.Boards,
    maps: tuple[str, ...],
    timeout: float,
    listen: str,
    dashboard: Path | None,
    as_json: bool,
) -> int:
    """Serve the values of boards' typed maps to Prometheus, until Ctrl-C. The boards are read when they are scraped.

    boardmaps_value has the fields, boardmaps_count_total those that are counters (+), with the labels board, map, key and field;
    boardmaps_up, boardmaps_heap_free_bytes, boardmaps_round_trip_seconds, boardmaps_crashes and others how each board is.

    JSON: {"url"} when it serves; with --dashboard {"file", "panels"}.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.export.poller import Fleet

    with Fleet(boards, None, maps) as watched:
        if dashboard is not None:
            return _dashboard(watched, fleet.Told(boards, maps), dashboard, timeout, as_json)
        # saves start-up time: needed by this command alone
        from boardmaps_host.export.prometheus import serve

        host, port = _address(listen)
        server = serve(watched, host, port)
        try:
            url = f"http://{host}:{server.server_port}/metrics"
            if as_json:
                output.as_json({"url": url})
            else:
                output.say(f"serving {url} until Ctrl-C", flush=True)
            told = fleet.Told(boards, maps)
            with suppress(KeyboardInterrupt):
                for reading in watched.readings(None):
                    told(reading)
        finally:
            server.shutdown()
            server.server_close()
    return 0


def _dashboard(watched: "Fleet", told: fleet.Told, path: Path, timeout: float, as_json: bool) -> int:
    # saves start-up time: needed by this option alone
    from boardmaps_host.export.dashboard import dashboard

    readings = watched.once(timeout)
    for reading in readings:
        told(reading)
    made = dashboard(readings)
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    if str(path) == "-":
        output.say(text.rstrip("\n"))
    else:
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            raise click.FileError(str(path), error.strerror) from error
        if as_json:
            output.as_json({"file": str(path), "panels": len(made["panels"])})
        else:
            output.say(f"{path}: {len(made['panels'])} panels; import it in Grafana")
    return int(not all(reading.health.up for reading in readings))


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 0xFFFF:
        raise click.UsageError(f"--listen {text}: give HOST:PORT, such as 127.0.0.1:9273.")
    return host.strip("[]") or "0.0.0.0", int(port)

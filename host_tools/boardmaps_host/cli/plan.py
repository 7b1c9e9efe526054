"""`boardmaps plan`: what maps will take of a board's pool, without a board."""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from . import options, output
from .drawing import click


@click.command("plan")
@click.argument("file", metavar="FILE")
@click.option("--pool", type=click.IntRange(256, 1 << 31), default=64 * 1024, show_default=True, metavar="BYTES")
@click.option("--cpus", type=click.IntRange(1, 2), default=1, show_default=True, help="Cores of the board (rp2: 2).")
@options.as_json
def command(file: str, pool: int, cpus: int, as_json: bool) -> None:
    """Show the bytes that each map of FILE will take of a board's pool, exactly, and what remains.

    FILE is TOML with a table for each map, in the order in which the firmware makes them:

    [[map]] / name = "temps" / type = "hash" / key = 8 / value = 4 / entries = 64

    or JSON as `boardmaps map show --json` prints it; - is the standard input.

    JSON: {"bytes_total", "bytes_used", "bytes_remaining", "maps": [{"name", "type", "offset", "bytes"}, ...]}.
    """
    from boardmaps_host.kinds import by_number  # saves start-up time: needed by this command alone
    from boardmaps_host.planner import plan, read_definition

    planned = plan([read_definition(parts, cpus) for parts in _read(file)], pool)
    used = sum(p.size for p in planned)
    rows = [(p.definition.name, by_number(p.definition.map_type).word, p.offset, p.size) for p in planned]
    if as_json:
        maps = [{"name": name, "type": kind, "offset": offset, "bytes": size} for name, kind, offset, size in rows]
        output.as_json({"bytes_total": pool, "bytes_used": used, "bytes_remaining": pool - used, "maps": maps})
        return
    output.table(("name", "type", "offset#", "bytes#", "of pool#"), ((*row, f"{row[3] / pool:.1%}") for row in rows))
    output.say(f"{used} of {pool} bytes used, {pool - used} remain")


def _read(file: str) -> list[dict[str, Any]]:
    """Return the tables of a plan's file."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        maps = (
            json.loads(text) if text.lstrip()[:1] == "[" and text.lstrip()[:2] != "[[" else tomllib.loads(text)["map"]
        )
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    except (ValueError, KeyError) as error:
        why = "it has no [[map]]" if isinstance(error, KeyError) else str(error)
        raise click.ClickException(f"{file}: no plan can be read from it: {why}. See: boardmaps plan --help") from error
    if not isinstance(maps, list) or not all(isinstance(parts, dict) for parts in maps):
        raise click.ClickException(f"{file}: [[map]] is not a list of tables. See: boardmaps plan --help")
    return maps

"""`boardmaps pool`: how the board's pool is used."""

import rich_click as click

from . import options, output
from .maps import board_at


@click.command("pool")
@options.target
def command(port: str, timeout: float, as_json: bool) -> None:
    """Show how much of the board's pool is taken, and by which map.

    JSON: {"bytes_total", "bytes_used", "bytes_remaining", "allocations", "maps": [{"id", "name", "bytes"}, ...]}.
    """
    with board_at(port, timeout) as board:
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
                "maps": [{"id": info.id, "name": info.name, "bytes": info.slice_bytes} for info in maps],
            }
        )
        return
    print(f"{used} of {total} bytes used, {remaining} remain; {allocations} allocation{'s' * (allocations != 1)}")
    if maps:
        output.table(
            ("id#", "name", "type", "bytes#", "of pool#"),
            (
                (i.id, i.name, i.type_name, i.slice_bytes, f"{i.slice_bytes / total:.1%}" if total else "-")
                for i in maps
            ),
        )

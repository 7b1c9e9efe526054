"""What a map holds, read in requests of one frame each: the firmware is never held up by more, and between two of them others
get their turn. Nothing is taken out of a map.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from boardmaps.errors import NotPermitted, NotSupported
from boardmaps_host.client import look
from boardmaps_host.live.tables import Table

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board
    from boardmaps_host.client.maps.base import RemoteMap
    from boardmaps_host.client.maps.timeseries import RemoteTimeSeries

Between = Callable[[], object]  # gives others their turn; true when they have done something
_AGAIN = (
    3  # times that a map is read when edits came between its pages: what was read before them is not shown after them
)


class Frames:
    """A board's pool, read one frame at a time: what look.py needs of a board, with a turn of others between two frames."""

    def __init__(self, board: "Board", between: Between) -> None:
        self.info = board.info
        self.pool = self
        self._board = board
        self._between = between

    def read_part(self, offset: int, used: int) -> bytes:
        """Return `used` bytes of the pool from `offset` on."""
        step = min(self._board.link.mtu, 0xFFFF) - 1  # the status takes one of the payload's bytes
        found = bytearray()
        for at in range(0, used, step):
            if at:
                self._between()
            found += self._board.pool.read_part(offset + at, min(step, used - at))
        return bytes(found)


def read(board: "Board", the_map: "RemoteMap", table: Table, clock: Callable[[], float], between: Between) -> int:
    """Read a map into its table; return how many rows changed. `between` is called between two requests.

    Raises LinkError and MapError; that the computer may not read the map is in the table's `why`.
    """
    try:
        changed = _read(board, the_map, table, clock, between)
        table.why = ""
    except (NotPermitted, NotSupported) as why:
        table.why = str(why)
        return 0
    return changed


def _read(board: "Board", the_map: "RemoteMap", table: Table, clock: Callable[[], float], between: Between) -> int:
    kind = table.kind
    frames = cast("Board", Frames(board, between))
    if kind.has("stats"):
        step = 8 + the_map.definition.value_size
        count = max(1, min(the_map.definition.max_entries, (board.link.mtu - 1) // step))
        return table.take_records(cast("RemoteTimeSeries", the_map).last(count), clock())
    if kind.has("read"):
        found_records = look.records(frames, the_map)
        table.used = sum(len(data) + 15 & ~7 for _, data in found_records)
        return table.take_records(found_records, clock())
    if kind.has("pop"):
        return table.take_values(look.values(frames, the_map), clock())
    if not table.keyed:
        raise NotSupported(f"the map {the_map.name!r} is of type {kind.word}: what is in it cannot be listed")
    found: list[tuple[bytes, Any]] = []
    for _ in range(_AGAIN):
        found, disturbed = [], False
        for key, value in the_map.items():
            found.append((key, the_map.of_every_cpu(value)))
            disturbed |= bool(between())
        if not disturbed:
            break
    return table.take(found, clock())

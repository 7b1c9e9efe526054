"""What is asked of a board beside its maps, now and then: its pins, its crashes, its heap, and of its hub the line's quality.

A board loads what a question needs, and its heap is dear: pins are asked for where there are some, crashes where one is on record,
the heap while somebody looks at it.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from boardmaps.errors import MapError
from boardmaps_host.client.crashes import Report, of_board
from boardmaps_host.client.health import Heap, heap
from boardmaps_host.client.pins import Pinning
from boardmaps_host.kinds import by_number
from boardmaps_host.live.monitor import Monitor
from boardmaps_host.live.tables import Row, Table
from boardmaps_host.share import meeting
from boardmaps_host.state.pin import parse
from boardmaps_host.state.slices import read

if TYPE_CHECKING:
    from boardmaps.schema import Field
    from boardmaps_host.client.board import Board

_PINS, _HEAP, _HUB = 3.0, 5.0, 2.0  # seconds between two questions


class About:
    """The answers, as they came last; None where nobody has asked, or there are none."""

    def __init__(self, monitor: Monitor) -> None:
        self.pinning: Pinning | None = None
        self.report: Report | None = None
        self.heap: Heap | None = None
        self.hub: Mapping[str, Any] | None = None
        self.looked_at = False  # whether somebody looks at heap and hub
        self._monitor = monitor
        self._pinned: tuple[str, int, dict[bytes, bytes]] = "", -1, {}  # map, times written, its entries in the pin
        self._due = {"pins": 0.0, "heap": 0.0, "hub": 0.0}
        self._crashes_of = ""
        monitor.extra["about"] = self.ask

    def pinned(self, name: str) -> Mapping[bytes, bytes] | None:
        """Return the entries of a map as they are pinned; None when it is not pinned, or is not the one that is shown."""
        return self._pinned[2] if name and self._pinned[0] == name else None

    def soon(self) -> None:
        """Ask for the pins at the next turn: somebody has pinned a map."""
        self._due["pins"] = 0.0

    def ask(self, board: "Board") -> None:
        """Ask what is due. In the monitor's thread."""
        if board.crash_on_record and self._crashes_of != board.link.boot:
            self.report = self._maybe(lambda: of_board(board))
            self._crashes_of = board.link.boot
        if (board.info.get("pins", "0") != "0" or board.link.changed) and self._is_due("pins", _PINS):
            self.pinning = self._maybe(board.pins)
            self._read_pin(board)
        if self.looked_at and self._is_due("heap", _HEAP):
            self.heap = self._maybe(lambda: heap(board.link))
        if self.looked_at and self._is_due("hub", _HUB):
            pid = getattr(board.link.connection.line, "hub", None)
            self.hub = next((one for one in meeting.hubs() if one.get("pid") == pid), None) if pid else None

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + every
        return True

    @staticmethod
    def _maybe(ask: Any) -> Any:
        try:
            return ask()
        except MapError:  # an older boardmaps, a twin
            return None

    def _read_pin(self, board: "Board") -> None:
        """Read the pin of the map that is shown, when it is another one than before."""
        shown = self._monitor.shown
        name = shown.info.name if shown is not None else ""
        pin = next((one for one in self.pinning.pins if one.name == name), None) if self.pinning is not None else None
        if shown is None or pin is None or not by_number(shown.info.map_type).has("keys"):
            self._pinned = "", -1, {}
        elif self._pinned[:2] != (name, pin.writes):
            data = board.kept(f"{name}.pin")
            entries: dict[bytes, bytes] = {}
            if data is not None:
                try:
                    slice_ = read(parse(data).slice)
                except MapError:
                    slice_ = "damaged"
                if not isinstance(slice_, str):
                    slice_ = slice_.described_by(shown.info.schema)
                if not isinstance(slice_, str) and slice_.definition == shown.info.definition and not slice_.wrong:
                    entries = dict(slice_.entries())
            self._pinned = name, pin.writes, entries


def default_of(table: Table) -> bytes | None:
    """Return what a new entry of a map begins with: by its schema, an array's zeros; None where nothing says it."""
    if table.typed and table.schema is not None:
        return bytes(table.schema.default())
    return bytes(table.definition.value_size) if table.kind.indexed else None


def differing(table: Table, pinned: Mapping[bytes, bytes]) -> set[tuple[bytes, str]]:
    """Return (key, field) of the cells that are not as they are pinned; all of an entry that is not in the pin."""
    found = set()
    for row in table.rows:
        then = pinned.get(row.key)
        if then == row.data:
            continue
        for field in table.columns:
            begin, end = field.offset, field.offset + field.size
            if then is None or then[begin:end] != row.data[begin:end]:
                found.add((row.key, field.name))
    return found


def beside(table: Table, row: Row, field: "Field", pinned: Mapping[bytes, bytes] | None) -> list[str]:
    """Return how a cell is pinned and what its default is, as people read it."""
    found = []
    if pinned is not None:
        then = pinned.get(row.key)
        found.append(f"pinned {table.text(_as_row(row, then), field)}" if then is not None else "not in the pin")
    default = default_of(table)
    if default is not None and table.keyed:
        found.append(f"default {table.text(_as_row(row, default), field)}")
    return found


def _as_row(row: Row, data: bytes) -> Row:
    return Row(row.key, row.cpu, row.label, data, 1)

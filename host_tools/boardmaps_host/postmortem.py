"""What a board's black box has, with the maps as they were at each crash: from a live board, or an image of its flash or pool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from boardmaps_host.client import crashes
from boardmaps_host.client.crashes import WHICH, Crash, Report
from boardmaps_host.state.errors import StateError
from boardmaps_host.state.images import of_pool, open_image
from boardmaps_host.state.snapshot import Kept, Snapshot

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

_KEPT = "boardmaps_kept/"  # the folder's usual name, in an image


def of_board(board: Board) -> Report:
    """Return what a live board has. Raises NotSupported for a board with an older boardmaps."""
    report = crashes.of_board(board)
    for crash in report.crashes:
        if crash.which in WHICH and (data := board.kept(f"{crash.which}.pool")):
            image = of_pool(data)
            crash.maps = image.maps
            report.notes += image.notes
    return report


def of_file(path: str | Path) -> Report:
    """Return what the image of a board's flash, or of its pool, has. Raises StateError for a file that is none, OSError."""
    image = open_image(path)
    files = {name.rpartition("/")[2]: content for name, content in image.files if _KEPT in name}
    report = crashes.of_files(files.get)
    report.notes += image.notes
    for crash in report.crashes:
        crash.maps = [found for found in image.maps if found.file.endswith(f"/{crash.which}.pool")] or None
    for found in image.maps:
        if found.slice.kind.has("read") and not found.slice.wrong and not found.file.endswith(".pool"):
            crashes.of_ring(report, found.slice.name, [record for _, record in found.slice.records()])
    return report


def snapshot(crash: Crash) -> Snapshot:
    """Return the maps as they were at a crash, for a board or a twin to be filled with; those that are not whole are left out.

    Raises StateError when none were kept.
    """
    if not crash.maps:
        raise StateError(f"the maps as they were at crash {crash.number} are not kept: there is nothing to save.")
    whole = [found for found in crash.maps if not found.slice.wrong and not found.slice.hidden]
    return Snapshot([Kept(found.slice) for found in whole])

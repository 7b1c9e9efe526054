"""What a board's black box has, over the line: its ledger, and the crashes on record. SPEC.md, section 7, draws the files."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from struct import error as StructError  # noqa: N812 - a class
from struct import unpack, unpack_from
from typing import TYPE_CHECKING, Any

from boardmaps.abi import OP_ACKNOWLEDGE
from boardmaps.errors import MapError, NotSupported
from boardmaps_host.client.info import ask, reading
from boardmaps_host.client.look import records
from boardmaps_host.kinds import by_number
from boardmaps_host.terminal import harmless

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

CAUSES = ("unknown", "power", "reset", "watchdog", "asked", "sleep", "soft", "exception")
_MAGIC, _LEDGER, _HEAD, _VERSION = b"BCRS", b"BLED", 32, 1
_NO_TIME = 0xFFFFFFFF
WHICH = ("first", "last")


@dataclass(frozen=True)
class Ledger:
    """The board's count of boots and crashes. `waiting`: crashes that nobody has acknowledged; `fast`: of these in a row, soon
    after the boot; `silent`: runs of which neither program nor port says how they ended; `causes`: of boots, word to number."""

    boots: int
    crashes: int
    waiting: int
    fast: int
    silent: int
    causes: dict[str, int]


@dataclass
class Crash:
    """A crash on record. `which`: first, last, or the ring that has it; `uptime` seconds, None when nobody could tell.

    `maps` are those that were kept with it, as they were (state.images.Found); None when none were, or nobody has read them.
    """

    which: str
    number: int
    boot: int
    uptime: float | None
    cause: str
    text: str
    maps: Sequence[Any] | None = None


@dataclass
class Report:
    """All of it; `notes` name what is not sound, a sentence each."""

    ledger: Ledger | None = None
    crashes: list[Crash] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def parse_ledger(data: bytes) -> Ledger:
    """Return what a ledger says. Raises ValueError for one that is damaged."""
    try:
        magic, version, _, fast, *counts = unpack("<4sHBB11I", data[:-4])
        (check,) = unpack("<I", data[-4:])
    except StructError:
        raise ValueError("the ledger has another length") from None
    if magic != _LEDGER or version != _VERSION or check != crc32(data[:-4]):
        raise ValueError("the ledger is damaged")
    boots, crashes, waiting, silent, *causes = counts
    return Ledger(boots, crashes, waiting, fast, silent, dict(zip(CAUSES, causes, strict=False)))


def parse_crash(data: bytes, which: str) -> Crash:
    """Return what a record of a crash says. Raises ValueError for one that is damaged."""
    if len(data) < _HEAD or data[:4] != _MAGIC or crc32(data[:28]) != unpack_from("<I", data, 28)[0]:
        raise ValueError(f"the record of the {which} crash is damaged in its head")
    version, cause, boot, uptime, number, check, size = unpack_from("<HBxIIIII", data, 4)
    text = data[_HEAD : _HEAD + size]
    if version != _VERSION:
        raise ValueError(f"the record of the {which} crash has version {version}, and this boardmaps reads {_VERSION}")
    if len(text) != size or crc32(text) != check:
        raise ValueError(f"the record of the {which} crash is damaged")
    word = CAUSES[cause] if cause < len(CAUSES) else "unknown"
    seconds = None if uptime == _NO_TIME else uptime / 1000
    return Crash(which, number, boot, seconds, word, harmless(text.decode("utf-8", "replace")))


def of_board(board: Board) -> Report:
    """Return what a live board has, without the maps. Raises NotSupported for a board with an older boardmaps."""
    report = of_files(board.kept)
    for info in board.maps():
        if by_number(info.map_type).has("read"):
            try:
                found = [record for _, record in records(board, board.map(info.id))]
            except (MapError, NotSupported):  # write-only, or gone meanwhile; a twin has no pool
                continue
            of_ring(report, info.name, found)
    return report


def last_crash(board: Board) -> Crash | None:
    """Return the crash that is newest on a board's record."""
    crashes = of_board(board).crashes
    return max(crashes, key=lambda crash: crash.number) if crashes else None


def acknowledge(board: Board) -> int:
    """Have a board forget its crashes; return how many that were. From its next boot on it loads and adopts again."""
    data = ask(board.link, bytes((OP_ACKNOWLEDGE,)), changes=True)
    with reading("acknowledge", changed=True):
        return int(unpack("<I", data or b"")[0])


def of_files(file: Callable[[str], bytes | None]) -> Report:
    """Return what kept files have; `file` gives the bytes of one, None where there is none."""
    report = Report()
    data = file("ledger")
    if data is not None:
        try:
            report.ledger = parse_ledger(data)
        except ValueError as wrong:
            report.notes.append(str(wrong))
    for which in WHICH:
        data = file(f"{which}.crash")
        if data is not None:
            try:
                report.crashes.append(parse_crash(data, which))
            except ValueError as wrong:
                report.notes.append(str(wrong))
    return report


def of_ring(report: Report, name: str, found: list[bytes]) -> None:
    """Add the crashes that lie in a ring of the black box."""
    for record in found:
        if record[:4] == _MAGIC:
            try:
                report.crashes.append(parse_crash(record, f"in ring {name!r}"))
            except ValueError as wrong:
                report.notes.append(str(wrong))

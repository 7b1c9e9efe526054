"""What is in a map without keys, without taking it out: from the map's bytes in the board's pool, as SPEC.md draws them.

The firmware runs on meanwhile. What it takes or overwrites between two frames of a reply is left out of a ring; a queue that
changes is read again, a few times.
"""

from dataclasses import dataclass
from struct import error, unpack_from
from typing import TYPE_CHECKING

from boardmaps.abi import BPF_F_WRONLY
from boardmaps.errors import NotPermitted

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board
    from boardmaps_host.client.maps.base import RemoteMap

_HEADER = 96  # bytes
_COUNT, _FIRST, _ENTRIES, _STRIDE, _NUMBER_OF_FIELD, _OFFSET_OF_FIELD = 28, 32, 48, 56, 36, 40  # of words in it
_CONSUMER, _PRODUCER = 32, 36
_RECORD_HEAD = 8
_RESERVED, _DISCARDED, _LENGTH = 1 << 29, 1 << 28, (1 << 28) - 1
_AGAIN = 5


@dataclass(frozen=True)
class Field:
    """The number in a sample's value that statistics are made of: struct's letter for it, its offset in bytes."""

    letter: str
    offset: int

    def __str__(self) -> str:
        return f"{self.letter}@{self.offset}" if self.offset else self.letter

    def of(self, value: bytes) -> int | float | None:
        """Return the number in a value, None where it does not reach so far."""
        try:
            (number,) = unpack_from(f"<{self.letter}", value, self.offset)
        except error:
            return None
        return number if isinstance(number, int | float) else None


def field(board: "Board", the_map: "RemoteMap") -> Field | None:
    """Return the field of a time series on a board; None when it has none, or is in a twin, which has no pool to look at."""
    if board.info.get("profile") == "cloud":
        return None
    head = board.pool.read_part(the_map.offset, _HEADER)
    letter = _word(head, _NUMBER_OF_FIELD)
    return Field(chr(letter), _word(head, _OFFSET_OF_FIELD)) if 0 < letter < 128 else None


def values(board: "Board", the_map: "RemoteMap") -> list[bytes]:
    """Return the values of a queue or a stack, the oldest first; all of them stay."""
    if not _may_look(the_map):
        return []
    for _ in range(_AGAIN):
        slice_ = board.pool.read_part(the_map.offset, the_map.size)
        if board.pool.read_part(the_map.offset, _HEADER) == slice_[:_HEADER]:
            break
    count, first, entries, stride = (_word(slice_, at) for at in (_COUNT, _FIRST, _ENTRIES, _STRIDE))
    most, size = the_map.definition.max_entries, the_map.definition.value_size
    starts = (entries + (first + i) % most * stride for i in range(min(count, most)))
    return [slice_[at : at + size] for at in starts]


def records(board: "Board", the_map: "RemoteMap") -> list[tuple[int, bytes]]:
    """Return the records that wait in a ring, as (running number, bytes), the oldest first; all of them stay."""
    if not _may_look(the_map):
        return []
    slice_ = board.pool.read_part(the_map.offset, the_map.size)
    later = board.pool.read_part(the_map.offset, _HEADER)
    size, entries = the_map.definition.max_entries, _word(slice_, _ENTRIES)
    ring = slice_[entries : entries + size]
    at, end = _word(later, _CONSUMER), _word(slice_, _PRODUCER)
    found = []
    while 0 < (end - at) % (1 << 32) < size:
        begin = at % size
        head, number = unpack_from("<II", ring, begin)
        length = head & _LENGTH
        if head & _RESERVED or length + _RECORD_HEAD > size:
            break  # what comes behind a reserved record is not the reader's yet
        if not head & _DISCARDED:
            found.append((number, (ring[begin + _RECORD_HEAD :] + ring)[:length]))
        at = (at + (length + _RECORD_HEAD + 7 & ~7)) % (1 << 32)
    return found


def _may_look(the_map: "RemoteMap") -> bool:
    """Whether there is anything to look at. Raises NotPermitted for a map that the computer may not read."""
    if the_map.definition.map_flags & BPF_F_WRONLY:
        raise NotPermitted(f"look at {the_map.name!r}: the map is write-only for the computer")
    return len(the_map) > 0


def _word(data: bytes, at: int) -> int:
    word: int
    (word,) = unpack_from("<I", data, at)
    return word

"""What a board keeps on its file system, over the line: the pins of its maps, and files that can be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import calcsize, pack, unpack, unpack_from

from boardmaps.abi import (
    OP_KEPT_READ,
    OP_PINS,
    OP_UNPIN,
    PIN_CHANGED,
    PIN_KEPT,
    PIN_REFUSED,
    PIN_SAME,
    U32_MAX,
)
from boardmaps_host.client.errors import LinkError
from boardmaps_host.client.info import Asked, ask, reading
from boardmaps_host.terminal import harmless

_STATES = {PIN_SAME: "same", PIN_CHANGED: "changed", PIN_KEPT: "kept", PIN_REFUSED: "refused"}
_STATS = "<5I"
_PIN = "<B4IBB"
_LARGEST = 4 << 20  # bytes of a kept file: no board has more memory for one
_PIECE = 0xFFFF  # asked for at once; a board gives what its frame holds


@dataclass(frozen=True)
class Pin:
    """A map's pin. `state`: same (the map is as it is pinned), changed, kept (no such map was made in this boot), or refused.

    `why` says why a pin was refused, that is not loaded or not written. `size` is the file's bytes, `writes` how often it was
    written, `written` the bytes of that in all; `every` the seconds between two looks of the board, None when it is pinned by
    call alone.
    """

    name: str
    state: str
    why: str
    size: int
    writes: int
    written: int
    every: float | None


@dataclass(frozen=True)
class Pinning:
    """All pins of a board, and since its boot: files written, looks that found nothing new, bytes, and seconds of stops.

    A stop is how long the program stood still: for the whole of a pin by call, for a piece of what a server's turn writes.
    """

    pins: Sequence[Pin]
    writes: int
    unchanged: int
    written: int
    longest_stop: float
    all_stops: float


def pinning(link: Asked) -> Pinning:
    """Return what a board tells of its pins. Raises NotSupported for a board with an older boardmaps."""
    data = ask(link, bytes((OP_PINS,))) or b""
    with reading("pins"):
        writes, unchanged, written, longest, together = unpack_from(_STATS, data)
        at = calcsize(_STATS)
        found = []
        while at < len(data):
            state, size, count, wrote, every, name, text = unpack_from(_PIN, data, at)
            at += calcsize(_PIN)
            label, why = data[at : at + name], data[at + name : at + name + text]
            at += name + text
            if at > len(data):
                raise ValueError("a pin is cut short")
            words = (harmless(part.decode("utf-8", "replace")) for part in (label, why))
            label_text, why_text = words
            seconds = None if every == U32_MAX else every / 1000
            found.append(Pin(label_text, _STATES[state], why_text, size, count, wrote, seconds))
        return Pinning(found, writes, unchanged, written, longest / 1e6, together / 1e6)


def unpin(link: Asked, name: str) -> bool:
    """Remove a map's pin; return whether there was one. The map itself stays."""
    data = ask(link, bytes((OP_UNPIN,)) + name.encode(), changes=True)
    with reading(f"unpin {name!r}", changed=True):
        (there,) = unpack("<B", data or b"")
        return bool(there)


def read_kept(link: Asked, file: str) -> bytes | None:
    """Return a file that the board keeps, None when there is no such file. Raises NotPermitted for a write-only map's pin."""
    found = b""
    while True:
        data = ask(link, pack("<BIH", OP_KEPT_READ, len(found), _PIECE) + file.encode())
        if data is None:
            return None
        if not data:
            return found
        found += data
        if len(found) > _LARGEST:
            raise LinkError(f"{file}: more than {_LARGEST:,} bytes are more than any board keeps.")

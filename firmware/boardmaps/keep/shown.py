"""What is kept, for whoever asks: which maps are pinned and how they are, and the bytes of kept files."""

import os
from binascii import crc32
from struct import unpack_from

from micropython import const

from .. import keep, pool
from ..errors import NotPermitted
from ..flags import BPF_F_WRONLY

_FLAGS_AT = const(44)  # of a pin: the map_flags in the slice's header
_ENOUGH = const(48)  # bytes that have them


def pins():
    """Return what is pinned, a tuple for each: name, state, bytes of the file, times written, bytes written in all, every.

    The state is "same" when the map is as it is pinned, "changed" when it is not, "kept" when no such map was made in this boot,
    else a text that says why it was not loaded. `every` is milliseconds, None when it is pinned by call alone.
    """
    found = []
    for name in _names():
        entry = keep.pinned.get(name)
        size = os.stat(keep.path(name + ".pin"))[6]
        m = entry.m if entry else None  # an empty map is false
        if m is None or m._view is pool.dead:
            found.append((name, "kept", size, 0, 0, None))
            continue
        state = entry.verdict or ("same" if entry.content == crc32(m._view) else "changed")
        found.append((name, state, size, entry.writes, entry.written, entry.every))
    return found


def pin_flags(name):
    """Return the map_flags of the map of which a pin is, 0 when there is no such pin."""
    if "/" in name or not keep.there(name + ".pin"):
        return 0
    with open(keep.path(name + ".pin"), "rb") as kept:
        return _flags(kept)


def kept_read(file, offset, n):
    """Return at most n bytes of a kept file; None when there is none. Raises NotPermitted for the pin of a write-only map."""
    if "/" in file or not keep.there(file):
        return None
    with open(keep.path(file), "rb") as kept:
        if file.endswith(".pin") and _flags(kept) & BPF_F_WRONLY:
            raise NotPermitted("read %r: the map is write-only for the host" % file)
        kept.seek(offset)
        return kept.read(n)


def _flags(kept):
    head = kept.read(_ENOUGH)
    return unpack_from("<I", head, _FLAGS_AT)[0] if len(head) == _ENOUGH else 0


def _names():
    """Return the names of all maps that have a pin."""
    if not keep.there("."):
        return []
    return sorted([row[0][:-4] for row in os.ilistdir(keep.path("")[:-1]) if row[0].endswith(".pin")])

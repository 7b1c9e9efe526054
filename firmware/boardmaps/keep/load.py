"""Loads a map's pin when the map is made: the pool calls it for a map that has one, a board without pins does not load it.

SPEC.md, section 7, draws the file: 32 bytes, and the map's slice as it lay in the pool.
"""

import os
import sys
from binascii import crc32
from struct import pack_into, unpack_from

from micropython import const

from .. import keep
from ..errors import InvalidDefinition, MapError
from ..kinds import find

HEAD = const(32)  # bytes before the slice
_VERSION = const(1)
_GLANCE = const(256)  # bytes read at once of a pin that is only looked at
_SLICE_HEAD = const(96)

# Columns and traits of kinds.py
_NUMBER_OF = const(0)
_TRAITS = const(4)
_PARAMETERS = const(9)
_BYTES = const(32)
_BITS = const(128)

# What never changes in the header of a slice that a definition made: magic to max_entries, offsets, the schema's length, name
_NEVER_CHANGE = ((0, 28), (44, 60), (70, 72), (80, 96))

# Of a ring's records, and words of its header
_CONSUMER_AT = const(32)
_PRODUCER_AT = const(36)
_ENTRIES_AT = const(48)
_RESERVED = const(1 << 29)
_DISCARDED = const(1 << 28)
_LENGTH = const((1 << 28) - 1)


class Pinned:
    """What is known of a map that has a pin. `verdict` says why it was not loaded, or not written; else it is None."""

    def __init__(self, m):
        self.m = m
        self.content = None  # CRC-32 of the slice in the file, None when there is no sound file
        self.writes = self.written = 0  # how often the file was written, and the bytes of that in all
        self.every = None  # milliseconds between two looks, None when it is pinned by call alone
        self.due = 0
        self.verdict = None


def load(new, fill=True):
    """Fill the slice of a map that is being made from its pin; return whether that was done. Without `fill` look at the pin alone.

    When it returns False the slice may hold anything: the caller makes it anew. Why is in pins(), and printed. Raises MemoryError.
    """
    name = new.definition.name
    if name in keep.pinned:
        return False  # another map of this name has it
    entry = Pinned(new)
    keep.pinned[name] = entry
    try:
        if keep.suspended:
            raise MapError("the program crashed too often: nothing is loaded until that is acknowledged")
        look(entry, new._view if fill else None)
        return True
    except (MapError, OSError) as why:
        if isinstance(why, InvalidDefinition) and "boardmaps.migrate" in sys.modules and _migrated(entry):
            return True
        entry.verdict = "the pin of map %r is not loaded: %s" % (name, why)
        print("boardmaps: %s. The map begins anew; the file %s is kept." % (entry.verdict, keep.path(name + ".pin")))
    return False


def _migrated(entry):
    """Have the program's function move what the pin of another definition has to the new map; False where that cannot be."""
    # saves heap: it is loaded already, the program has registered a function
    from ..migrate import take_over

    pool = sys.modules["boardmaps.pool"]  # which calls this module, and so is not imported by it
    new = entry.m
    where = keep.path(new.definition.name + ".pin")
    with open(where, "rb") as file:
        head = file.read(HEAD)
        version, _, size, writes, written, content = unpack_from("<HH4I", head, 4)
        old = memoryview(bytearray(size if version == _VERSION else 0))
        if not old or _fill(file, old) != content:
            return False
    pool._clear(new._view, new.size)
    pool._begin(new, new.definition, new._view)
    entry.verdict = take_over(new, old)
    if entry.verdict.endswith(": migrated"):  # then pin() may take its place
        entry.content, entry.writes, entry.written = content, writes, written
    print("boardmaps: of its pin: %s. The file %s is as it was." % (entry.verdict, where))
    return True


def look(entry, into=None):
    """Read the pin of entry.m, and fill in what the entry says of it. `into`, the map's slice, is filled with its content.

    Raises InvalidDefinition when the pin is that of another definition, layout or version, MapError when it is damaged, OSError.
    """
    m = entry.m
    head = bytes(m._view[:_SLICE_HEAD])
    (schema,) = unpack_from("<H", head, 70)
    text = bytes(m._view[m.size - (schema + 7) // 8 * 8 :]) if schema else b""
    where = keep.path(m.definition.name + ".pin")
    size = os.stat(where)[6] - HEAD
    with open(where, "rb") as file:
        begin = file.read(HEAD)
        if len(begin) < HEAD or bytes(begin[:4]) != b"BPIN" or crc32(begin[:28]) != unpack_from("<I", begin, 28)[0]:
            raise MapError("its head is damaged")
        version, long, bytes_, writes, written, content = unpack_from("<HH4I", begin, 4)
        if version != _VERSION or long != HEAD:
            raise InvalidDefinition("it has version %d, and this boardmaps reads %d" % (version, _VERSION))
        if bytes_ != size:
            raise MapError("it has %d bytes of the map, and %d were written" % (max(size, 0), bytes_))
        if into is not None and size == m.size:
            found = _fill(file, into)
            begin, end = into[:_SLICE_HEAD], into[size - len(text) :]
        else:
            found, begin, end = _glance(file, size, len(text))
        if found != content:
            raise MapError("its content is damaged")
        if not _same(begin, head) or bytes(end) != text:
            raise InvalidDefinition("it is that of another definition or layout")
    if into is not None:
        _check(into, m)
    entry.content, entry.writes, entry.written = content, writes, written


def _fill(file, into):
    """Read the rest of a file into the slice; return its CRC-32."""
    at = 0
    while at < len(into):
        n = file.readinto(into[at:])
        if not n:
            break
        at += n
    return crc32(into)


def _glance(file, size, tail):
    """Return the CRC-32 of the rest of a file, its first bytes and its last ones."""
    crc, begin, end = 0, b"", b""
    left = size
    while left > 0:
        piece = file.read(min(left, _GLANCE))
        if not piece:
            break
        crc = crc32(piece, crc)
        begin = begin or piece[:_SLICE_HEAD]
        end = (end + piece)[-tail:] if tail else b""
        left -= len(piece)
    return crc, begin, end


def _same(begin, head):
    """Return whether two headers of slices are those of the same definition and layout."""
    if len(begin) < _SLICE_HEAD:
        return False
    row = find(_NUMBER_OF, unpack_from("<I", head, 8)[0])
    ranges = _NEVER_CHANGE
    if row[_PARAMETERS]:
        ranges += ((60, 64),) if row[_TRAITS] & _BITS else ((36, 44),)
    for first, end in ranges:
        if bytes(begin[first:end]) != head[first:end]:
            return False
    return True


def _check(view, m):
    """Raise MapError when what was loaded is not a whole slice; give up what was reserved in a ring by who is gone now."""
    # saves heap: a board without pins need not have it
    from ..maps.check import examined

    wrong = examined(view)[1]
    if wrong:
        raise MapError("its content is no whole map: %s" % wrong)
    if find(_NUMBER_OF, m.definition.map_type)[_TRAITS] & _BYTES:
        at, end = unpack_from("<II", view, _CONSUMER_AT)
        (entries,) = unpack_from("<I", view, _ENTRIES_AT)
        while at != end:
            place = entries + (at & m.definition.max_entries - 1)
            (word,) = unpack_from("<I", view, place)
            if word & _RESERVED:
                pack_into("<I", view, place, word & _LENGTH | _DISCARDED)
            at = at + ((word & _LENGTH) + 15 & ~7) & 0xFFFFFFFF

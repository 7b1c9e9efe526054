"""Loads a map's pin when the map is made: the pool calls it for a map that has one, a board without pins does not load it.

SPEC.md, section 7, draws the file: 32 bytes, and the map's slice as it lay in the pool.
"""

import os
import sys
from binascii import crc32
from struct import unpack_from

from micropython import const

from .. import keep
from ..definition import HEADER_SIZE, schema_of
from ..errors import InvalidDefinition, MapError
from ..kinds import find
from ..settings import kernels

HEAD = const(32)  # bytes before the slice
_VERSION = const(1)
_GLANCE = const(256)  # bytes read at once of a pin that is only looked at

# Columns and traits of kinds.py
_NUMBER_OF = const(0)
_TRAITS = const(4)
_BYTES = const(32)


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
    moved, entry.verdict = take_over(new, old)
    if moved:  # then pin() may take its place
        entry.content, entry.writes, entry.written = content, writes, written
    print("boardmaps: of its pin: %s. The file %s is as it was." % (entry.verdict, where))
    return True


def look(entry, into=None):
    """Read the pin of entry.m, and fill in what the entry says of it. `into`, the map's slice, is filled with its content.

    Raises InvalidDefinition when the pin is that of another definition, layout or version, MapError when it is damaged, OSError.
    """
    # saves heap: a board without pins need not have it
    from ..maps.check import examined, unchanging

    m = entry.m
    kind = m.definition.map_type
    same = unchanging(m._view, kind)
    text = bytes(schema_of(m._view))
    tail = -len(text) & ~7  # where the text begins, from the slice's end
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
            found, begin, end = _fill(file, into), into, into[tail:] if tail else b""
        else:
            found, begin, end = _glance(file, size, -tail)
        if found != content:
            raise MapError("its content is damaged")
        if len(begin) < HEADER_SIZE or unchanging(begin, kind) != same or bytes(end[: len(text)]) != text:
            raise InvalidDefinition("it is that of another definition or layout")
    if into is not None:
        wrong = examined(into)[1]
        if wrong:
            raise MapError("its content is no whole map: %s" % wrong)
        if find(_NUMBER_OF, kind)[_TRAITS] & _BYTES:
            kernels("check").settle(into)  # who had reserved a record is gone
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
        begin = begin or piece[:HEADER_SIZE]
        end = (end + piece)[-tail:] if tail else b""
        left -= len(piece)
    return crc, begin, end

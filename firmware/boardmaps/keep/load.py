"""Loads a map's pin when the map is made: the pool calls it for a map that has one, a board without pins does not load it.

SPEC.md, section 7, draws the file: 32 bytes, and the map's slice as it lay in the pool.
"""

import os
import sys
from binascii import crc32
from struct import pack_into, unpack_from

from micropython import const

from .. import keep
from ..definition import HEADER_SIZE, check_word, schema_of
from ..errors import InvalidDefinition, MapError
from ..kinds import find
from ..settings import kernels

HEAD = const(32)  # bytes before the slice
_VERSION = const(1)
_GLANCE = const(256)  # bytes read at once of what is only looked at

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
    own = bytes(m._view[:HEADER_SIZE])
    text = bytes(schema_of(m._view))
    body = m.size + (-len(text) & ~7)  # bytes before the text
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
        head = bytearray(file.read(HEADER_SIZE))
        found, long = crc32(head), head[70] | head[71] << 8 if len(head) == HEADER_SIZE else 0
        fits = len(head) == HEADER_SIZE and size + (-long & ~7) == body
        if fits and into is not None:
            into[:HEADER_SIZE] = head
            found = _fill(file, into[HEADER_SIZE:body], found)
        if _rest(file, found) != content:
            raise MapError("its content is damaged")
        if fits:
            head[4:8], head[70:72] = own[4:8], own[70:72]
            file.seek(HEAD + body)
            told = file.read(long)
        if not fits or unchanging(head, kind) != same or not _same(told, text):
            raise InvalidDefinition("it is that of another definition or layout")
    if into is not None:
        if text:
            _put(into, text)
        wrong = examined(into)[1]
        if wrong:
            raise MapError("its content is no whole map: %s" % wrong)
        if find(_NUMBER_OF, kind)[_TRAITS] & _BYTES:
            kernels("check").settle(into)  # who had reserved a record is gone
    entry.content, entry.writes, entry.written = content, writes, written


def _same(told, text):
    """Return whether the texts of two schemas read bytes in the same way; told apart by descriptions, units and ranges at most."""
    if told == text:
        return True
    from ..schema import same_layout  # saves heap: one of the maps is typed

    return same_layout(str(told, "utf-8"), str(text, "utf-8"))


def _put(into, text):
    """Give the slice the map's own text: what was kept may describe the same layout in other words."""
    from ..schema import put  # loaded already: the map is typed

    put(into, text)
    pack_into("<I", into, 76, check_word(into))


def _fill(file, into, crc=0):
    """Read the next bytes of a file into part of the slice; return the CRC-32 of what came, behind that of other bytes."""
    at = 0
    while at < len(into):
        n = file.readinto(into[at:])
        if not n:
            break
        at += n
    return crc32(into[:at], crc)


def _rest(file, crc):
    """Return the CRC-32 of the rest of a file, behind that of other bytes."""
    while True:
        piece = file.read(_GLANCE)
        if not piece:
            return crc
        crc = crc32(piece, crc)

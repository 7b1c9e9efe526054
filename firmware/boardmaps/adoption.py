"""What an earlier boot left in the pool: looked at, kept where it is whole, and given to the maps that are made again.

pool.py loads this where it finds such bytes and nowhere else. The maps that are kept wait above what this boot has allocated, in the
order in which they were made; one that is opened moves down to where a new map would begin, so that a pool looks as after any
other boot. They give way to new maps. A slice carries its mark while it moves: a reset meanwhile loses that one.
"""

from struct import pack, pack_into, unpack_from

from micropython import const

from .definition import HEADER_SIZE, MAGIC, check_word
from .kinds import find
from .maps.check import examined

# Columns and traits of kinds.py
_NUMBER_OF = const(0)
_TRAITS = const(4)
_PARAMETERS = const(9)
_BYTES = const(32)
_BITS = const(128)

_STATE_AT = const(68)  # bytes of a slice's header
_MARK_AT = const(69)
_CONSUMER = const(8)  # words
_FIELD = const(9)
_CHECK = const(19)
_FROZEN = const(1)

# Flags beside the length of a ring's record
_RESERVED = const(1 << 29)
_DISCARDED = const(1 << 28)
_LENGTH = const((1 << 28) - 1)


class _Slice:
    """One that waits to be opened, of a map with this definition; `told` is its verdict: name, state, why."""

    def __init__(self, definition, offset, size, told):
        self.definition = definition
        self.offset = offset
        self.size = size
        self.told = told


class Kept:
    """The slices of the pool that wait. `memory` is a bytearray, `view` the pool's part of it, `told` the list of all verdicts."""

    def __init__(self, memory, view, clear, told):
        self._view = view
        self._clear = clear
        self._told = told
        self.waiting = []
        self._look(memory)
        used = 0
        for s in self.waiting:
            self._move(s, used)
            used += s.size
        clear(view[used:], len(view) - used)

    def end(self):
        """Return where the last one ends, 0 when none waits."""
        return self.waiting[-1].offset + self.waiting[-1].size if self.waiting else 0

    def _look(self, memory):
        """Find the slices. Behind one whose size cannot be trusted the next one is searched."""
        view = self._view
        expected = at = 0
        while True:
            at = memory.find(MAGIC, at)
            if at < 0 or at > len(view) - HEADER_SIZE:
                return
            size = unpack_from("<I", view, at + 4)[0]
            if at & 7 or size & 7 or not HEADER_SIZE <= size <= len(view) - at:
                at += 1
                continue
            part = view[at : at + size]
            d, wrong = examined(part)
            name = d.name if d else _name(part)
            if d and not name:
                wrong = "a map without a name is not kept"
            if not wrong:
                part[_STATE_AT] &= 0xFF ^ _FROZEN  # whoever froze it does so again
                if find(_NUMBER_OF, d.map_type)[_TRAITS] & _BYTES:
                    _end_reserved(part)
                told = [name, "kept", ""]
                self.waiting.append(_Slice(d, at, size, told))
                self._told.append(told)
            elif at == expected or _sealed(part):
                self._told.append([name, "discarded", wrong])
            if wrong and not _sealed(part):
                at += 8
            else:
                at = expected = at + size

    def _move(self, s, to):
        """Move one, and set the bytes that it leaves to zero."""
        view, at, n = self._view, s.offset, s.size
        if at == to:
            return
        view[at + _MARK_AT] = 1
        view[to : to + n][:] = view[at : at + n]
        view[to + _MARK_AT] = 0
        s.offset = to
        first, end = (max(at, to + n), at + n) if to < at else (at, min(at + n, to))
        self._clear(view[first:], end - first)

    def _drop(self, s, why):
        """Discard one that waits."""
        self.waiting.remove(s)
        s.told[1], s.told[2] = "discarded", why
        self._clear(self._view[s.offset :], s.size)

    def reopen(self, new, d, front):
        """Have a map that is made again find its slice at `front`; return what waited, None when nothing did.

        One of the same name and another definition, or other type parameters, is discarded.
        """
        other = None
        for s in self.waiting:
            if s.definition.name == d.name:
                view = self._view[s.offset : s.offset + s.size]
                if s.definition == d and s.definition.cpus == d.cpus and _parameters(view, d) == new.host_parameters():
                    return self._bring(s, front)
                other = other or s
        if other:
            self._drop(other, "the map was made anew with another definition: this was %r" % other.definition)
        return None

    def _bring(self, s, front):
        """Take one out of those that wait, to `front`; return it, None where it could not be moved."""
        self.waiting.remove(s)
        end = front + s.size
        if s.offset != front and self.waiting and self.waiting[0].offset < min(end, s.offset):  # others are in the way
            view = self._view
            try:
                image = bytearray(view[s.offset : s.offset + s.size])
            except MemoryError:
                self.waiting.append(s)
                self._drop(s, "there was no heap to move it to its place: %d bytes" % s.size)
                return None
            self._clear(view[s.offset :], s.size)
            self.room(end, None)
            image[_MARK_AT] = 1
            view[front:end] = image
            view[front + _MARK_AT] = 0
        else:
            self._move(s, front)
        s.offset = front
        s.told[1] = "opened"
        return s

    def back(self, s):
        """Have one wait again, whose map could not be made."""
        s.told[1] = "kept"
        self.waiting.insert(0, s)

    def room(self, end, who):
        """Make the bytes up to `end` free of those that wait. What finds no room gives way to `who`, the name of a map."""
        while self.waiting and self.waiting[0].offset < end:
            if sum([s.size for s in self.waiting]) > len(self._view) - end:
                self._drop(self.waiting[-1], "nobody had opened it when %r needed its room" % who)
                continue
            to = self.waiting[0].offset  # holes between them go, and then all move up
            for s in self.waiting:
                self._move(s, to)
                to += s.size
            up = end - self.waiting[0].offset
            for s in reversed(self.waiting):
                self._move(s, s.offset + up)

    def forget(self):
        """Discard all: the pool is reset."""
        while self.waiting:
            self._drop(self.waiting[-1], "the pool was reset before anybody had opened it")


def _name(part):
    """Return the name that a header has, as far as it is one."""
    return "".join([chr(c) for c in part[80:HEADER_SIZE] if 32 < c < 127])


def _sealed(part):
    """Return whether the header's check is that of its bytes, so that its size can be trusted."""
    if find(_NUMBER_OF, unpack_from("<I", part, 8)[0]) is None or HEADER_SIZE + (part[70] | part[71] << 8) > len(part):
        return False
    return unpack_from("<I", part, 4 * _CHECK)[0] == check_word(part)


def _parameters(part, d):
    """Return the type parameters of a slice, as its map's host_parameters() does."""
    row = find(_NUMBER_OF, d.map_type)
    if row[_TRAITS] & _BITS:
        return bytes((d.functions,))
    letter, offset = unpack_from("<II", part, 4 * _FIELD)
    return pack("<BI", letter, offset) if row[_PARAMETERS] and letter else b""


def _end_reserved(part):
    """Discard the records of a ring that are reserved: nobody is there any more to submit them."""
    size = unpack_from("<I", part, 24)[0]
    at, end = unpack_from("<II", part, 4 * _CONSUMER)
    while at != end:
        place = HEADER_SIZE + (at & (size - 1))
        head = unpack_from("<I", part, place)[0]
        if head & _RESERVED:
            pack_into("<I", part, place, head & _LENGTH | _DISCARDED)
        at = (at + ((head & _LENGTH) + 15 & ~7)) & 0xFFFFFFFF

"""What an earlier boot left in the pool: looked at, kept where it is whole, and given to the maps that are made again.

pool.py loads this where it finds such bytes and nowhere else. The maps that are kept wait above what this boot has allocated, in
the order in which they were made; one that is opened moves down to where a new map would begin, so that a pool looks as after any
other boot. They give way to new maps. A slice carries its mark while it moves: a reset meanwhile loses that one.
"""

import sys
from struct import pack_into, unpack_from

from micropython import const

from .definition import HEADER_SIZE, MAGIC, check_word, layout, schema_of
from .flags import BPF_F_WRONLY
from .kinds import find
from .maps.check import examined, parameters
from .settings import kernels, let_go

# Columns and traits of kinds.py
_NUMBER_OF = const(0)
_TRAITS = const(4)
_BYTES = const(32)

_TYPE_AT = const(8)  # bytes of a slice's header
_MAP_FLAGS_AT = const(12)
_STATE_AT = const(68)
_MARK_AT = const(69)
_FROZEN = const(1)
_BAD_HEADER = const(10)  # what the kernel says of a slice


class _Slice:
    """One that waits to be opened; `told` is its verdict: name, state, why."""

    def __init__(self, offset, size, told):
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
        self.old = None  # for carry(): a map's bytes, its verdict, and whether the new map reads them as before
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
        view, own = self._view, kernels("check")
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
            wrong = own.slice(part)
            sound = wrong != _BAD_HEADER  # so its size can be trusted
            told = [_name(part), "kept", ""]
            if told[0] and not wrong:
                part[_STATE_AT] &= 0xFF ^ _FROZEN  # whoever froze it does so again
                if find(_NUMBER_OF, part[_TYPE_AT])[_TRAITS] & _BYTES:
                    own.settle(part)
                self.waiting.append(_Slice(at, size, told))
            else:
                told[1] = "discarded"
                told[2] = examined(part)[1] or "a map without a name is not kept"
            if sound or at == expected:
                self._told.append(told)
            at += size if sound else 8
            if sound:
                expected = at

    def _move(self, s, to):
        """Move one, and set the bytes that it leaves to zero."""
        view, at, n = self._view, s.offset, s.size
        if at == to:
            return
        first, end = (max(at, to + n), at + n) if to < at else (at, min(at + n, to))
        old, new, left = (
            view[at : at + n],
            view[to : to + n],
            view[first:end],
        )  # the heap may end here, before anything moves
        old[_MARK_AT] = 1
        new[:] = old
        new[_MARK_AT] = 0
        s.offset = to
        self._clear(left, end - first)

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
            if s.told[0] == d.name:
                part = self._view[s.offset : s.offset + s.size]
                same = _is(part, d) and parameters(part) == new.host_parameters()
                if same and bytes(schema_of(part)) == d.schema.encode():
                    return self._bring(s, front)
                other = other or (s, same and _reads(part, d))
        if other:
            self._outgrown(other[0], d, other[1])
        return None

    def _outgrown(self, s, d, same):
        """Discard one whose map has another definition now; what it held is copied for a function that moves it.

        With `same` the new map reads the bytes as they are, and only what its schema describes them with is another text.
        """
        view = self._view[s.offset : s.offset + s.size]
        why = "the map was made anew with another definition: this was %r" % examined(view)[0]
        migrating = sys.modules.get("boardmaps.migrate")  # loaded where the program has registered one
        if same or (migrating and d.name in migrating._functions):
            try:
                self.old = memoryview(bytearray(view)), s.told, same
            except MemoryError:
                why += "; there was no heap to move what it held"
        self._drop(s, why)

    def carry(self, new):
        """Have a new map hold what it held before its schema's text changed, or have the program's function move that."""
        (old, told, same), self.old = self.old, None
        if same:
            from .schema import put  # loaded already: the map is typed

            view = new._view
            text = bytes(schema_of(view))
            n = len(view) + (-len(text) & ~7)
            view[:n] = old[:n]
            put(view, text)
            pack_into("<I", view, 76, check_word(view))
            told[1], told[2] = "opened", ""
            return
        from .migrate import take_over  # saves heap: it is loaded by then

        told[2] = take_over(new, old)[1]

    def hidden(self):
        """Return (offset, size) of those that the host may not read."""
        found = []
        for s in self.waiting:
            if self._view[s.offset + _MAP_FLAGS_AT] & BPF_F_WRONLY:
                found.append((s.offset, s.size))
        return found

    def _bring(self, s, front):
        """Take one out of those that wait, to `front`; return it, None where it could not be moved."""
        end = front + s.size
        if s.offset != front and self.waiting[0].offset < min(end, s.offset):  # others are in the way
            view = self._view
            try:
                image = bytearray(view[s.offset : s.offset + s.size])
            except MemoryError:
                self._drop(s, "there was no heap to move it to its place: %d bytes" % s.size)
                return None
            self._clear(view[s.offset :], s.size)
            self.waiting.remove(s)
            self.room(end, None)
            image[_MARK_AT] = 1
            view[front:end] = image
            view[front + _MARK_AT] = 0
        else:
            self._move(s, front)
            self.waiting.remove(s)
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

    def over(self):
        """Let go of this module and what it alone has loaded: none waits any more. Returns None, to be kept in its place."""
        let_go("adoption maps.check")

    def forget(self):
        """Discard all: the pool is reset."""
        while self.waiting:
            self._drop(self.waiting[-1], "the pool was reset before anybody had opened it")


def _name(part):
    """Return the name that a header has, as far as it is one."""
    try:
        return str(bytes(part[80:HEADER_SIZE]).rstrip(b"\0"), "utf-8")
    except ValueError:  # UnicodeError
        return "?"


def _is(part, d):
    """Return whether a slice is of this definition, but for its name, functions and schema."""
    words = (d.map_type, d.map_flags, d.key_size, d.value_size, d.max_entries)
    return unpack_from("<5I", part, 8) == words and unpack_from("<4I", part, 44) == layout(d)


def _reads(part, d):
    """Return whether a map of this definition reads the bytes of a slice as they are, whatever else its schema says of them."""
    if not d.schema:
        return False
    from .schema import same_layout  # loaded already: the definition was checked

    return same_layout(str(bytes(schema_of(part)), "utf-8"), d.schema)

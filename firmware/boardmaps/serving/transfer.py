"""Moves whole slices between the host and this board's maps: the checksum behind a snapshot, and restore. Loaded with the first.

A restore begins with the headers of all slices; every one is looked at before anything changes. Where the file system has room the
slices are collected in a file first and put into the maps in one step at the end; else each map is filled as its bytes come. A map
that is being filled cannot be used: its operations raise StaleMap, and its slice has a mark, so that a boot does not take it up
again. That ends when the map is whole; when it never becomes so, with the next restore of it, or a restart.
"""

import os
from binascii import crc32
from struct import unpack_from

from micropython import const

from .. import pool
from ..definition import HEADER_SIZE
from ..errors import InvalidDefinition, MapError, NotPermitted, StaleMap
from ..flags import BPF_F_RDONLY, BPF_F_WRONLY
from ..kinds import find
from ..maps.check import examined, unchanging
from ..settings import kernels

# Numbers of abi.py, restated
_OP_SLICE_SUM = const(56)
_RESTORE_BEGIN = const(0)
_RESTORE_DATA = const(1)
_RESTORE_END = const(2)

_FILE = "boardmaps.restore"
_SPARE = const(3)  # blocks of the file system that stay free
_READ_AT_ONCE = const(256)  # bytes

# Columns and traits of kinds.py
_NUMBER_OF = const(0)
_TRAITS = const(4)
_BYTES = const(32)

_STATE_AT = const(68)  # in a slice's header
_MARK_AT = const(69)
_FROZEN = const(1)
_RESTORING = const(128)  # a mark


def slice_of(m):
    """Return a map's slice, also while the map cannot be used."""
    return pool._view[m.offset : m.offset + m.size]


class Transfer:
    """Executes SLICE_SUM and RESTORE. Maps that the host may not write take part with `allow_restore` alone."""

    def __init__(self, allow_restore):
        self._allowed = allow_restore
        self._kernels = None  # what looks at slices
        self.maps = ()  # those of the restore that is under way
        self._total = self._at = 0
        self._file = None

    def handle(self, request, map_of):
        """Execute one request; return its reply."""
        if request[0] == _OP_SLICE_SUM:
            m = map_of(request, "checksum", BPF_F_WRONLY)
            return b"\0" + crc32(slice_of(m)).to_bytes(4, "little")
        what = request[1]
        if what == _RESTORE_BEGIN:
            return self._begin(request)
        if what == _RESTORE_DATA:
            return self._take(unpack_from("<I", request, 2)[0], memoryview(request)[6:])
        if what == _RESTORE_END:
            return self._finish(unpack_from("<I", request, 2)[0])
        raise ValueError

    def _begin(self, request):
        self._drop()
        self._kernels = kernels("check")
        override, n = unpack_from("<BH", request, 2)
        if override and not self._allowed:
            raise NotPermitted("restore: the server does not override rights; start it with allow_restore=True")
        maps, total = [], 0
        for i in range(n):
            at = 5 + i * (2 + HEADER_SIZE)
            m = pool.by_id(request[at] | request[at + 1] << 8)
            head = request[at + 2 : at + 2 + HEADER_SIZE]
            live = slice_of(m)
            kind = m.definition.map_type
            if unchanging(head, kind) != unchanging(live, kind):
                raise InvalidDefinition("restore %r: the slice is that of another map; nothing was changed" % m.name)
            if not override and (m.definition.map_flags & BPF_F_RDONLY or live[_STATE_AT] & _FROZEN):
                what = "read-only for the host" if m.definition.map_flags & BPF_F_RDONLY else "frozen"
                raise NotPermitted("restore %r: the map is %s; nothing was changed" % (m.name, what))
            if not override and m._host_check:
                raise NotPermitted("restore %r: the firmware looks at each write; nothing was changed" % m.name)
            examined(live, self._kernels)  # what a look takes of the heap, code too, is there before anything changes
            maps.append(m)
            total += m.size
        self.maps, self._total, self._at = maps, total, 0
        self._file = self._stage(total)
        return b"\0\1" if self._file else b"\0\0"

    def _stage(self, total):
        """Return a file with room for so many bytes, None where there is none."""
        try:
            fs = os.statvfs(os.getcwd())
            if fs[0] * (fs[3] - _SPARE) < total:
                return None
            return open(_FILE, "wb")
        except (OSError, AttributeError):
            return None

    def _take(self, offset, data):
        if offset != self._at or offset + len(data) > self._total:
            raise MapError("restore: bytes from %d on came where %d was to be: begin again" % (offset, self._at))
        if self._file:
            self._file.write(data)
            self._at += len(data)
            return b"\0"
        while data:
            start = self._at
            for m in self.maps:
                if start < m.size:
                    break
                start -= m.size
            if not start:
                self._enter(m)
            view = slice_of(m)
            n = min(len(data), m.size - start)
            view[start : start + n] = data[:n]
            if start <= _MARK_AT:
                view[_MARK_AT] = _RESTORING
            self._at += n
            data = data[n:]
            if start + n == m.size:
                self._settle(m)
        return b"\0"

    def _finish(self, crc):
        if self._at != self._total:
            raise MapError("restore: it has %d bytes, and %d came: begin again" % (self._total, self._at))
        if self._file:
            self._file.close()
            found, piece = 0, bytearray(_READ_AT_ONCE)
            with open(_FILE, "rb") as file:
                while True:
                    n = file.readinto(piece)
                    if not n:
                        break
                    found = crc32(memoryview(piece)[:n], found)
            if found != crc:
                self._drop()
                raise MapError("restore: what the file system kept has another CRC-32; nothing was changed")
            with open(_FILE, "rb") as file:
                for m in self.maps:
                    self._enter(m)
                    view = slice_of(m)
                    at = 0
                    while at < m.size:
                        n = file.readinto(view[at:])
                        if not n:
                            raise MapError("restore %r: the file system gives no more; restore it again" % m.name)
                        at += n
                    self._settle(m)
        self._drop()
        return b"\0"

    def _enter(self, m):
        """Take a map out of use."""
        if m._view is not pool.dead:
            if find(_NUMBER_OF, m.definition.map_type)[_TRAITS] & _BYTES:
                m._cleared += 1  # whoever has a record reserved cannot submit it any more
            m._view = pool.dead
            m._key_size = m._value_size = -1
        slice_of(m)[_MARK_AT] = _RESTORING

    def _settle(self, m):
        """Give a map back into use when its slice is whole."""
        view = slice_of(m)
        view[_MARK_AT] = 0
        try:
            wrong = examined(view, self._kernels)[1]
        except MemoryError:
            wrong = "the board had no memory to look"
        if wrong:
            view[_MARK_AT] = _RESTORING
            text = "restore %r: what came is not whole: %s. The map cannot be used until it is restored"
            raise StaleMap(text % (m.name, wrong))
        m._key_size, m._value_size = m.definition.key_size, m.definition.value_size
        m._view = view

    def _drop(self):
        self.maps = ()
        self._total = self._at = 0
        if self._file:
            self._file.close()
            self._file = None
            os.remove(_FILE)

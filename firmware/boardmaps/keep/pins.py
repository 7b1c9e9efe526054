"""Pins: a map's content kept on the board's file system, in one step, so that it is there when the map is made again.

What is written is a new file, which then takes the place of the old one by its name: littlefs does that in one step, so a power
cut leaves the old content or the new. Content that the file has already is not written again. load.py has the other way.
"""

import os
import time
from binascii import crc32
from struct import pack_into

from micropython import const

from .. import keep, pool
from ..errors import InvalidDefinition, MapError, NotPermitted, OutOfMemory
from ..flags import U32_MAX
from .load import HEAD, Pinned, look

_VERSION = const(1)
_WRITTEN_AT_ONCE = const(512)  # bytes written in a step
_TRIES = const(16)  # how often a map is read that changes meanwhile
_LATER_MS = const(60000)  # after a failure, so that a full flash is not tried at each turn
_MARK_AT = const(69)  # of a slice: not 0 while a kernel changes it
_ENOSPC = const(28)
_EROFS = const(30)
_EEXIST = const(17)

_job = None  # the steps of what turn() pins now, with its entry
# Since the boot: files written, looks that found nothing to write, bytes, microseconds of the longest stop and of all
_stats = [0, 0, 0, 0, 0]


def pin(m, every=None):
    """Keep the map's content on the file system, and return the bytes written once that is durable: 0 when nothing had changed.

    The map is filled with it when it is made again with the same name, type, sizes, flags and parameters: when that is another
    definition the pin is not loaded, pins() says so, and the file stays. `every`: from now on also each time that a server's turn
    (poll(), serve() and their kin) finds it changed, looking every so many seconds, 0 for at each turn; without it that stays as
    it was. A server's turn writes one piece after the other.

    Raises InvalidDefinition for a map without a name, one whose name another map has, and one that has a pin of another
    definition (unpin() gives that up); OutOfMemory when the file system is full, NotPermitted when it is read-only, MapError when
    writing failed otherwise. The old pin stays then. Takes as much heap as the map's bytes where there is that much.
    """
    global _job
    if every is not None and not (isinstance(every, (int, float)) and 0 <= every <= 1e5):
        raise MapError("pin: every is %r, not a number of seconds from 0 to 100,000" % (every,))
    m._alive("pin")
    entry = _entry(m)
    if _job and _job[1] is entry:
        _job[0].close()
        _job = None
    start = time.ticks_us()
    try:
        for _ in _steps(entry):
            pass
    except OSError as error:
        raise _translated(m, error)
    finally:
        _stood(start)
    if every is not None:
        entry.every = int(every * 1000)
        entry.due = time.ticks_add(time.ticks_ms(), entry.every)
        if turn not in keep.turns:
            keep.turns.append(turn)
    return entry.wrote


def unpin(which):
    """Remove the pin of a map, or of a name; return whether there was one. The map itself stays as it is."""
    global _job
    name = which if isinstance(which, str) else which.definition.name
    if "/" in name:
        return False
    entry = keep.pinned.pop(name, None)
    if _job and _job[1] is entry:
        _job[0].close()
        _job = None
    found = keep.there(name + ".pin")
    try:
        for end in (".pin", ".new"):
            if keep.there(name + end):
                os.remove(keep.path(name + end))
    except OSError as error:
        raise NotPermitted("unpin %r: %s cannot be removed: %s" % (name, keep.path(name + ".pin"), error))
    return found


def pin_stats():
    """Return (files written, looks that found nothing new, bytes written, longest stop, all stops) since the boot.

    A stop is how long the program stands still, in microseconds: for the whole of a pin(), for one piece of what a server's turn
    writes.
    """
    return tuple(_stats)


def turn():
    """Do what is due: look at a map, or write a piece of one. Raises nothing; what failed is in pins()."""
    global _job
    now = time.ticks_ms()
    if not _job:
        for entry in keep.pinned.values():
            if entry.every is not None and time.ticks_diff(now, entry.due) >= 0:
                entry.due = time.ticks_add(now, entry.every)
                _job = _steps(entry), entry
                break
        else:
            return
    steps, entry = _job
    start = time.ticks_us()
    try:
        next(steps)
    except StopIteration:
        entry.verdict = None
        _job = None
    except (OSError, MapError, MemoryError) as error:
        entry.verdict = str(_translated(entry.m, error) if isinstance(error, OSError) else error)
        entry.due = time.ticks_add(now, max(entry.every, _LATER_MS))
        _job = None
    _stood(start)


def _stood(start):
    took = time.ticks_diff(time.ticks_us(), start)
    _stats[3] = max(_stats[3], took)
    _stats[4] += took


def _entry(m):
    """Return what is known of the map's pin; an empty entry where it has none, or a damaged one."""
    name = m.definition.name
    if not name:
        raise InvalidDefinition("pin map %d: it has no name under which it could be found again; give it one" % m.id)
    if keep.FOLDER is None:
        raise NotPermitted("pin %r: boardmaps_config.KEPT is None, so nothing is kept; give it a folder" % name)
    if keep.suspended:
        raise NotPermitted(
            "pin %r: nothing is pinned before the crashes are acknowledged, for nothing was loaded" % name
        )
    for other in pool.maps.values():
        if other is not m and other.definition.name == name:
            raise InvalidDefinition(
                "pin %r: the maps %d and %d both have this name" % (name, min(m.id, other.id), max(m.id, other.id))
            )
    entry = keep.pinned.get(name)
    if entry and entry.m is m and entry.content is not None:
        return entry
    fresh = Pinned(m)
    if entry and entry.m is m:
        fresh.every, fresh.due = entry.every, entry.due
    if keep.there(name + ".pin"):
        try:
            look(fresh)
        except InvalidDefinition as why:
            raise InvalidDefinition(
                "pin %r: there is a pin already, and %s; unpin it first, which gives it up" % (name, why)
            )
        except (MapError, OSError):
            pass  # it is damaged: what is written now takes its place
    keep.pinned[name] = fresh
    return fresh


def _steps(entry):
    """Write a pin, giving way behind each step. Raises OSError and MapError; the old file stays then."""
    m = entry.m
    name = m.definition.name
    entry.wrote = 0
    m._alive("pin")
    data, content = _copied(m)
    if content == entry.content and keep.there(name + ".pin"):
        _stats[1] += 1
        entry.verdict = None
        return
    total = HEAD + m.size
    yield from keep.writing(name + ".pin", _parts(entry, data, content))
    entry.content, entry.writes, entry.written = content, entry.writes + 1, entry.written + total & U32_MAX
    entry.verdict = None
    entry.wrote = total
    _stats[0] += 1
    _stats[2] += total


def _parts(entry, data, content):
    """Yield what a pin's file is made of: its head, and the slice from `data`, or from the map where there was no heap for that."""
    m = entry.m
    head = bytearray(HEAD)
    written = entry.written + HEAD + m.size & U32_MAX
    pack_into("<4sHH4I", head, 0, b"BPIN", _VERSION, HEAD, m.size, entry.writes + 1, written, content)
    pack_into("<I", head, 28, crc32(head[:28]))
    yield head
    crc = 0
    for at in range(0, m.size, _WRITTEN_AT_ONCE):
        m._alive("pin")
        piece = bytes((data or m._view)[at : at + _WRITTEN_AT_ONCE])
        crc = crc32(piece, crc)
        yield piece
    if crc != content:
        text = "pin %r: the map changes while it is written, and there is no heap for a copy of its bytes"
        raise MapError(text % m.definition.name)


def _copied(m):
    """Return a copy of the map's bytes in a state that it had, None where there is no heap for one; and their CRC-32."""
    view = m._view
    try:
        data = bytearray(m.size)
    except MemoryError:
        return None, crc32(view)
    for _ in range(_TRIES):  # an interrupt or the other core may change it between two words
        before = crc32(view)
        data[:] = view
        if crc32(data) == before and not view[_MARK_AT]:
            return data, before
    raise MapError("pin %r: the map changes faster than it can be read" % m.definition.name)


def _translated(m, error):
    """Return the error of a map operation that an error of the file system stands for."""
    name, number = m.definition.name, error.errno
    if number == _ENOSPC:
        free = os.statvfs(keep.FOLDER)
        text = (
            "pin %r: the file system is full: %d bytes are needed and %d are free; the old pin, if there is one, stays"
        )
        return OutOfMemory(text % (name, HEAD + m.size, free[0] * free[3]))
    if number == _EROFS:
        return NotPermitted("pin %r: the file system of %s is read-only" % (name, keep.FOLDER))
    if number == _EEXIST:
        text = (
            "pin %r: the file system of %s does not replace a file in one step, as littlefs does; nothing has changed"
        )
        return MapError(text % (name, keep.FOLDER))
    return MapError(
        "pin %r: writing %s failed: %s; the old pin, if there is one, stays" % (name, keep.path(name + ".pin"), error)
    )

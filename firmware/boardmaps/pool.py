"""StaticPool: the one block of memory that every map of the embedded profile lives in.

Bump allocation, 8-byte aligned, zeroed. Nothing is freed singly. The block is taken when boardmaps is first imported, so
import it before the heap is in pieces. A smaller pool: put `POOL_SIZE = 16 * 1024` into `boardmaps_config.py` on the board.
"""

import gc
import sys
from struct import pack_into

from . import keep
from .definition import HEADER_SIZE, MAGIC, check_entries, check_word, layout, slice_size
from .errors import InvalidDefinition, KeyNotFound, OutOfMemory, StaleMap
from .flags import BPF_F_WRONLY
from .settings import built_in, kernels, setting

_clear = kernels("base").clear


def _take(size):
    """Return the pool's memory, what recovered() returns, what waits to be opened, and what keeps how much is in use.

    The memory is a C module's block outside the heap where the firmware has one, else it is from the heap. Each of the others is
    None where there is no such thing.
    """
    if not isinstance(size, int) or size < 256 or size % 8:
        raise InvalidDefinition("boardmaps_config.POOL_SIZE is %r: give a multiple of 8, from 256 bytes up" % (size,))
    keeps = setting("KEEP", True)
    if built_in and len(built_in.memory()) >= size:
        memory = memoryview(built_in.memory())[:size]
        told = [] if built_in.kept and keeps else None
        if told is None or keep.suspended or built_in.memory().find(MAGIC) < 0:
            _clear(memory, size)
            return memory, told, None, None
        from .adoption import Kept  # saves heap: where something was left

        return memory, told, Kept(built_in.memory(), memory, _clear, told), None
    lasting = setting("LASTING", None)
    if lasting is None and sys.platform == "rp2":
        from . import scratch  # saves heap: that port alone has it

        lasting = scratch.LASTING
    gc.collect()
    try:
        if lasting and keeps:
            from .outlive import take  # saves heap: where memory outlives a reset

            return take(lasting, size, _clear)
        if lasting:
            lasting[1](bytes(12))  # void: an earlier boot may have kept where its pool was
        return bytearray(size), None, None, None
    except MemoryError:
        pass
    largest, step = 0, size
    while step >= 64:  # bisect: MicroPython tells only the sum of the free blocks
        try:
            bytearray(largest + step)
            largest += step
        except MemoryError:
            step //= 2
    raise MemoryError(
        "boardmaps: the pool needs %d bytes in one block; the largest free block has %d (%d free in all). Import boardmaps "
        "first in boot.py or main.py, or put POOL_SIZE = %d into boardmaps_config.py on the board"
        % (size, largest, gc.mem_free(), max(256, largest // 4 // 1024 * 1024))
    )


_memory, _told, _kept, _note = _take(setting("POOL_SIZE", 64 * 1024))
_view = memoryview(_memory)
del _take  # saves heap: it is not needed again
if _kept and not _kept.waiting:
    _kept = _kept.over()
_used = 0
_allocations = 0
maps = {}  # by number: also the C part of the line looks here
checked = {}  # numbers of those whose writes by the host are looked at, and not answered by C; another dict at each change
_next_id = 1  # never used again, also after reset(): a stale id on the line cannot reach another map
# What a map made before reset() sees: no entries, and sizes that nothing has, so that every call goes where StaleMap is raised.
dead = memoryview(bytearray(HEADER_SIZE))
pack_into("<II", dead, 16, 0xFFFFFFFF, 0xFFFFFFFF)


class StaticPool:
    """The pool that all maps of this board share. All sizes in bytes. Never needs an instance."""

    @staticmethod
    def total_size():
        """Return the size of the pool, 65,536 unless boardmaps_config says less."""
        return len(_memory)

    @staticmethod
    def remaining():
        """Return the bytes that are not allocated. Maps of an earlier boot that nobody has opened yet give way to new ones."""
        return len(_memory) - _used

    @staticmethod
    def used():
        """Return the bytes that are allocated, the padding to 8 included."""
        return _used

    @staticmethod
    def allocation_count():
        """Return how many allocations the pool has served since boot or reset()."""
        return _allocations

    @staticmethod
    def allocate(n):
        """Return a zeroed, 8-byte aligned memoryview of n bytes, or None (and nothing moves) when the pool is exhausted."""
        if not isinstance(n, int) or n <= 0:
            raise InvalidDefinition("allocate: %r is not a number of bytes from 1 up" % (n,))
        return _allocate(n, "", False)

    @staticmethod
    def reset():
        """Clear the whole pool (for tests). A map made before raises StaleMap and never touches another map's bytes.

        Maps of an earlier boot that nobody has opened are discarded.
        """
        global _used, _allocations, _kept
        if _kept:
            _kept.forget()
        for m in maps.values():
            m._view = dead
            m._key_size = m._value_size = -1
        maps.clear()
        keep.pinned.clear()
        if _note:
            _note(0)  # first: a reset leaves all of it, or nothing
        _clear(_view, _used)
        _used = _allocations = 0
        if _kept:
            _kept = _kept.over()


def _allocate(n, name, reopened):
    global _used, _allocations
    start = _used
    if n > len(_memory) - start:
        return None
    end = min(start + (n + 7) // 8 * 8, len(_memory))
    view = _view[start : start + n]  # takes heap
    if _note:  # before anything moves, and as far as it may move
        waits = _kept and _kept.waiting
        _note(len(_memory) if waits and not reopened else max(end, _kept.end() if waits else 0))
    if _kept and not reopened:
        _kept.room(end, name)
    _used = end
    _allocations += 1
    return view


def recovered():
    """Return what became of the maps of the boot before: a list of (name, state, why), None where no memory outlives a reset.

    The list is empty where nothing was kept: after a power-up, or a boot without named maps. The state is "kept" while a map waits
    to be made again, by its name and its definition, "opened" when it was, else "discarded", and then `why` says the reason. An
    empty name is that of a map without one, or of the pool of the boot before. Takes heap.
    """
    return None if _told is None else [tuple(told) for told in _told]


def create(new, definition):
    """Give `new` its slice of the pool with the header filled in, and register it. Raises OutOfMemory, moving nothing.

    The first time in a boot that is the slice that the same map had before a reset, if it was kept. What its class has in the
    header its _begin() fills in. A new map that has a pin of the same definition is filled with that. Where memory ends in between,
    the pool is as it was.
    """
    global _next_id, _used, _allocations, _kept
    d = definition
    if _next_id > 0xFFFF:  # the line has 16 bits for it
        raise OutOfMemory("create %r: all 65,535 map numbers of this boot are used up; reset the board" % d.name)
    size = slice_size(d)
    if size <= len(_memory):
        check_entries(d)
    offset, allocations = _used, _allocations
    reopened = _kept and d.name and _kept.reopen(new, d, offset)
    view = None
    try:
        view = _allocate(size, d.name, reopened) if size <= len(_memory) else None
        if view is None:
            raise OutOfMemory(
                "create %r: the map needs %d bytes, the pool has %d of %d left"
                % (d.name, size, StaticPool.remaining(), len(_memory))
            )
        new.id = _next_id
        new.offset = offset
        new.size = size
        if reopened:
            new._view = view
        else:
            _begin(new, d, view)
        if d.name and keep.there(d.name + ".pin"):
            # saves heap: only a board with pins needs it
            from .keep.load import load

            if not load(new, not reopened) and not reopened:
                _clear(view, size)
                _begin(new, d, view)
        if _kept and _kept.old:
            _kept.carry(new)
        maps[_next_id] = new  # last: from here on the line sees it
    except BaseException:
        if d.name in keep.pinned and keep.pinned[d.name].m is new:
            del keep.pinned[d.name]
        if reopened:
            _kept.back(reopened)
        elif view is not None:
            _clear(view, size)
        _used, _allocations = offset, allocations
        raise
    _next_id += 1
    if _kept and not _kept.waiting:
        _kept = _kept.over()


def _begin(new, d, view):
    """Make a zeroed slice that of a new map."""
    pack_into("<6I", view, 4, len(view), d.map_type, d.map_flags, d.key_size, d.value_size, d.max_entries)
    places = layout(d)
    pack_into("<4I", view, 44, *places)
    name = d.name.encode()
    view[80 : 80 + len(name)] = name
    if d.schema:
        from .schema import fill, put  # loaded already: the definition was checked

        put(view, d.schema.encode())
        fill(d, view, places[1], places[3], d.cpus)  # an array's defaults
    view[0:4] = MAGIC
    new._view = view
    new._begin()
    pack_into("<I", view, 76, check_word(view))  # with this it is a slice


def open_map(name):
    """Return the map that another module of the firmware made under this name.

    Raises KeyNotFound when there is none, InvalidDefinition when several maps have it.
    """
    found = [maps[i] for i in ids() if maps[i].definition.name == name]
    if not found:
        raise KeyNotFound("open_map %r: no map has this name" % name)
    if len(found) > 1:
        raise InvalidDefinition("open_map %r: the maps %s all have this name" % (name, [m.id for m in found]))
    return found[0]


def by_id(map_id):
    """Return the map with this number. Raises StaleMap when it never was or the pool was reset."""
    if map_id not in maps:
        raise StaleMap("map id %d: no map has this number (the pool may have been reset)" % map_id)
    return maps[map_id]


def ids():
    """Return the numbers of all maps, in the order of their creation."""
    return sorted(maps)


def stats():
    """Return (total bytes, used bytes, allocations) of the pool."""
    return len(_memory), _used, _allocations


def read(offset, n):
    """Return the pool's bytes from `offset` on, at most `n`; zeros for what a write-only map holds behind its header."""
    part = bytearray(_view[offset : offset + n])
    slices = [(m.offset, m.size) for m in maps.values() if m.definition.map_flags & BPF_F_WRONLY]
    for at, size in slices + _kept.hidden() if _kept else slices:
        hidden = max(at + HEADER_SIZE, offset)
        end = min(at + size, offset + len(part))
        if hidden < end:
            part[hidden - offset : end - offset] = bytes(end - hidden)
    return bytes(part)


reset = StaticPool.reset

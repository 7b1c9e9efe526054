"""The pool of stock firmware over a reset: where it lies and how much of it is in use are 12 bytes that a reset leaves alone.

pool.py loads this where a port has such bytes. scratch.py says so, or LASTING in boardmaps_config.py: (get, put, first, size), a
function that returns the 12 bytes, one that writes them, and the address and size of the memory that a reset leaves alone too.
The heap must lie in it, and what is in the heap must be nobody's but MicroPython's, also while the next program is starting.

A reset does not clear the heap, but what runs at boot is allocated from its low end, and a block is zeroed when it is taken. So
the pool lies at the high end, below it stand bytes that show whether anything came up to there, and what the pool held is copied
before a new one is taken.

The 12 bytes are true, or their check is wrong. They are made void before anything is taken that could lie where the old pool was,
and written again when the new one holds what was kept. A reset in between loses the maps.
"""

import gc
from binascii import crc32
from struct import pack, unpack

import uctypes
from micropython import const

from . import keep
from .settings import let_go

_GUARD = const(16)  # bytes below the pool, a block of the collector's
_ABOVE = const(1024)  # bytes of heap that are left above the pool: the sum of the free blocks is not one block
# Bytes that are taken at once: small pieces find room between others, and the collector frees the most of them
_CHUNK = const(2048)
_VOID = bytes(12)


def take(lasting, size, clear):
    """Return the pool's memory, what recovered() returns, what waits to be opened or None, and note().

    note(used) keeps how many of the pool's bytes are in use, and takes heap. Where the pool does not lie in the memory that lasts,
    the last three are None. Raises MemoryError where the heap has no room for the pool.
    """
    _, put, first, length = lasting
    told = []
    pieces = _copied(lasting, size, told)
    try:
        block = _placed(size + _GUARD)
    except MemoryError:
        if not pieces:
            raise
        pieces = None
        gc.collect()
        told[:] = [["", "discarded", "there was no heap for the pool beside a copy of the old one"]]
        block = _placed(size + _GUARD)
    offset = uctypes.addressof(block) + _GUARD - first
    memory = memoryview(block)[_GUARD:]
    if not _GUARD <= offset <= length - size:
        return memory, None, None, None
    block[:_GUARD] = _guard(offset)
    at = 0
    for piece in pieces or ():
        memory[at : at + len(piece)] = piece
        at += len(piece)
    pieces = None
    gc.collect()  # also what the pool was placed with: code that is loaded from here on is to lie below
    kept = _adopted(memory, clear, told) if at else None

    def note(used):
        words = pack("<II", offset, used)
        put(words + pack("<I", crc32(words)))

    note(kept.end() if kept else 0)
    return memory, told, kept, note


def _guard(offset):
    """Return what stands below a pool at this offset."""
    return pack("<IIII", 0x706D6162, offset, ~offset & 0xFFFFFFFF, 0x6C6F6F70)


def _copied(lasting, size, told):
    """Return what the pool before the reset held, in pieces; None where it is not there any more, and tell why."""
    get, put, first, length = lasting
    words = get()
    if len(words) != 12 or pack("<I", crc32(words[:8])) != words[8:]:
        return None
    put(_VOID)
    offset, used = unpack("<II", words[:8])
    if not used or keep.suspended or not _GUARD <= offset <= length - used:
        return None
    if bytes(uctypes.bytearray_at(first + offset - _GUARD, _GUARD)) != _guard(offset):
        told.append(["", "discarded", "the memory of the pool was used by what ran before boardmaps was imported"])
        return None
    if used > size:
        told.append(["", "discarded", "the pool is smaller now: %d bytes of %d that were in use" % (size, used)])
    pieces = []
    try:
        for at in range(0, min(used, size), _CHUNK):
            piece = bytearray(uctypes.bytearray_at(first + offset + at, min(_CHUNK, used - at, size - at)))
            lies = uctypes.addressof(piece) - first
            if offset + at < lies + len(piece) and lies < offset + used:
                raise MemoryError  # it was zeroed when it was taken, and with it what is to be copied
            pieces.append(piece)
        return pieces
    except MemoryError:
        told[:] = [["", "discarded", "there was no heap to copy the old pool: %d bytes" % used]]
        return None


def _placed(size):
    """Return a block as far up in the heap as can be. Raises MemoryError where there is none."""
    free = gc.mem_free() - size - _ABOVE
    piece = max(_CHUNK, free // 32)
    n = free // piece
    while n > 0:
        block = _above(n, piece, size)
        if block:
            return block
        gc.collect()
        n -= n // 8 + 1
    return bytearray(size)


def _above(n, piece, size):
    """Return a block above n pieces, which are free again then; None where the heap has not room for all."""
    try:
        below = [bytearray(piece) for _ in range(n)]
        return bytearray(size) if below else None
    except MemoryError:
        return None


def _adopted(memory, clear, told):
    """Return what waits to be opened in a pool that is filled with the old one's bytes, None when there is no heap to look."""
    try:
        # saves heap: where something was left
        from .adoption import Kept

        return Kept(uctypes.bytearray_at(uctypes.addressof(memory), len(memory)), memory, clear, told)
    except MemoryError:
        clear(memory, len(memory))
        told[:] = [["", "discarded", "there was no heap to look at what the old pool held"]]
        let_go("adoption maps.check")
        return None

"""The pool of stock firmware over a reset: its address and the bytes in use are kept where a reset leaves them alone.

pool.py loads this on the ports below. A reset does not clear the heap, but what runs at boot is allocated from its low end, and a
new pool is zeroed when it is taken. So the pool lies at the high end, with words below it that show whether anything came up to
there, and what it held is copied before the new one is taken.
"""

import gc
import sys
from binascii import crc32
from struct import pack, unpack

import uctypes
from micropython import const

_GUARD = const(16)  # bytes below the pool, a block of the collector's
_MARGIN = const(1024)  # bytes of heap left above the pool: for what is in pieces
_LEAST_BELOW = const(8192)  # bytes below the pool, without which it is not placed

block = None  # the memory that was taken, guard and pool


def _rp2():
    """Scratch registers 0 to 2 of the watchdog, of the RP2040 or the RP2350 (not tried); the SDK uses the upper four."""
    from machine import mem32  # each port has its own

    base = 0x4005800C if "RP2040" in sys.implementation._machine else 0x400D800C

    def get():
        return pack("<III", mem32[base] & 0xFFFFFFFF, mem32[base + 4] & 0xFFFFFFFF, mem32[base + 8] & 0xFFFFFFFF)

    def put(words):
        for i, word in enumerate(unpack("<III", words)):
            mem32[base + 4 * i] = word

    return get, put


def _esp32():
    """The RTC's memory. Not tried on a board."""
    from machine import RTC  # as above

    rtc = RTC()
    return rtc.memory, rtc.memory


def _stm32():
    """Backup registers 10 to 12 of the RTC. Not tried on a board."""
    # that port alone has it
    import stm  # type: ignore[import-not-found]

    base = stm.RTC + stm.RTC_BKP0R + 40

    def get():
        return pack("<III", *[stm.mem32[base + i] & 0xFFFFFFFF for i in (0, 4, 8)])

    def put(words):
        for i, word in enumerate(unpack("<III", words)):
            stm.mem32[base + 4 * i] = word

    return get, put


_get, _put = {"rp2": _rp2, "esp32": _esp32, "pyboard": _stm32}[sys.platform]()


def _guard(address):
    """Return what stands below a pool at this address."""
    return pack("<IIII", 0x706D6162, address, ~address & 0xFFFFFFFF, 0x6C6F6F70)


def note(used):
    """Keep how many bytes of the pool are in use. Takes heap; while it writes, nothing is kept."""
    words = pack("<II", uctypes.addressof(block) + _GUARD, used)
    _put(words + pack("<I", crc32(words)))


def take(size, told):
    """Return (the pool's memory, the bytes that the old one held). Raises MemoryError where there is no room for it."""
    global block
    image = _image(size, told)
    gc.collect()
    below = gc.mem_free() - size - _GUARD - _MARGIN
    while block is None and below > _LEAST_BELOW:
        block = _above(below, size + _GUARD)
        below -= below // 8
    if block is None:
        block = bytearray(size + _GUARD)
    gc.collect()
    address = uctypes.addressof(block) + _GUARD
    block[:_GUARD] = _guard(address)
    return memoryview(block)[_GUARD:], image


def _above(below, size):
    """Return a block above as many bytes, which are free again then; None where the heap has not both."""
    try:
        filler = bytearray(below)
        return bytearray(size) if filler else None
    except MemoryError:
        return None


def _image(size, told):
    """Return a copy of what the pool before the reset held, nothing where it is not there any more, and tell why."""
    words = _get()
    if len(words) != 12:
        return b""
    address, used, check = unpack("<III", words)
    if crc32(words[:8]) != check or not 0 < used <= size:
        return b""
    if bytes(uctypes.bytearray_at(address - _GUARD, _GUARD)) != _guard(address):
        told.append(["", "discarded", "the memory of the pool was used by what ran before boardmaps was imported"])
        return b""
    gc.collect()
    try:
        image = bytearray(uctypes.bytearray_at(address, used))
    except MemoryError:
        told.append(["", "discarded", "there was no heap to copy the old pool: %d bytes" % used])
        return b""
    at = uctypes.addressof(image)
    if at < address + used and address - _GUARD < at + used:  # it was zeroed when it was taken
        told.append(["", "discarded", "there was no heap beside the old pool to copy it: %d bytes" % used])
        return b""
    return image

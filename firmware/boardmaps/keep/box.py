"""The black box: an exception that ends the program is on record, with its traceback, and so is a reset by the watchdog.

run(main) begins a run and ends it; a ledger on the file system counts runs and how they ended. The first and the last crash are
files of their own, with the maps as they were, until somebody acknowledges them. In a loop of crashes nothing more is written.
SPEC.md, section 7, draws the files.

More than 300 lines: how a run begins, how it ends and what is written between are one matter.
"""

import gc
import io
import os
import sys
import time
from binascii import crc32
from struct import pack, unpack

from micropython import const

from .. import keep, pool
from ..errors import InvalidDefinition

# How a boot came about, and how a run ended
UNKNOWN = const(0)
POWER = const(1)
RESET = const(2)  # a pin, a button
WATCHDOG = const(3)
ASKED = const(4)  # the program: reset(), machine.reset() where that can be told
SLEEP = const(5)
SOFT = const(6)
EXCEPTION = const(7)
_PORTS = (
    ("PWRON_RESET", POWER),
    ("HARD_RESET", RESET),
    ("WDT_RESET", WATCHDOG),
    ("DEEPSLEEP_RESET", SLEEP),
    ("SOFT_RESET", SOFT),
)
_MAGIC_OF_WATCHDOG = (
    0x6AB73121  # what RP2's software leaves for the next boot when machine.WDT is used, and reset() does not
)

# States of the ledger: how far the last run came
_ENDED = const(0)
_BEGUN = const(1)
_LIVED = const(2)  # longer than a fast crash
_RESETTING = const(3)  # reset() was called

# Items of the ledger
_STAGE = const(0)
_FAST = const(1)  # fast crashes in a row
_BOOTS = const(2)
_CRASHES = const(3)
_WAITING = const(4)  # crashes that nobody has acknowledged
_SILENT = const(5)  # runs that did not say how they ended, where the port does not tell either
_CAUSES = const(6)  # of boots, from UNKNOWN to SOFT, a number each
_EMPTY = (0,) * 13
_FORMAT = "<4sHBB11I"
_NO_TIME = 0xFFFFFFFF
_TEXT_MOST = const(2000)  # bytes of a traceback; of a longer one the last ones

# Always 0 on a port without a clock: the uptime begins anew there after some days
_seconds = getattr(time, "time", int)
_run = []  # of this boot: ledger, milliseconds of a fast crash, when it began, and whether files are written


def ledger():
    """Return what the ledger has: boots, crashes, those not acknowledged, fast ones in a row, silent ends, boots by cause.

    The causes are unknown, power, reset, watchdog, asked, sleep and soft. All are 0 where there is no ledger.
    """
    led = _read()
    return led[_BOOTS], led[_CRASHES], led[_WAITING], led[_FAST], led[_SILENT], tuple(led[_CAUSES:])


def run(main, ring=None, flash=None, fast=60, most=5):
    """Return main(), with what ends it on record: an exception, its traceback, how long the program ran and the boot's number.

    `ring`, a named RingBuf, takes the record when its memory outlives a reset; the next run() puts it on the file system. Where
    it does not, or without a ring, or with flash=True, it is written there at once; so are the maps. The exception goes on to
    the caller. KeyboardInterrupt and SystemExit are no crashes. After `most` crashes within `fast` seconds each, a boot loads no
    pins and adopts no maps, and nothing more is written, until acknowledge() or a run that lasts longer. Call it once, after
    the maps were made.
    """
    if not callable(main) or not isinstance(most, int) or not 0 < most < 256 or not 0 <= fast <= 1e6:
        raise InvalidDefinition("run: give a function, fast from 0 to 1,000,000 seconds and most from 1 to 255")
    if ring is not None and (not hasattr(ring, "reserve_into") or not ring.name):
        raise InvalidDefinition("run: ring is %r, not a RingBuf with a name" % (ring,))
    if flash is None:
        flash = ring is None or not _memory_is_kept()
    try:
        _begin(ring, int(fast * 1000), most)
    except (OSError, MemoryError) as failed:
        print("boardmaps: the black box does not work: %r" % failed)
    try:
        result = main()
    except (KeyboardInterrupt, SystemExit):
        _end(_ENDED)
        raise
    except BaseException as error:
        try:
            _crashed(error, None if flash else ring, most)
        except Exception as failed:
            print("boardmaps: the crash could not be recorded: %r" % failed)
        raise
    _end(_ENDED)
    return result


def run_async(main, **options):
    """Run a coroutine by asyncio, as run() does a function; the options are run()'s."""
    # saves heap: only a program that has tasks needs it
    import asyncio

    return run(lambda: asyncio.run(main), **options)


def reset():
    """Reset the board, and have the next boot know that the program asked for it. Does not return."""
    # not on every port
    import machine

    _end(_RESETTING)
    machine.reset()


def acknowledge():
    """Forget the crashes on record, and load and adopt again from the next boot on. Return how many crashes that were."""
    led = _read()
    for file in ("first.crash", "last.crash", "first.pool", "last.pool", "suspended"):
        if keep.there(file):
            os.remove(keep.path(file))
    if _run:
        led = _run[0]
        _run[3] = keep.FOLDER is not None
    waiting, led[_WAITING], led[_FAST] = led[_WAITING], 0, 0
    if waiting:
        _write(led)
    return waiting


def _begin(ring, fast_ms, most):
    """Write that a run begins; put on record how the last one ended, when that was a crash that nobody has written yet."""
    global _run
    if _run:  # the program calls run() again
        _run[1:3] = fast_ms, (time.ticks_ms(), _seconds())
        return
    led = _read()
    cause = _cause()
    if led[_STAGE] == _RESETTING and cause in (UNKNOWN, WATCHDOG, RESET, SOFT):
        cause = ASKED
    last, led[_STAGE] = led[_STAGE], _BEGUN
    led[_BOOTS] += 1
    led[_CAUSES + cause] += 1
    _run = [led, fast_ms, (time.ticks_ms(), _seconds()), keep.FOLDER is not None and not keep.suspended]
    if last == _LIVED:
        led[_FAST] = 0
    silent = last in (_BEGUN, _LIVED)
    kept = _memory_is_kept()
    while ring is not None and kept:
        record = ring.read()
        if record is None:
            break
        if record[1][:4] == b"BCRS":
            silent = False
            _keep_crash(bytes(record[1]), unpack("<I", record[1][12:16])[0] >= fast_ms, most, kept)
    if silent and cause == WATCHDOG:
        what = b"The watchdog has reset the board: the program took longer than the watchdog allows.\n"
        record = _record(WATCHDOG, led[_BOOTS] - 1, _NO_TIME, led[_CRASHES] + 1, what)
        _keep_crash(record, last == _LIVED, most, kept)
    elif silent and cause == UNKNOWN:
        led[_SILENT] += 1
    _write(led)
    keep.turns.append(_lived)
    if keep.suspended:
        text = "boardmaps: %d crashes in a row: this boot loads and adopts nothing, and writes no crash. acknowledge() ends that."
        print(text % led[_FAST])


def _lived():
    """A server's turn: note once that the run has lasted longer than a fast crash."""
    if _uptime() >= _run[1]:
        keep.turns.remove(_lived)
        _end(_LIVED)


def _end(state):
    """Write how far the run has come. One that lasts puts an end to a row of fast crashes."""
    if not _run:
        return
    led = _run[0]
    if _uptime() >= _run[1]:
        led[_FAST] = 0
        if keep.there("suspended"):
            os.remove(keep.path("suspended"))
        _run[3] = keep.FOLDER is not None
    if led[_STAGE] not in (state, _RESETTING):
        led[_STAGE] = state
        _write(led)


def _crashed(error, ring, most):
    """Put an exception on record: in the ring, or in files."""
    if not _run:
        return
    gc.collect()
    led = _run[0]
    uptime = _uptime()
    try:
        told = io.StringIO()
        sys.print_exception(error, told)
        text = told.getvalue().encode()[-_TEXT_MOST:]
    except MemoryError:
        text = type(error).__name__.encode()
    record = _record(EXCEPTION, led[_BOOTS], uptime, led[_CRASHES] + 1, text)
    if ring is not None and ring.output(record):
        keep.crashed = True
        return
    _end(led[_STAGE])  # it may have lasted without a server's turn
    _keep_crash(record, uptime >= _run[1], most, True)
    led[_STAGE] = _ENDED
    _write(led)


def _keep_crash(record, lived, most, maps):
    """Write a crash's files, and count it; nothing in a boot that loads nothing."""
    led = _run[0]
    if not _run[3]:
        return
    led[_CRASHES] += 1
    led[_WAITING] += 1
    led[_FAST] = 1 if lived else min(led[_FAST] + 1, 255)
    which = "last" if keep.there("first.crash") else "first"
    keep.write(which + ".crash", (record,))
    if keep.there(which + ".pool"):
        os.remove(keep.path(which + ".pool"))
    if maps:
        try:
            keep.write(which + ".pool", _pool())
        except OSError as full:
            print("boardmaps: the maps as they were at the crash are not kept: %s" % full)
    if led[_FAST] >= most:
        keep.write("suspended", (b"",))


def _pool():
    """Yield the bytes of all maps; zeros for what a write-only map holds."""
    _, used, _ = pool.stats()
    for at in range(0, used, 512):
        yield pool.read(at, min(512, used - at))


def _record(cause, boot, uptime, number, text):
    head = pack("<4sHBxIIII", b"BCRS", 1, cause, boot, uptime, number, crc32(text))
    head += pack("<I", len(text))
    return head + pack("<I", crc32(head)) + text


def _read():
    """Return the ledger's items; zeros where there is none, or a damaged one."""
    try:
        with open(keep.path("ledger"), "rb") as file:
            data = file.read()
        if len(data) == 56 and crc32(data[:52]) == unpack("<I", data[52:])[0]:
            found = unpack(_FORMAT, data[:52])
            if found[:2] == (b"BLED", 1):
                return list(found[2:])
    except OSError:
        pass
    return list(_EMPTY)


def _write(led):
    if _run and not _run[3]:
        return
    data = pack(_FORMAT, b"BLED", 1, *led)
    try:
        keep.write("ledger", (data + pack("<I", crc32(data)),))
    except OSError as error:
        print("boardmaps: the ledger %s cannot be written: %s" % (keep.path("ledger"), error))


def _uptime():
    """Return the milliseconds since the run began."""
    ticks, seconds = _run[2]
    passed = _seconds() - seconds
    if passed > 400000:  # ticks_ms() has begun anew
        return min(passed, 4000000) * 1000
    return max(time.ticks_diff(time.ticks_ms(), ticks), 0)


def _memory_is_kept():
    """Return whether a pool's memory outlives a reset here."""
    return pool.recovered() is not None


def _cause():
    """Return how this boot came about, as the port tells, and RP2's watchdog by what its software has left."""
    try:
        # not every port has it
        import machine

        told = machine.reset_cause()
    except (ImportError, AttributeError):
        return UNKNOWN
    cause = UNKNOWN
    for name, number in _PORTS:
        if getattr(machine, name, None) == told:
            cause = number
            break
    if cause == WATCHDOG and sys.platform == "rp2":
        at = 0x400D801C if "RP2350" in sys.implementation._machine else 0x4005801C  # the watchdog's scratch register 4
        if machine.mem32[at] & 0xFFFFFFFF != _MAGIC_OF_WATCHDOG:
            cause = ASKED
    return cause

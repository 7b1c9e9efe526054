"""Runs on a board, before one of the other two: has something done again and again, with another allocation failing each time.

`KERNELS` stands before it: what boardmaps_config is to say.
"""

import json
import sys

import _fail
import micropython

FOREVER = 1 << 29  # "from the n-th on": a heap that is full, or locked


class Config:
    """Stands in for the board's boardmaps_config."""

    KERNELS = KERNELS  # whoever sends this program says it
    CPUS = 2
    this_cpu = lambda: 0  # noqa: E731


sys.modules["boardmaps_config"] = Config

from boardmaps import OutOfMemory, StaticPool, pool  # noqa: F401 - the programs behind this one use them

wrong = {}  # by what was done: how often; the first time is printed
done = {}  # by kind: how many operations
points = 0  # failures tried


def told(x):
    """Return what can be compared with another call's result."""
    if isinstance(x, (tuple, list)):
        return [told(part) for part in x]
    if type(x).__name__ == "Record":
        return "record", x.number, x.length, bytes(x.data)
    return bytes(x) if isinstance(x, memoryview) else x


def outcome(first, last, operation, given):
    """Return (result, error) of operation(given), with its allocations number `first` to `last` failing."""
    try:
        return _fail.call(first, last, operation, given), None
    except Exception as error:
        return None, error


def done_locked(operation, given):
    """Return whether operation(given) can be done with the heap locked, as in a hard interrupt."""
    micropython.heap_lock()
    try:
        operation(given)
    except Exception:
        return False
    finally:
        micropython.heap_unlock()
    return True


def check(kind, name, prepare, operation, state, or_no_memory=False):
    """Let every allocation of operation(given) fail, and every second with all behind it; `given` is what prepare() returns.

    Every time the outcome is the usual one, or no memory and state() as before, and then it can be done as usual. What is
    refused is refused without memory too, unless `or_no_memory`. What a locked heap is enough for takes nothing of another.
    """
    global points
    done[kind] = done.get(kind, 0) + 1
    where = kind + " " + name
    outcome(0, 0, operation, prepare())  # what is loaded at its first use has checks of its own
    given = prepare()
    before = state()
    result, error = outcome(0, 0, operation, given)
    count = _fail.count()
    after = state()
    result = told(result)
    if count and not error and done_locked(operation, prepare()):
        print("%s: with the heap locked it needs none, else it takes %d pieces of it" % (where, count))
        wrong[where] = 1
    for n in range(1, count + 1):
        for last in (n, FOREVER)[: 1 + n % 2]:
            points += 1
            given = prepare()
            assert state() == before, where
            got, why = outcome(n, last, operation, given)
            at = "%s: allocation %d%s of %d" % (where, n, "" if last == n else " and all behind it", count)
            now = state()
            found = None
            if why is None or (error is not None and type(why) is type(error)):
                if now != after or type(why) is not type(error) or told(got) != result:
                    found = "%s: done, but otherwise: %r, %r" % (at, got, why)
            elif (error is not None and not or_no_memory) or not isinstance(why, (MemoryError, OutOfMemory)):
                found = "%s: %r instead of %r" % (at, why, error)
            elif now != before:
                found = "%s: no memory, and it has changed" % at
            else:
                got, why = outcome(0, 0, operation, given)
                if type(why) is not type(error) or told(got) != result or state() != after:
                    found = "%s: and then %r, %r" % (at, got, why)
            if found:
                if where not in wrong:
                    print(found)
                wrong[where] = wrong.get(where, 0) + 1


def finish():
    """Print what was found, as one line of JSON."""
    print(json.dumps({"done": done, "points": points, "wrong": wrong}))

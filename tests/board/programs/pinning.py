"""Two maps that are filled and pinned step by step, on a board whose power is cut meanwhile. For MicroPython.

What a map holds is told by a number: 0 is nothing, as when it is new, and the values of two numbers have no byte in common. The
table's pin takes blocks of the flash for itself, that of the limits lies within littlefs' own.
"""

import boardmaps
from boardmaps import ArrayMap, HashMap

table = HashMap(4, 40, 24, name="table")
limits = ArrayMap(8, 12, name="limits")


def entries(m, number):
    """Return the entries of a map that holds `number`."""
    if m is limits:
        return [(i, bytes((number,)) * 8) for i in range(12)]
    return [(bytes((i, number, number, number)), bytes((number,)) * 40) for i in range(number and 12 + number)]


def held(m):
    """Return the number that the map holds; when it holds none, all that is in it."""
    there = [(i, m.lookup(i)) for i in range(12)] if m is limits else sorted(m.items())
    for number in range(10):
        if there == entries(m, number) and m.check() is None:
            return number
    return there, m.check()


def step(m, number):
    """Have the map hold a number, and pin it; None gives its pin up."""
    if number is None:
        return boardmaps.unpin(m)
    if m is table:
        m.clear()
    for key, value in entries(m, number):
        m.update(key, value)
    return boardmaps.pin(m)


def on_flash(m):
    """Return whether the pin's file has what the map holds."""
    with open("/boardmaps_kept/%s.pin" % m.name, "rb") as file:
        return file.read()[32:] == bytes(m._view)

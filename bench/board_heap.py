"""Runs on a board: prints what each step of a program with boardmaps takes of the heap for good, as a line of JSON.

A step's bytes are those in use when all garbage is collected, less those before it and less the pool.
"""

import gc
import json
import sys
from struct import pack

KINDS = "HashMap ArrayMap"  # whoever sends this program may replace these
ROOT = ".frozen"  # where boardmaps lies
RARE = ""  # not empty: a session asks for what is rare too
MODULES = ""  # not empty: what each of these takes is told instead, in an order in which none loads another

POOL_SIZE = 16 * 1024  # of which the maps below take little; the pool itself is not counted

found = []  # in order, pairs: what a step took, in bytes; and, under "loaded", the modules that are there with the server
held = [0]


def step(name="", pool=0):
    """Note what was taken since the step before; without a name, what follows counts from here."""
    gc.collect()
    if name:
        found.append((name, gc.mem_alloc() - held[0] - pool))
        gc.collect()
    held[0] = gc.mem_alloc()


class Config:
    """Stands in for the board's boardmaps_config."""

    POOL_SIZE = POOL_SIZE


class Line:
    """Carries the frames of a host that is in the same program."""

    credit = 511

    def __init__(self):
        self.come = b""
        self.gone = b""

    def open(self):
        """Do nothing."""

    def close(self):
        """Do nothing."""

    def wait(self, ms):
        """Return whether there is something to read."""
        return bool(self.come)

    def readinto(self, buf):
        """Read what the host has said."""
        n = min(len(buf), len(self.come))
        buf[:n] = self.come[:n]
        self.come = self.come[n:]
        return n

    def write(self, data):
        """Keep what the host is told."""
        self.gone = bytes(data)


def asked(server, frame):
    """Have the server answer a frame; return the answer's payload."""
    # not before boardmaps is there
    from boardmaps.line.frame import decode

    line = server.line
    line.come = b"\0" + frame
    while line.come:
        server.poll()
    answer = [decode(part) for part in line.gone.split(b"\0") if part]
    line.gone = b""
    return answer[0][4]


def session(server):
    """Open a session, and do what every host does first: list the maps, look something up."""
    # not before boardmaps is there
    from boardmaps.line.frame import HELLO, REQUEST, encode

    terms = asked(server, encode(HELLO, 7, 1, 0, b"boardmaps v=2 mtu=480"))
    number = int(terms.split(b" next=")[1].split(b" ")[0])
    asked(server, encode(REQUEST, 7, number, 0, b"\2\0\0"))
    asked(server, encode(REQUEST, 7, number + 1, 0, b"\4\1\0" + bytes(8)))
    return number + 2


def events(server, number):
    """Subscribe to the changes of the first map, whole."""
    # not before boardmaps is there
    from boardmaps.line.frame import REQUEST, encode

    assert asked(server, encode(REQUEST, 7, number, 0, b"\x40\1\0\0\0"))[0] == 0


def rare(server, number):
    """Ask for what a snapshot ends with, and make a typed map."""
    # not before boardmaps is there
    from boardmaps.line.frame import REQUEST, encode

    schema = b"level:u16,limit:u16"
    typed = b"\1" + pack("<5I", 2, 4, 4, 1, 0) + b"\0" + pack("<BH", 2, len(schema)) + schema
    for request in (b"\x38\1\0", typed):
        answer = asked(server, encode(REQUEST, 7, number, 0, request))
        assert answer[0] == 0, answer
        number += 1


class Package:
    """Stands in for boardmaps, which would import most of them all by itself."""


def by_module(names):
    """Tell what each module takes, its own imports left out; nothing of one that imports what this board lacks."""
    Package.__path__ = ROOT + "/boardmaps"
    sys.modules["boardmaps"] = Package
    for name in names:
        step()
        try:
            __import__("boardmaps." + name)
        except ImportError as missing:
            if "boardmaps" in str(missing):
                raise
            continue
        step(name, _pool() if name == "pool" else 0)


def _pool():
    """Return the bytes of the pool, if it is on the heap."""
    return 0 if sys.modules["boardmaps.settings"].built_in else POOL_SIZE


def arguments(kind):
    """Return small sizes for a map of this class, by its row of the table."""
    row = sys.modules["boardmaps.kinds"].find(2, kind)
    sizes = [256 if row[4] & 32 else 16]  # bytes of a ring, else entries
    if row[4] & 2:  # it has values
        sizes.insert(0, 8)
    if row[5] != row[6]:  # keys of any size
        sizes.insert(0, 8)
    return sizes


def by_step(kinds):
    """Tell what a program takes that has a map of each kind, and a host that watches the first."""
    step()
    # what it takes is measured here
    import boardmaps

    step("import boardmaps", _pool())
    made = []
    for kind in kinds:
        cls = getattr(boardmaps, kind)
        step(kind)
        made.append(cls(*arguments(kind)))
        step("a map: " + kind)
    line = Line()
    step()
    server = boardmaps.Server(line=line)
    step("server")
    found.append(("loaded", [name[10:] for name in sys.modules if name[:10] == "boardmaps."]))
    step()
    number = session(server)
    step("session")
    events(server, number)
    step("events")
    if RARE:
        rare(server, number + 1)
        step("rare requests")
        server.session.close()
        server._let_go()
        step("where memory ends, let go")
        found[-1] = (found[-1][0], -found[-1][1])
    boardmaps.StaticPool.reset()  # the next program is to begin as after a power-up, with nothing kept


sys.modules["boardmaps_config"] = Config
if MODULES:
    by_module(MODULES.split())
else:
    by_step(KINDS.split())
print(json.dumps(found))
